-- KEYS: nodes (node -> until when it counts, ms), hold, the node's users.
-- ARGV: node, lease, ttl of users, what a dead node is kept for (ms).
-- Returns whether the node was known, whether it has users, and how many nodes are dead.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
-- Without any node that counts, Redis was emptied or away for all: the others have not spoken yet.
if redis.call('ZCOUNT', KEYS[1], now, '+inf') == 0 then
  redis.call('SET', KEYS[2], '1', 'PX', ARGV[2])
end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
return {
  known and 1 or 0,
  redis.call('PEXPIRE', KEYS[3], ARGV[3]),
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. (now - ARGV[4])),
}
