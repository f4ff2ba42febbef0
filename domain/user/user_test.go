package user_test

import (
	"testing"

	"parley/domain"
	"parley/domain/domaintest"
	"parley/domain/event"
	"parley/domain/user"
)

var (
	admin    = domain.Principal{UserID: "root", Roles: []domain.Role{domain.RoleAdmin}}
	analyst  = domain.Principal{UserID: "ana", Roles: []domain.Role{domain.RoleAnalyst}}
	ordinary = domain.Principal{UserID: "bob"}

	ada         = event.UserRegistered{UserID: "ada", Username: "ada", DisplayName: "Ada", AvatarURL: "https://x.test/a.png"}
	deactivated = event.UserDeactivated{UserID: "ada", By: "root"}
	reactivated = event.UserReactivated{UserID: "ada", By: "root"}
	erased      = event.UserErased{UserID: "ada", By: "root"}
)

func TestDecide(t *testing.T) {
	t.Parallel()
	domaintest.Run(t, user.Evolve, []domaintest.Case[user.State]{
		{
			Name: "a new user registers",
			When: user.Register{UserID: "ada", Username: "ada", DisplayName: "Ada", AvatarURL: "https://x.test/a.png"},
			Then: ada,
		},
		{
			Name: "who gives no name to show is shown by the username",
			When: user.Register{UserID: "ada", Username: "ada"},
			Then: event.UserRegistered{UserID: "ada", Username: "ada", DisplayName: "ada"},
		},
		{
			Name:  "who takes the name to show away is shown by the username",
			Given: []event.Event{ada}, When: user.ChangeProfile{DisplayName: new("")},
			Then: event.UserProfileChanged{UserID: "ada", Username: "ada", DisplayName: "ada", AvatarURL: "https://x.test/a.png"},
		},
		{
			Name:  "registering again changes nothing, whatever it says",
			Given: []event.Event{ada}, When: user.Register{UserID: "ada", Username: "other"}, Unchanged: true,
		},
		{
			Name:  "registering does not bring a deactivated account back",
			Given: []event.Event{ada, deactivated}, When: user.Register{UserID: "ada", Username: "ada"}, Unchanged: true,
		},
		{
			Name:  "a profile changes where it is told to",
			Given: []event.Event{ada}, When: user.ChangeProfile{DisplayName: new("Countess")},
			Then: event.UserProfileChanged{UserID: "ada", Username: "ada", DisplayName: "Countess", AvatarURL: "https://x.test/a.png"},
		},
		{
			Name:  "an avatar can be taken away",
			Given: []event.Event{ada}, When: user.ChangeProfile{AvatarURL: new("")},
			Then: event.UserProfileChanged{UserID: "ada", Username: "ada", DisplayName: "Ada"},
		},
		{
			Name:  "the same profile changes nothing",
			Given: []event.Event{ada}, When: user.ChangeProfile{DisplayName: new("Ada")}, Unchanged: true,
		},
		{
			Name: "who does not exist has no profile",
			When: user.ChangeProfile{DisplayName: new("x")}, Refused: domain.CodeInvalidUser,
		},
		{
			Name:  "who was deactivated can do nothing",
			Given: []event.Event{ada, deactivated}, When: user.ChangeProfile{DisplayName: new("x")}, Refused: domain.CodeInvalidUser,
		},
		{
			Name:  "who was let in again can",
			Given: []event.Event{ada, deactivated, reactivated}, When: user.ChangeProfile{DisplayName: new("Ada"), AvatarURL: new("")},
			Then: event.UserProfileChanged{UserID: "ada", Username: "ada", DisplayName: "Ada"},
		},
		{Name: "an admin deactivates", Given: []event.Event{ada}, When: user.Deactivate{By: admin}, Then: deactivated},
		{Name: "deactivating twice changes nothing", Given: []event.Event{ada, deactivated}, When: user.Deactivate{By: admin}, Unchanged: true},
		{Name: "an admin reactivates", Given: []event.Event{ada, deactivated}, When: user.Reactivate{By: admin}, Then: reactivated},
		{Name: "reactivating an active account changes nothing", Given: []event.Event{ada}, When: user.Reactivate{By: admin}, Unchanged: true},
		{Name: "an ordinary user deactivates nobody", Given: []event.Event{ada}, When: user.Deactivate{By: ordinary}, Refused: domain.CodeForbidden},
		{Name: "an analyst is no admin", Given: []event.Event{ada}, When: user.Reactivate{By: analyst}, Refused: domain.CodeForbidden},
		{Name: "an admin erases", Given: []event.Event{ada}, When: user.Erase{By: admin}, Then: erased},
		{Name: "and who was deactivated", Given: []event.Event{ada, deactivated}, When: user.Erase{By: admin}, Then: erased},
		{Name: "erasing twice changes nothing", Given: []event.Event{ada, erased}, When: user.Erase{By: admin}, Unchanged: true},
		{Name: "an ordinary user erases nobody", Given: []event.Event{ada}, When: user.Erase{By: ordinary}, Refused: domain.CodeForbidden},
		{Name: "nobody can be erased who does not exist", When: user.Erase{By: admin}, Refused: domain.CodeInvalidUser},
		{Name: "who was erased does not come back", Given: []event.Event{ada, erased}, When: user.Reactivate{By: admin}, Refused: domain.CodeInvalidUser},
		{Name: "nor by registering", Given: []event.Event{ada, erased}, When: user.Register{UserID: "ada", Username: "ada"}, Unchanged: true},
		{Name: "who was erased can do nothing", Given: []event.Event{ada, erased}, When: user.ChangeProfile{DisplayName: new("x")}, Refused: domain.CodeInvalidUser},
		{Name: "nobody can be deactivated who does not exist", When: user.Deactivate{By: admin}, Refused: domain.CodeInvalidUser},
	})
}
