/** Counters of amounts, as `window.ts` has them. Pure. */
export const SUMS = `
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
`;
