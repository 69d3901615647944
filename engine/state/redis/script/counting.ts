/** Which counters count since when, and what is filled in of their past from logs. Pure. */
export const COUNTING = `
-- Who counts what. Each process has a log of what it decided, or none: 'unrecorded' is the log of all of these. A
-- counter counts since every log there is does: since it was declared, or since what was filled in from the log.

local UNRECORDED = 'unrecorded'

local function takeCountingKeys()
  return { since = takeKey(), logs = takeKey(), filled = takeKey(), through = takeKey(), policies = takeKey(), used = takeKey() }
end

local function forget(keys, wanted)
  for _, meaning in ipairs(redis.call('HKEYS', keys.since)) do
    if not wanted[meaning] then redis.call('HDEL', keys.since, meaning) end
  end
  for _, field in ipairs(redis.call('HKEYS', keys.filled)) do
    if not wanted[string.match(field, '^%S+')] then redis.call('HDEL', keys.filled, field) end
  end
end

local function countsSince(keys, meaning, logs)
  redis.call('HSETNX', keys.since, meaning, fmt(now))
  local declared, since = whole(redis.call('HGET', keys.since, meaning)), 0
  for _, log in ipairs(logs) do
    local filled = redis.call('HGET', keys.filled, meaning .. ' ' .. log)
    since = math.max(since, filled and whole(filled) or declared)
  end
  return since
end

-- What this policy counts, for whoever finds it in a log.
local function keepPolicy(keys, digest, meanings, most)
  redis.call('HSET', keys.policies, digest, table.concat(meanings, ' '))
  redis.call('ZADD', keys.used, fmt(now), digest)
  local over = redis.call('ZCARD', keys.used) - most
  for _, oldest in ipairs(over > 0 and redis.call('ZRANGE', keys.used, 0, over - 1) or {}) do
    redis.call('HDEL', keys.policies, oldest)
    redis.call('ZREM', keys.used, oldest)
  end
end

-- Which counters count from now on, and since when each has.
local function counting()
  local keys, log, digest, most, isFirst = takeCountingKeys(), take(), take(), takeWhole(), take() ~= ''
  local wanted, meanings = {}, {}
  for index = 1, takeWhole() do
    meanings[index] = take()
    wanted[meanings[index]] = true
  end
  local refused = refusedNow()
  if refused then return refused end
  countWrite()
  -- Whoever decided here before there were logs.
  if redis.call('HSETNX', META, 'began', fmt(now)) == 0 and redis.call('HLEN', keys.logs) == 0 then
    redis.call('HSET', keys.logs, UNRECORDED, '0')
  end
  redis.call('HSETNX', keys.logs, log, fmt(now))
  if isFirst then
    forget(keys, wanted)
    keepPolicy(keys, digest, meanings, most)
  end
  local answer = { 'ok', fmt(now), fmt(writes), redis.call('HGET', META, 'began'), redis.call('HGET', keys.logs, log) }
  local logs = redis.call('HKEYS', keys.logs)
  for _, meaning in ipairs(meanings) do
    answer[#answer + 1] = fmt(countsSince(keys, meaning, logs))
  end
  return answer
end

-- Which of these counters nothing was filled in of from this log, through which line of it something was ever, and
-- which counters each policy counts by itself.
local function unfilled()
  local keys, log, meanings = takeCountingKeys(), take(), {}
  for index = 1, takeWhole() do meanings[index] = take() end
  local refused = refusedNow()
  if refused then return refused end
  local through, policies = {}, {}
  for index, meaning in ipairs(meanings) do
    local isFilled = redis.call('HGET', keys.filled, meaning .. ' ' .. log)
    through[index] = isFilled and '' or redis.call('HGET', keys.through, meaning .. ' ' .. log) or '-1'
  end
  for _, digest in ipairs(redis.call('HKEYS', keys.policies)) do
    policies[#policies + 1] = digest
    policies[#policies + 1] = redis.call('HGET', keys.policies, digest)
  end
  return { 'ok', fmt(now), fmt(writes), through, policies }
end

-- A part of what a log knows of a counter's past. The first says through which line, so that nothing is ever filled
-- in twice, whatever becomes of the others; the last says since when all is there.
local function fill()
  local keys, meaning, log = takeCountingKeys(), take(), take()
  local before, through, since = take(), take(), take()
  local room, keyMost, distinctMost, throughMost = takeWhole(), takeWhole(), takeWhole(), takeWhole()
  local sessions = takeSessionKeys()
  local cells = takeCells()
  local refused = refusedNow()
  if refused then return refused end
  local field = meaning .. ' ' .. log
  readCells(cells, sessions)
  local known = redis.call('HGET', keys.through, field) or '-1'
  if known ~= before then return { 'repeated', fmt(now), fmt(writes) } end
  if before ~= through then
    local isKept = known ~= '-1' or redis.call('HLEN', keys.through) < throughMost
    local isRoom = #cells == 0 or redis.call('HLEN', cells[1].key) + room <= keyMost
    if not (isKept and isRoom) then return { 'full', fmt(now), fmt(writes) } end
  end
  countWrite()
  redis.call('HSET', keys.through, field, through)
  if not fillCells(cells, keyMost, distinctMost) then return { 'full', fmt(now), fmt(writes) } end
  if since ~= '' then redis.call('HSET', keys.filled, field, since) end
  return { 'ok', fmt(now), fmt(writes) }
end
`;
