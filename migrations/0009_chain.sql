-- Each event is tied to all before it by a hash; see package eventstore/chain. Nodes of a version that does not know
-- of it can read the log, but no longer append.

-- +goose Up
ALTER TABLE log.events ADD COLUMN hash bytea;

-- An aggregate over a window links the rows in one pass in their order.
CREATE FUNCTION log.link(before bytea, event bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS 'SELECT sha256(before || event)';
CREATE AGGREGATE log.chain(bytea) (
  SFUNC = log.link, STYPE = bytea, INITCOND = '\x0000000000000000000000000000000000000000000000000000000000000000'
);
UPDATE log.events e SET hash = linked.hash
FROM (
  SELECT position, log.chain(
    int8send(position) || int8send(version) || int8send(seq) || int8send((extract(epoch FROM recorded_at) * 1000000)::bigint)
    || uuid_send(id) || int2send(schema_version)
    || int4send(octet_length(convert_to(stream, 'UTF8'))) || convert_to(stream, 'UTF8')
    || int4send(octet_length(convert_to(type, 'UTF8'))) || convert_to(type, 'UTF8')
    || coalesce(int4send(octet_length(convert_to(subject, 'UTF8'))) || convert_to(subject, 'UTF8'), '\xffffffff')
    || sha256(convert_to(data::text, 'UTF8')) || sha256(convert_to(metadata::text, 'UTF8'))
  ) OVER (ORDER BY position ROWS UNBOUNDED PRECEDING) AS hash
  FROM log.events
) linked
WHERE e.position = linked.position;
DROP AGGREGATE log.chain(bytea);
DROP FUNCTION log.link;

ALTER TABLE log.events ALTER COLUMN hash SET NOT NULL, ADD CONSTRAINT events_hash_check CHECK (octet_length(hash) = 32);

-- The erasures that have begun, by the position of their UserErased event; done_at is NULL until nothing is left to do.
CREATE TABLE log.erasures (
  position bigint      NOT NULL,
  -- Everything up to here is blanked.
  swept    bigint      NOT NULL,
  done_at  timestamptz,
  CONSTRAINT erasures_pkey PRIMARY KEY (position)
);

-- What was blanked at somebody's request: the digests of what stood there, which the chain goes on with, the UserErased
-- event that asked for it, and the digest of what is left. A row is blanked once for each person that it named.
CREATE TABLE log.erased (
  position        bigint NOT NULL,
  by_position     bigint NOT NULL,
  data_digest     bytea  NOT NULL,
  metadata_digest bytea  NOT NULL,
  left_digest     bytea  NOT NULL, -- of the digests of data and metadata, one after the other
  CONSTRAINT erased_pkey PRIMARY KEY (position, by_position),
  CONSTRAINT erased_digests_check CHECK (octet_length(data_digest) = 32 AND octet_length(metadata_digest) = 32 AND octet_length(left_digest) = 32)
);

-- Whose words they are, so that they can be erased.
ALTER TABLE views.search ADD COLUMN sender_id text COLLATE "C";
UPDATE views.search s SET sender_id = e.data -> 'sender' ->> 'id' FROM log.events e WHERE e.id = s.id;
ALTER TABLE views.search ALTER COLUMN sender_id SET NOT NULL;

COMMENT ON TABLE log.events IS 'The event log. Insert only, and only under the append lock, but for erasure, which leaves a row in log.erased.';

-- +goose Down
ALTER TABLE views.search DROP COLUMN sender_id;
DROP TABLE log.erased;
DROP TABLE log.erasures;
ALTER TABLE log.events DROP COLUMN hash;
COMMENT ON TABLE log.events IS 'The event log. Insert only, and only under the append lock.';
