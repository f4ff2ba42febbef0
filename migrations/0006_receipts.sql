-- Who has read and received what, and what everybody has left to read.
--
-- Nothing here is counted for each member when a message comes: what is unread follows from the number of the
-- last message, the member's cursor, and the few deletions beyond it. (One's own messages move the cursor, so
-- none is beyond it.)

-- +goose Up
INSERT INTO views.checkpoints (name) VALUES ('receipts');

-- How far the view is in a room. An event at or below the position is applied.
CREATE TABLE views.receipt_rooms (
  position bigint NOT NULL,
  last_seq bigint NOT NULL,
  room_id  text COLLATE "C" NOT NULL,
  CONSTRAINT receipt_rooms_pkey PRIMARY KEY (room_id)
) WITH (fillfactor = 50); -- changes with every message, and no index holds what changes

-- The cursors of whoever was a member once. No index holds one.
CREATE TABLE views.receipts (
  -- The number of the last message when the user became a member: what was said before is not unread.
  base_seq      bigint  NOT NULL,
  read_seq      bigint  NOT NULL,
  delivered_seq bigint  NOT NULL,
  read_at       timestamptz,
  delivered_at  timestamptz,
  member        boolean NOT NULL,
  room_id       text COLLATE "C" NOT NULL,
  user_id       text COLLATE "C" NOT NULL,
  CONSTRAINT receipts_pkey PRIMARY KEY (room_id, user_id)
) WITH (fillfactor = 80);
CREATE INDEX receipts_user_idx ON views.receipts (user_id, room_id);

-- Who had read what, when: where a cursor has stopped. Sending one's own message is a stop if there was
-- something to read before it.
CREATE TABLE views.receipt_history (
  seq       bigint      NOT NULL,
  at        timestamptz NOT NULL,
  delivered boolean     NOT NULL, -- false: read
  room_id   text COLLATE "C" NOT NULL,
  user_id   text COLLATE "C" NOT NULL,
  CONSTRAINT receipt_history_pkey PRIMARY KEY (room_id, user_id, delivered, seq)
);

-- Mentions that are not read.
CREATE TABLE views.unread_mentions (
  seq        bigint NOT NULL,
  message_id uuid   NOT NULL,
  room_id    text COLLATE "C" NOT NULL,
  user_id    text COLLATE "C" NOT NULL,
  CONSTRAINT unread_mentions_pkey PRIMARY KEY (room_id, user_id, seq)
);
-- To find those of a message that is deleted: not by its number, lest anybody's are searched for their own.
CREATE INDEX unread_mentions_message_idx ON views.unread_mentions (message_id);

-- Deleted messages, and how many of them each 1024 messages have: those beyond a cursor are counted by
-- reading part of one range and the counts of the ranges above it.
CREATE TABLE views.deletions (
  seq     bigint NOT NULL,
  room_id text COLLATE "C" NOT NULL,
  CONSTRAINT deletions_pkey PRIMARY KEY (room_id, seq)
);
CREATE TABLE views.deletion_counts (
  range   bigint  NOT NULL, -- seq / 1024
  count   integer NOT NULL,
  room_id text COLLATE "C" NOT NULL,
  CONSTRAINT deletion_counts_pkey PRIMARY KEY (room_id, range)
);

-- +goose Down
DROP TABLE views.deletion_counts;
DROP TABLE views.deletions;
DROP TABLE views.unread_mentions;
DROP TABLE views.receipt_history;
DROP TABLE views.receipts;
DROP TABLE views.receipt_rooms;
DELETE FROM views.checkpoints WHERE name = 'receipts';
