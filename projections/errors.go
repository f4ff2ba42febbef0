package projections

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// transient reports whether the same statement may succeed later: Postgres is away, is
// shutting down or starting, is out of something, or chose this transaction to lose.
func transient(err error) bool {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return transientState(pgErr.Code)
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	return pgconn.SafeToRetry(err) || pgconn.Timeout(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, pgx.ErrTxClosed)
}

// transientState reads the class of an SQLSTATE (appendix A of the Postgres manual).
func transientState(code string) bool {
	for _, class := range []string{
		"08",    // connection exception
		"25006", // a standby: read only until it is promoted
		"40",    // rollback: deadlock, serialization
		"53",    // out of disk, memory, connections
		"55P03", // lock not available
		"57",    // shutdown, restart, cancelled
		"58",    // I/O error
	} {
		if strings.HasPrefix(code, class) {
			return true
		}
	}
	return false
}
