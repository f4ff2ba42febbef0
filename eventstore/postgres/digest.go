package postgres

import (
	"parley/domain/event"
	"parley/eventstore/chain"
)

// digests are those of an event's data and metadata: most of what its hash costs. Whoever appends makes them, many at a time
// on all cores; the appender, for which all wait, makes the links alone.
type digests struct{ data, metadata chain.Hash }

func appendDigests(list []digests, events []event.New) []digests {
	for i := range events {
		list = append(list, digests{chain.Digest(events[i].Data), chain.Digest(events[i].Metadata)})
	}
	return list
}

func (d *digests) link(e *event.Recorded) chain.Link {
	return chain.Link{Event: e, Data: d.data, Metadata: d.metadata}
}
