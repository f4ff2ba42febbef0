-- Search in what is said. A view of its own: to keep the words of a message costs several times what it costs to
-- keep the message, and history must not wait for that.

-- +goose Up
INSERT INTO views.checkpoints (name) VALUES ('search');

CREATE TABLE views.search (
  position bigint      NOT NULL,
  sent_at  timestamptz NOT NULL,
  -- When the text was sent or last edited: it tells whether two views mean the same text.
  text_at  timestamptz NOT NULL,
  id       uuid        NOT NULL,
  room_id  text COLLATE "C" NOT NULL,
  -- The words of the message, and its room: a name that no word can be, so that the index finds the words
  -- in some rooms without looking at the others. NULL for a message that was deleted.
  words    tsvector,
  CONSTRAINT search_pkey PRIMARY KEY (id)
);
CREATE INDEX search_words_idx ON views.search USING gin (words);

-- +goose Down
DROP TABLE views.search;
DELETE FROM views.checkpoints WHERE name = 'search';
