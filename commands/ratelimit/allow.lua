-- Takes one action of the key, unless its window is full.
-- KEYS[1]  list of the times of its actions, in microseconds, oldest first
-- ARGV[1]  how many may be in a window
-- ARGV[2]  the window, in microseconds
-- Answers 0, or how many microseconds to wait.
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])

local n = redis.call('LLEN', KEYS[1])
while n > 0 and tonumber(redis.call('LINDEX', KEYS[1], 0)) <= now - window do
  redis.call('LPOP', KEYS[1])
  n = n - 1
end
if n >= limit then
  local frees = tonumber(redis.call('LINDEX', KEYS[1], n - limit)) + window
  return math.max(1, math.min(frees - now, window)) -- a clock that was set back must not lock anybody out
end
redis.call('RPUSH', KEYS[1], string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
return 0
