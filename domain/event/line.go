package event

import (
	"bytes"
	"encoding/json"
	"strconv"

	"parley/domain/quote"
)

// timeFormat has the digits that the log keeps, always: what was recorded at other times has the same length and
// sorts as text.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// AppendEnvelope appends the event as analysts get it: one JSON object in one line, without a line end.
// Data and metadata are the stored bytes.
func AppendEnvelope(b []byte, e *Recorded) []byte {
	b = strconv.AppendInt(append(b, `{"position":"`...), int64(e.Position), 10)
	b = e.ID.append(append(b, `","id":"`...))
	b = quote.Append(append(b, `","stream":`...), string(e.Stream))
	b = strconv.AppendInt(append(b, `,"version":`...), e.Version, 10)
	b = quote.Append(append(b, `,"type":`...), e.Type)
	b = strconv.AppendInt(append(b, `,"schemaVersion":`...), int64(e.SchemaVersion), 10)
	b = appendLine(append(b, `,"data":`...), e.Data)
	b = appendLine(append(b, `,"metadata":`...), e.Metadata)
	b = e.RecordedAt.UTC().AppendFormat(append(b, `,"recordedAt":"`...), timeFormat)
	return append(b, `"}`...)
}

// appendLine appends JSON. What Parley writes is one line; what somebody else put into the log, or an
// upgrade from elsewhere, may not be.
func appendLine(b, data []byte) []byte {
	switch {
	case len(data) == 0:
		return append(b, "null"...)
	case bytes.IndexByte(data, '\n') < 0 && bytes.IndexByte(data, '\r') < 0:
		return append(b, data...)
	}
	whole := bytes.NewBuffer(b)
	if err := json.Compact(whole, data); err != nil {
		return append(b, "null"...) // the log holds nothing but JSON
	}
	return whole.Bytes()
}
