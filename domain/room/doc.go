// Package room decides about rooms and their members.
//
// A State is folded from the events of one room's stream by Evolve, which knows no rules.
// The rules are in the Decide method of each command: a pure function from the state to
// one event, to nil (there is nothing to change), or to a *domain.Error.
//
// # Rules
//
//   - Who may not see a room is told that it does not exist (ROOM_NOT_FOUND). Public rooms
//     are seen by everybody, the others by their members, all by admins.
//   - An archived room is read, not written (ROOM_ARCHIVED).
//   - Owners may do everything, moderators what the commands below say, and admins in every
//     room what its owners may.
//   - A room has an owner at all times (LAST_OWNER), but for direct rooms: their two members
//     are equal, and nothing about them changes (FORBIDDEN).
//
// A State is a value that may be shared: nothing that was folded from it changes it.
package room
