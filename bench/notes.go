package main

// notes say why a budget was not met on the machine of record (two virtual processors that the generator, Postgres and Redis share), and
// what was tried; by the row's work.
var notes = map[string]string{
	"fan-out, rooms of 100: server CPU for each delivery over bare's":  moreThanBare,
	"fan-out, rooms of 1000: server CPU for each delivery over bare's": moreThanBare,

	"fan-out, rooms of 100, at 30% of Node's most: delivery p99 over Node's":  writes,
	"fan-out, rooms of 1000, at 30% of Node's most: delivery p99 over Node's": writes,

	"durable sends at 1,000/s: ack p50 over Node's": oneAtATime,
	"durable sends at 1,000/s: ack p99 over Node's": oneAtATime,

	"durable sends with the rate limit in Redis on, over off": "rounds of this work differ by a fifth; over three of them it cost nothing that could be measured (before: a fifth). Tried " +
		"and kept: who sends often is counted in lots, which a node takes from Redis at once and uses up without it, and all who wait are counted by one call of a script.",

	"connections/s (handshake, JWT, join one room) over Node's": "the bare broadcaster, which checks and keeps nothing, is not four times as fast as Node " +
		"either beside this generator. Each of Parley's connections makes an event (the user came online), which is stored, published and taken in by the views. " +
		"Tried and kept: accounts and presence of all who come are read together, only the end of a presence is read, how far a room is is remembered (a quarter more " +
		"connections/s of known users; the node's CPU down by a fifth, Postgres' by a third).",

	"two nodes on one machine: deliveries/s over one node's": "what both do for each message (hear it from Redis, decode it, keep it for those who come back, encode " +
		"it) is paid twice, on processors that one node fills already. Nothing was tried beyond what makes one node cheaper.",
	"delivery p50 across nodes, more than within one": "both are tens of milliseconds at this rate: the machine is full, and the node that stored the message " +
		"tells its own sockets first.",

	"acks/s and deliveries/s in 10 rooms of 1,000 over those where there are no others": "rounds of the same work differ by more than the budget here; it was not looked into further.",

	"idle authenticated connection, resident memory each at 10,000": "the connections hold half of it: 49 MB of live heap at 10,000, no goroutine for any of them, but in 96 MB " +
		"of the heap's spans, whose gaps the coming-in left. A node that was looked at 14 s after they had come in had given back enough for 7.1 KB each, which the run did not " +
		"wait for. Tried and kept: a collection as soon as the node is quiet, small buffers of waiting readers.",
}

const (
	moreThanBare = "half of Parley's CPU is the writes that bare makes as well (2.5 of 4.9 s in a profile of rooms of 100); the rest is what it does for each message " +
		"beside them: hand it on to sockets by room, so that who comes in misses nothing (9%), views (8%), the append, the publication, the ack. Tried and kept: a few writers that go " +
		"round all sockets and join what waits (instead of a goroutine for each), pushes encoded once for all, views that gather for 50 ms and take turns."

	writes = "a delivery is a write, and a write costs 15 to 20 µs of kernel time here, whoever makes it: at this rate nothing waits that could be joined with it, and CPU for " +
		"each delivery is that of Node. A message to 1,000 members so takes both processors for 10 ms, beside the generator, which reads it 1,000 times. Tried: writers that rest for " +
		"a millisecond when there is much to write (kept; it has nothing to gather at this rate)."

	oneAtATime = "an ack waits for its own commit and for what is left of the one before, since one append at a time keeps the log without gaps, on two processors that views, publication " +
		"and five deliveries also want; with the views held back p50 was 1.9 instead of 2.9 ms and p99 11 instead of 19 ms. Tried and kept: views take turns, and gather for 50 ms instead of 20 (p90 by a quarter, " +
		"p99 by a third lower in alternating runs). A gathering of 100 ms was not much better. Pauses of 2 and 5 ms between appends took an eighth and a quarter off the node's CPU, but p50 was " +
		"up to 5 ms longer and p99 no steadier (17 to 79 ms without, 19 to 68 with 2 ms, 22 to 38 with 5 ms, in alternating runs). Node inserts on 20 connections at once and promises no order."
)
