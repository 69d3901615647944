/** The operations of an outcome: what is kept of a call, and how it is settled. Pure. */
export const SETTLE = `
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
    session = { keys = takeSessionKeys(), id = take(), begun = take(), startedAt = take(), labels = take(), levels = take() }
    session.keys.spared = session.id
    whole(session.startedAt)
  end
  local seen = takeSeen()
  local task = takeTask()

  local refused = refusedNow()
  if refused then return refused end

  local call = redis.call('HGET', keys.calls, id)
  if not call then return { settledEarlier(keys, id, status), fmt(now), fmt(writes) } end
  local value = task and redis.call('HGET', task.key, task.field)
  local stored = session and redis.call('HGET', session.keys.sessions, session.id)
  local same = not task or (value and string.match(value, '^%d+') or '') == task.version
  -- What was known to be seen was left out: of another session of this name, that was forgotten since, it says nothing.
  if session and session.begun ~= '' then same = same and session.begun == string.match(stored or '', '^%d+') end
  if not same then return { 'conflict', fmt(now), fmt(writes), value or '', stored or '' } end
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
    facts = joined(stored or factsOf(session.startedAt), session.labels, session.levels)
    redis.call('HSET', session.keys.sessions, session.id, facts)
    touchSession(session.keys, session.id, facts)
    appendSeen(seen, entriesMost, lengthMost)
  end
  writeTask(task, false, session)
  return { 'ok', fmt(now), fmt(writes), facts, task and task.text ~= '' and fmt(writes) or '', lengthOfSeen(seen) }
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
`;
