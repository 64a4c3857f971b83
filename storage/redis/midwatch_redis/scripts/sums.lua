-- KEYS: the sums. Gives texts of JSON, each with a thousand names and their amounts by turns: a reply of a part a name
-- takes clients long to read, and a single text would hold them until all of it is read.
local AT_ONCE = 2000
local kept = redis.call('HGETALL', KEYS[1])
local slices = {}
for first = 1, #kept, AT_ONCE do
  slices[#slices + 1] = cjson.encode({ unpack(kept, first, math.min(first + AT_ONCE - 1, #kept)) })
end
return slices
