package event

import "slices"

// Selection is a part of the log: the events between two positions, of some types, streams and categories.
type Selection struct {
	// After and UpTo bound the positions: after the one, up to the other and with it.
	After, UpTo Position
	// Types, Streams and Categories name what is wanted; none means all. An event must fit each of the
	// three.
	Types      []string
	Streams    []Stream
	Categories []string
}

// Categories lists every category.
func Categories() []string {
	return []string{CategoryUser, CategoryRoom, CategoryMessages, CategoryReceipts, CategoryPresence}
}

// Wants reports whether the event is of a type, stream and category that is wanted, wherever it is.
func (s *Selection) Wants(e *Recorded) bool {
	return (len(s.Types) == 0 || slices.Contains(s.Types, e.Type)) &&
		(len(s.Streams) == 0 || slices.Contains(s.Streams, e.Stream)) &&
		(len(s.Categories) == 0 || slices.Contains(s.Categories, e.Stream.Category()))
}

// All reports whether every event between the positions is wanted.
func (s *Selection) All() bool {
	return len(s.Types) == 0 && len(s.Streams) == 0 && len(s.Categories) == 0
}
