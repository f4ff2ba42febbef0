-- +goose Up

-- Local accounts: what must never be in the log (addresses, secrets) and what must be
-- revocable at once (logins). The log knows the user; this knows how they come in.
CREATE SCHEMA auth;

CREATE TABLE auth.accounts (
  user_id       text        PRIMARY KEY,
  username      text        NOT NULL,
  -- What makes two spellings the same name, made by the program: Postgres' lower() depends
  -- on the collation of the database, which a restore may change under the index.
  username_key  text        NOT NULL,
  email         text,
  email_key     text,
  password_hash text        NOT NULL,
  roles         text[]      NOT NULL DEFAULT '{}',
  created_at    timestamptz NOT NULL DEFAULT now(),
  -- When the user was known to be in the log. NULL after a crash in between: the next
  -- login or the same registration again sets it right.
  registered_at timestamptz,
  CONSTRAINT accounts_username UNIQUE (username_key),
  CONSTRAINT accounts_email    UNIQUE (email_key)
);

-- One login: everything that rotation makes of it shares the id (claim sid).
CREATE TABLE auth.sessions (
  id         uuid        PRIMARY KEY,
  user_id    text        NOT NULL REFERENCES auth.accounts ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz
);
CREATE INDEX sessions_user    ON auth.sessions (user_id);
CREATE INDEX sessions_expiry  ON auth.sessions (expires_at);
-- The nodes ask for what was revoked lately; most sessions never are.
CREATE INDEX sessions_revoked ON auth.sessions (revoked_at) WHERE revoked_at IS NOT NULL;

CREATE TABLE auth.refresh_tokens (
  -- SHA-256 of the token: it has 256 random bits, so a slow hash would add nothing.
  token_hash bytea       PRIMARY KEY,
  session_id uuid        NOT NULL REFERENCES auth.sessions ON DELETE CASCADE,
  expires_at timestamptz NOT NULL,
  -- Kept after use until the session ends: a second use tells of a theft.
  used_at    timestamptz
);
CREATE INDEX refresh_tokens_session ON auth.refresh_tokens (session_id);
CREATE INDEX refresh_tokens_expiry  ON auth.refresh_tokens (expires_at);

-- When a user last logged out everywhere. Tokens issued until then are refused, also
-- those of an identity provider, which belong to no session here; so there is no
-- reference to accounts.
CREATE TABLE auth.logouts (
  user_id text        PRIMARY KEY,
  at      timestamptz NOT NULL
);
CREATE INDEX logouts_at ON auth.logouts (at);

-- +goose Down

DROP SCHEMA auth CASCADE;
