-- How users are there, and when what others see of it changed last.

-- +goose Up
INSERT INTO views.checkpoints (name) VALUES ('presence');

CREATE TABLE views.presence (
  position       bigint      NOT NULL,
  -- That of the last event that others saw; 0 for none.
  shown_position bigint      NOT NULL,
  at             timestamptz NOT NULL,
  shown_at       timestamptz,
  user_id        text COLLATE "C" NOT NULL,
  status         text COLLATE "C" NOT NULL,
  text           text NOT NULL,
  CONSTRAINT presence_pkey PRIMARY KEY (user_id)
) WITH (fillfactor = 80);
-- Those who are there, to look after them.
CREATE INDEX presence_there_idx ON views.presence (user_id) WHERE status <> 'offline';

-- +goose Down
DROP TABLE views.presence;
DELETE FROM views.checkpoints WHERE name = 'presence';
