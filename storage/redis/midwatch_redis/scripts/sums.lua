-- KEYS: the sums. Gives names and amounts by turns, as one text of JSON: a reply of many parts takes clients long to read.
local kept = redis.call('HGETALL', KEYS[1])
if #kept == 0 then
  return '[]'
end
return cjson.encode(kept)
