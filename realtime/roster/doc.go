// Package roster tells administrators of the sockets of all nodes, without asking the other nodes.
//
// Each node writes what it has into Redis, every few seconds and as far as it has changed, into one hash with a field for
// each part of its sockets:
//
//	{parley:…:roster:}nodes      a set of nodes
//	{parley:…:roster:}of:node-a  "sum" → how many, "0" … "255" → the sockets of that part, compressed
//
// # Promises
//
// Freshness. The sockets of the own node are as they are now, those of others as they were Config.Every ago at most. A
// node that has gone is gone from here after four times that, or at once if it stopped in good order.
//
// Loss. Redis may be emptied: every node writes everything anew at its next turn. While Redis is away only the own
// node is known, and the answer says so. No command and no socket ever waits for any of this.
//
// Cost. Nothing for each push or command. For 10,000 sockets a turn takes some 10 ms of one processor, 30 ms if ten of them
// have come or gone in each second since (BenchmarkTell), and writes the 256th part of them for each that has.
//
// Limits. Of other nodes' sockets ten rooms are named, and what is queued is known in steps of 64 KiB. A page is bounded by
// what is asked for. Nothing that was said and no token is in here: ids of sockets, users and rooms, and times.
package roster
