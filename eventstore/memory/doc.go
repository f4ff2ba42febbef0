// Package memory is the log without a database, for tests of what stands above it.
//
// It keeps every promise of package eventstore but durability, and passes the same suite
// (storetest). A Node is one process's door to the log; several nodes may share one log, as
// several processes share one Postgres.
//
//	log := memory.New(memory.Config{})
//	other := log.Node() // a second process on the same log
//
// Nothing has to be run or closed: a node has a goroutine only while appends are queued. A
// node answers one append after the other; while one is decided again, the node waits for it.
// OnCommit is called in commit order, before the answer.
//
// Fail makes the store behave as if Postgres were away.
package memory
