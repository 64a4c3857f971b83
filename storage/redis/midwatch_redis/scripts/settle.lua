-- KEYS: the ticket. ARGV: the ticket's name, then names and what was used of each. Gives 1, or 0 where it is not there.
local kept = redis.call('GET', KEYS[1])
if not kept then
  return 0
end
local note = cmsgpack.unpack(kept)
if note.e <= clock() then
  redis.call('DEL', KEYS[1])
  return 0 -- what it held is let go when its counter is next looked at
end
local actual = {}
for at = 2, #ARGV, 2 do
  actual[ARGV[at]] = tonumber(ARGV[at + 1])
end
for members, amounts in pairs(note.held) do
  let_go(members, amounts, ARGV[1])
end
for _, taken in ipairs(note.taken) do
  if actual[taken.name] then
    -- What was taken first was used first.
    local left = math.max(0, actual[taken.name] - taken.gone)
    for place, part in ipairs(taken.parts) do
      local used = place == #taken.parts and left or math.min(part[3], left)
      correct(part[1], part[2], used - part[3])
      left = left - used
    end
  end
end
redis.call('DEL', KEYS[1])
return 1
