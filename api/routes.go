package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"parley/domain"
)

// Base is the path of all routes but the diagnostics.
const Base = "/api/v1"

// Access says who may use a route at all. What a caller may do with one room or
// message is decided behind it.
type Access string

// The kinds of access.
const (
	// Open takes anybody, with or without a token.
	Open Access = "open"
	// User takes every active user.
	User Access = "user"
	// Analyst takes users with the role analyst or admin.
	Analyst Access = "analyst"
	// Admin takes users with the role admin.
	Admin Access = "admin"
)

// Route is one thing that can be asked over HTTP.
type Route struct {
	Method string
	// Path has parameters as :name.
	Path   string
	Access Access
	// Views are those that a read shows, and waits for.
	Views []string

	handle func(*call) error
}

// The names of the views.
const (
	viewUsers    = "users"
	viewRooms    = "rooms"
	viewMessages = "messages"
	viewReceipts = "receipts"
	viewSearch   = "search"
	viewPresence = "presence"
)

// Routes lists every route.
func (a *API) Routes() []Route {
	list := append(a.diagnostics(), a.specRoutes()...)
	for _, group := range [][]Route{a.authRoutes(), a.userRoutes(), a.roomRoutes(), a.messageRoutes(), a.receiptRoutes(), a.presenceRoutes(), a.findRoutes(), a.replayRoutes(), a.consumerRoutes(), a.webhookRoutes()} {
		for _, r := range group {
			r.Path = Base + r.Path
			list = append(list, r)
		}
	}
	return list
}

func (a *API) diagnostics() []Route {
	return append([]Route{
		{Method: http.MethodGet, Path: "/healthz", Access: Open, handle: a.healthz},
		{Method: http.MethodGet, Path: "/readyz", Access: Open, handle: a.readyz},
	}, a.debugRoutes()...)
}

func (a *API) authRoutes() []Route {
	list := []Route{
		{Method: http.MethodGet, Path: "/auth/methods", Access: Open, handle: a.methods},
		{Method: http.MethodPost, Path: "/auth/logout", Access: Open, handle: a.logout},
	}
	if a.Accounts == nil {
		return list
	}
	return append(list,
		Route{Method: http.MethodPost, Path: "/auth/register", Access: Open, handle: a.register},
		Route{Method: http.MethodPost, Path: "/auth/login", Access: Open, handle: a.login},
		Route{Method: http.MethodPost, Path: "/auth/refresh", Access: Open, handle: a.refresh},
	)
}

func (a *API) userRoutes() []Route {
	views := []string{viewUsers}
	return []Route{
		{Method: http.MethodGet, Path: "/users/me", Access: User, Views: views, handle: a.getMe},
		{Method: http.MethodPatch, Path: "/users/me", Access: User, handle: a.patchMe},
		{Method: http.MethodGet, Path: "/users", Access: User, Views: views, handle: a.searchUsers},
		{Method: http.MethodGet, Path: "/users/:id", Access: User, Views: views, handle: a.getUser},
		{Method: http.MethodPost, Path: "/users/:id/deactivate", Access: Admin, handle: a.deactivateUser},
		{Method: http.MethodPost, Path: "/users/:id/reactivate", Access: Admin, handle: a.reactivateUser},
		{Method: http.MethodPost, Path: "/users/:id/erase", Access: Admin, handle: a.eraseUser},
	}
}

func (a *API) roomRoutes() []Route {
	views := []string{viewRooms}
	return []Route{
		{Method: http.MethodPost, Path: "/rooms", Access: User, handle: a.createRoom},
		{Method: http.MethodGet, Path: "/rooms", Access: User, Views: []string{viewRooms, viewMessages, viewReceipts}, handle: a.listRooms},
		{Method: http.MethodGet, Path: "/rooms/:id", Access: User, Views: views, handle: a.getRoom},
		{Method: http.MethodPatch, Path: "/rooms/:id", Access: User, handle: a.updateRoom},
		{Method: http.MethodDelete, Path: "/rooms/:id", Access: User, handle: a.archiveRoom},
		{Method: http.MethodGet, Path: "/rooms/:id/members", Access: User, Views: views, handle: a.listMembers},
		{Method: http.MethodPut, Path: "/rooms/:id/members/:userId", Access: User, handle: a.putMember},
		{Method: http.MethodDelete, Path: "/rooms/:id/members/:userId", Access: User, handle: a.deleteMember},
	}
}

func (a *API) messageRoutes() []Route {
	views := []string{viewMessages}
	return []Route{
		{Method: http.MethodGet, Path: "/rooms/:id/messages", Access: User, Views: views, handle: a.listMessages},
		{Method: http.MethodPost, Path: "/rooms/:id/messages", Access: User, handle: a.sendMessage},
		{Method: http.MethodGet, Path: "/rooms/:id/messages/:mid", Access: User, Views: views, handle: a.getMessage},
		{Method: http.MethodPatch, Path: "/rooms/:id/messages/:mid", Access: User, handle: a.editMessage},
		{Method: http.MethodDelete, Path: "/rooms/:id/messages/:mid", Access: User, handle: a.deleteMessage},
		{Method: http.MethodGet, Path: "/rooms/:id/messages/:mid/replies", Access: User, Views: views, handle: a.listReplies},
		{Method: http.MethodGet, Path: "/rooms/:id/messages/:mid/revisions", Access: User, handle: a.listRevisions},
		{Method: http.MethodPut, Path: "/rooms/:id/messages/:mid/reactions/:emoji", Access: User, handle: a.putReaction},
		{Method: http.MethodDelete, Path: "/rooms/:id/messages/:mid/reactions/:emoji", Access: User, handle: a.deleteReaction},
		{Method: http.MethodPut, Path: "/rooms/:id/messages/:mid/pin", Access: User, handle: a.putPin},
		{Method: http.MethodDelete, Path: "/rooms/:id/messages/:mid/pin", Access: User, handle: a.deletePin},
		{Method: http.MethodGet, Path: "/messages/:id/trace", Access: Analyst, handle: a.traceMessage},
	}
}

func (a *API) receiptRoutes() []Route {
	views := []string{viewReceipts}
	return []Route{
		{Method: http.MethodGet, Path: "/rooms/:id/receipts", Access: User, Views: views, handle: a.listReceipts},
		{Method: http.MethodPut, Path: "/rooms/:id/read", Access: User, handle: a.markRead},
		{Method: http.MethodGet, Path: "/rooms/:id/messages/:mid/readers", Access: User, Views: []string{viewMessages, viewReceipts}, handle: a.listReaders},
		{Method: http.MethodGet, Path: "/unread", Access: User, Views: views, handle: a.listUnread},
	}
}

func (a *API) presenceRoutes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/presence", Access: User, Views: []string{viewPresence}, handle: a.listPresence},
		{Method: http.MethodGet, Path: "/rooms/:id/presence", Access: User, Views: []string{viewRooms, viewPresence}, handle: a.listRoomPresence},
	}
}

func (a *API) findRoutes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/search", Access: User, Views: []string{viewSearch, viewMessages, viewRooms}, handle: a.findMessages},
		{Method: http.MethodGet, Path: "/sync", Access: User, handle: a.sync},
	}
}

// mount is the only place that adds routes, so that each has an Access.
func (a *API) mount() {
	a.echo.Use(a.begin, a.logged, a.problems, a.recovered, secured, a.cors(), a.bounded)
	for _, r := range a.Routes() {
		a.echo.Add(r.Method, r.Path, func(c echo.Context) error { return a.serve(callOf(c), r) })
	}
}

// serve lets the caller through to a route's handler.
func (a *API) serve(c *call, r Route) error {
	c.route = r.Method + " " + r.Path
	if r.Access != Open {
		if err := a.authenticate(c); err != nil {
			return err
		}
	}
	if r.Access == Admin && !c.actor.IsAdmin() || r.Access == Analyst && !c.actor.Has(domain.RoleAnalyst) {
		return errForbidden()
	}
	if len(r.Views) > 0 {
		if err := a.await(c, r.Views); err != nil {
			return err
		}
	}
	return r.handle(c)
}
