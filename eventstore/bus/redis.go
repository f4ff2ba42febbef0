package bus

import (
	"context"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

// newClient makes a client whose every call ends within the timeout, without tries of its own.
func newClient(cfg Config) redis.UniversalClient {
	options := cfg.Redis
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = cfg.RedisTimeout, cfg.RedisTimeout, cfg.RedisTimeout
	options.PoolTimeout = cfg.RedisTimeout
	options.MaxRetries = -1
	options.DialerRetries = 1
	options.PoolSize, options.MinIdleConns = 2, 0
	options.DisableIdentity = true
	options.Dialer = impatient(&options, cfg.RedisTimeout)
	return redis.NewUniversalClient(&options)
}

// impatient dials connections that wait no longer than d for anything, a blocking read included.
func impatient(options *redis.UniversalOptions, d time.Duration) func(ctx context.Context, network, addr string) (net.Conn, error) {
	dial := options.Dialer
	if dial == nil {
		dial = redis.NewDialer(options.Simple())
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &impatientConn{Conn: conn, patience: d}, nil
	}
}

type impatientConn struct {
	net.Conn
	patience time.Duration
}

// SetReadDeadline sets t, or an earlier time.
func (c *impatientConn) SetReadDeadline(t time.Time) error {
	if latest := time.Now().Add(c.patience); t.IsZero() || t.After(latest) {
		t = latest
	}
	return c.Conn.SetReadDeadline(t)
}
