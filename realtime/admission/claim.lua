-- Tells how many connections of an address a node has, and asks for more.
-- KEYS[1]  hash of the address: node -> "count:expires", in milliseconds of this server's clock
-- ARGV     node, its live connections, how many more it wants, the limit, the lease in milliseconds
-- Answers how many more it may have.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local node, live, want = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local limit, lease = tonumber(ARGV[4]), tonumber(ARGV[5])

local others, last = 0, 0
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  if fields[i] ~= node then
    local count, expires = string.match(fields[i + 1], '^(%d+):(%d+)$')
    expires = tonumber(expires or 0)
    if expires <= now or expires > now + 10 * lease then -- lapsed, or written before the clock was set back
      redis.call('HDEL', KEYS[1], fields[i])
    else
      others = others + tonumber(count)
      last = math.max(last, expires)
    end
  end
end

local granted = math.max(0, math.min(want, limit - others - live))
if live + granted > 0 then
  redis.call('HSET', KEYS[1], node, string.format('%d:%.0f', live + granted, now + lease))
  last = math.max(last, now + lease)
else
  redis.call('HDEL', KEYS[1], node)
end
if last > 0 then
  redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', last))
end
return granted
