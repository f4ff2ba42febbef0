package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"parley/domain/erase"
	"parley/domain/event"
	"parley/eventstore/chain"
)

// ChainError says where the log is not what was recorded.
type ChainError struct {
	// Position is the first one that is wrong.
	Position event.Position
	Problem  string
}

// Error names the position.
func (e *ChainError) Error() string { return fmt.Sprintf("position %d: %s", e.Position, e.Problem) }

// ChainHead is a position, and the hash of everything up to it.
type ChainHead struct {
	Position event.Position
	Hash     chain.Hash
}

const (
	sqlChainHead = `SELECT position, hash FROM log.events ORDER BY position DESC LIMIT 1`

	// A row that was blanked for several people comes several times.
	sqlLinks = `
SELECT ` + columns + `, hash, by_position, data_digest, metadata_digest, left_digest
FROM (SELECT ` + columns + `, hash FROM log.events WHERE position > $1 ORDER BY position LIMIT $2) e
LEFT JOIN (SELECT position AS at, by_position, data_digest, metadata_digest, left_digest FROM log.erased WHERE position > $1) x ON x.at = e.position
ORDER BY e.position, by_position`

	// provePage bounds what a proof holds in memory, in events.
	provePage = 1000
)

// ChainHead is the end of the log and the hash that stands there, as it is stored. The zero ChainHead is that of an empty log.
func (s *Store) ChainHead(ctx context.Context) (head ChainHead, err error) {
	err = s.read(ctx, "read the last hash", func(ctx context.Context) error {
		var hash []byte
		err := s.pool.QueryRow(ctx, sqlChainHead).Scan((*int64)(&head.Position), &hash)
		copy(head.Hash[:], hash)
		return optional(err)
	})
	return head, err
}

// ProveChain reads the log from its beginning and computes every hash again, in pages. It returns the last position and hash,
// or a *ChainError for the first event that is missing or not what was recorded. reached is told how far it is and may stop
// it; nil is not told.
func (s *Store) ProveChain(ctx context.Context, reached func(ChainHead) error) (ChainHead, error) {
	p := proof{log: s, asked: map[event.Position]string{}}
	for {
		page, err := s.links(ctx, p.at.Position, provePage)
		if err != nil {
			return p.at, err
		}
		for i := range page {
			if err := p.add(ctx, &page[i]); err != nil {
				return p.at, err
			}
			if reached == nil {
				continue
			}
			if err := reached(p.at); err != nil {
				return p.at, err
			}
		}
		if len(page) < provePage {
			return p.at, nil
		}
	}
}

// proof is how far a proof has come.
type proof struct {
	log   *Store
	at    ChainHead
	asked map[event.Position]string // whom erasures were for
}

// link is a row of the log as the chain sees it.
type link struct {
	event  event.Recorded
	hash   chain.Hash
	erased []erased
}

// erased is what a blanked row had.
type erased struct {
	by                   event.Position
	data, metadata, left chain.Hash
}

func (l *link) after(before chain.Hash) chain.Hash {
	of := chain.LinkOf(&l.event)
	if len(l.erased) > 0 {
		of.Data, of.Metadata = l.erased[0].data, l.erased[0].metadata
	}
	return of.After(before)
}

func (p *proof) add(ctx context.Context, l *link) error {
	next := p.at.Position + 1
	if l.event.Position != next {
		return &ChainError{next, "the event is missing"}
	}
	hash := l.after(p.at.Hash)
	if hash != l.hash {
		problem, err := p.log.problem(ctx, l, hash)
		if err != nil {
			return err
		}
		return &ChainError{next, problem}
	}
	if err := p.proveErased(ctx, l); err != nil {
		return err
	}
	p.at = ChainHead{next, hash}
	return nil
}

// proveErased proves that what stands in place of the digests in the chain is what an erasure has left of an event.
func (p *proof) proveErased(ctx context.Context, l *link) error {
	for _, x := range l.erased {
		userID, err := p.erasedBy(ctx, x.by)
		if errors.Is(err, ErrNoErasure) || err == nil && x.by <= l.event.Position {
			return &ChainError{l.event.Position, fmt.Sprintf("the event was blanked, and position %d does not ask for it", x.by)}
		}
		if err != nil {
			return err
		}
		_, _, more, err := erase.Blanked(l.event, userID)
		if err != nil {
			return fmt.Errorf("position %d: %w", l.event.Position, err)
		}
		if more || !mentions(&l.event, userID) || leftOf(l.event.Data, l.event.Metadata) != x.left {
			return &ChainError{l.event.Position, fmt.Sprintf("the event was changed: it is not what the erasure of position %d has left of it", x.by)}
		}
	}
	return nil
}

// erasedBy is whom the event at a position erased.
func (p *proof) erasedBy(ctx context.Context, at event.Position) (string, error) {
	if userID, known := p.asked[at]; known {
		return userID, nil
	}
	list, err := p.log.Erasures(ctx, at)
	if err != nil {
		return "", err
	}
	p.asked[at] = list[0].UserID
	return list[0].UserID, nil
}

func mentions(e *event.Recorded, userID string) bool {
	id := []byte(strconv.Quote(userID))
	return bytes.Contains(e.Data, id) || bytes.Contains(e.Metadata, id)
}

// problem tells the ways apart in which a row may have another hash than was computed. The event after it knows.
func (s *Store) problem(ctx context.Context, l *link, computed chain.Hash) (string, error) {
	after, err := s.links(ctx, l.event.Position, 1)
	if err != nil {
		return "", err
	}
	switch {
	case len(after) == 0:
		return "the event or its hash was changed", nil
	case after[0].after(l.hash) == after[0].hash && len(l.erased) > 0:
		return "the event was changed, or the digests that stand for what was erased of it", nil
	case after[0].after(l.hash) == after[0].hash:
		return "the event was changed: the hash that it was recorded with is another one", nil
	case after[0].after(computed) == after[0].hash:
		return "the hash was changed: the event is what was recorded", nil
	default:
		return "the chain does not link: the event or its hash was changed, and so was what comes after it", nil
	}
}

func (s *Store) links(ctx context.Context, after event.Position, limit int) (list []link, err error) {
	err = s.read(ctx, "read the chain", func(ctx context.Context) error {
		rows, err := s.pool.Query(ctx, sqlLinks, pgx.QueryResultFormats{pgx.BinaryFormatCode}, int64(after), limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		var d decoder
		for rows.Next() {
			v := rows.RawValues()
			if n := len(list); n == 0 || list[n-1].event.Position != event.Position(decodeInt8(v[0])) {
				l := link{event: d.decode(v)}
				copy(l.hash[:], v[11])
				list = append(list, l)
			}
			if v[12] == nil {
				continue
			}
			x := erased{by: event.Position(decodeInt8(v[12]))}
			copy(x.data[:], v[13])
			copy(x.metadata[:], v[14])
			copy(x.left[:], v[15])
			last := &list[len(list)-1]
			last.erased = append(last.erased, x)
		}
		return rows.Err()
	})
	return list, err
}
