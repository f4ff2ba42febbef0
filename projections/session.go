package projections

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/domain/event"
)

// session is the connection that holds a view's lock and writes the view: the two
// cannot be parted. Its methods take turns.
type session struct {
	timeout time.Duration
	turn    sync.Mutex
	conn    *pgx.Conn
}

var errLost = errors.New("connection lost")

// closeTimeout bounds the goodbye to a server that may not be listening any more.
const closeTimeout = time.Second

func openSession(ctx context.Context, config *pgx.ConnConfig, timeout time.Duration) (*session, error) {
	maps.Copy(config.RuntimeParams, map[string]string{
		"application_name": "parley views",
		// A view is made again from the log, which is durable: its own commits need not wait for the disk.
		"synchronous_commit": "off",
		// The server frees the lock of a node that has vanished or frozen.
		"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "3", "tcp_keepalives_count": "3",
		"idle_in_transaction_session_timeout": strconv.FormatInt(timeout.Milliseconds(), 10),
	})
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &session{timeout: timeout, conn: conn}, nil
}

func (s *session) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_ = s.conn.Close(ctx) // it may be broken, which is why it is closed
}

// tryLock asks for a view's lock and reads its checkpoint, which is made if there is none. Once
// the lock is held nobody else moves the checkpoint.
func (s *session) tryLock(ctx context.Context, schema, name string) (locked bool, position event.Position, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if err = s.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", lockKey(schema, name)).Scan(&locked); err != nil {
		return false, 0, err
	}
	if _, err = s.conn.Exec(ctx, In(schema, "INSERT INTO views.checkpoints (name) VALUES ($1) ON CONFLICT DO NOTHING"), name); err != nil {
		return false, 0, err
	}
	err = s.conn.QueryRow(ctx, In(schema, "SELECT position FROM views.checkpoints WHERE name = $1"), name).Scan((*int64)(&position))
	return locked, position, err
}

// lockKey is the same on every node. Advisory locks belong to the database, so its name need not be in it.
func lockKey(schema, name string) int64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "parley view %d:%s.%s", len(schema), schema, name) // never fails
	return int64(h.Sum64())
}

// transact runs one transaction. errLost says that the connection, and so the lock, is gone.
func (s *session) transact(ctx context.Context, do func(context.Context, pgx.Tx) error) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	err := pgx.BeginFunc(ctx, s.conn, func(tx pgx.Tx) error { return do(ctx, tx) })
	if err != nil && s.conn.IsClosed() {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	return err
}

// watch returns an error when the connection is lost, nil when ctx ends.
func (s *session) watch(ctx context.Context, every time.Duration) error {
	for pause(ctx, every) {
		if err := s.ping(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

func (s *session) ping(ctx context.Context) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return s.conn.Ping(ctx)
}
