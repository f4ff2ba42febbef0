package gateway

import "sync/atomic"

// Stats is how a gateway is doing. The counts are of its whole life.
type Stats struct {
	// Opening clients are being let in.
	Opening int
	// Fresh counts clients that were let in and did not come back. Those that did are in Ring, told from memory what
	// they had missed; in Log, told from the log; or in Resync, told that they have to read anew.
	Fresh, Ring, Log, Resync uint64
}

type counts struct{ fresh, ring, log, resync atomic.Uint64 }

func (c *counts) enter(a *arrival) {
	switch {
	case !a.back:
		c.fresh.Add(1)
	case a.lost:
		c.resync.Add(1)
	case a.gap != nil && a.gap.FromLog():
		c.log.Add(1)
	default:
		c.ring.Add(1)
	}
}

// Stats is a snapshot for diagnostics.
func (g *Gateway) Stats() Stats {
	c := &g.counts
	return Stats{
		Opening: len(g.opening), Fresh: c.fresh.Load(), Ring: c.ring.Load(), Log: c.log.Load(), Resync: c.resync.Load(),
	}
}

// Names lists the commands that Metrics may hear of, with "connect" and "unknown".
func (g *Gateway) Names() []string {
	names := []string{connectName, unknownName}
	for name, e := range g.table {
		if name == e.name {
			names = append(names, name)
		}
	}
	return names
}
