-- The views: what REST reads, made from the log alone. Each can be dropped and built again.

-- +goose Up
CREATE SCHEMA views;

-- How far each view is. A view's rows and its position change in one transaction, so the
-- position is exact: the rows show every event up to it and none after it.
CREATE TABLE views.checkpoints (
  name       text COLLATE "C" NOT NULL,
  position   bigint      NOT NULL DEFAULT 0,
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT checkpoints_pkey PRIMARY KEY (name)
) WITH (fillfactor = 50); -- a few rows, changed all the time: leave room for it on their page

INSERT INTO views.checkpoints (name) VALUES ('users'), ('rooms'), ('messages');

-- Ids and keys compare by bytes everywhere here: cheaper than a locale, the same on every server, and a
-- search for a prefix is a range of the index.
--
-- The *_key columns are folded by the program: what lower() makes of a letter depends on
-- the database's locale.
CREATE TABLE views.users (
  position      bigint      NOT NULL,
  registered_at timestamptz NOT NULL,
  active        boolean     NOT NULL,
  id            text COLLATE "C" NOT NULL,
  username      text        NOT NULL,
  username_key  text COLLATE "C" NOT NULL,
  display_name  text        NOT NULL,
  name_key      text COLLATE "C" NOT NULL,
  avatar_url    text        NOT NULL,
  CONSTRAINT users_pkey PRIMARY KEY (id)
);
CREATE INDEX users_username_idx ON views.users (username_key, id);
CREATE INDEX users_name_idx     ON views.users (name_key, id);

-- last_seq and last_activity change with every batch of messages. No index holds them, so
-- that such an update stays on its page and leaves the indexes alone; the rooms of one user are few
-- enough to be sorted when they are asked for.
CREATE TABLE views.rooms (
  -- Position and version of the last event of the room's own stream that is applied.
  position         bigint      NOT NULL,
  version          bigint      NOT NULL,
  last_seq         bigint      NOT NULL,
  -- Position and time of the creation or of the last message.
  last_activity    bigint      NOT NULL,
  last_activity_at timestamptz NOT NULL,
  created_at       timestamptz NOT NULL,
  archived_at      timestamptz,
  member_count     integer     NOT NULL,
  id               text COLLATE "C" NOT NULL,
  type             text COLLATE "C" NOT NULL,
  created_by       text COLLATE "C" NOT NULL,
  name             text        NOT NULL,
  name_key         text COLLATE "C" NOT NULL,
  topic            text        NOT NULL,
  CONSTRAINT rooms_pkey PRIMARY KEY (id)
) WITH (fillfactor = 80);
CREATE INDEX rooms_public_idx ON views.rooms (name_key, id) WHERE type = 'public' AND archived_at IS NULL;

CREATE TABLE views.members (
  position  bigint      NOT NULL,
  joined_at timestamptz NOT NULL,
  room_id   text COLLATE "C" NOT NULL,
  user_id   text COLLATE "C" NOT NULL,
  role      text COLLATE "C" NOT NULL,
  username  text        NOT NULL,
  CONSTRAINT members_pkey PRIMARY KEY (room_id, user_id)
);
CREATE INDEX members_user_idx ON views.members (user_id, room_id);

CREATE TABLE views.messages (
  seq                 bigint      NOT NULL,
  -- Of the last event that changed the message.
  position            bigint      NOT NULL,
  sent_at             timestamptz NOT NULL,
  edited_at           timestamptz,
  deleted_at          timestamptz,
  id                  uuid        NOT NULL,
  pinned              boolean     NOT NULL DEFAULT false,
  room_id             text COLLATE "C" NOT NULL,
  -- The sender as they were called when they wrote.
  sender_id           text COLLATE "C" NOT NULL,
  sender_username     text        NOT NULL,
  sender_display_name text        NOT NULL,
  sender_avatar_url   text        NOT NULL,
  content             text        NOT NULL,
  reply_to            uuid,
  client_message_id   text COLLATE "C",
  -- NULL stands for none, as in most messages: it costs one bit and no decoding.
  attachments         json,
  mentions            json,
  reactions           json,
  CONSTRAINT messages_pkey PRIMARY KEY (room_id, seq),
  CONSTRAINT messages_id_key UNIQUE (id)
);

COMMENT ON SCHEMA views IS 'Made from log.events; may be dropped and built again.';

-- +goose Down
DROP SCHEMA views CASCADE;
