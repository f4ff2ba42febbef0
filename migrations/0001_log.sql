-- The event log: one table, one order, rows that are only ever inserted.

-- +goose Up
CREATE SCHEMA log;

-- Columns of fixed width come first, so that no row carries alignment padding.
--
-- There is no table of streams and no counter row. A row that every append updates collects
-- dead versions as long as anybody holds an old snapshot, and each append then walks them all:
-- the cost of an append would grow with an analyst's longest query. The last position, the last
-- version of a stream and its last seq are instead read from the ends of the indexes below,
-- under the append lock: a few page reads, whatever else goes on.
CREATE TABLE log.events (
  -- Assigned under the append lock: gapless from 1, and its order is commit order.
  position       bigint      NOT NULL,
  -- Gapless from 1 within the stream.
  version        bigint      NOT NULL,
  -- Number of messages in the stream up to and including this event.
  seq            bigint      NOT NULL,
  -- Never goes back along position, so time is found by a binary search over the
  -- primary key (positions have no gaps) and needs no index of its own.
  recorded_at    timestamptz NOT NULL,
  -- Given by the writer; a second append with the same id is a repetition.
  id             uuid        NOT NULL,
  schema_version smallint    NOT NULL,
  -- Byte order: streams and subjects are names, never sorted for people, and comparing bytes
  -- is much cheaper than asking a locale.
  stream         text COLLATE "C" NOT NULL,
  type           text COLLATE "C" NOT NULL,
  -- Id of the message that an edit, deletion, reaction or pin is about.
  subject        text COLLATE "C",
  -- json, not jsonb: kept byte for byte as it was sent, and still open to queries.
  data           json        NOT NULL,
  metadata       json        NOT NULL,
  CONSTRAINT events_pkey PRIMARY KEY (position),
  -- Backstops. Under the append lock none of these can fail but by a fault of ours.
  CONSTRAINT events_stream_version_key UNIQUE (stream, version),
  CONSTRAINT events_id_key UNIQUE (id),
  CONSTRAINT events_numbers_check CHECK (position > 0 AND version > 0 AND seq >= 0)
);

-- Everything about one message in order. Most events are about none: they cost nothing here.
CREATE INDEX events_subject_idx ON log.events (subject, position) WHERE subject IS NOT NULL;

-- Rows never change, so vacuum has nothing to remove; what it is needed for is the visibility map
-- and freezing, a slice at a time instead of the whole table at once.
ALTER TABLE log.events SET (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);

COMMENT ON TABLE log.events IS 'The event log. Insert only, and only under the append lock.';

-- +goose Down
DROP SCHEMA log CASCADE;
