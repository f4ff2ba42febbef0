package main

import (
	"context"
	"fmt"
	"time"
)

// warmup is how long a load runs before it counts.
const warmup = time.Second

// work is something that the generator of load does with servers.
type work struct {
	scenario string   // where it belongs
	name     string   // for people
	load     string   // the scenario of `parley bench`
	flags    []string // and its flags
}

// timed is work of so many clients in rooms of a size, for the usual time.
func (b *bench) timed(scenario, name, load string, clients, roomSize int, flags ...string) work {
	return work{scenario, name, load, append([]string{
		flagOf("clients", clients), flagOf("room-size", roomSize), flagOf("warmup", warmup), flagOf("duration", b.duration),
	}, flags...)}
}

// do runs work against the processes of a server and notes what came out.
func (b *bench) do(ctx context.Context, w work, who string, servers ...*server) (*result, error) {
	r, err := b.generate(ctx, w.load, servers, w.flags...)
	if err != nil {
		return nil, fmt.Errorf("%s, %s: %w", w.name, who, err)
	}
	b.journal.note(w.scenario, w.name, who, r)
	return r, nil
}

// fleet is one server of each kind.
type fleet map[string]*server

func (b *bench) startFleet(ctx context.Context, names ...string) (fleet, error) {
	f := fleet{}
	for _, name := range names {
		s, err := b.startPeer(ctx, name)
		if err != nil {
			f.stop()
			return nil, fmt.Errorf("start %s: %w", name, err)
		}
		f[name] = s
	}
	return f, nil
}

func (f fleet) stop() {
	for _, s := range f {
		s.stop()
	}
}
