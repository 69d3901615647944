/** The clock of windows, and the count of changes that were acknowledged (SPEC §7.6). Pure. */
export const CLOCK = `
-- A clock for windows: it moves with the server's, never back, and never further ahead than whoever asks has
-- measured by a clock of their own that nobody sets (SPEC §7.6).

local SLACK = 1000
local STALE = 5000

local META
local generation, writes, clock, raw, lost, settles
local now, isStale

local function serverMs()
  local time = redis.call('TIME')
  return math.floor(tonumber(time[1]) * 1000.0 + tonumber(time[2]) / 1000.0)
end

local function readClock(expected)
  raw = serverMs()
  local meta = redis.call('HMGET', META, 'generation', 'writes', 'clock', 'raw', 'lost', 'settles')
  generation, lost = meta[1], meta[5]
  writes = meta[2] and whole(meta[2]) or 0
  clock = meta[3] and whole(meta[3]) or raw
  local before = meta[4] and whole(meta[4]) or raw
  settles = meta[6] and whole(meta[6]) or 0
  now, isStale = clock + math.max(0, raw - before), false
  if expected ~= '' then
    local most = whole(expected)
    isStale = clock > most + STALE
    now = math.max(clock, math.min(now, most + SLACK))
  end
end

local function keepClock()
  redis.call('HSET', META, 'clock', fmt(now), 'raw', fmt(raw))
end

-- One more change that is acknowledged: whoever saw it can tell later that it is gone.
local function countWrite()
  writes = writes + 1
  redis.call('HSET', META, 'clock', fmt(now), 'raw', fmt(raw), 'writes', fmt(writes))
end
`;
