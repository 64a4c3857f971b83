-- What admit and settle share. The counters are those of midwatch_core.governing.meters, step for step.
-- A server without room refuses what adds and does what deletes, all through a script: what adds comes first, so that
-- nothing is done by half.
local MOST = 9007199254740991
local MICRO = 1000000

-- Lua writes large numbers with an exponent, which Redis does not read as a whole number.
local function whole(number)
  return string.format('%.0f', number)
end

local function bounded(number)
  return math.min(math.max(0, number), MOST)
end

-- Tickets at once: a sorted set of tickets by expiry, and a hash of what each holds (t…) and of the sum (n).
local function let_go(members, amounts, ticket)
  local amount = redis.call('HGET', amounts, 't' .. ticket)
  if amount then
    redis.call('HINCRBY', amounts, 'n', '-' .. amount)
    redis.call('HDEL', amounts, 't' .. ticket)
  end
  redis.call('ZREM', members, ticket)
end

-- Counts more or less where it was taken; nothing where that is gone.
local function correct(key, slot, change)
  if slot then
    local held = redis.call('HGET', key, whole(slot))
    if held then
      redis.call('HSET', key, whole(slot), whole(bounded(tonumber(held) + change)))
    end
    return
  end
  local spent = redis.call('GET', key)
  if spent then
    redis.call('SET', key, whole(bounded(tonumber(spent) + change)), 'KEEPTTL')
  end
end
