// Package typing knows who is typing where, on all nodes, for a few seconds.
//
//	gateway ──► Start, Stop ──► this node's sockets
//	                  └───────► a short Redis stream, through Watermill ──► the other nodes' sockets
//	log (a message, a member who left, a room archived) ──► each node clears for itself
//
// # Promises
//
// Nothing is stored: not in Postgres, and in Redis for as long as a few hundred others take.
//
// Ending. Whatever is lost, nobody types for longer than Config.TTL after the last sign: each node ends it by its own
// clock. It ends at once with a message of the typist in the room, with the membership and with the room,
// since every node reads these in the log; a sign that was given before and comes later is ignored.
//
// Order. What a node tells of one typist is in the order in which it learned of it.
//
// Limits. A user who is typing is told anew at most twice in each TTL; a user is told to start some times in a second
// in all rooms together, and beyond that nothing happens. What waits to be sent to other nodes is bounded.
//
// Failure. While Redis is away the users of a node see those of the same node. Nobody waits, and nothing fails.
package typing
