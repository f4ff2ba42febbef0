// Package rooms is the view of rooms and of who is in them.
//
// A room's row also says how far its messages are (last seq) and when it was last active.
// The last message itself is kept by parley/projections/messages and joined when it is asked for, so
// that edits, deletions and whatever else happens to a message are written once.
package rooms
