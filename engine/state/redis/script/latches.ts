/** Latches, as `latch.ts` has them. Pure. */
export const LATCHES = `
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
`;
