package roster

import (
	"bytes"
	"cmp"
	"compress/flate"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"hash/maphash"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"parley/domain/wire"
)

// Config of a Roster. The zero value works.
type Config struct {
	// Node names this process among all that share the Redis.
	Node string
	// Prefix begins all keys. Zero means "parley:roster:".
	Prefix string
	// Every is the time between two turns. Zero means 5 s.
	Every time.Duration
	// Timeout bounds one call of Redis. Zero means 1 s.
	Timeout time.Duration
	// Logger hears when Redis goes away and when it is back. Zero means nobody does.
	Logger *slog.Logger
	// Now is the clock. Zero means time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	c.Prefix = cmp.Or(c.Prefix, "parley:roster:")
	c.Every = cmp.Or(c.Every, 5*time.Second)
	c.Timeout = cmp.Or(c.Timeout, time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

const (
	// parts is how many the sockets of a node are divided into, by their ids.
	parts = 256
	// turns is after how many turns that did not come a node is gone.
	turns = 4
	// maxRooms is how many rooms of a socket other nodes hear of.
	maxRooms = 10
	// queueStep is how exactly they hear what is queued.
	queueStep = 64 << 10

	fieldSum = "sum"
)

// Roster is one node's part. Make one with New; Run has to run. It is safe for concurrent use.
type Roster struct {
	cfg    Config
	client redis.UniversalClient
	live   func() []wire.Connection

	// What follows is of Run alone.
	seed maphash.Seed
	told [parts]uint64 // what Redis was told last, by its hash; 0 is nothing
	away bool
	zip  *flate.Writer // used again, since it is large
}

// New returns the roster of a node whose sockets are listed by live.
func New(client redis.UniversalClient, live func() []wire.Connection, cfg Config) *Roster {
	zip, _ := flate.NewWriter(nil, flate.BestSpeed) // fails for levels that there are not
	return &Roster{cfg: cfg.withDefaults(), client: client, live: live, seed: maphash.MakeSeed(), zip: zip}
}

// key is in the same slot as all others.
func (r *Roster) key(name string) string { return "{" + r.cfg.Prefix + "}" + name }

func (r *Roster) of(node string) string { return r.key("of:" + node) }

func (r *Roster) nodes() string { return r.key("nodes") }

// Run tells Redis what there is until ctx ends, and then that there is nothing. It returns nil.
func (r *Roster) Run(ctx context.Context) error {
	defer r.stop(ctx)
	ticks := time.NewTicker(r.cfg.Every)
	defer ticks.Stop()
	for {
		err := r.Tell(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil && !r.away:
			r.away = true
			r.cfg.Logger.WarnContext(ctx, "other nodes do not hear of the sockets here", slog.Any("error", err))
		case err == nil && r.away:
			r.away = false
			r.cfg.Logger.InfoContext(ctx, "other nodes hear of the sockets here again")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
	}
}

func (r *Roster) stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.cfg.Timeout)
	defer cancel()
	pipe := r.client.Pipeline()
	pipe.Del(ctx, r.of(r.cfg.Node))
	pipe.SRem(ctx, r.nodes(), r.cfg.Node)
	_, _ = pipe.Exec(ctx) // it lapses by itself
}

// sum is what a node says of all its sockets.
type sum struct {
	wire.ConnectionCount
	At wire.Time `json:"at"`
}

// Tell tells Redis once. Run does so; it must not be called beside it.
func (r *Roster) Tell(ctx context.Context) error {
	list := r.live()
	known, err := r.tell(ctx, list)
	if err == nil && !known { // Redis has lost it
		r.told = [parts]uint64{}
		_, err = r.tell(ctx, list)
	}
	if err != nil {
		r.told = [parts]uint64{} // nobody knows what came through
	}
	return err
}

// tell reports whether Redis knew of this node before, which is so also if it had never been told.
func (r *Roster) tell(ctx context.Context, list []wire.Connection) (known bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	total, err := json.Marshal(sum{count(list), wire.Time(r.cfg.Now())})
	if err != nil {
		return false, fmt.Errorf("encode the count of sockets: %w", err)
	}
	pipe, key, keep := r.client.Pipeline(), r.of(r.cfg.Node), turns*r.cfg.Every
	had := pipe.HExists(ctx, key, fieldSum)
	pipe.HSet(ctx, key, fieldSum, total)
	before, fresh := r.told, r.told == [parts]uint64{}
	for i, part := range divide(list) {
		now := r.fingerprint(part)
		if now == r.told[i] {
			continue
		}
		r.told[i] = now
		field := strconv.Itoa(i)
		if len(part) == 0 {
			pipe.HDel(ctx, key, field)
			continue
		}
		packed, err := r.pack(part)
		if err != nil {
			r.told = before
			return false, err
		}
		pipe.HSet(ctx, key, field, packed)
	}
	pipe.PExpire(ctx, key, keep)
	pipe.SAdd(ctx, r.nodes(), r.cfg.Node)
	pipe.PExpire(ctx, r.nodes(), keep)
	if _, err := pipe.Exec(ctx); err != nil {
		return false, fmt.Errorf("tell redis of the sockets: %w", err)
	}
	return had.Val() || fresh, nil
}

func count(list []wire.Connection) wire.ConnectionCount {
	n := wire.NewConnectionCount()
	n.Total = len(list)
	for i := range list {
		n.ByTransport[list[i].Transport]++
	}
	return n
}

// divide sorts sockets into parts by their ids, so that one that comes or goes changes one part.
func divide(list []wire.Connection) [][]*wire.Connection {
	all := make([][]*wire.Connection, parts)
	for i := range list {
		h := fnv.New32a()
		_, _ = h.Write([]byte(list[i].ID)) // never fails
		at := h.Sum32() % parts
		all[at] = append(all[at], &list[i])
	}
	for _, part := range all {
		slices.SortFunc(part, func(a, b *wire.Connection) int { return cmp.Compare(a.ID, b.ID) })
	}
	return all
}

// fingerprint tells parts apart without encoding them; that of nothing is 0.
func (r *Roster) fingerprint(part []*wire.Connection) uint64 {
	if len(part) == 0 {
		return 0
	}
	var h maphash.Hash
	h.SetSeed(r.seed)
	for _, c := range part {
		for _, s := range []string{c.ID, c.UserID, c.Transport, strconv.Itoa(c.RoomCount), strconv.Itoa(c.QueuedBytes / queueStep)} {
			_, _ = h.WriteString(s)
			_ = h.WriteByte(0)
		}
		for _, room := range c.Rooms[:min(len(c.Rooms), maxRooms)] {
			_, _ = h.WriteString(room)
			_ = h.WriteByte(0)
		}
	}
	return h.Sum64() | 1
}

func (r *Roster) pack(part []*wire.Connection) ([]byte, error) {
	short := make([]wire.Connection, len(part))
	for i, c := range part {
		short[i] = *c
		short[i].Node = ""
		short[i].Rooms = c.Rooms[:min(len(c.Rooms), maxRooms)]
		short[i].QueuedBytes = c.QueuedBytes / queueStep * queueStep
	}
	var packed bytes.Buffer
	r.zip.Reset(&packed)
	err := json.NewEncoder(r.zip).Encode(short)
	if err == nil {
		err = r.zip.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("encode sockets: %w", err)
	}
	return packed.Bytes(), nil
}

func unpack(packed, node string) ([]wire.Connection, error) {
	var list []wire.Connection
	if err := json.NewDecoder(flate.NewReader(bytes.NewReader([]byte(packed)))).Decode(&list); err != nil {
		return nil, fmt.Errorf("decode sockets: %w", err)
	}
	for i := range list {
		list[i].Node = node
	}
	return list, nil
}
