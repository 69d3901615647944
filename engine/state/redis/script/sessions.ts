/** Sessions: what is kept of one, and room for it. Pure. */
export const SESSIONS = `
-- Sessions: when it started by the clock of whoever saw it first, 1 where it is interrupted, 0 and behind it the levels
-- of what it was returned, each behind a comma, and labels, each behind a blank. In one of two sorted sets, by when it
-- was used or when it ended.

local function factsOf(startedAt) return startedAt .. ' 0 0' end

-- By which sessions of one name are told apart.
local function begunIn(facts) return string.match(facts or '', '^%d+') or '-' end

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

-- Which level is the highest is for each policy to say: all that were told are kept.
local function withEach(list, mark, more)
  local word, known = '[^' .. mark .. ']+', {}
  for own in string.gmatch(list, word) do known[own] = true end
  for new in string.gmatch(more, word) do
    if not known[new] then known[new] = true list = list .. mark .. new end
  end
  return list
end

local function joined(facts, labels, levels)
  local front, told, own = string.match(facts, '^(%d+ [01] )(%S+)(.*)$')
  return front .. withEach(told, ',', levels) .. withEach(own, ' ', labels)
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
