package load

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Names of the scenarios.
const (
	Connect   = "connect"
	Fanout    = "fanout"
	Send      = "send"
	Mixed     = "mixed"
	Reconnect = "reconnect"
	History   = "history"
	Order     = "order"
)

// Options are what to do. Zero values stand for the scenario's defaults.
type Options struct {
	Scenario string

	// URLs are the servers: http://host:port. Clients use them in turn.
	URLs []string
	// Door is DoorSocketIO or DoorPlain.
	Door string
	// Path is where Socket.IO is served.
	Path string
	// Secret signs the clients' tokens with HS256; Issuer and Audience are their claims, if not empty.
	Secret, Issuer, Audience string
	// Sources are the local addresses to connect from, in turn.
	Sources []string

	// Clients are in rooms of RoomSize, in each of which so many are Senders.
	Clients, RoomSize, Senders int
	// Outstanding messages of each sender, without Rate.
	Outstanding int
	// Rate is how many messages are sent in a second by all senders, whatever becomes of them; 0 is the closed loop.
	Rate float64
	// Size is the length of a message's content in bytes.
	Size int

	// Warmup is not measured, Duration is; Drain is how long to wait for what is due then.
	Warmup, Duration, Drain time.Duration
	// Concurrency is how many connections are opened at once, and by history how many are used.
	Concurrency int
	// Threads are the event loops.
	Threads int

	// Name is in the names of all users and rooms, so that runs do not meet; the default is a random one. A Known name is
	// that of an earlier run with as many clients and rooms: they are members already, and need not be made so.
	Name  string
	Known bool

	// PIDs are the processes whose CPU time and memory are measured.
	PIDs []int
	// At are numbers of connections to measure the memory at.
	At []int
	// Settle is for how long memory has to stay the same before it is believed.
	Settle time.Duration
	// Missed is how many messages each client misses.
	Missed int
	// Messages are in each room that History reads, in pages of Page.
	Messages, Page int

	// Progress is told how far the run is, about once a second.
	Progress func(Progress)
}

// Progress is how far a run is.
type Progress struct {
	Phase      string
	Done, Of   float64 // connections, seconds, …: what Unit says
	Unit       string
	Deliveries float64 // in a second, since the last time
	Acks       float64
}

// OptionError is what is wrong with options.
type OptionError struct{ Option, Problem string }

func (e *OptionError) Error() string { return "--" + e.Option + " " + e.Problem }

// defaults are what the scenarios differ in.
type defaults struct{ clients, roomSize, senders, outstanding, concurrency int }

func scenarioDefaults() map[string]defaults {
	return map[string]defaults{
		Connect:   {2000, 100, 1, 1, 64},
		Fanout:    {1000, 100, 1, 8, 64},
		Send:      {200, 5, 5, 1, 64},
		Mixed:     {1000, 20, 20, 1, 64},
		Reconnect: {1000, 50, 1, 8, 64},
		History:   {10, 2, 1, 8, 8},
		Order:     {10, 10, 1, 8, 64},
	}
}

// Scenarios are their names, in the order in which they are told of.
func Scenarios() []string {
	return []string{Connect, Fanout, Send, Mixed, Reconnect, History, Order}
}

// complete fills in the defaults.
func (o Options) complete() (Options, error) {
	d, ok := scenarioDefaults()[o.Scenario]
	if !ok {
		return o, fmt.Errorf("no scenario %q; there are %s", o.Scenario, strings.Join(Scenarios(), ", "))
	}
	orDefault(&o.URLs, len(o.URLs) == 0, []string{"http://localhost:3001"})
	orDefault(&o.Door, o.Door == "", DoorSocketIO)
	orDefault(&o.Path, o.Path == "", "/socket.io")
	orDefault(&o.Name, o.Name == "", randomName())
	orDefault(&o.RoomSize, o.RoomSize == 0, d.roomSize)
	orDefault(&o.Clients, o.Clients == 0, max(d.clients, o.RoomSize))
	if o.Scenario == Send || o.Scenario == Mixed {
		d.senders = o.RoomSize // all
	}
	orDefault(&o.Senders, o.Senders == 0, d.senders)
	orDefault(&o.Outstanding, o.Outstanding == 0, d.outstanding)
	if o.Scenario == Mixed {
		orDefault(&o.Rate, o.Rate == 0, float64(o.Clients))
	}
	orDefault(&o.Size, o.Size == 0, 100)
	orDefault(&o.Duration, o.Duration == 0, 10*time.Second)
	orDefault(&o.Drain, o.Drain == 0, 10*time.Second)
	orDefault(&o.Settle, o.Settle == 0, 2*time.Second)
	orDefault(&o.Concurrency, o.Concurrency == 0, d.concurrency)
	orDefault(&o.Threads, o.Threads == 0, defaultThreads())
	orDefault(&o.At, len(o.At) == 0, []int{o.Clients})
	orDefault(&o.Missed, o.Missed == 0, 50)
	orDefault(&o.Messages, o.Messages == 0, 1000)
	orDefault(&o.Page, o.Page == 0, 50)
	orDefault(&o.Progress, o.Progress == nil, func(Progress) {})
	return o, o.check()
}

func orDefault[T any](value *T, missing bool, standard T) {
	if missing {
		*value = standard
	}
}

var validName = regexp.MustCompile(`^[A-Za-z0-9-]{1,40}$`)

// Limits of a run.
const (
	maxClients  = 200_000
	maxThreads  = 64
	maxSize     = 1 << 20
	maxInFlight = 1000
	maxRate     = 1e6
	maxTime     = 24 * time.Hour
	maxMessages = 1_000_000
)

func (o *Options) check() error {
	for _, c := range []struct {
		option   string
		value    float64
		min, max float64
	}{
		{"clients", float64(o.Clients), 1, maxClients},
		{"room-size", float64(o.RoomSize), 1, float64(o.Clients)},
		{"senders", float64(o.Senders), 1, float64(o.RoomSize)},
		{"outstanding", float64(o.Outstanding), 1, maxInFlight},
		{"rate", o.Rate, 0, maxRate},
		{"size", float64(o.Size), float64(markSize), maxSize},
		{"duration", o.Duration.Seconds(), 0.1, maxTime.Seconds()},
		{"warmup", o.Warmup.Seconds(), 0, maxTime.Seconds()},
		{"drain", o.Drain.Seconds(), 0.1, maxTime.Seconds()},
		{"settle", o.Settle.Seconds(), 2, 30},
		{"concurrency", float64(o.Concurrency), 1, maxClients},
		{"threads", float64(o.Threads), 1, maxThreads},
		{"missed", float64(o.Missed), 1, maxMessages},
		{"messages", float64(o.Messages), 1, maxMessages},
		{"page", float64(o.Page), 1, 200},
	} {
		if c.value < c.min || c.value > c.max {
			return &OptionError{c.option, fmt.Sprintf("must be %v to %v, not %v", c.min, c.max, c.value)}
		}
	}
	if o.Clients%o.RoomSize != 0 {
		return &OptionError{"clients", fmt.Sprintf("must be a multiple of --room-size: %d is none of %d", o.Clients, o.RoomSize)}
	}
	if paced := slices.Contains([]string{Fanout, Send, Mixed, Order}, o.Scenario); o.Rate > 0 && !paced {
		return &OptionError{"rate", "means nothing to " + o.Scenario}
	}
	return o.checkWhere()
}

func (o *Options) checkWhere() error {
	if doorNamed(o.Door, o.Path) == nil {
		return &OptionError{"door", fmt.Sprintf("must be %s or %s, not %q", DoorSocketIO, DoorPlain, o.Door)}
	}
	if !strings.HasPrefix(o.Path, "/") {
		return &OptionError{"path", "must begin with /"}
	}
	if o.Secret == "" {
		return &OptionError{"jwt-secret", "or JWT_SECRET is required: the generator makes the clients' tokens"}
	}
	for _, text := range o.URLs {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" {
			return &OptionError{"url", fmt.Sprintf("must be like http://host:port, not %q", text)}
		}
	}
	if !validName.MatchString(o.Name) {
		return &OptionError{"name", fmt.Sprintf("must be 1 to 40 letters, digits and hyphens, not %q", o.Name)}
	}
	for _, source := range o.Sources {
		if net.ParseIP(source) == nil {
			return &OptionError{"source", fmt.Sprintf("must be an IP address, not %q", source)}
		}
	}
	if !slices.IsSorted(o.At) || o.At[0] < 1 || o.At[len(o.At)-1] > o.Clients {
		return &OptionError{"at", "must be ascending numbers from 1 to --clients"}
	}
	return nil
}
