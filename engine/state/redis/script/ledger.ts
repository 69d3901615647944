/** The operation that changes the ledger (`engine/ledger/redis.ts`), counted as changes of state are. Pure. */
export const LEDGER = `
-- A change of the ledger, where it still is what was read. An entry is its end, a space, and its text.

local function takeLedgerKeys()
  return { log = takeKey(), last = takeKey(), names = takeKey(), entries = takeKey(), byEnd = takeKey() }
end

local function endOf(entry) return string.match(entry, '^%d+') end

local function keepEnd(keys, id, entry) redis.call('ZADD', keys.byEnd, endOf(entry), id) end

local function forgetEnded(keys, kind, nowMs)
  if redis.call('ZCARD', keys.byEnd) ~= redis.call('HLEN', keys.entries) then
    redis.call('DEL', keys.byEnd)
    local all = redis.call('HGETALL', keys.entries)
    for at = 1, #all, 2 do keepEnd(keys, all[at], all[at + 1]) end
  end
  for _, over in ipairs(redis.call('ZRANGEBYSCORE', keys.byEnd, '-inf', fmt(nowMs), 'LIMIT', 0, 100)) do
    local entry = redis.call('HGET', keys.entries, over)
    if entry and whole(endOf(entry)) > nowMs then keepEnd(keys, over, entry)
    else
      redis.call('HDEL', keys.entries, over)
      redis.call('ZREM', keys.byEnd, over)
      redis.call('ZREM', keys.log, kind .. ' ' .. over)
    end
  end
end

local function change()
  local keys = takeLedgerKeys()
  local kind, id, was, after, name = take(), take(), take(), take(), take()
  local most, nowMs, namesMost = takeWhole(), takeWhole(), takeWhole()
  local refused = refusedNow()
  if refused then return refused end
  local is = redis.call('HGET', keys.entries, id) or ''
  if is ~= was then return { 'changed', fmt(now), fmt(writes), is } end
  local function isFull() return redis.call('HLEN', keys.entries) >= most end
  if is == '' and isFull() then
    forgetEnded(keys, kind, nowMs)
    if isFull() then return { 'full', fmt(now), fmt(writes), '' } end
  end
  countWrite()
  local number = redis.call('INCR', keys.last)
  redis.call('HSET', keys.names, fmt(number), name)
  redis.call('HDEL', keys.names, fmt(number - namesMost))
  redis.call('HSET', keys.entries, id, after)
  keepEnd(keys, id, after)
  redis.call('ZADD', keys.log, fmt(number), kind .. ' ' .. id)
  return { 'kept', fmt(now), fmt(writes), fmt(number) }
end
`;
