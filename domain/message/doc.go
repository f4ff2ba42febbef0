// Package message decides about messages.
//
// A State is the room, and the one message that is asked about. Evolve folds it from
// events of both streams and knows no rules. The rules are in the Decide method of each
// command: a pure function from the state to one event, to nil (there is nothing to
// change), or to a *domain.Error.
//
// # Rules
//
//   - Only members write, and nobody in an archived room.
//   - Authors edit and delete their own messages while they are members; moderators, owners
//     and admins delete any.
//   - What was deleted is neither edited nor answered nor marked nor deleted again (MESSAGE_DELETED).
//   - Members react, each with an emoji once. Doing it again, or undoing what was not done, is no error
//     and no event.
//   - Moderators, owners and admins pin; in a direct room both.
//   - A message of another room does not exist (MESSAGE_NOT_FOUND).
package message
