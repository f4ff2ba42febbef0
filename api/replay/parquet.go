package replay

import (
	"context"
	"fmt"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/snappy"

	"parley/domain/event"
)

// A row group is in memory until it is full.
const (
	rowGroupRows  = 100_000
	rowGroupBytes = 8 << 20 // of what is put into it
)

// parquetRow is the schema: the envelope, with numbers where lines have strings for the sake of JavaScript.
type parquetRow struct {
	Position      int64    `parquet:"position,delta"`
	ID            [16]byte `parquet:"id,uuid"`
	Stream        string   `parquet:"stream,dict"`
	Version       int64    `parquet:"version"`
	Type          string   `parquet:"type,dict"`
	SchemaVersion int32    `parquet:"schemaVersion"`
	Data          string   `parquet:"data,json"`
	Metadata      string   `parquet:"metadata,json"`
	RecordedAt    int64    `parquet:"recordedAt,timestamp(microsecond)"`
}

type parquetEncoder struct {
	out     Output
	w       *parquet.GenericWriter[parquetRow]
	size    int
	inGroup int // bytes
	rows    int
}

func newParquet(out Output, size int) *parquetEncoder {
	return &parquetEncoder{out: out, size: size, w: parquet.NewGenericWriter[parquetRow](out,
		parquet.Compression(&snappy.Codec{}),
		// Long texts that nobody looks for by their order.
		parquet.SkipPageBounds("data"), parquet.SkipPageBounds("metadata"),
		parquet.CreatedBy("parley", "", ""))}
}

func (p *parquetEncoder) batch() batch { return &rowBatch{size: p.size} }

func (p *parquetEncoder) write(_ context.Context, b batch) error {
	gathered := b.(*rowBatch) //nolint:errcheck,forcetypeassert // it was made above
	if _, err := p.w.Write(gathered.rows); err != nil {
		return fmt.Errorf("write parquet: %w", err)
	}
	p.rows += len(gathered.rows)
	p.inGroup += gathered.weight
	if p.rows < rowGroupRows && p.inGroup < rowGroupBytes {
		return nil
	}
	p.rows, p.inGroup = 0, 0
	if err := p.w.Flush(); err != nil {
		return fmt.Errorf("write a parquet row group: %w", err)
	}
	return p.out.Flush()
}

// close writes the last row group and the index.
func (p *parquetEncoder) close() error { return p.w.Close() }

type rowBatch struct {
	size   int
	rows   []parquetRow
	weight int
}

func (b *rowBatch) add(e *event.Recorded) {
	b.weight += len(e.Data) + len(e.Metadata) + len(e.Stream) + 48
	b.rows = append(b.rows, parquetRow{
		Position: int64(e.Position), ID: e.ID, Stream: string(e.Stream), Version: e.Version, Type: e.Type,
		SchemaVersion: int32(e.SchemaVersion), Data: string(e.Data), Metadata: string(e.Metadata), RecordedAt: e.RecordedAt.UnixMicro(),
	})
}

func (b *rowBatch) full() bool { return b.weight >= 2*b.size }

func (b *rowBatch) len() int { return len(b.rows) }

func (b *rowBatch) bytes() int { return b.weight }

func (b *rowBatch) clear() {
	clear(b.rows) // gives the texts back
	b.rows, b.weight = b.rows[:0], 0
}
