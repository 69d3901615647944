/** Counters of different values, as `window.ts` has them. Pure. */
export const DISTINCT = `
-- Different values: a sorted set from value to its newest bucket, and a hash from value to its uses (bucket and
-- count, oldest first). In the table: head, and one more than the bucket in which a value did not fit.

local function readDistinct(cell)
  cell.head, cell.overflown = bucketAt(now, cell.window), 0
  if cell.text then
    local head, overflown = string.match(cell.text, '^(%d+) (%d+)$')
    cell.head = math.max(cell.head, whole(head))
    cell.overflown = whole(overflown)
  end
end

local function liveFrom(cell)
  if cell.window == 0 then return '-inf' end
  return '(' .. fmt(cell.head - KEPT)
end

local function distinctOf(cell)
  if cell.overflown > 0 and (cell.window == 0 or cell.overflown - 1 > cell.head - KEPT) then return 'u' end
  return redis.call('ZCOUNT', cell.newest, liveFrom(cell), '+inf')
end

local function usesOf(cell, value)
  local uses = {}
  local text = redis.call('HGET', cell.uses, value)
  if not text then return uses end
  for bucket, count in string.gmatch(text, '(%d+) (%d+)') do
    bucket = whole(bucket)
    if cell.window == 0 or bucket > cell.head - KEPT then
      uses[#uses + 1] = { bucket, whole(count) }
    end
  end
  return uses
end

local function keepUses(cell, value, uses)
  if #uses == 0 then
    redis.call('HDEL', cell.uses, value)
    redis.call('ZREM', cell.newest, value)
    return
  end
  local words = {}
  for _, use in ipairs(uses) do words[#words + 1] = fmt(use[1]) .. ' ' .. fmt(use[2]) end
  redis.call('HSET', cell.uses, value, table.concat(words, ' '))
  redis.call('ZADD', cell.newest, fmt(uses[#uses][1]), value)
end

local PURGED_AT_ONCE = 64

local function purge(cell)
  if cell.window == 0 then return end
  local old = redis.call('ZRANGEBYSCORE', cell.newest, '-inf', fmt(cell.head - KEPT),
    'LIMIT', 0, PURGED_AT_ONCE)
  for _, value in ipairs(old) do keepUses(cell, value, {}) end
end

local function addDistinct(cell, value, most)
  purge(cell)
  local uses = usesOf(cell, value)
  if #uses == 0 and redis.call('ZCOUNT', cell.newest, liveFrom(cell), '+inf') >= most then
    cell.overflown = cell.head + 1
    return
  end
  local last = uses[#uses]
  if last and last[1] == cell.head then last[2] = last[2] + 1
  else uses[#uses + 1] = { cell.head, 1 } end
  keepUses(cell, value, uses)
end

local function addPastDistinct(cell, bucket, value, most)
  bucket = math.min(bucket, cell.head)
  if cell.window > 0 and bucket <= cell.head - KEPT then return end
  local uses = usesOf(cell, value)
  if #uses == 0 and redis.call('ZCOUNT', cell.newest, liveFrom(cell), '+inf') >= most then
    cell.overflown = cell.head + 1
    return
  end
  local at = 1
  while uses[at] and uses[at][1] < bucket do at = at + 1 end
  if uses[at] and uses[at][1] == bucket then uses[at][2] = uses[at][2] + 1
  else table.insert(uses, at, { bucket, 1 }) end
  keepUses(cell, value, uses)
end

local function takeBackDistinct(cell, bucket, value)
  local uses = {}
  for _, use in ipairs(usesOf(cell, value)) do
    if use[1] == bucket then use[2] = use[2] - 1 end
    if use[2] > 0 then uses[#uses + 1] = use end
  end
  keepUses(cell, value, uses)
end

local function writeDistinct(cell)
  redis.call('HSET', cell.key, cell.field, fmt(cell.head) .. ' ' .. fmt(cell.overflown))
end
`;
