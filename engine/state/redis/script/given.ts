/** Numbers, and how an operation takes what it was given: texts in order, and keys. Pure. */
export const GIVEN = `
local MOST = 9007199254740991
local KEPT = 33

-- '%d' is the faster one, and takes no large float where floats and whole numbers are two kinds (Lua 5.3).
local WHOLE = '' .. 1.0 == '1' and '%d' or '%.0f'
local function fmt(number) return string.format(WHOLE, number) end

local function whole(text)
  local number = tonumber(text)
  if not number or number < 0 or number > MOST or math.floor(number) ~= number then
    error('WRIT not a whole number: ' .. tostring(text))
  end
  return number + 0.0
end

local given, at, named, key
local function take() at = at + 1 return given[at] end
local function takeWhole() return whole(take()) end
local function takeKey() key = key + 1 return named[key] or error('WRIT a key is missing') end
`;
