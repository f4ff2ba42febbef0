package event_test

import (
	"time"

	"parley/domain/event"
)

// nasty is content with what escapers, terminals and databases stumble over: markup, quotes,
// emoji of several code points, both directions, line separators, and control characters.
const nasty = "<b>&\"'\\/</b>\n\t\u0001\u007f 👩‍👩‍👧‍👦 שלום \u2028\u2029 é"

const messageID = "01890000-0000-7000-8000-000000000001"

func moment() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC) }

// samples has one event of every type, each field set.
func samples() map[string]event.Event {
	room := event.Room{
		RoomID: "r-1", Name: "Tea & <biscuits>", RoomType: event.RoomPublic, Topic: nasty,
		CreatedBy: "ann", CreatedAt: moment(), MemberCount: 3,
	}
	message := event.Message{
		RoomID: "r-1", MessageID: messageID, Content: nasty,
		Sender:      event.Sender{ID: "ann", Username: "Ann", DisplayName: "Ann <3", AvatarURL: "https://x.test/a.png?b=1&c=2"},
		Attachments: []event.Attachment{{URL: "https://x.test/f?a=1&b=2", Name: "<f>.png", ContentType: "image/png", Size: 1 << 53}},
		ReplyTo:     "01890000-0000-7000-8000-000000000002", Mentions: []string{"mia", "mod"}, ClientMessageID: "c-1 👍",
	}
	list := []event.Event{
		event.UserRegistered{UserID: "ann", Username: "Ann", DisplayName: nasty, AvatarURL: "https://x.test/a.png?b=1&c=2"},
		event.UserProfileChanged{UserID: "ann", Username: "Ann", DisplayName: "", AvatarURL: ""},
		event.UserDeactivated{UserID: "ann", By: "root"},
		event.UserReactivated{UserID: "ann", By: ""},
		event.UserErased{UserID: "ann", By: "root"},
		event.RoomCreated{
			RoomID: "r-1", Name: "Tea & <biscuits>", RoomType: event.RoomPrivate, Topic: nasty, CreatedBy: "ann",
			Members: []event.Member{{UserID: "ann", Username: "Ann", Role: event.RoleOwner}, {UserID: "mia", Username: "Mia 🦊", Role: event.RoleMember}},
		},
		event.RoomUpdated{Room: room, By: "ann"},
		event.RoomArchived{Room: room, By: "root"},
		event.MemberJoined{RoomID: "r-1", UserID: "mia", Username: "Mia", Role: event.RoleModerator, By: "ann"},
		event.MemberLeft{RoomID: "r-1", UserID: "mia", Username: "Mia"},
		event.MemberRemoved{RoomID: "r-1", UserID: "mia", Username: "Mia", By: "ann", Reason: "spam & <eggs>"},
		event.MemberRoleChanged{RoomID: "r-1", UserID: "mia", Username: "Mia", Role: event.RoleOwner, JoinedAt: moment(), By: "ann"},
		event.MessageSent{Message: message},
		event.MessageEdited{Message: message, Seq: 7, SentAt: moment()},
		event.MessageDeleted{RoomID: "r-1", MessageID: messageID, Seq: 7, Author: "ann", By: "mod"},
		event.ReactionAdded{Reaction: event.Reaction{
			RoomID: "r-1", MessageID: messageID, Seq: 7, Emoji: "👩‍👩‍👧‍👦", UserID: "ann",
			After: &event.Marks{Reactions: map[string][]string{"👩‍👩‍👧‍👦": {"mia", "ann"}, "<3": {"mod"}}, Pinned: true},
		}},
		event.ReactionRemoved{Reaction: event.Reaction{RoomID: "r-1", MessageID: messageID, Seq: 7, Emoji: "+1", UserID: "ann"}},
		event.MessagePinned{Pin: event.Pin{RoomID: "r-1", MessageID: messageID, Seq: 7, By: "mod"}},
		event.MessagesRead{
			Receipt:     event.Receipt{RoomID: "r-1", UserID: "ann", Seq: 7, MessageID: messageID, ReadSeq: 7, DeliveredSeq: 9},
			UnreadCount: 3, MentionCount: 1,
		},
		event.MessagesDelivered{Receipt: event.Receipt{RoomID: "r-1", UserID: "ann", Seq: 7, MessageID: messageID, ReadSeq: 5, DeliveredSeq: 7}},
		event.UserCameOnline{Presence: event.Presence{UserID: "ann", Status: event.StatusBusy, Text: nasty}},
		event.UserPresenceChanged{Presence: event.Presence{UserID: "ann", Status: event.StatusInvisible, Text: "<3", Unseen: true}},
		event.UserWentOffline{UserID: "ann", Unseen: true},
		event.MessageUnpinned{Pin: event.Pin{RoomID: "r-1", MessageID: messageID, Seq: 7, By: "ann"}},
	}
	byType := make(map[string]event.Event, len(list))
	for _, e := range list {
		byType[e.Type()] = e
	}
	return byType
}
