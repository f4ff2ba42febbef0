// Package receipts is the view of who has read and received what, with its history, and of what everybody
// has left to read.
//
// A message costs the same in a room of ten and of ten thousand members: it moves the room's
// last number and its sender's cursor. What is unread is computed when it is asked for, from these two and
// from the deletions beyond the cursor, of which at most 1024 are looked at one by one. Mentions have a row
// for each mentioned member until they are read.
package receipts
