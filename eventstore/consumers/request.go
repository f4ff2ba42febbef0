package consumers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore"
)

// maxNames bounds each list of what is wanted.
const maxNames = 100

// CheckName refuses names that do not follow the rules of ids.
func CheckName(name string) error {
	if !domain.ValidID(name) {
		return domain.Invalid("name", fmt.Sprintf(`must be 1 to %d letters, digits and "-_.:@|+="`, domain.MaxIDLength))
	}
	return nil
}

// CheckWanted refuses what can never be in the log, which is most likely a misspelling, and sorts the lists.
func CheckWanted(w *wire.Wanted) error {
	fields := map[string]string{}
	w.Types = check(fields, "types", w.Types, "are not types of events", func(s string) bool { return slices.Contains(event.Types(), s) })
	w.Categories = check(fields, "categories", w.Categories, "are not categories of streams", isCategory)
	w.Streams = check(fields, "streams", w.Streams, "are not streams: a category, a dash, an id", func(s event.Stream) bool {
		return isCategory(s.Category()) && domain.ValidID(s.Key())
	})
	if len(fields) > 0 {
		return domain.InvalidFields(fields)
	}
	return nil
}

func isCategory(s string) bool { return slices.Contains(event.Categories(), s) }

// check returns a list sorted, without repetitions, and not nil.
func check[S ~string](fields map[string]string, field string, list []S, problem string, ok func(S) bool) []S {
	var bad []string
	for _, s := range list {
		if !ok(s) {
			bad = append(bad, fmt.Sprintf("%.64q", string(s)))
		}
	}
	switch {
	case len(list) > maxNames:
		fields[field] = fmt.Sprintf("must be at most %d", maxNames)
	case len(bad) > 0:
		fields[field] = strings.Join(bad[:min(len(bad), 3)], ", ") + " " + problem
	}
	sorted := append(make([]S, 0, len(list)), list...)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}

// Find is the position that a place stands for; false if it names none. Beyond the head there is no place.
func Find(ctx context.Context, log eventstore.Reader, p wire.Place) (event.Position, bool, error) {
	switch {
	case p.Position != nil && p.Time != nil:
		return 0, false, domain.Invalid("position", "must not be given together with time")
	case p.Position != nil:
		position, err := ParsePosition(ctx, log, *p.Position)
		return position, true, err
	case p.Time != nil:
		at, err := time.Parse(time.RFC3339Nano, *p.Time)
		if err != nil {
			return 0, false, domain.Invalid("time", "must be RFC 3339, such as 2026-01-31T09:30:00Z")
		}
		position, err := log.PositionAt(ctx, at)
		return position, true, err
	default:
		return 0, false, nil
	}
}

// ParsePosition reads a position that is not beyond the head of the log.
func ParsePosition(ctx context.Context, log eventstore.Reader, text string) (event.Position, error) {
	position, err := event.ParsePosition(text)
	if err != nil {
		return 0, domain.Invalid("position", "must be a position: a whole number in a string, not negative")
	}
	head, err := log.Head(ctx)
	if err != nil {
		return 0, err
	}
	if position > head {
		return 0, domain.Invalid("position", "is beyond the head of the log, "+head.String())
	}
	return position, nil
}
