// Package bus tells every node what was committed, and lets many follow the log as it grows.
//
//	bus.go       the door: New, Run, Committed, Head, Ring, Stats
//	follow.go    Follow: the ring when recent, Postgres when behind
//	tail.go      the newest events in order, and what came too early
//	keeper.go    looks at the head, reads gaps from Postgres, notices another history
//	pages.go     how much is read at once
//	publish.go   one Watermill message for each commit
//	subscribe.go what the others publish
//	envelope.go  the message
//	payloads.go  decoding, once for all
//
// The way of a commit:
//
//	this node's store ── Committed ──┬──────────────────────────► tail ──► ring ──► followers
//	                                 └► publisher ─► Redis Stream    ▲
//	another node's ───────────────────────────────► subscriber ─────┤
//	Postgres ◄── keeper: gaps, and the head each second ─────────────┘
//
// # Promises
//
// Followers get every event, in the order of positions, each once. The tail knows the next
// position: what is older is dropped, what comes too early waits while the keeper reads the gap
// from Postgres, where everything below a visible position is committed. Nothing is ever
// reordered, whoever publishes what in which order.
//
// Redis is never the truth. Publications may be lost, repeated, trimmed, mangled; the stream may
// be flushed and Redis may be away or come back empty: followers notice no more than a delay. While
// Redis is well the head is looked at each second, so a lost last publication costs at most that; while it is
// away, or takes in nothing that is published, each 50 ms. With Redis and Postgres away followers wait.
//
// History. Postgres may be restored from a backup, or fail over to a standby that lacked the last commits,
// while this process runs. Then positions are given out again, and what is in memory never happened.
// Each look at the head, and each follower before its first event, asks whether the newest event in
// memory is still in the log; a batch with other events than the ring, or with an earlier time than what
// it would follow, is dropped and makes the keeper look at once. If the log says no, Run and
// every Follow end with ErrHistory.
//
// Publishing never holds up an append: the queue is bounded in number and bytes, and what does not fit is
// dropped and counted. A slow follower holds nobody up: it has no queue, and when it falls
// out of the ring it reads Postgres, in pages that are short while events are large.
//
// # The library
//
// Messages go through Watermill and its Redis Streams adapter, in fan-out mode. What this package does
// about the adapter's ways: Close closes the redis client, so each side has one of its own;
// an entry that cannot be read ends a subscription, so ours can always be read; read errors are retried
// in silence, so ours end the subscription, and it is made anew after whatever ended it;
// a subscription from "$" misses what is added between its reads, so ours starts at
// the id of the last entry; a publication ignores its deadline, so the client's own
// timeouts bound it; a frozen server is noticed after block time plus ten seconds,
// so our connections have a shorter deadline.
package bus
