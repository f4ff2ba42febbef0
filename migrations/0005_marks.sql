-- What others put on messages (reactions, pins), and what answers them.

-- +goose Up
-- A row for each reaction: a reaction costs the same however many there are, and their order is that of
-- their positions.
CREATE TABLE views.reactions (
  seq      bigint NOT NULL,
  position bigint NOT NULL,
  room_id  text COLLATE "C" NOT NULL,
  user_id  text COLLATE "C" NOT NULL,
  emoji    text COLLATE "C" NOT NULL,
  CONSTRAINT reactions_pkey PRIMARY KEY (room_id, seq, emoji, user_id)
);

ALTER TABLE views.messages
  DROP COLUMN reactions,
  -- False: there never was a reaction, so none is looked for.
  ADD COLUMN reacted        boolean NOT NULL DEFAULT false,
  -- The answers to the message, deleted ones among them; 0 for none.
  ADD COLUMN reply_count    bigint  NOT NULL DEFAULT 0,
  ADD COLUMN last_reply_seq bigint  NOT NULL DEFAULT 0,
  ADD COLUMN last_reply_at  timestamptz;

CREATE INDEX messages_replies_idx ON views.messages (room_id, reply_to, seq) WHERE reply_to IS NOT NULL;
CREATE INDEX messages_pinned_idx  ON views.messages (room_id, seq) WHERE pinned AND deleted_at IS NULL;

-- The answers that the view has already. There are no older reactions and pins.
UPDATE views.messages AS m SET reply_count = r.count, last_reply_seq = r.seq, last_reply_at = r.at
FROM (
  SELECT room_id, reply_to, count(*) AS count, max(seq) AS seq, max(sent_at) AS at
  FROM views.messages WHERE reply_to IS NOT NULL GROUP BY room_id, reply_to
) r
WHERE m.room_id = r.room_id AND m.id = r.reply_to;

-- +goose Down
DROP INDEX views.messages_pinned_idx;
DROP INDEX views.messages_replies_idx;
ALTER TABLE views.messages
  DROP COLUMN last_reply_at,
  DROP COLUMN last_reply_seq,
  DROP COLUMN reply_count,
  DROP COLUMN reacted,
  ADD COLUMN reactions json;
DROP TABLE views.reactions;
