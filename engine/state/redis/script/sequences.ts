/** The operation for what tasks begin with. Pure. */
export const SEQUENCES = `
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
`;
