-- Takes actions of keys, unless their windows are full.
-- KEYS  lists of when their actions happen at the latest, in microseconds, oldest first
-- ARGV  six for each key:
--   how many may be in a window
--   the window, in microseconds
--   how many to take; more than one is a lot, which is used up later
--   for how long a lot may be used, in microseconds
--   how many of the lot before were not used
--   when that was to be used at the latest
-- Answers three numbers for each key: how many microseconds to wait, how many were taken, when they happen at the latest.
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]

local function take(key, limit, window, wanted, life, unused, expired)
  if unused > 0 then
    redis.call('LREM', key, -unused, expired)
  end
  local n = redis.call('LLEN', key)
  while n > 0 and tonumber(redis.call('LINDEX', key, 0)) <= now - window do
    redis.call('LPOP', key)
    n = n - 1
  end
  if n >= limit then
    local frees = tonumber(redis.call('LINDEX', key, n - limit)) + window
    return math.max(1, math.min(frees - now, window + life)), 0, 0 -- a clock that was set back must not lock anybody out
  end
  local taken, latest = 1, now
  if wanted > 1 then -- most of what is left is for other nodes
    taken = math.max(1, math.min(wanted, math.floor((limit - n) / 16)))
  end
  if taken > 1 then
    latest = now + life
  end
  local entries = {}
  for i = 1, taken do
    entries[i] = string.format('%.0f', latest)
  end
  redis.call('RPUSH', key, unpack(entries))
  redis.call('PEXPIRE', key, math.ceil((window + life) / 1000))
  return 0, taken, latest
end

local answers = {}
for i, key in ipairs(KEYS) do
  local a = 6 * (i - 1)
  local wait, taken, latest = take(key, tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3]),
    tonumber(ARGV[a + 4]), tonumber(ARGV[a + 5]), ARGV[a + 6])
  answers[3 * i - 2], answers[3 * i - 1], answers[3 * i] = wait, taken, latest
end
return answers
