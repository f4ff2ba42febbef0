-- What analysts may ask in SQL: views over the log, and a role that may read them and nothing else.

-- +goose Up
CREATE SCHEMA analytics;

CREATE VIEW analytics.events AS
SELECT position, id, stream, split_part(stream, '-', 1) AS category, substr(stream, strpos(stream, '-') + 1) AS key,
       version, type, schema_version, data, metadata, metadata->>'userId' AS user_id, recorded_at
FROM log.events;

CREATE VIEW analytics.users AS
SELECT position, recorded_at, type, data->>'userId' AS user_id, data->>'username' AS username,
       data->>'displayName' AS display_name, data->>'by' AS by_user_id
FROM log.events
WHERE type IN ('UserRegistered', 'UserProfileChanged', 'UserDeactivated', 'UserReactivated', 'UserErased');

CREATE VIEW analytics.rooms AS
SELECT position, recorded_at, type, data->>'roomId' AS room_id, data->>'name' AS name, data->>'type' AS room_type,
       data->>'topic' AS topic, coalesce(data->>'by', data->>'createdBy') AS by_user_id
FROM log.events
WHERE type IN ('RoomCreated', 'RoomUpdated', 'RoomArchived');

-- One row for each change of a membership; those whom a room began with come from RoomCreated.
CREATE VIEW analytics.members AS
SELECT position, recorded_at, type, data->>'roomId' AS room_id, data->>'userId' AS user_id, data->>'role' AS role,
       coalesce(data->>'by', data->>'userId') AS by_user_id
FROM log.events
WHERE type IN ('MemberJoined', 'MemberLeft', 'MemberRemoved', 'MemberRoleChanged')
UNION ALL
SELECT e.position, e.recorded_at, 'MemberJoined', e.data->>'roomId', member->>'userId', member->>'role', e.data->>'createdBy'
FROM log.events e CROSS JOIN LATERAL json_array_elements(e.data->'members') member
WHERE e.type = 'RoomCreated';

CREATE VIEW analytics.messages_sent AS
SELECT position, recorded_at, data->>'roomId' AS room_id, data->>'messageId' AS message_id, seq,
       data->'sender'->>'id' AS sender_id, data->'sender'->>'username' AS sender_username, data->>'content' AS content,
       char_length(data->>'content') AS length, data->>'replyTo' AS reply_to,
       coalesce(json_array_length(data->'mentions'), 0) AS mentions,
       coalesce(json_array_length(data->'attachments'), 0) AS attachments
FROM log.events
WHERE type = 'MessageSent';

-- What was done to messages afterwards. For an edit content is the new one, for a reaction emoji says which.
CREATE VIEW analytics.messages_changed AS
SELECT position, recorded_at, type, data->>'roomId' AS room_id, subject AS message_id, metadata->>'userId' AS by_user_id,
       data->>'content' AS content, data->>'emoji' AS emoji
FROM log.events
WHERE type IN ('MessageEdited', 'MessageDeleted', 'ReactionAdded', 'ReactionRemoved', 'MessagePinned', 'MessageUnpinned');

CREATE VIEW analytics.reads AS
SELECT position, recorded_at, type, data->>'roomId' AS room_id, data->>'userId' AS user_id,
       (data->>'seq')::bigint AS seq, data->>'messageId' AS message_id, (data->>'unreadCount')::bigint AS unread_count
FROM log.events
WHERE type IN ('MessagesRead', 'MessagesDelivered');

CREATE VIEW analytics.presence AS
SELECT position, recorded_at, type, data->>'userId' AS user_id, coalesce(data->>'status', 'offline') AS status
FROM log.events
WHERE type IN ('UserCameOnline', 'UserPresenceChanged', 'UserWentOffline');

COMMENT ON SCHEMA analytics IS 'Read-only views over the event log, for the role parley_analyst.';

-- A role belongs to the whole server: another database may have made it already, or be making it. Who may not make roles
-- goes on without; an administrator can make it later and grant what stands below.
-- +goose StatementBegin
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'parley_analyst') THEN
    CREATE ROLE parley_analyst NOLOGIN;
  END IF;
EXCEPTION WHEN insufficient_privilege OR duplicate_object OR unique_violation THEN
  NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'parley_analyst') THEN
    GRANT USAGE ON SCHEMA analytics TO parley_analyst;
    GRANT SELECT ON ALL TABLES IN SCHEMA analytics TO parley_analyst;
  ELSE
    RAISE WARNING 'there is no role parley_analyst: make it, and grant it the schema analytics (see docs/analysts.md)';
  END IF;
END $$;
-- +goose StatementEnd

-- +goose Down
-- The role stays: other databases of the server may use it.
DROP SCHEMA analytics CASCADE;
