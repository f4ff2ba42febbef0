package upkeep

import (
	"context"
	"crypto/rand"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"parley/domain"
	"parley/projections"
	"parley/projections/verify"
)

// Kind is what a job does.
type Kind string

// The kinds.
const (
	KindRebuild Kind = "rebuild"
	KindVerify  Kind = "verify"
)

// State is how far it is.
type State string

// The states.
const (
	StateRunning  State = "running"
	StateDone     State = "done"
	StateFailed   State = "failed"
	StateCanceled State = "canceled"
)

// Finding is how a view compares with the log.
type Finding string

// The findings.
const (
	FindingSame      Finding = "same"
	FindingDifferent Finding = "different"
	// FindingUnknown is of a view that was behind when it was replaced, so that there was nothing to compare with.
	FindingUnknown Finding = "unknown"
)

// Job is a rebuild or a proof.
type Job struct {
	ID   string `json:"id"`
	Kind Kind   `json:"kind"`
	// View is that of a rebuild.
	View string `json:"view,omitempty"`
	// Sample is how many rooms and users a proof looks at, 0 for all.
	Sample int `json:"sample,omitempty"`
	// By is the user who asked for it, Node the one that does it.
	By    string `json:"by"`
	Node  string `json:"node"`
	State State  `json:"state"`

	StartedAt time.Time  `json:"startedAt"`
	EndedAt   *time.Time `json:"endedAt,omitempty"`
	// Done of Total events are read. Total is 0 where nobody knows, as with a sample.
	Done  int64 `json:"done"`
	Total int64 `json:"total"`
	// Compared is how many rooms and users a proof has looked at.
	Compared int64 `json:"compared,omitempty"`

	// Finding is there at the end.
	Finding Finding `json:"finding,omitempty"`
	// Differences is how many there are; a rebuild looks at ten for each table at most. Examples names the first ones of a proof.
	Differences int64        `json:"differences"`
	Examples    []Difference `json:"examples,omitempty"`
	Error       string       `json:"error,omitempty"`
}

// Difference is where a view is not what the log says.
type Difference struct {
	View string `json:"view"`
	What string `json:"what"`
}

// maxExamples bounds those that are named.
const maxExamples = 50

// MaxSample bounds a sample.
const MaxSample = 10_000

// Log is what views are made from.
type Log interface {
	projections.RebuildLog
	verify.Log
}

// Config of an Upkeep.
type Config struct {
	Pool *pgxpool.Pool
	Log  Log
	// Views makes each view that there is, for a schema.
	Views []func(schema string) projections.Projector
	// Redis tells other nodes, under names that begin with Prefix.
	Redis  redis.UniversalClient
	Prefix string
	// Node names this process.
	Node string
	// Every is how often other nodes are told. Zero means 1 s.
	Every  time.Duration
	Logger *slog.Logger
}

// Upkeep does what is asked for. Make one with New; Run has to run. It is safe for concurrent use.
type Upkeep struct {
	cfg      Config
	verifier *verify.Verifier
	tasks    chan *task

	mu     sync.Mutex
	job    Job // the last one of this node; its ID is "" if there was none
	cancel context.CancelCauseFunc
}

// New makes one.
func New(cfg Config) *Upkeep {
	if cfg.Every <= 0 {
		cfg.Every = time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Upkeep{cfg: cfg, verifier: verify.New(cfg.Pool, cfg.Log), tasks: make(chan *task)}
}

// Run does what is asked for until ctx ends; what is under way then is canceled. It returns nil.
func (u *Upkeep) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case t := <-u.tasks:
			u.work(ctx, t)
		}
	}
}

// Rebuild makes a view anew. CONFLICT while anything is under way.
func (u *Upkeep) Rebuild(ctx context.Context, by domain.Principal, view string) (Job, error) {
	i := slices.IndexFunc(u.cfg.Views, func(build func(string) projections.Projector) bool { return build("").Name() == view })
	if i < 0 {
		return Job{}, domain.Errorf(domain.CodeUnknownEvent, "there is no such view")
	}
	return u.start(ctx, Job{Kind: KindRebuild, View: view, By: by.UserID}, func(ctx context.Context) error {
		return u.rebuild(ctx, u.cfg.Views[i])
	})
}

// Verify proves the views, or those of as many rooms and users as sample says, picked at random; 0 is all. CONFLICT while
// anything is under way.
func (u *Upkeep) Verify(ctx context.Context, by domain.Principal, sample int) (Job, error) {
	if sample < 0 || sample > MaxSample {
		return Job{}, domain.Invalid("sample", "must be 0 to 10000")
	}
	return u.start(ctx, Job{Kind: KindVerify, Sample: sample, By: by.UserID}, func(ctx context.Context) error {
		return u.verify(ctx, sample)
	})
}

// task is a job before it is done.
type task struct {
	job    Job
	do     func(context.Context) error
	unlock func()
	// begun is closed once everybody can see the job.
	begun chan struct{}
}

func (u *Upkeep) start(ctx context.Context, job Job, do func(context.Context) error) (Job, error) {
	unlock, err := u.lock(ctx)
	if err != nil {
		return Job{}, err
	}
	head, err := u.cfg.Log.Head(ctx)
	if err != nil {
		unlock()
		return Job{}, err
	}
	job.ID, job.Node, job.State, job.StartedAt = rand.Text(), u.cfg.Node, StateRunning, time.Now().UTC()
	if job.Sample == 0 {
		job.Total = int64(head)
	}
	t := &task{job, do, unlock, make(chan struct{})}
	select {
	case u.tasks <- t: // Run takes one at a time, and this is the only one
		<-t.begun
		return job, nil
	case <-ctx.Done():
		unlock()
		return Job{}, domain.Errorf(domain.CodeUnavailable, "this node stops")
	}
}

// Last is the job that is under way in any node, or the last one of the last hour; false if there is none.
func (u *Upkeep) Last(ctx context.Context) (Job, bool) {
	here := u.here()
	if here.State == StateRunning {
		return here, true
	}
	there, ok := u.told(ctx)
	if ok && there.StartedAt.After(here.StartedAt) {
		return there, true
	}
	return here, here.ID != ""
}

// Cancel ends the job with this id, wherever it is. It does not wait.
func (u *Upkeep) Cancel(ctx context.Context, id string) error {
	job, ok := u.Last(ctx)
	if !ok || job.ID != id || job.State != StateRunning {
		return domain.Errorf(domain.CodeConflict, "there is no such job under way")
	}
	if job.Node == u.cfg.Node {
		u.cancelHere(id)
		return nil
	}
	return u.askToCancel(ctx, id)
}

func (u *Upkeep) here() Job {
	u.mu.Lock()
	defer u.mu.Unlock()
	job := u.job
	job.Examples = slices.Clone(job.Examples)
	return job
}

// change changes the job under way.
func (u *Upkeep) change(do func(*Job)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	do(&u.job)
}

func (u *Upkeep) cancelHere(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.job.ID == id && u.cancel != nil {
		u.cancel(errCanceled)
	}
}
