package roster

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"parley/domain"
	"parley/domain/wire"
)

// List lists sockets of all nodes, by node and id. It fails with INVALID_PAYLOAD for a cursor that it has not given. While
// Redis is away it knows those of this node.
func (r *Roster) List(ctx context.Context, q wire.ConnectionQuery) (wire.Connections, error) {
	fromNode, fromID := "", ""
	if q.After != "" {
		var ok bool
		if fromNode, fromID, ok = strings.Cut(q.After, "/"); !ok {
			return wire.Connections{}, domain.Invalid("cursor", "is not one that a list has given")
		}
	}
	own := r.live()
	nodes, err := r.others(ctx)
	answer := wire.Connections{
		ConnectionCount: wire.NewConnectionCount(), Connections: []wire.Connection{}, Complete: err == nil,
	}
	nodes = append(nodes, wire.NodeConnections{
		Node: r.cfg.Node, ConnectionCount: count(own), SeenAt: wire.Time(r.cfg.Now()),
	})
	slices.SortFunc(nodes, func(a, b wire.NodeConnections) int { return cmp.Compare(a.Node, b.Node) })
	for _, n := range nodes {
		answer.Add(n.ConnectionCount)
	}
	answer.Nodes = nodes
	for _, n := range nodes {
		if n.Node < fromNode || q.Node != "" && q.Node != n.Node {
			continue
		}
		list := own
		if n.Node != r.cfg.Node {
			if list, err = r.read(ctx, n.Node); err != nil {
				answer.Complete = false
				continue
			}
		}
		list = slices.DeleteFunc(list, func(c wire.Connection) bool {
			return !q.Wants(c) || n.Node == fromNode && c.ID <= fromID
		})
		slices.SortFunc(list, func(a, b wire.Connection) int { return cmp.Compare(a.ID, b.ID) })
		free := max(q.Limit, 1) - len(answer.Connections)
		if len(list) > free {
			answer.Connections = append(answer.Connections, list[:free]...)
			last := answer.Connections[len(answer.Connections)-1]
			answer.NextCursor = last.Node + "/" + last.ID
			break
		}
		answer.Connections = append(answer.Connections, list...)
	}
	return answer, nil
}

// others are the other nodes, and how many sockets they have.
func (r *Roster) others(ctx context.Context) ([]wire.NodeConnections, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	names, err := r.client.SMembers(ctx, r.nodes()).Result()
	if err != nil {
		return nil, fmt.Errorf("read the nodes: %w", err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == r.cfg.Node })
	if len(names) == 0 {
		return nil, nil
	}
	pipe := r.client.Pipeline()
	sums := make([]*redis.StringCmd, len(names))
	for i, name := range names {
		sums[i] = pipe.HGet(ctx, r.of(name), fieldSum)
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("read how many sockets there are: %w", err)
	}
	var nodes []wire.NodeConnections
	for i, name := range names {
		text, err := sums[i].Bytes()
		if errors.Is(err, redis.Nil) {
			r.client.SRem(ctx, r.nodes(), name) // it has gone; if this fails somebody else will
			continue
		}
		var s sum
		if err == nil {
			err = json.Unmarshal(text, &s)
		}
		if err != nil {
			return nil, fmt.Errorf("read how many sockets node %s has: %w", name, err)
		}
		nodes = append(nodes, wire.NodeConnections{Node: name, ConnectionCount: s.ConnectionCount, SeenAt: s.At})
	}
	return nodes, nil
}

// read is what another node has said of its sockets.
func (r *Roster) read(ctx context.Context, node string) ([]wire.Connection, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	fields, err := r.client.HGetAll(ctx, r.of(node)).Result()
	if err != nil {
		return nil, fmt.Errorf("read the sockets of node %s: %w", node, err)
	}
	var list []wire.Connection
	for field, packed := range fields {
		if field == fieldSum {
			continue
		}
		part, err := unpack(packed, node)
		if err != nil {
			return nil, err
		}
		list = append(list, part...)
	}
	return list, nil
}
