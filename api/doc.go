// Package api is the REST door: HTTP requests to commands and views, and their answers.
//
//	api.go       New: what it stands on, and its settings
//	routes.go    every route, who may use it, and which views it reads
//	pipeline.go  what every request goes through, outermost first
//	problem.go   errors as RFC 9457 problems: the one table of codes and statuses
//	auth_*.go users.go rooms.go members.go messages.go marks.go receipts.go   the handlers
//	history.go   rooms as they were
//	trace.go     the way of a message
//	search.go    what was said, by its words
//	sync.go      what one could have heard over a socket
//	debug_*.go   what goes on inside, for admins
//	health.go    is this node alive, is it ready
//	api/auth     who is at the door
//
//	request ─► id ─► log ─► recover ─► problem ─► headers, CORS ─► timeout ─► token ─► wait for views ─► handler
//
// # Promises
//
// Rules. There is none here: a write is a command, and the same command that a socket asks
// for. What may be read is asked of the write side (commands.Directory), which knows of a removal
// before any view does. For pages of messages and receipts the node asks its own memory, and the
// statement that reads the page says, from the same snapshot, whether the room has changed in the log
// since: then the log is asked. A private room that the caller may not see is answered like one that
// does not exist.
//
// Read your writes. A write answers with the header Parley-Position, a read with that
// of the view it shows: all events up to it are in the answer. A read with
// Parley-Min-Position waits until the views are there, 2 s at the most, then 503 STALE.
// What is known of a single user or room may be newer than the header says, never older.
//
// Errors. Every error is application/problem+json with a code of the wire contract. What
// happened inside is logged with the request's id, once, and is not in the answer.
//
// Limits. A body is at most Config.MaxBody; a request takes at most Config.Timeout; a
// page holds at most 200 items. Slow readers and headers are for the http.Server's timeouts.
//
// Every request has a correlation id: X-Request-Id when the client sends a sane one, and
// the same in the answer, in the log and in the metadata of what it stores.
package api
