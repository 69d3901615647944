/** Whether all is there that anybody has seen acknowledged, and what is said where it is not. Pure. */
export const LOSSES = `
-- Of all that is kept in a place: another version of Writ, that reads or writes any of it otherwise, has another.
local FORMAT = '1'

-- A loss that was confirmed ends a generation: who knows no later one has nothing to say against what there is.
local function isPast(known) return redis.call('HGET', META, 'past ' .. known) end

local function declareLost(known, seen, why)
  if not generation then redis.call('HSET', META, 'generation', known, 'format', FORMAT)
  elseif known ~= '' and known ~= generation then redis.call('HSET', META, 'past ' .. known, '1') end
  redis.call('HSET', META, 'lost', why, 'writes', fmt(math.max(writes, seen)))
  lost = why
end

-- What is wrong with this place as a whole; nil where nothing is.
local function refusal(known, seen)
  if not generation then
    if known == '' then return 'new' end
    declareLost(known, seen, 'it is empty, and was not')
  elseif known ~= '' and known ~= generation then
    if not lost and isPast(known) then return 'new' end
    declareLost(known, seen, 'it is not the one that was written to')
  elseif writes < seen then
    declareLost(known, seen, 'changes that were acknowledged are missing')
  end
  if lost then return 'lost' end
  if now < settles then return 'settling' end
  return nil
end
`;
