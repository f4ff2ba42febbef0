// Package admission limits the live connections of one client address across all nodes.
//
// Each node knows its own connections; that count, kept in memory, is the truth about the node.
// Redis holds what every node last told about an address, a hash with a field for each node:
//
//	parley:admission:192.0.2.7  →  node-a "3:1790000000000"  node-b "1:1790000004000"
//
// A field is a lease: the count, and when it lapses by the clock of Redis. One script for one
// key drops what has lapsed, adds up the others, and grants as many new connections as fit.
//
// # Promises
//
// Exactness. While Redis answers, the nodes together admit limit connections of an address. A
// node sends its whole count and never a difference, so a command that was lost or repeated
// does no harm, and one worker sends all of them, so a newer count is never overtaken by an
// older one. What Redis forgets (FLUSHALL, a failover) it hears again within a third of a lease.
//
// Endings. Whoever closes a connection waits for nothing; Redis hears of it right after. A
// client that closes here and connects elsewhere in the same millisecond may still be counted
// twice. A node that stops gives back all it holds; one that is killed, when its leases lapse.
//
// Without Redis. When an answer takes longer than Config.Wait, the count of the own node
// decides alone. Nobody waits for Redis then until it answers again, which is tried each
// Config.Retry; first of all it then hears every count anew.
//
// Cost. A connection costs one round trip, shared by all that come meanwhile, and a share of
// one more when it ends. An address at its limit on one node costs that node none. Idle
// connections cost one command for each address and renewal.
//
// Privacy. No address is ever logged.
package admission
