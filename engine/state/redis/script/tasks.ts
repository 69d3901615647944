/** How far tasks have come, and room for them and for calls under way. Pure. */
export const TASKS = `
local function takeTask()
  if take() == '' then return nil end
  return { key = takeKey(), runs = takeKey(), field = take(), version = take(), text = take(), isGranted = take() ~= '' }
end

-- Tasks are kept as long as their session, and a run that was granted as long as anybody can show its grant.
local function hasRoomForTask(task, taskMost, runMs, sessions)
  local function fits() return redis.call('HLEN', task.key) < taskMost end
  if fits() then return true end
  local over = redis.call('ZRANGEBYSCORE', task.runs, '-inf', fmt(now - runMs - 1), 'LIMIT', 0, FORGOTTEN_AT_ONCE)
  for _, field in ipairs(over) do
    redis.call('HDEL', task.key, field)
    redis.call('ZREM', task.runs, field)
  end
  if not fits() then forgetIdle(sessions) end
  return fits()
end

local function writeTask(task, isNew, session)
  if not task or task.text == '' then return end
  redis.call('HSET', task.key, task.field, fmt(writes) .. ' ' .. task.text)
  if not isNew then return end
  if task.isGranted then redis.call('ZADD', task.runs, fmt(now), task.field) end
  own(session.keys, session.id, 'task  ' .. task.field)
end

-- After their time, calls that never reported make room; what they counted stays counted.
local function haveRoomForCall(call, callMost, reservationMs)
  if redis.call('ZCARD', call.open) < callMost then return true end
  local over = redis.call('ZRANGEBYSCORE', call.open, '-inf', fmt(now - reservationMs - 1), 'LIMIT', 0, 64)
  for _, id in ipairs(over) do
    redis.call('ZREM', call.open, id)
    redis.call('HDEL', call.calls, id)
  end
  return #over > 0
end
`;
