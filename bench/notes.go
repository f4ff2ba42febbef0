package main

// notes say why a budget was not met on the machine of record (two virtual processors that the generator, Postgres and Redis share), and
// what was tried; by the row's work.
var notes = map[string]string{
	"fan-out, rooms of 1000: deliveries/s over Node's": "Node's rate differs by a quarter from one whole run to the next (45,936 and 56,797/s), Parley's less (213,654 and 197,838/s, " +
		"0.82 and 0.80 of bare's): 4.41 and 3.36 times. Bare, which stores nothing, was at 4.33 times in the second.",

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
		"Tried and kept: accounts, presence and logouts of all who come are read together, only the end of a presence is read, how far a room is is remembered, one look at the " +
		"end of the log tells everybody who joins again that nothing has changed, and those who come share commits: the last two took it from 1,144/s to 1,737/s, medians of " +
		"alternating runs.",

	"two nodes on one machine: deliveries/s over one node's": twoOnOne,
	"delivery p50 across nodes, more than within one": "at this rate two nodes fill the machine (0.05 to 0.1 of two processors idle), and most of p50 is waiting for a processor; one node alone " +
		"has 29 to 52 ms at the same rate. Each socket hears something every 14 ms, so nothing waits that could be joined: a write for each delivery and a half, 11 µs of kernel time each. The way by Redis is 2 to 4.5 ms " +
		"there, 1.6 to 2 ms at 30,000 deliveries/s and 0.8 to 1.3 ms at 11,000. Tried: writers that rest for as long as a round took (nearly twice as much in each write, p50 longer by half), and that " +
		"pause for 50 and 200 µs after 32 or 8 writes, so that the network is looked at (no difference).",

	"acks/s and deliveries/s in 10 rooms of 1,000 over those where there are no others": "rounds of the same work differ by more than the budget: five alternating pairs had " +
		"0.93 in the middle, between 0.77 and 1.15. What grows is the collection of garbage, which looks at the 4,950 other connections, too: 15% of the node's CPU instead of 8%; nothing else that was " +
		"profiled does. Tried: garbage to twice instead of once what is live before it is collected (GOGC=200), always or only while that does not grow. Always, it took 3 to 13% off the CPU of a " +
		"send, for 1 KB more for each idle connection; in the other way, nothing. Neither was kept.",

	"idle authenticated connection, resident memory each at 10,000": "beside the connection a node remembers who its users are: of 90 MB of live heap at rest (in 135 MB of spans, and 22 MB of " +
		"stacks) 14 MB are the last events and whom they concern, kept for those who come back, 15 MB tokens, sessions and states of users, 6 MB the tail of the log. Tried and kept: a " +
		"collection as soon as the node is quiet, and a second one, since pools survive the first (10,000 clients: 243 to 223 MB resident, and 337 to 278 MB at most), a new goroutine with a small stack after each of the " +
		"first messages, small buffers of waiting readers. A stack does not get smaller than 4 KB while its goroutine waits.",
}

const (
	moreThanBare = "half of Parley's CPU is the writes that bare makes as well (2.5 of 4.9 s in a profile of rooms of 100); the rest is what it does for each message " +
		"beside them: hand it on to sockets by room, so that who comes in misses nothing (9%), views (8%), the append, the publication, the ack. Tried and kept: a few writers that go " +
		"round all sockets and join what waits (instead of a goroutine for each), pushes encoded once for all, views that gather for 50 ms and take turns."

	twoOnOne = "the processors are full with one node already, and two have more to do for each message (perf of the whole machine, µs of processor for a message to 100 members, two nodes against one): " +
		"writes 239 and 169, the rest of the nodes 393 and 207, Postgres 294 and 157, the generator 231 and 181. As much is joined in a write (6.6 and 7.4 deliveries), but it takes 15.5 instead of 12.5 µs, with " +
		"15,000 instead of 10,000 changes of context in a second. Each node has half of the senders, so a commit has 12 events instead of 19, and each is looked up for, since the other node was there in between; hearing of " +
		"it from Redis is 50 µs more. Where nothing else ran two nodes were at 0.62 to 0.84 of one. Tried, without a difference beyond that of rounds (15%): reading what the other published without encoding/json (2.8 instead of " +
		"5.7 µs for an event), GOGC=400, GOMAXPROCS=1 (a tenth less CPU) and 4, appends that rest for half as long as the last commit took, or as long (14 and 17 events in a commit)."

	writes = "a delivery is a write, and a write costs 15 to 20 µs of kernel time here, whoever makes it: at this rate nothing waits that could be joined with it, and CPU for " +
		"each delivery is that of Node. A message to 1,000 members so takes both processors for 10 ms, beside the generator, which reads it 1,000 times. Tried: writers that rest for " +
		"a millisecond when there is much to write (kept; it has nothing to gather at this rate)."

	oneAtATime = "an ack waits for its own commit and for what is left of the one before, since one append at a time keeps the log without gaps, on two processors that views, publication " +
		"and five deliveries also want; with the views held back p50 was 1.9 instead of 2.9 ms and p99 11 instead of 19 ms. Tried and kept: views take turns, and gather for 50 ms instead of 20 (p90 by a quarter, " +
		"p99 by a third lower in alternating runs). A gathering of 100 ms was not much better. Pauses of 2 and 5 ms between appends took an eighth and a quarter off the node's CPU, but p50 was " +
		"up to 5 ms longer and p99 no steadier (17 to 79 ms without, 19 to 68 with 2 ms, 22 to 38 with 5 ms, in alternating runs). Node inserts on 20 connections at once and promises no order."
)
