package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"parley/api/replay"
	"parley/domain/event"
)

// resumeFile cuts off what was not written to its end, and lets the request go on after the last event in the file. It
// is done when the file has as many events as were asked for.
func resumeFile(file *os.File, r *replay.Request) (done bool, err error) {
	end, last, err := lastEvent(file, r.Format)
	if err != nil {
		return false, err
	}
	if r.Limit > 0 {
		count, err := countEvents(io.NewSectionReader(file, 0, end), terminator(r.Format))
		if err != nil {
			return false, err
		}
		if r.Limit -= count; r.Limit <= 0 {
			return true, nil
		}
	}
	if err := file.Truncate(end); err != nil {
		return false, fmt.Errorf("cut off what was not finished: %w", err)
	}
	if _, err := file.Seek(end, io.SeekStart); err != nil {
		return false, err
	}
	r.From = max(r.From, last+1)
	return r.To > 0 && r.From > r.To, nil
}

// terminator ends each event in a file.
func terminator(f replay.Format) []byte {
	if f == replay.SSE {
		return []byte("\n\n")
	}
	return []byte("\n")
}

// resumeWindow is how far back the last event is looked for, at first.
const resumeWindow = 64 << 10

// lastEvent finds the last whole event of a file: where it ends and its position; 0 and 0 when there is none.
func lastEvent(file *os.File, format replay.Format) (end int64, position event.Position, err error) {
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, 0, err
	}
	separator := terminator(format)
	for window := int64(resumeWindow); ; window *= 4 {
		start := max(0, size-window)
		tail := make([]byte, size-start)
		if _, err := file.ReadAt(tail, start); err != nil && !errors.Is(err, io.EOF) {
			return 0, 0, err
		}
		last := bytes.LastIndex(tail, separator)
		before := -1
		if last >= 0 {
			before = bytes.LastIndex(tail[:last], separator)
		}
		switch {
		case last >= 0 && (before >= 0 || start == 0):
			from := 0
			if before >= 0 {
				from = before + len(separator)
			}
			position, err := positionOf(tail[from:last])
			return start + int64(last+len(separator)), position, err
		case start == 0:
			return 0, 0, nil
		}
	}
}

var errNoReplay = errors.New("the file does not end with an event: it is no replay in this format")

// positionOf reads the position of an envelope, with or without the frame of a server-sent event.
func positionOf(text []byte) (event.Position, error) {
	if _, data, found := bytes.Cut(text, []byte("\ndata: ")); found {
		text = data
	}
	var e struct {
		Position event.Position `json:"position"`
	}
	if err := json.Unmarshal(text, &e); err != nil || e.Position == 0 {
		return 0, errNoReplay
	}
	return e.Position, nil
}

// countEvents counts what separator ends.
func countEvents(r io.Reader, separator []byte) (int64, error) {
	var count int64
	buf := make([]byte, resumeWindow)
	for {
		n, err := r.Read(buf)
		count += int64(bytes.Count(buf[:n], separator[:1]))
		if errors.Is(err, io.EOF) {
			return count / int64(linesPerEvent(separator)), nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// linesPerEvent: a server-sent event is its id, its data and an empty line.
func linesPerEvent(separator []byte) int {
	if len(separator) == 2 {
		return 3
	}
	return 1
}
