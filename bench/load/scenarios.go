package load

import "context"

// Run does what the options say. It returns an *OptionError for bad options. A run that was interrupted has both
// a result, of what it had found till then, and an error.
func Run(ctx context.Context, o Options) (*Result, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	f, err := newFleet(ctx, o)
	if err != nil {
		return nil, err
	}
	defer f.close()
	switch o.Scenario {
	case Connect:
		return f.connect(ctx)
	case Mixed:
		f.onMessage = func(c *client, packet []byte, _ int64) { c.seq = Member(packet, "seq") }
		return f.conversation(ctx, f.chat)
	case Reconnect:
		return f.reconnect(ctx)
	case History:
		return f.history(ctx)
	default: // Fanout, Send, Order: they differ in their defaults, and in what a closed loop waits for
		f.byDelivery = o.Scenario == Fanout && o.Rate == 0
		return f.conversation(ctx, f.talk)
	}
}

// talk has a loop's streams send from a time on: at the rate that was asked for, or as fast as answers come.
func (f *fleet) talk(l *loop, from, to int64) {
	if f.options.Rate == 0 {
		l.sending = true
		l.revive(f.streams)
		return
	}
	f.pace(l, from, to, func(own []*stream, count int64) (*stream, func(at int64)) {
		s := own[count%int64(len(own))]
		return s, s.send
	})
}

// pace has the loop's streams do something, so often in a second as was asked for. next chooses one of the loop's own,
// and what its client does.
func (f *fleet) pace(l *loop, from, to int64, next func(own []*stream, count int64) (*stream, func(at int64))) {
	var own []*stream
	for _, s := range f.streams {
		if s.sender.loop == l {
			own = append(own, s)
		}
	}
	if len(own) == 0 {
		return
	}
	interval := 1e9 / f.options.Rate * float64(len(f.streams)) / float64(len(own))
	from += int64(interval) * int64(l.index) / int64(len(f.loops)) // loops take turns
	l.pacer = &pacer{interval: interval, from: from, to: to, fire: func(count, at int64) bool {
		s, act := next(own, count)
		if s.sender.socket == nil { // it was disconnected, which is counted
			return true
		}
		if !s.ready() {
			return false
		}
		act(at)
		return true
	}}
}
