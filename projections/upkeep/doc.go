// Package upkeep rebuilds and proves views while nodes run, when administrators ask a node for it: what `parley rebuild` and
// `parley verify` do, without a shell.
//
//	upkeep.go  what may be asked, one thing at a time
//	work.go    doing it
//	tell.go    what other nodes hear of it, by Redis
//
// # Promises
//
// One at a time. A lock in Postgres lets one job run in all nodes on a database. It ends with its node.
//
// Whoever asks. Every node shows the job and can cancel it, those that do not do it by way of Redis, about a second late.
// While Redis is away, only the node that does it.
//
// Secrets. What differs is told by its place: a view, a room, a message's id. What people say is not.
package upkeep
