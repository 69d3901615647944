/**
 * What runs inside Redis: each operation reads, checks and changes in one step. One script for all of them,
 * since they share the arithmetic of `window.ts`. `arguments.ts` writes what it takes. Sent as a script, all of it
 * runs at each call; sent as a library (`library.ts`), only `run` does: nothing may be left from one run to the next.
 *
 * Written in what Lua 5.1 and 5.3 have in common; a library may name no global but in functions. Numbers are floats,
 * exact to 2^53 − 1. All arguments are read and all that is stored is understood before anything is written,
 * since Redis takes nothing back of a script that fails half-way. Keys never expire by themselves: whether
 * something is over is for the clock below to say.
 */
export const SCRIPT = `
local MOST = 9007199254740991
local KEPT = 33

-- '%d' is the faster one, and takes no large float where floats and whole numbers are two kinds (Lua 5.3).
local WHOLE = '' .. 1.0 == '1' and '%d' or '%.0f'
local function fmt(number) return string.format(WHOLE, number) end

local function whole(text)
  local number = tonumber(text)
  if not number or number < 0 or number > MOST or math.floor(number) ~= number then
    error('WRIT not a whole number: ' .. tostring(text))
  end
  return number + 0.0
end

local given, at, named, key
local function take() at = at + 1 return given[at] end
local function takeWhole() return whole(take()) end
local function takeKey() key = key + 1 return named[key] or error('WRIT a key is missing') end

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

-- A loss that was confirmed ends a generation: who knows no later one has nothing to say against what there is.
local function isPast(known) return redis.call('HGET', META, 'past ' .. known) end

local function declareLost(known, seen, why)
  if not generation then redis.call('HSET', META, 'generation', known)
  elseif known ~= '' and known ~= generation then redis.call('HSET', META, 'past ' .. known, '1') end
  redis.call('HSET', META, 'lost', why, 'writes', fmt(math.max(writes, seen)))
  lost = why
end

-- What is wrong with this place as a whole; nil where nothing is.
local function refusal(known, seen)
  if not generation then
    if known == '' then return 'new' end
    declareLost(known, seen, 'it is empty, and was not')
  elseif known ~= '' and known ~= generation then
    if not lost and isPast(known) then return 'new' end
    declareLost(known, seen, 'it is not the one that was written to')
  elseif writes < seen then
    declareLost(known, seen, 'changes that were acknowledged are missing')
  end
  if lost then return 'lost' end
  if now < settles then return 'settling' end
  return nil
end

-- Counters: 32 buckets a window and the one being filled. Stored: head, then age and amount of each bucket
-- that is not empty, oldest first.

local function bucketAt(ms, window)
  if window == 0 then return 0 end
  return math.floor(ms * 32 / window)
end

local function readSum(cell)
  cell.buckets, cell.amounts = {}, {}
  local head = bucketAt(now, cell.window)
  if not cell.text then cell.head = head return end
  local numbers = {}
  for word in string.gmatch(cell.text, '%S+') do numbers[#numbers + 1] = whole(word) end
  local stored = numbers[1] or error('WRIT a counter holds nothing')
  cell.head = math.max(head, stored)
  for index = 2, #numbers, 2 do
    local bucket = stored - numbers[index]
    if bucket > cell.head - KEPT then
      cell.buckets[#cell.buckets + 1] = bucket
      cell.amounts[#cell.amounts + 1] = numbers[index + 1]
    end
  end
end

local function totalOf(cell)
  local total = 0
  for _, amount in ipairs(cell.amounts) do total = total + amount end
  return math.min(total, MOST)
end

local function addSum(cell, amount)
  local last = #cell.buckets
  if cell.buckets[last] == cell.head then
    cell.amounts[last] = math.min(cell.amounts[last] + amount, MOST)
  else
    cell.buckets[last + 1] = cell.head
    cell.amounts[last + 1] = math.min(amount, MOST)
  end
end

-- Of before now: into the bucket that it would have gone to, if that is still kept.
local function addPastSum(cell, bucket, amount)
  if bucket >= cell.head then return addSum(cell, amount) end
  if bucket <= cell.head - KEPT then return end
  local at = 1
  while cell.buckets[at] and cell.buckets[at] < bucket do at = at + 1 end
  if cell.buckets[at] == bucket then
    cell.amounts[at] = math.min(cell.amounts[at] + amount, MOST)
  else
    table.insert(cell.buckets, at, bucket)
    table.insert(cell.amounts, at, math.min(amount, MOST))
  end
end

-- What has reached the end of the scale may have been more: nothing is taken from it.
local function takeBackSum(cell, bucket, amount)
  for index, kept in ipairs(cell.buckets) do
    if kept == bucket and cell.amounts[index] < MOST then
      cell.amounts[index] = math.max(0, cell.amounts[index] - amount)
    end
  end
end

local function writeSum(cell)
  local words = { fmt(cell.head) }
  for index, bucket in ipairs(cell.buckets) do
    words[#words + 1] = fmt(cell.head - bucket)
    words[#words + 1] = fmt(cell.amounts[index])
  end
  redis.call('HSET', cell.key, cell.field, table.concat(words, ' '))
end

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

-- Latches, as latch.ts has them: 0 for unset, 1 for set, 2 for either, how many calls under way would set it, and
-- reset it, and how often it was set, and reset. Beside a call stands of each latch that it would set or reset, by its
-- place among these, how often others had reset or set it by then.

local others

local function readLatch(cell)
  cell.state, cell.pending, cell.resetting, cell.sets, cell.resets = '0', 0, 0, 0, 0
  if cell.text then
    local state, pending, resetting, sets, resets = string.match(cell.text, '^([012]) (%d+) (%d+) (%d+) (%d+)$')
    cell.state, cell.pending, cell.resetting = state, whole(pending), whole(resetting)
    cell.sets, cell.resets = whole(sets), whole(resets)
  end
end

local function latchOf(cell)
  if cell.state == '2' then return 'p' end
  if cell.state == '1' then return cell.resetting > 0 and 'p' or '1' end
  return cell.pending > 0 and 'p' or '0'
end

local function turnLatch(cell, after, isLast)
  if isLast then cell.state = after
  elseif cell.state ~= after then cell.state = '2' end
end

-- What is at once has no place, and comes last.
local function isLast(place, count)
  return place == '' or others[place] == count
end

local function changeLatch(cell, action, place)
  if action == 'set' or action == 'may set' then
    turnLatch(cell, '1', action == 'set' and isLast(place, cell.resets))
    cell.sets = cell.sets + 1
  elseif action == 'reset' or action == 'may reset' then
    turnLatch(cell, '0', action == 'reset' and isLast(place, cell.sets))
    cell.resets = cell.resets + 1
  elseif action == 'pend' then
    cell.pending = cell.pending + 1
    others[place] = cell.resets
  elseif action == 'pend reset' then
    cell.resetting = cell.resetting + 1
    others[place] = cell.sets
  elseif action == 'unpend' then cell.pending = math.max(0, cell.pending - 1)
  elseif action == 'unpend reset' then cell.resetting = math.max(0, cell.resetting - 1)
  else error('WRIT no such change of a latch: ' .. action) end
end

local function writeLatch(cell)
  redis.call('HSET', cell.key, cell.field, table.concat({
    cell.state, fmt(cell.pending), fmt(cell.resetting), fmt(cell.sets), fmt(cell.resets),
  }, ' '))
end

local function spellOthers()
  local words = {}
  for place, count in pairs(others) do words[#words + 1] = place .. ':' .. fmt(count) end
  return '[' .. table.concat(words, ',') .. ']'
end

local function readOthers(call)
  for place, count in string.gmatch(string.match(call, '^%d+ %[([%d:,]*)%] '), '(%d+):(%d+)') do
    others[place] = whole(count)
  end
end

-- Cells: what an operation names of counters and latches, each with what it must read as and what is done to it.

local function takeCells()
  local cells = {}
  for index = 1, takeWhole() do
    local cell = { kind = take(), key = takeKey() }
    if cell.kind == 'distinct' then cell.newest, cell.uses = takeKey(), takeKey() end
    if cell.kind ~= 'latch' then cell.window = takeWhole() end
    cell.owner, cell.field, cell.lo, cell.hi, cell.changes = take(), take(), take(), take(), {}
    for change = 1, takeWhole() do cell.changes[change] = { take(), take() } end
    cells[index] = cell
  end
  return cells
end

-- \`sessions\`: where they are kept, for cells that are a session's.
local function readCells(cells, sessions)
  for _, cell in ipairs(cells) do
    cell.sessions = sessions
    cell.text = redis.call('HGET', cell.key, cell.field)
    if cell.kind == 'sum' then
      readSum(cell)
      for _, change in ipairs(cell.changes) do whole(change[2]) end
    elseif cell.kind == 'distinct' then readDistinct(cell)
    else readLatch(cell) end
  end
end

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
    if redis.call('HGET', placeOf(start, oldest)) then redis.call('ZADD', owned, fmt(now), oldest)
    else redis.call('ZREM', owned, oldest) end
  end
end

local function ownCell(cell)
  if cell.owner == '' then return end
  own(cell.sessions, cell.owner, cell.kind .. ' ' .. string.match(cell.key, '([^:]*)$') .. ' ' .. cell.field)
end

-- What was not used for long and was not ended is forgotten where there is no room: an ended one would come back
-- alive. Nor is one forgotten that is asked about. So much at a time: a session of more goes with the last of it.
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
    redis.call('ZREM', owned, entry)
  end
  return #entries
end

local function forgetIdle(keys)
  local idle = redis.call('ZRANGEBYSCORE', keys.used, '-inf', fmt(now - keys.idleMs - 1), 'LIMIT', 0, FORGOTTEN_AT_ONCE)
  local count = 0
  for _, id in ipairs(idle) do
    if id ~= keys.spared and count < OWNED_AT_ONCE then
      local gone = forgetOwned(keys, id)
      count = count + gone
      if gone < OWNED_AT_ONCE then
        redis.call('HDEL', keys.sessions, id)
        redis.call('ZREM', keys.used, id)
        redis.call('HDEL', keys.lengths, id)
        redis.call('DEL', keys.seenStart .. id)
      end
    end
  end
end

-- A full table is looked through so far at a time, and all of a large one this often at most, or a flood of new keys would
-- make every call search it. Keys that hold nothing are as good as never seen.

local ROUND_MS = 1000
local LOOKED_AT_ONCE = 64

local function nextCursor(key)
  local found = redis.call('HMGET', META, 'cursor ' .. key, 'swept ' .. key)
  if found[1] and found[1] ~= '0' then return found[1] end
  local isLarge = redis.call('HLEN', key) > LOOKED_AT_ONCE
  if isLarge and found[2] and now - whole(found[2]) < ROUND_MS then return nil end
  redis.call('HSET', META, 'swept ' .. key, fmt(now))
  return '0'
end

-- The same table's cell for another key; that its own keys were not announced is no matter, since all keys of a
-- namespace are in one slot.
local function cellBeside(cell, field, text)
  local other = { kind = cell.kind, key = cell.key, window = cell.window, field = field, text = text }
  if cell.kind == 'distinct' then
    other.newest = string.sub(cell.newest, 1, -1 - #cell.field) .. field
    other.uses = string.sub(cell.uses, 1, -1 - #cell.field) .. field
  end
  return other
end

local function isEmpty(cell)
  if cell.kind == 'sum' then readSum(cell) return totalOf(cell) == 0 end
  if cell.kind == 'distinct' then readDistinct(cell) return distinctOf(cell) == 0 end
  readLatch(cell)
  return latchOf(cell) == '0' and cell.resetting == 0
end

local function sweep(cell)
  local cursor = nextCursor(cell.key)
  if not cursor then return end
  local page = redis.call('HSCAN', cell.key, cursor, 'COUNT', LOOKED_AT_ONCE)
  redis.call('HSET', META, 'cursor ' .. cell.key, page[1])
  for index = 1, #page[2], 2 do
    local other = cellBeside(cell, page[2][index], page[2][index + 1])
    if isEmpty(other) then
      redis.call('HDEL', other.key, other.field)
      if other.kind == 'distinct' then redis.call('DEL', other.newest, other.uses) end
    end
  end
end

-- For so many more keys. It is made once in a run.
local function hasRoom(cell, keyMost, more)
  local function fits() return redis.call('HLEN', cell.key) + more <= keyMost end
  if cell.text or cell.isNew or fits() then return true end
  if not cell.isSwept then
    cell.isSwept = true
    sweep(cell)
    if cell.owner ~= '' and not fits() then forgetIdle(cell.sessions) end
  end
  return fits()
end

-- What is denied because of a full table may never come to add to it, so reading makes room as well.
local function readingOf(cell, keyMost)
  if not hasRoom(cell, keyMost, 1) then return 'u' end
  if cell.kind == 'sum' then return fmt(totalOf(cell)) end
  if cell.kind == 'latch' then return latchOf(cell) end
  local count = distinctOf(cell)
  return count == 'u' and 'u' or fmt(count)
end

local function isAsThought(cell, reading)
  if cell.lo == '' then return true end
  if cell.kind == 'latch' or cell.lo == 'u' or reading == 'u' then return reading == cell.lo end
  local number = tonumber(reading)
  return number >= whole(cell.lo) and number <= whole(cell.hi)
end

local function readingsOf(cells, keyMost)
  local readings = {}
  for index, cell in ipairs(cells) do readings[index] = readingOf(cell, keyMost) end
  return readings
end

local function haveRoom(cells, keyMost)
  local added = {}
  for _, cell in ipairs(cells) do
    if not cell.text and #cell.changes > 0 then
      local more = (added[cell.key] or 0) + 1
      added[cell.key] = more
      if not hasRoom(cell, keyMost, more) then return false end
    end
  end
  return true
end

-- Nothing is counted of a session that is not kept.
local function changeCells(cells, keyMost, distinctMost, isKept)
  for _, cell in ipairs(cells) do
    if #cell.changes > 0 and (isKept or cell.owner == '') and hasRoom(cell, keyMost, 1) then
      for _, change in ipairs(cell.changes) do
        if cell.kind == 'sum' then addSum(cell, whole(change[2]))
        elseif cell.kind == 'distinct' then addDistinct(cell, change[2], distinctMost)
        else changeLatch(cell, change[1], change[2]) end
      end
      if not cell.text then ownCell(cell) end
      cell.isNew = true
      if cell.kind == 'sum' then writeSum(cell)
      elseif cell.kind == 'distinct' then writeDistinct(cell)
      else writeLatch(cell) end
    end
  end
end

-- The first of a change says when. False where there is no room for one of the cells.
local function fillCells(cells, keyMost, distinctMost)
  for _, cell in ipairs(cells) do
    if cell.owner == '' or redis.call('HGET', cell.sessions.sessions, cell.owner) then
      if not hasRoom(cell, keyMost, 1) then return false end
      for _, change in ipairs(cell.changes) do
        local bucket = bucketAt(whole(change[1]), cell.window)
        if cell.kind == 'sum' then addPastSum(cell, bucket, whole(change[2]))
        else addPastDistinct(cell, bucket, change[2], distinctMost) end
      end
      if not cell.text then ownCell(cell) end
      if cell.kind == 'sum' then writeSum(cell) else writeDistinct(cell) end
    end
  end
  return true
end

-- A session may have been forgotten since, and what stands under its key is of another that came back.
local function isOfPast(cell, heldMs)
  return cell.owner ~= '' and now - heldMs > cell.sessions.idleMs
end

-- It may be of the same: then a call that succeeded may have changed it. A reset changes nothing where nothing is.
local function changePastLatch(cell, keyMost)
  local does = {}
  for _, change in ipairs(cell.changes) do
    local action = string.match(change[1], '^may (%a+)$') or change[1]
    if action == 'set' or (action == 'reset' and cell.text) then does[#does + 1] = 'may ' .. action end
  end
  if #does == 0 or not hasRoom(cell, keyMost, 1) then return end
  if not cell.text then ownCell(cell) end
  for _, action in ipairs(does) do changeLatch(cell, action, '') end
  writeLatch(cell)
end

local function takeBackCells(cells, heldMs, keyMost)
  for _, cell in ipairs(cells) do
    if isOfPast(cell, heldMs) then
      if cell.kind == 'latch' then changePastLatch(cell, keyMost) end
    elseif cell.text then
      for _, change in ipairs(cell.changes) do
        local bucket = cell.window and bucketAt(heldMs, cell.window)
        if cell.kind == 'sum' then takeBackSum(cell, bucket, whole(change[2]))
        elseif cell.kind == 'distinct' then takeBackDistinct(cell, bucket, change[2])
        else changeLatch(cell, change[1], change[2]) end
      end
      if cell.kind == 'sum' then writeSum(cell)
      elseif cell.kind == 'latch' then writeLatch(cell) end
    end
  end
end

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

-- What a session has seen: a list that only grows, and how long its texts are together. The mark '!' in its end
-- says that something did not fit.

local function takeSeen()
  if take() == '' then return nil end
  local seen = { key = takeKey(), lengths = takeKey(), id = take(), known = take(), entries = {} }
  for index = 1, takeWhole() do seen.entries[index] = take() end
  return seen
end

local function appendSeen(seen, entriesMost, lengthMost)
  if not seen then return end
  for _, entry in ipairs(seen.entries) do
    local count = redis.call('LLEN', seen.key)
    local length = tonumber(redis.call('HGET', seen.lengths, seen.id) or '0') + #entry
    if redis.call('LINDEX', seen.key, -1) == '!' then return end
    if count >= entriesMost or length > lengthMost then entry = '!' end
    redis.call('RPUSH', seen.key, entry)
    redis.call('HSET', seen.lengths, seen.id, fmt(length))
  end
end

local function takeTask()
  if take() == '' then return nil end
  return { key = takeKey(), runs = takeKey(), field = take(), version = take(), text = take(), isGranted = take() ~= '' }
end

-- Tasks are kept as long as their session, and a run that was granted as long as anybody can show its grant.
local function hasRoomForTask(task, taskMost, runMs, sessions)
  local function fits() return redis.call('HLEN', task.key) < taskMost end
  if fits() then return true end
  local over = redis.call('ZRANGEBYSCORE', task.runs, '-inf', fmt(now - runMs - 1), 'LIMIT', 0, FORGOTTEN_AT_ONCE)
  for _, field in ipairs(over) do
    redis.call('HDEL', task.key, field)
    redis.call('ZREM', task.runs, field)
  end
  if not fits() then forgetIdle(sessions) end
  return fits()
end

local function writeTask(task, isNew, session)
  if not task or task.text == '' then return end
  redis.call('HSET', task.key, task.field, fmt(writes) .. ' ' .. task.text)
  if not isNew then return end
  if task.isGranted then redis.call('ZADD', task.runs, fmt(now), task.field) end
  own(session.keys, session.id, 'task  ' .. task.field)
end

-- After their time, calls that never reported make room; what they counted stays counted.
local function haveRoomForCall(call, callMost, reservationMs)
  if redis.call('ZCARD', call.open) < callMost then return true end
  local over = redis.call('ZRANGEBYSCORE', call.open, '-inf', fmt(now - reservationMs - 1), 'LIMIT', 0, 64)
  for _, id in ipairs(over) do
    redis.call('ZREM', call.open, id)
    redis.call('HDEL', call.calls, id)
  end
  return #over > 0
end

-- Operations. Each begins with what whoever asks has seen of this place; once it has read the rest of what it was
-- given, it answers with what is wrong with the place as a whole, if anything is.

local known, seenWrites, expected

local function refusedNow()
  readClock(expected)
  local why = refusal(known, seenWrites)
  return why and { why, fmt(now), fmt(writes), lost or '' }
end

local function attempt()
  local isLook = take() == 'look'
  local keyMost, distinctMost = takeWhole(), takeWhole()
  local taskMost, runMs, callMost, reservationMs = takeWhole(), takeWhole(), takeWhole(), takeWhole()
  local entriesMost, lengthMost = takeWhole(), takeWhole()
  local cells = takeCells()
  local session
  if take() ~= '' then
    session = { keys = takeSessionKeys(), id = take(), facts = take(), startedAt = take(), why = take() }
    session.keys.spared = session.id
    whole(session.startedAt)
  end
  local seen = takeSeen()
  local task = takeTask()
  local call
  if take() ~= '' then call = { calls = takeKey(), open = takeKey(), id = take(), text = take() } end

  local refused = refusedNow()
  if refused then return refused end

  readCells(cells, session and session.keys)
  local stored = session and redis.call('HGET', session.keys.sessions, session.id)
  local value = task and redis.call('HGET', task.key, task.field)
  local length = seen and redis.call('LLEN', seen.key)
  local same = not isStale
  local readings = readingsOf(cells, keyMost)
  for index, cell in ipairs(cells) do same = same and isAsThought(cell, readings[index]) end
  if session then same = same and (stored or '') == session.facts end
  if task then same = same and (value and string.match(value, '^%d+') or '') == task.version end
  if seen then same = same and fmt(length) == seen.known end
  if not same then
    local tail = {}
    if seen and fmt(length) ~= seen.known then
      local from = tonumber(seen.known)
      tail = redis.call('LRANGE', seen.key, fmt(from > length and 0 or from), -1)
    end
    return { 'conflict', fmt(now), fmt(writes), readings, stored or '', value or '', seen and fmt(length) or '', tail }
  end

  if isLook then return { 'ok', fmt(now), fmt(writes), readings, stored or '', '', '' } end

  local isKnown = not session or stored or hasSessionRoom(session.keys)
  if call and not (isKnown and haveRoom(cells, keyMost)
    and haveRoomForCall(call, callMost, reservationMs)
    and (not task or value or hasRoomForTask(task, taskMost, runMs, session.keys))) then
    return { 'full', fmt(now), fmt(writes) }
  end

  countWrite()
  local facts = stored or ''
  local ends = session and session.why ~= ''
  if session and not stored and (isKnown or (ends and hasRoomBeyond(session.keys))) then
    facts = factsOf(session.startedAt)
    redis.call('HSET', session.keys.sessions, session.id, facts)
  end
  changeCells(cells, keyMost, distinctMost, facts ~= '')
  if session then
    if facts == '' then
      if ends then return { 'full', fmt(now), fmt(writes) } end
    else
      touchSession(session.keys, session.id, facts)
      if ends then facts = endSession(session.keys, session.id, facts, session.why) end
      appendSeen(seen, entriesMost, lengthMost)
    end
  end
  writeTask(task, not value, session)
  if call then
    redis.call('HSET', call.calls, call.id, fmt(now) .. ' ' .. spellOthers() .. ' ' .. call.text)
    redis.call('ZADD', call.open, fmt(now), call.id)
  end
  return { 'ok', fmt(now), fmt(writes), readingsOf(cells, keyMost), facts,
    task and task.text ~= '' and fmt(writes) or '', seen and fmt(redis.call('LLEN', seen.key)) or '' }
end

local function settledEarlier(keys, id, status)
  local before = redis.call('HGET', keys.settled, id) or redis.call('HGET', keys.before, id)
  if not before then return 'unknown' end
  return before == status and 'repeated' or 'settled'
end

local function settle()
  local settledMost, entriesMost, lengthMost, keyMost = takeWhole(), takeWhole(), takeWhole(), takeWhole()
  local keys = { calls = takeKey(), open = takeKey(), settled = takeKey(), before = takeKey() }
  local id, status = take(), take()
  local cells = takeCells()
  local session
  if take() ~= '' then
    session = { keys = takeSessionKeys(), id = take(), startedAt = take(), labels = take(), sensitivity = takeWhole() }
    whole(session.startedAt)
  end
  local seen = takeSeen()
  local task = takeTask()

  local refused = refusedNow()
  if refused then return refused end

  local call = redis.call('HGET', keys.calls, id)
  if not call then return { settledEarlier(keys, id, status), fmt(now), fmt(writes) } end
  local value = task and redis.call('HGET', task.key, task.field)
  if task and (value and string.match(value, '^%d+') or '') ~= task.version then
    return { 'conflict', fmt(now), fmt(writes), value or '' }
  end
  local stored = session and redis.call('HGET', session.keys.sessions, session.id)
  if session and not (stored or hasSessionRoom(session.keys) or hasRoomBeyond(session.keys)) then
    return { 'full', fmt(now), fmt(writes) }
  end
  readCells(cells, session and session.keys)
  local heldMs = whole(string.match(call, '^(%d+) '))
  readOthers(call)

  countWrite()
  redis.call('HDEL', keys.calls, id)
  redis.call('ZREM', keys.open, id)
  if redis.call('HLEN', keys.settled) >= settledMost then redis.call('RENAME', keys.settled, keys.before) end
  redis.call('HSET', keys.settled, id, status)
  takeBackCells(cells, heldMs, keyMost)
  local facts = ''
  if session then
    facts = joined(stored or factsOf(session.startedAt), session.labels, session.sensitivity)
    redis.call('HSET', session.keys.sessions, session.id, facts)
    touchSession(session.keys, session.id, facts)
    appendSeen(seen, entriesMost, lengthMost)
  end
  writeTask(task, false, session)
  return { 'ok', fmt(now), fmt(writes), facts, task and task.text ~= '' and fmt(writes) or '',
    seen and fmt(redis.call('LLEN', seen.key)) or '' }
end

-- What is kept of a call until it is settled, or how it was.
local function call()
  local keys = { calls = takeKey(), settled = takeKey(), before = takeKey() }
  local id, status = take(), take()
  local refused = refusedNow()
  if refused then return refused end
  local text = redis.call('HGET', keys.calls, id)
  if not text then return { settledEarlier(keys, id, status), fmt(now), fmt(writes) } end
  return { 'ok', fmt(now), fmt(writes), string.match(text, '^%d+ %S+ (.*)$') }
end

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

-- What tasks begin with, kept for those who have another sequence by then: kept, where a text is given, and read.
local function sequence()
  local sequences, used = takeKey(), takeKey()
  local meaning, text, most = take(), take(), takeWhole()
  local refused = refusedNow()
  if refused then return refused end
  if text ~= '' then
    countWrite()
    redis.call('HSET', sequences, meaning, text)
    redis.call('ZADD', used, fmt(now), meaning)
    local over = redis.call('ZCARD', used) - most
    for _, oldest in ipairs(over > 0 and redis.call('ZRANGE', used, 0, over - 1) or {}) do
      redis.call('HDEL', sequences, oldest)
      redis.call('ZREM', used, oldest)
    end
  end
  return { 'ok', fmt(now), fmt(writes), redis.call('HGET', sequences, meaning) or '' }
end

-- An operator's: to end a session, to let it go on, to take a label from it.
local function session()
  local keys = takeSessionKeys()
  local what, id, startedAt, word = take(), take(), take(), take()
  whole(startedAt)
  local refused = refusedNow()
  if refused then return refused end
  local facts = redis.call('HGET', keys.sessions, id)
  if what == 'interrupt' then
    if not facts and not hasRoomBeyond(keys) then
      return { 'full', fmt(now), fmt(writes) }
    end
    countWrite()
    return { 'ok', fmt(now), fmt(writes), endSession(keys, id, facts or factsOf(startedAt), word) }
  end
  if not facts then return { 'none', fmt(now), fmt(writes) } end
  if what == 'reinstate' then
    local start, rest = string.match(facts, '^(%d+) 1 (.*)$')
    if not start then return { 'none', fmt(now), fmt(writes) } end
    countWrite()
    facts = start .. ' 0 ' .. rest
    redis.call('ZREM', keys.ended, id)
    redis.call('HDEL', keys.reasons, id)
  elseif what == 'declassify' then
    local front, labels = string.match(facts, '^(%d+ [01] %d+)(.*)$')
    local kept, found = front, false
    for label in string.gmatch(labels, '%S+') do
      if label == word then found = true else kept = kept .. ' ' .. label end
    end
    if not found then return { 'none', fmt(now), fmt(writes) } end
    countWrite()
    facts = kept
  else
    error('WRIT nothing to do to a session is called ' .. what)
  end
  redis.call('HSET', keys.sessions, id, facts)
  touchSession(keys, id, facts)
  return { 'ok', fmt(now), fmt(writes), facts }
end

-- A server counts from its start what it has evicted. What it had evicted before there was anything here was others'.
local function noteEvicted(run, evicted)
  local before = redis.call('HMGET', META, 'run', 'evicted')
  redis.call('HSET', META, 'evicted', fmt(evicted))
  local most = generation and before[2] ~= 'anew' and 0 or evicted
  if before[1] == run and tonumber(before[2]) then most = whole(before[2]) end
  if evicted > most then declareLost(known, seenWrites, 'the server has evicted keys') end
end

-- A place that was emptied has forgotten which generations had ended: whoever heard of it says so again. That hides
-- nothing: this place has the generation that came after these, or a later one, or is said now to have lost it.
local function noteConfirmed(past)
  for generation in string.gmatch(past, '%S+') do redis.call('HSET', META, 'past ' .. generation, '1') end
end

local function pastGenerations()
  local past = {}
  for _, field in ipairs(redis.call('HKEYS', META)) do past[#past + 1] = string.match(field, '^past (.+)$') end
  return table.concat(past, ' ')
end

-- Asked on every new connection. A server that is another than before, or was started anew, may have lost what
-- it acknowledged: for a while it answers nobody, so that whoever has seen more comes and says so.
local function hello()
  local run, proposed, settleMs, evicted = take(), take(), takeWhole(), takeWhole()
  noteConfirmed(take())
  readClock(expected)
  if generation and known ~= generation and isPast(known) then known, seenWrites = '', 0 end
  noteEvicted(run, evicted)
  if not generation and known == '' then
    generation = proposed
    redis.call('HSET', META, 'generation', generation)
  end
  if redis.call('HGET', META, 'run') ~= run then
    settles = now + settleMs
    redis.call('HSET', META, 'run', run, 'settles', fmt(settles))
  end
  local refused = refusal(known, seenWrites)
  keepClock()
  local current = redis.call('HGET', META, 'generation')
  return { refused or 'ok', fmt(now), fmt(writes), lost or '', current, pastGenerations() }
end

local OPERATIONS = {
  attempt = attempt, settle = settle, call = call, counting = counting, unfilled = unfilled, fill = fill,
  sequence = sequence, session = session, hello = hello,
}
local function run(keys, arguments)
  given, at, named, key = arguments, 0, keys, 1
  others = {}
  META = keys[1]
  local operation = OPERATIONS[take()] or error('WRIT no such operation')
  known, seenWrites, expected = take(), takeWhole(), take()
  return operation()
end
return run(KEYS, ARGV)
`;
