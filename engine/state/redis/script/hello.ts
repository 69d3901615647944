/** The operation at the start of a connection: is it the server that was written to? Pure. */
export const HELLO = `
-- A server counts from its start what it has evicted. What it had evicted before there was anything here was others'.
local function noteEvicted(run, evicted)
  local before = redis.call('HMGET', META, 'run', 'evicted')
  redis.call('HSET', META, 'evicted', fmt(evicted))
  local most = generation and before[2] ~= 'anew' and 0 or evicted
  if before[1] == run and tonumber(before[2]) then most = whole(before[2]) end
  if evicted > most then declareLost(known, seenWrites, 'the server has evicted keys') end
end

-- A place that was emptied has forgotten which generations had ended: whoever heard of it says so again. That hides
-- nothing: this place has the generation that came after these, or a later one, or is said now to have lost it.
local function noteConfirmed(past)
  for generation in string.gmatch(past, '%S+') do redis.call('HSET', META, 'past ' .. generation, '1') end
end

local function pastGenerations()
  local past = {}
  for _, field in ipairs(redis.call('HKEYS', META)) do past[#past + 1] = string.match(field, '^past (.+)$') end
  return table.concat(past, ' ')
end

-- Asked on every new connection. A server that is another than before, or was started anew, may have lost what
-- it acknowledged: for a while it answers nobody, so that whoever has seen more comes and says so.
local function hello()
  local run, proposed, settleMs, evicted, past = take(), take(), takeWhole(), takeWhole(), take()
  local stored = redis.call('HMGET', META, 'generation', 'format')
  if stored[1] and stored[2] ~= FORMAT then return { 'format', stored[2] or 'none', FORMAT } end
  noteConfirmed(past)
  readClock(expected)
  if generation and known ~= generation and isPast(known) then known, seenWrites = '', 0 end
  noteEvicted(run, evicted)
  if not generation and known == '' then
    generation = proposed
    redis.call('HSET', META, 'generation', generation, 'format', FORMAT)
  end
  if redis.call('HGET', META, 'run') ~= run then
    settles = now + settleMs
    redis.call('HSET', META, 'run', run, 'settles', fmt(settles))
  end
  local refused = refusal(known, seenWrites)
  keepClock()
  local current = redis.call('HGET', META, 'generation')
  return { refused or 'ok', fmt(now), fmt(writes), lost or '', current, pastGenerations() }
end
`;
