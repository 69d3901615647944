/** What cells read as, and what an operation does to them. Pure. */
export const CELL_CHANGES = `
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
  local function isKept(cell)
    return cell.owner == '' or redis.call('HGET', cell.sessions.sessions, cell.owner)
  end
  for _, cell in ipairs(cells) do
    if isKept(cell) and not hasRoom(cell, keyMost, 1) then return false end
    -- It may have gone to make room.
    if isKept(cell) then
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

-- Of a session that may have been forgotten since: what stands under its key may be of another that came back. Or of
-- the same, and then a call that succeeded may have changed it. A reset changes nothing where nothing is.
local function pastChanges(cell)
  local does = {}
  for _, change in ipairs(cell.kind == 'latch' and cell.changes or {}) do
    local action = string.match(change[1], '^may (%a+)$') or change[1]
    if action == 'set' or (action == 'reset' and cell.text) then does[#does + 1] = 'may ' .. action end
  end
  return does
end

-- Asked before anything is settled: a latch that nothing is kept of would read as if the call had not been.
local function haveRoomForPast(cells, keyMost)
  for _, cell in ipairs(cells) do
    if cell.owner ~= '' and #pastChanges(cell) > 0 and not hasRoom(cell, keyMost, 1) then return false end
  end
  return true
end

local function changePastLatch(cell)
  local does = pastChanges(cell)
  if #does == 0 then return end
  if not cell.text then ownCell(cell) end
  for _, action in ipairs(does) do changeLatch(cell, action, '') end
  writeLatch(cell)
end

-- \`isPast\`: whether the call is of a session that may have been forgotten since.
local function takeBackCells(cells, heldMs, isPast)
  for _, cell in ipairs(cells) do
    if isPast and cell.owner ~= '' then
      changePastLatch(cell)
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
`;
