/** Room in full tables: keys that hold nothing go. Pure. */
export const SWEEPING = `
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
`;
