/** Counters and latches as an operation names them. Pure. */
export const CELLS = `
-- Cells: what an operation names of counters and latches, each with what it must read as and what is done to it.

local function takeCells()
  local cells = {}
  for index = 1, takeWhole() do
    local cell = { kind = take(), key = takeKey() }
    if cell.kind == 'distinct' then cell.newest, cell.uses = takeKey(), takeKey() end
    if cell.kind ~= 'latch' then cell.window = takeWhole() end
    cell.owner, cell.field, cell.lo, cell.hi, cell.changes = take(), take(), take(), take(), {}
    for change = 1, takeWhole() do cell.changes[change] = { take(), take() } end
    cells[index] = cell
  end
  return cells
end

-- \`sessions\`: where they are kept, for cells that are a session's.
local function readCells(cells, sessions)
  for _, cell in ipairs(cells) do
    cell.sessions = sessions
    cell.text = redis.call('HGET', cell.key, cell.field)
    if cell.kind == 'sum' then
      readSum(cell)
      for _, change in ipairs(cell.changes) do whole(change[2]) end
    elseif cell.kind == 'distinct' then readDistinct(cell)
    else readLatch(cell) end
  end
end
`;
