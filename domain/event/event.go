package event

// Event is a fact. The set is sealed: everything the log may hold is declared in this
// package, and a switch over it can be complete.
//
//sumtype:decl
type Event interface {
	// Type is the wire name. It never changes.
	Type() string
	// Stream is where the fact is filed.
	Stream() Stream

	isEvent()
}

// The wire names. An analyst's queries and every stored event depend on these bytes.
const (
	TypeUserRegistered     = "UserRegistered"
	TypeUserProfileChanged = "UserProfileChanged"
	TypeUserDeactivated    = "UserDeactivated"
	TypeUserReactivated    = "UserReactivated"
	TypeUserErased         = "UserErased"

	TypeRoomCreated       = "RoomCreated"
	TypeRoomUpdated       = "RoomUpdated"
	TypeRoomArchived      = "RoomArchived"
	TypeMemberJoined      = "MemberJoined"
	TypeMemberLeft        = "MemberLeft"
	TypeMemberRemoved     = "MemberRemoved"
	TypeMemberRoleChanged = "MemberRoleChanged"

	TypeMessageSent    = "MessageSent"
	TypeMessageEdited  = "MessageEdited"
	TypeMessageDeleted = "MessageDeleted"

	TypeReactionAdded   = "ReactionAdded"
	TypeReactionRemoved = "ReactionRemoved"
	TypeMessagePinned   = "MessagePinned"
	TypeMessageUnpinned = "MessageUnpinned"

	TypeMessagesRead      = "MessagesRead"
	TypeMessagesDelivered = "MessagesDelivered"

	TypeUserCameOnline      = "UserCameOnline"
	TypeUserPresenceChanged = "UserPresenceChanged"
	TypeUserWentOffline     = "UserWentOffline"
)

// Types lists every wire name.
func Types() []string {
	return []string{
		TypeUserRegistered, TypeUserProfileChanged, TypeUserDeactivated, TypeUserReactivated, TypeUserErased,
		TypeRoomCreated, TypeRoomUpdated, TypeRoomArchived,
		TypeMemberJoined, TypeMemberLeft, TypeMemberRemoved, TypeMemberRoleChanged,
		TypeMessageSent, TypeMessageEdited, TypeMessageDeleted,
		TypeReactionAdded, TypeReactionRemoved, TypeMessagePinned, TypeMessageUnpinned,
		TypeMessagesRead, TypeMessagesDelivered,
		TypeUserCameOnline, TypeUserPresenceChanged, TypeUserWentOffline,
	}
}
