// Package eventstore is the log: one durable, gapless order of everything that happened.
//
// This package holds what the rest of the system may rely on; the parts that keep it are
// below it:
//
//	eventstore           the contract: Append, Condition, Reader, Log; who may expect what
//	eventstore/postgres  the log in one Postgres table, with group commit
//	eventstore/memory    its twin for tests of what stands above
//	eventstore/bus       Watermill on Redis Streams: wake-up and fan-out, never the truth
//	eventstore/chain     the hashes that tie each event to all before it
//	eventstore/erasure   takes what is of a person out of the past
//	eventstore/storetest the suite that every store passes
//	eventstore/testenv   real servers for tests
//
// # Promises
//
// Order. Positions are assigned under one lock that is held until the commit, so position
// order is commit order, positions are gapless from 1, and a reader that has seen position
// N has every event up to N: nothing can appear below it later.
//
// Atomicity. The events of one Append are stored together or not at all. Appends that are
// committed together (group commit) do not affect each other: one that fails its
// conditions gets its own answer.
//
// Durability. An answer without error means that Postgres has flushed the commit. An error
// of code UNAVAILABLE means that it was not stored, or that nobody can tell (the
// connection broke during COMMIT): a repetition with the same event ids tells, since ids
// make appends idempotent.
//
// Loss. Nothing in Redis is needed to rebuild anything. A subscriber that misses a
// publication sees the gap in the positions and reads it from Postgres.
package eventstore
