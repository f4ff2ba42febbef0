// Package projectiontest tests views: a log to follow, histories to apply, and the rules
// that every projector must keep. It is for tests alone.
//
//	Log      an eventstore.Follower over events that a test adds
//	History  a random but valid past of users, rooms and messages
//	Suite    what any projector must do
//	State    a client's picture: fetched once, then kept by pushes
package projectiontest
