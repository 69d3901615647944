/** The operations of an outcome: what is kept of a call, and how it is settled. Pure. */
export const SETTLE = `
local function settledEarlier(keys, id, status)
  local before = redis.call('HGET', keys.settled, id) or redis.call('HGET', keys.before, id)
  if not before then return 'unknown' end
  return before == status and 'repeated' or 'settled'
end

-- A call is kept as when it was decided, what \`spellOthers\` says, the beginning of its session, and its text.
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
  local stored = session and storedSession(session.keys, session.id)
  local value = task and redis.call('HGET', task.key, task.field)
  local same = not task or (value and string.match(value, '^%d+') or '') == task.version
  -- What was known to be seen was left out: of another session of this name, that was forgotten since, it says nothing.
  if session and session.begun ~= '' then same = same and session.begun == begunIn(stored) end
  if not same then return { 'conflict', fmt(now), fmt(writes), value or '', stored or '' } end
  if session and not (stored or hasSessionRoom(session.keys) or hasRoomBeyond(session.keys)) then
    return { 'full', fmt(now), fmt(writes) }
  end
  readCells(cells, session and session.keys)
  local heldMs, begun = string.match(call, '^(%d+) %S+ (%S+) ')
  heldMs = whole(heldMs)
  local isPast = session and (now - heldMs > session.keys.idleMs or begunIn(stored) ~= begun)
  if isPast and not haveRoomForPast(cells, keyMost) then return { 'full', fmt(now), fmt(writes) } end
  readOthers(call)

  countWrite()
  redis.call('HDEL', keys.calls, id)
  redis.call('ZREM', keys.open, id)
  if redis.call('HLEN', keys.settled) >= settledMost then redis.call('RENAME', keys.settled, keys.before) end
  redis.call('HSET', keys.settled, id, status)
  takeBackCells(cells, heldMs, isPast)
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
  return { 'ok', fmt(now), fmt(writes), string.match(text, '^%d+ %S+ %S+ (.*)$') }
end
`;
