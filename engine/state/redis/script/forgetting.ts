/** What belongs to a session, and goes with one that nobody has used for long (SPEC §7.4). Pure. */
export const FORGETTING = `
-- Cells and tasks of a session: each as its kind, its meaning, if it has one, and its field, by when it was last seen
-- to be there. Some are gone by themselves, and of many each that is added looks after two.

local LOOKED_AFTER_FROM = 64

local function placeOf(start, entry)
  local kind, meaning, field = string.match(entry, '^(%a+) (%S*) (.*)$')
  if kind == 'task' then return start .. 'tasks', field end
  return start .. (kind == 'latch' and 'latch:' or 'counter:') .. meaning, field, kind == 'distinct' and meaning
end

local function own(keys, id, entry)
  local owned, start = keys.ownedStart .. id, keys.start
  redis.call('ZADD', owned, fmt(now), entry)
  if redis.call('ZCARD', owned) <= LOOKED_AFTER_FROM then return end
  for _, oldest in ipairs(redis.call('ZRANGE', owned, 0, 1)) do
    local key, field = placeOf(start, oldest)
    if redis.call('HGET', key, field) then redis.call('ZADD', owned, fmt(now), oldest)
    else redis.call('ZREM', owned, oldest) end
  end
end

local function ownCell(cell)
  if cell.owner == '' then return end
  own(cell.sessions, cell.owner, cell.kind .. ' ' .. string.match(cell.key, '([^:]*)$') .. ' ' .. cell.field)
end

-- What was not used for long and was not ended is forgotten where there is no room: an ended one would come back
-- alive. Nor is one forgotten that is asked about. It is gone at once, and what belongs to it so much at a time: what is
-- left of it then is the next to go, by the time 0 at which it is said to have been used.
local FORGOTTEN_AT_ONCE = 16
local OWNED_AT_ONCE = 1000

local function forgetOwned(keys, id)
  local owned, start = keys.ownedStart .. id, keys.start
  local entries = redis.call('ZRANGE', owned, 0, OWNED_AT_ONCE - 1)
  for _, entry in ipairs(entries) do
    local key, field, meaning = placeOf(start, entry)
    redis.call('HDEL', key, field)
    if meaning then
      redis.call('DEL', start .. 'newest:' .. meaning .. ':' .. field, start .. 'uses:' .. meaning .. ':' .. field)
    end
  end
  if #entries > 0 then redis.call('ZREMRANGEBYRANK', owned, 0, #entries - 1) end
  return #entries
end

local function forgetIdle(keys)
  local idle = redis.call('ZRANGEBYSCORE', keys.used, '-inf', fmt(now - keys.idleMs - 1), 'LIMIT', 0, FORGOTTEN_AT_ONCE)
  local count = 0
  for _, id in ipairs(idle) do
    if id ~= keys.spared and count < OWNED_AT_ONCE then
      redis.call('HDEL', keys.sessions, id)
      redis.call('HDEL', keys.lengths, id)
      redis.call('DEL', keys.seenStart .. id)
      local gone = forgetOwned(keys, id)
      count = count + gone
      if gone < OWNED_AT_ONCE then redis.call('ZREM', keys.used, id)
      else redis.call('ZADD', keys.used, '0', id) end
    end
  end
end

-- What is kept of a session, and nothing of one of its name that was forgotten before: whoever comes is in a new one.
local function storedSession(keys, id)
  local stored = redis.call('HGET', keys.sessions, id)
  if not stored then
    while forgetOwned(keys, id) > 0 do end
  end
  return stored
end
`;
