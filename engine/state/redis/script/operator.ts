/** The operation by which an operator changes a session. Pure. */
export const OPERATOR = `
-- An operator's: to end a session, to let it go on, to take a label from it.
local function session()
  local keys = takeSessionKeys()
  local what, id, startedAt, word = take(), take(), take(), take()
  whole(startedAt)
  local refused = refusedNow()
  if refused then return refused end
  local facts = storedSession(keys, id)
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
    local front, labels = string.match(facts, '^(%d+ [01] %S+)(.*)$')
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
`;
