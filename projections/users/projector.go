package users

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/domain/event"
	"parley/projections"
)

// Projector writes the view.
type Projector struct{ register, change string }

// NewProjector writes the tables of a schema; "" stands for projections.DefaultSchema.
func NewProjector(schema string) *Projector {
	return &Projector{register: projections.In(schema, registerSQL), change: projections.In(schema, changeSQL)}
}

// Name is the view's.
func (*Projector) Name() string { return "users" }

// Tables are the view's.
func (*Projector) Tables() []string { return []string{"users"} }

// Apply folds the batch to one change for each user and writes them in one round trip.
func (p *Projector) Apply(ctx context.Context, tx pgx.Tx, batch []event.Recorded) error {
	f := fold{users: map[string]*change{}}
	if err := projections.Each(batch, []string{event.CategoryUser}, f.add); err != nil {
		return err
	}
	registered, changed := f.split()
	var writes pgx.Batch
	if len(registered) > 0 {
		writes.Queue(p.register, arrays(registered)...)
	}
	if len(changed) > 0 {
		writes.Queue(p.change, arrays(changed)...)
	}
	if writes.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, &writes).Close(); err != nil {
		return fmt.Errorf("write users: %w", err)
	}
	return nil
}

// change is what a batch does to one user; what is nil stays.
type change struct {
	id                        string
	position                  event.Position
	registeredAt              *time.Time
	username, name, avatarURL *string
	active                    *bool
}

type fold struct{ users map[string]*change }

func (f fold) add(r event.Recorded, e event.Event) error {
	c := f.of(r.Stream.Key())
	c.position = r.Position
	switch e := e.(type) {
	case event.UserRegistered:
		c.registeredAt, c.active = &r.RecordedAt, new(true)
		c.username, c.name, c.avatarURL = &e.Username, &e.DisplayName, &e.AvatarURL
	case event.UserProfileChanged:
		c.username, c.name, c.avatarURL = &e.Username, &e.DisplayName, &e.AvatarURL
	case event.UserDeactivated:
		c.active = new(false)
	case event.UserReactivated:
		c.active = new(true)
	case event.UserErased:
		c.active = new(false)
		c.username, c.name, c.avatarURL = new(""), new(""), new("")
	default:
		return projections.Unhandled(e)
	}
	return nil
}

func (f fold) of(id string) *change {
	c, ok := f.users[id]
	if !ok {
		c = &change{id: id}
		f.users[id] = c
	}
	return c
}

// split parts new users from those that are there, each by position.
func (f fold) split() (registered, changed []*change) {
	for _, c := range f.users {
		if c.registeredAt != nil {
			registered = append(registered, c)
		} else {
			changed = append(changed, c)
		}
	}
	byPosition := func(a, b *change) int { return int(a.position - b.position) }
	slices.SortFunc(registered, byPosition)
	slices.SortFunc(changed, byPosition)
	return registered, changed
}

// arrays are the parameters of both statements: a column each.
func arrays(list []*change) []any {
	n := len(list)
	var (
		ids                   = make([]string, n)
		positions             = make([]int64, n)
		registered            = make([]*time.Time, n)
		active                = make([]*bool, n)
		usernames, keys       = make([]*string, n), make([]*string, n)
		names, nameKeys, urls = make([]*string, n), make([]*string, n), make([]*string, n)
	)
	for i, c := range list {
		ids[i], positions[i], registered[i], active[i] = c.id, int64(c.position), c.registeredAt, c.active
		usernames[i], keys[i], names[i], nameKeys[i], urls[i] = c.username, key(c.username), c.name, key(c.name), c.avatarURL
	}
	return []any{ids, positions, registered, active, usernames, keys, names, nameKeys, urls}
}

func key(s *string) *string {
	if s == nil {
		return nil
	}
	folded := projections.Fold(*s)
	return &folded
}

const changes = `unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::boolean[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
  AS c (id, position, registered_at, active, username, username_key, display_name, name_key, avatar_url)`

// The positions make a repetition do nothing.
const registerSQL = `
INSERT INTO views.users AS u (id, position, registered_at, active, username, username_key, display_name, name_key, avatar_url)
SELECT * FROM ` + changes + `
ON CONFLICT (id) DO UPDATE SET
  position = excluded.position, registered_at = excluded.registered_at, active = excluded.active,
  username = excluded.username, username_key = excluded.username_key,
  display_name = excluded.display_name, name_key = excluded.name_key, avatar_url = excluded.avatar_url
WHERE u.position < excluded.position`

const changeSQL = `
UPDATE views.users AS u SET
  position = c.position, active = coalesce(c.active, u.active),
  username = coalesce(c.username, u.username), username_key = coalesce(c.username_key, u.username_key),
  display_name = coalesce(c.display_name, u.display_name), name_key = coalesce(c.name_key, u.name_key),
  avatar_url = coalesce(c.avatar_url, u.avatar_url)
FROM ` + changes + `
WHERE u.id = c.id AND u.position < c.position`
