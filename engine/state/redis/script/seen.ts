/** What a session has seen, for `origin` (SPEC §7.5). Pure. */

/** Parts of its list in one answer: whoever asks would have given up by the time a long one is there. */
export const SEEN_AT_ONCE = 64;

export const SEEN = `
-- What a session has seen: a list that only grows, and how long its texts are together. The mark '!' in its end
-- says that something did not fit.

local function takeSeen()
  if take() == '' then return nil end
  local seen = { key = takeKey(), lengths = takeKey(), id = take(), known = take(), entries = {} }
  for index = 1, takeWhole() do seen.entries[index] = take() end
  return seen
end

-- What follows on what is known, from the beginning where the list is another by now. Of a long one a part, or who asks
-- would have given up by the time it is there: the rest is for them to read.
local READ_AT_ONCE = ${SEEN_AT_ONCE}

local function tailOfSeen(seen, length)
  if not seen or fmt(length) == seen.known then return {} end
  local from = whole(seen.known)
  if from > length then from = 0 end
  return redis.call('LRANGE', seen.key, fmt(from), fmt(from + READ_AT_ONCE - 1))
end

-- Nothing where something did not fit: only who reads the list knows what is in it.
local function lengthOfSeen(seen)
  if not seen or redis.call('LINDEX', seen.key, -1) == '!' then return '' end
  return fmt(redis.call('LLEN', seen.key))
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
`;
