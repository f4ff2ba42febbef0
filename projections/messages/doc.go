// Package messages is the view of what was said: one row for each message, by room and
// seq. A page costs the same in a room of a hundred and of a hundred million messages.
//
// A deletion takes content and attachments out of the row and leaves the rest as a tombstone.
package messages
