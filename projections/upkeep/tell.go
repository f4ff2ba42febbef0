package upkeep

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"parley/domain"
)

const (
	// keep is for how long other nodes remember a job that has ended.
	keep = time.Hour
	// silent is after how many turns that did not come the node of a job is gone.
	silent = 15
	// redisTimeout bounds a call of Redis.
	redisTimeout = time.Second
)

func (u *Upkeep) key(name string) string { return "{" + u.cfg.Prefix + "}" + name }

func (u *Upkeep) jobKey() string { return u.key("job") }

func (u *Upkeep) cancelKey(id string) string { return u.key("cancel:" + id) }

// tell tells other nodes until ctx ends, and hears whether somebody there wants an end to it.
func (u *Upkeep) tell(ctx context.Context) {
	ticks := time.NewTicker(u.cfg.Every)
	defer ticks.Stop()
	for {
		if u.publish(ctx) {
			u.cancelHere(u.here().ID)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

// publish tells once. Where Redis is away other nodes do not know.
func (u *Upkeep) publish(ctx context.Context) (canceled bool) {
	ctx, cancel := context.WithTimeout(ctx, redisTimeout)
	defer cancel()
	job := u.here()
	data, err := json.Marshal(job)
	if err != nil {
		u.cfg.Logger.ErrorContext(ctx, "upkeep cannot be told", "error", err)
		return false
	}
	lasts := keep
	if job.State == StateRunning {
		lasts = silent * u.cfg.Every
	}
	pipe := u.cfg.Redis.Pipeline()
	pipe.Set(ctx, u.jobKey(), data, lasts)
	asked := pipe.Exists(ctx, u.cancelKey(job.ID))
	_, err = pipe.Exec(ctx)
	return err == nil && asked.Val() > 0
}

// told is the job that was told last, by whatever node.
func (u *Upkeep) told(ctx context.Context) (job Job, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, redisTimeout)
	defer cancel()
	data, err := u.cfg.Redis.Get(ctx, u.jobKey()).Bytes()
	if err != nil {
		if !errors.Is(err, redis.Nil) {
			u.cfg.Logger.DebugContext(ctx, "upkeep of other nodes is not known", "error", err)
		}
		return Job{}, false
	}
	return job, json.Unmarshal(data, &job) == nil
}

func (u *Upkeep) askToCancel(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, redisTimeout)
	defer cancel()
	if err := u.cfg.Redis.Set(ctx, u.cancelKey(id), "1", keep).Err(); err != nil {
		return domain.Errorf(domain.CodeUnavailable, "the node of the job cannot be told")
	}
	return nil
}
