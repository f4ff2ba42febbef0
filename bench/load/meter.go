package load

import (
	"sync"
	"time"
)

// meter measures what the servers and the generator use: memory from its making to finish, processor time from begin
// to end.
type meter struct {
	options *Options
	began   []usage
	ownAt   time.Duration

	own       time.Duration
	processes []Process
	most      int64

	stop    chan struct{}
	running sync.WaitGroup
}

// sampleMemory is how often the memory is looked at.
const sampleMemory = 100 * time.Millisecond

func newMeter(o *Options) (*meter, error) {
	started, err := o.usage()
	if err != nil {
		return nil, err
	}
	m := &meter{options: o, began: started, most: resident(started), stop: make(chan struct{})}
	if len(o.PIDs) > 0 {
		m.processes = make([]Process, len(o.PIDs))
		for i, pid := range o.PIDs {
			m.processes[i] = Process{PID: pid, Name: processName(pid), RSSBefore: started[i].rss, RSSMost: started[i].rss}
		}
		m.running.Go(m.watch)
	}
	return m, nil
}

// watch looks at the memory now and then. Only it writes the most, until finish.
func (m *meter) watch() {
	tick := time.NewTicker(sampleMemory)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if now, err := m.options.usage(); err == nil {
				m.note(now)
			}
		case <-m.stop:
			return
		}
	}
}

func (m *meter) note(now []usage) {
	m.most = max(m.most, resident(now))
	for i, u := range now {
		m.processes[i].RSSMost = max(m.processes[i].RSSMost, u.rss)
	}
}

// begin begins the stretch whose processor time is measured.
func (m *meter) begin() error {
	now, err := m.options.usage()
	m.began, m.ownAt = now, ownTime()
	return err
}

// end ends the stretch. There may be more than one.
func (m *meter) end() error {
	m.own += ownTime() - m.ownAt
	now, err := m.options.usage()
	if err != nil {
		return err
	}
	for i := range m.processes {
		m.processes[i].CPUSeconds += (now[i].cpu - m.began[i].cpu).Seconds()
	}
	return nil
}

// finish ends the watch. It may be called more than once.
func (m *meter) finish() {
	select {
	case <-m.stop:
		return
	default:
	}
	close(m.stop)
	m.running.Wait()
	if now, err := m.options.usage(); err == nil && len(now) > 0 {
		m.note(now)
		for i, u := range now {
			m.processes[i].RSSAfter = u.rss
		}
	}
}
