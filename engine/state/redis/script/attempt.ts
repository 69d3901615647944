/** The operation of a decision: whether its readings are still so and there is room, then its effects. Pure. */
export const ATTEMPT = `
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
    session.labels, session.levels = take(), take()
    session.keys.spared = session.id
    whole(session.startedAt)
  end
  local seen = takeSeen()
  local task = takeTask()
  local call
  if take() ~= '' then call = { calls = takeKey(), open = takeKey(), id = take(), text = take() } end

  local refused = refusedNow()
  if refused then return refused end

  local stored = session and storedSession(session.keys, session.id)
  readCells(cells, session and session.keys)
  local value = task and redis.call('HGET', task.key, task.field)
  local length = seen and redis.call('LLEN', seen.key)
  local same = not isStale
  local readings = readingsOf(cells, keyMost)
  for index, cell in ipairs(cells) do same = same and isAsThought(cell, readings[index]) end
  if session then same = same and (stored or '') == session.facts end
  if task then same = same and (value and string.match(value, '^%d+') or '') == task.version end
  if seen then same = same and fmt(length) == seen.known end
  if not same then
    return { 'conflict', fmt(now), fmt(writes), readings, stored or '', value or '', seen and fmt(length) or '',
      tailOfSeen(seen, length) }
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
  end
  if facts ~= '' then facts = joined(facts, session.labels, session.levels) end
  if facts ~= (stored or '') then redis.call('HSET', session.keys.sessions, session.id, facts) end
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
    redis.call('HSET', call.calls, call.id,
      fmt(now) .. ' ' .. spellOthers() .. ' ' .. begunIn(facts) .. ' ' .. call.text)
    redis.call('ZADD', call.open, fmt(now), call.id)
  end
  return { 'ok', fmt(now), fmt(writes), readingsOf(cells, keyMost), facts,
    task and task.text ~= '' and fmt(writes) or '', lengthOfSeen(seen) }
end
`;
