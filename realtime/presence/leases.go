package presence

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed renew.lua
var renewSource string

// errDoubt says that it is not known who is where.
var errDoubt = errors.New("presence: not every node has said who is there")

// leases are the sets of users in Redis.
type leases struct {
	cfg    Config
	client redis.UniversalClient
	script *redis.Script
	// kept is how long a node that is gone still counts, so that a grace longer than a lease is kept.
	kept time.Duration
}

func newLeases(client redis.UniversalClient, cfg Config) *leases {
	return &leases{
		cfg: cfg, client: client, script: redis.NewScript(renewSource), kept: max(cfg.Grace-cfg.Lease, 0),
	}
}

// key is in the same slot as all others.
func (l *leases) key(name string) string { return "{" + l.cfg.Prefix + "}" + name }

func (l *leases) of(node string) string { return l.key("of:" + node) }

func (l *leases) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, l.cfg.Timeout)
}

// renewal is what Redis knew before.
type renewal struct {
	known bool // this node
	users bool // any of its users
	dead  int  // nodes that have gone, and whose users nobody else will look after
}

func (l *leases) renew(ctx context.Context) (renewal, error) {
	ctx, cancel := l.bounded(ctx)
	defer cancel()
	n, err := l.script.Run(ctx, l.client, []string{l.key("nodes"), l.key("hold"), l.of(l.cfg.Node)},
		l.cfg.Node, l.cfg.Lease.Milliseconds(), l.cfg.TTL.Milliseconds(), l.kept.Milliseconds()).Int64Slice()
	if err == nil && len(n) != 3 {
		err = fmt.Errorf("%d numbers instead of 3", len(n))
	}
	if err != nil {
		return renewal{}, fmt.Errorf("renew the lease of this node: %w", err)
	}
	return renewal{known: n[0] == 1, users: n[1] == 1, dead: int(n[2])}, nil
}

// add says that users are here.
func (l *leases) add(ctx context.Context, users []string) error {
	ctx, cancel := l.bounded(ctx)
	defer cancel()
	pipe := l.client.Pipeline()
	pipe.SAdd(ctx, l.of(l.cfg.Node), anys(users)...)
	pipe.PExpire(ctx, l.of(l.cfg.Node), l.cfg.TTL)
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("say who is here: %w", err)
	}
	return nil
}

// gone returns those of the users who are nowhere; left says that they are not on this node any more. It fails
// with errDoubt when it cannot be told.
func (l *leases) gone(ctx context.Context, users []string, left bool) ([]string, error) {
	ctx, cancel := l.bounded(ctx)
	defer cancel()
	nodes, err := l.nodes(ctx, users, left)
	if err != nil {
		return nil, err
	}
	pipe := l.client.Pipeline()
	answers := make([]*redis.BoolSliceCmd, len(nodes))
	for i, node := range nodes {
		answers[i] = pipe.SMIsMember(ctx, l.of(node), anys(users)...)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("ask who is where: %w", err)
	}
	var gone []string
	for i, user := range users {
		if !slices.ContainsFunc(answers, func(a *redis.BoolSliceCmd) bool { return a.Val()[i] }) {
			gone = append(gone, user)
		}
	}
	return gone, nil
}

// nodes are those that count. If the users have left this node, that is said before.
func (l *leases) nodes(ctx context.Context, users []string, left bool) ([]string, error) {
	pipe := l.client.Pipeline()
	if left {
		pipe.SRem(ctx, l.of(l.cfg.Node), anys(users)...)
	}
	now := pipe.Time(ctx)
	hold := pipe.Exists(ctx, l.key("hold"))
	all := pipe.ZRangeWithScores(ctx, l.key("nodes"), 0, -1)
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("ask which nodes there are: %w", err)
	}
	dead := float64(now.Val().Add(-l.kept).UnixMilli())
	var nodes []string
	for _, z := range all.Val() {
		if name, ok := z.Member.(string); ok && z.Score >= dead {
			nodes = append(nodes, name)
		}
	}
	if hold.Val() != 0 || !slices.Contains(nodes, l.cfg.Node) {
		return nil, errDoubt
	}
	return nodes, nil
}

// mayLook is true for one node in each Config.Look.
func (l *leases) mayLook(ctx context.Context) (bool, error) {
	ctx, cancel := l.bounded(ctx)
	defer cancel()
	err := l.client.SetArgs(ctx, l.key("look"), strconv.Quote(l.cfg.Node), redis.SetArgs{Mode: "NX", TTL: l.cfg.Look}).Err()
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	return err == nil, err
}

func anys(list []string) []any {
	all := make([]any, len(list))
	for i, s := range list {
		all[i] = s
	}
	return all
}
