-- Those who read the log at their own pace, and how far each has come.

-- +goose Up
CREATE SCHEMA consumers;

-- One for every change that somebody makes of a consumer, never given twice: who works on a consumer sees by it
-- that the consumer is another one now, also after it was deleted and made again.
CREATE SEQUENCE consumers.revisions;

CREATE TABLE consumers.consumers (
  -- Everything up to here is done with.
  position   bigint      NOT NULL,
  revision   bigint      NOT NULL DEFAULT nextval('consumers.revisions'),
  created_at timestamptz NOT NULL DEFAULT now(),
  -- When something was acknowledged, and when somebody asked for events.
  moved_at   timestamptz,
  seen_at    timestamptz,
  -- The log is pushed to where a row of webhooks says; nobody fetches it.
  webhook    boolean     NOT NULL DEFAULT false,
  name       text COLLATE "C" NOT NULL,
  owner      text COLLATE "C" NOT NULL,
  -- What is wanted; an empty list wants everything.
  types      text[]      NOT NULL,
  streams    text[]      NOT NULL,
  categories text[]      NOT NULL,
  CONSTRAINT consumers_pkey PRIMARY KEY (name),
  CONSTRAINT consumers_position_check CHECK (position >= 0)
) WITH (fillfactor = 70);
CREATE INDEX consumers_owner_idx ON consumers.consumers (owner);

CREATE TABLE consumers.webhooks (
  name            text COLLATE "C" NOT NULL REFERENCES consumers.consumers ON DELETE CASCADE,
  url             text        NOT NULL,
  -- What deliveries are signed with, as it is: the key of an HMAC cannot be a digest.
  secret          bytea       NOT NULL,
  max_events      integer     NOT NULL,
  -- Failures in a row, and since when.
  attempts        integer     NOT NULL DEFAULT 0,
  failing_since   timestamptz,
  next_attempt_at timestamptz,
  parked_at       timestamptz,
  last_error      text        NOT NULL DEFAULT '',
  last_error_at   timestamptz,
  CONSTRAINT webhooks_pkey PRIMARY KEY (name)
) WITH (fillfactor = 70);

-- +goose Down
DROP SCHEMA consumers CASCADE;
