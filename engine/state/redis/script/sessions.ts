/** Sessions: what is kept of one, and room for it. Pure. */
export const SESSIONS = `
-- Sessions: when it started by the clock of whoever saw it first, 1 where it is interrupted, sensitivity,
-- labels. In one of two sorted sets, by when it was used or when it ended.

local function factsOf(startedAt) return startedAt .. ' 0 0' end

local function touchSession(keys, id, stored)
  if not (stored and string.match(stored, '^%d+ 1')) then redis.call('ZADD', keys.used, fmt(now), id) end
end

local function endSession(keys, id, facts, why)
  local startedAt, rest = string.match(facts, '^(%d+) [01] (.*)$')
  local ended = startedAt .. ' 1 ' .. rest
  redis.call('HSET', keys.sessions, id, ended)
  redis.call('ZREM', keys.used, id)
  redis.call('ZADD', keys.ended, 'NX', fmt(now), id)
  redis.call('HSETNX', keys.reasons, id, why)
  return ended
end

local function joined(facts, labels, sensitivity)
  local startedAt, bit, level, own = string.match(facts, '^(%d+) ([01]) (%d+)(.*)$')
  local known = {}
  for label in string.gmatch(own, '%S+') do known[label] = true end
  for label in string.gmatch(labels, '%S+') do
    if not known[label] then known[label] = true own = own .. ' ' .. label end
  end
  return startedAt .. ' ' .. bit .. ' ' .. fmt(math.max(whole(level), sensitivity)) .. own
end

local function takeSessionKeys()
  local keys = {
    sessions = takeKey(), used = takeKey(), ended = takeKey(), reasons = takeKey(), lengths = takeKey(),
    seenStart = takeKey(), ownedStart = takeKey(), tasks = takeKey(), most = takeWhole(), idleMs = takeWhole(),
  }
  keys.start = string.match(keys.ownedStart, '^(.*)owned:$')
  return keys
end

local function hasSessionRoom(keys)
  if redis.call('HLEN', keys.sessions) < keys.most then return true end
  forgetIdle(keys)
  return redis.call('HLEN', keys.sessions) < keys.most
end

-- Also where there is none, up to twice the bound: what speaks against a session must not be forgotten.
local function hasRoomBeyond(keys)
  return redis.call('HLEN', keys.sessions) < 2 * keys.most
end
`;
