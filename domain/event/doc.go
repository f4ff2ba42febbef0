// Package event is the vocabulary of the log: what a fact looks like, where it is
// filed, and the bytes it is stored as.
//
// A fact has one Go type, one wire name and one current schema version:
//
//	RoomCreated … UserErased  payloads (the "data" of the envelope), a file per subject
//	Event                     the sealed set of all of them
//	New                       a fact on its way into the log
//	Recorded                  a fact in the log: positions, version and time are known
//	Stream                    where it is filed; Category is the part before the first dash
//
// # Promises
//
// Wire names and stored bytes never change: renaming a Go type changes nothing, and the
// golden files in testdata prove it. A payload that must change gets a new schema
// version and an upcaster here; stored events are upcast when they are decoded and never
// rewritten (but for erasure).
//
// # Numbers
//
// Position is global, gapless from 1, and its order is commit order. Version is gapless
// from 1 in its stream. Seq counts the messages of a stream: a MessageSent carries its own
// number (gapless from 1 among the messages of a room), any other event carries the number of messages
// sent before it. It follows from the log alone (count the MessageSent events).
package event
