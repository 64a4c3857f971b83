-- KEYS: the ticket, then for each demand its counter (of Concurrency two keys).
-- ARGV: the ticket's name, hold in microseconds, then for each demand: kind (b w c a), name, amount, hard (1 or 0),
-- limit or burst, and what the kind needs: rate a second, slot in microseconds, nothing, time to live in milliseconds.
-- Gives: the place refused (0: none, from 1), microseconds to wait, how many are unseeded and their places, what each
-- counter stands at.
local SLOTS = 30
local GRAIN = 0.000001
local ASK_AGAIN = MICRO
local SLACK_MS = 60000
local now = clock()
local ticket = ARGV[1]
local hold = tonumber(ARGV[2])

local function stay(key, ms)
  redis.call('PEXPIRE', key, whole(math.min(ms, MOST / 1000)))
end

-- Each kind: look (what it stands at), wait (0 where it fits), take (the place to correct it at).
local kinds = {}

kinds.b = {
  look = function(d)
    local kept = redis.call('HMGET', d.key, 'missing', 'at')
    -- A clock that stepped back refills nothing, and refills from where it stands now.
    local gone = math.max(0, now - (tonumber(kept[2]) or now))
    d.missing = math.max(0, (tonumber(kept[1]) or 0) - gone * d.shape / MICRO)
    d.used = math.max(0, math.ceil(d.missing - GRAIN))
  end,
  wait = function(d)
    local short = d.missing + d.amount - d.limit
    if short <= GRAIN then
      return 0
    end
    return math.ceil(math.min(short * MICRO / d.shape, MOST))
  end,
  take = function(d)
    d.missing = math.min(d.missing + d.amount, MOST)
    d.used = math.max(0, math.ceil(d.missing - GRAIN))
    redis.call('HSET', d.key, 'missing', string.format('%.17g', d.missing), 'at', whole(now))
    stay(d.key, math.ceil(d.missing * 1000 / d.shape) + SLACK_MS)
  end,
}

kinds.w = {
  look = function(d)
    d.slot = math.floor(now / d.shape)
    d.slots = {}
    d.gone = {}
    d.sum = 0
    local kept = redis.call('HGETALL', d.key)
    for place = 1, #kept, 2 do
      local slot = tonumber(kept[place])
      local held = tonumber(kept[place + 1])
      if slot < d.slot - SLOTS then
        d.gone[#d.gone + 1] = kept[place]
      else
        if slot > d.slot then -- the clock stepped back: it counts as taken now, or it would stay for as long
          d.gone[#d.gone + 1] = kept[place]
          slot = d.slot
        end
        d.slots[slot] = (d.slots[slot] or 0) + held
        d.sum = d.sum + held
      end
    end
    d.used = math.min(d.sum, MOST)
  end,
  wait = function(d)
    local over = d.sum + d.amount - d.limit
    if over <= 0 then
      return 0
    end
    for slot = d.slot - SLOTS, d.slot do
      over = over - (d.slots[slot] or 0)
      if over <= 0 then
        return (slot + SLOTS + 1) * d.shape - now
      end
    end
    return 1 -- more than the limit: no wait is long enough
  end,
  take = function(d)
    local held = d.slots[d.slot] or 0
    local kept = bounded(held + d.amount)
    redis.call('HSET', d.key, whole(d.slot), whole(kept))
    if #d.gone > 0 then
      redis.call('HDEL', d.key, unpack(d.gone))
    end
    stay(d.key, math.ceil((SLOTS + 1) * d.shape / 1000) + SLACK_MS)
    d.used = math.min(d.sum + (kept - held), MOST)
    return d.slot
  end,
}

kinds.c = {
  look = function(d)
    for _, over in ipairs(redis.call('ZRANGEBYSCORE', d.key, '-inf', whole(now))) do
      let_go(d.key, d.amounts, over)
    end
    d.sum = tonumber(redis.call('HGET', d.amounts, 'n') or 0)
    d.used = math.min(d.sum, MOST)
  end,
  wait = function(d)
    if d.sum + d.amount <= d.limit then
      return 0
    end
    return ASK_AGAIN
  end,
  take = function(d)
    if d.amount == 0 then
      return
    end
    redis.call('HINCRBY', d.amounts, 't' .. ticket, whole(d.amount))
    d.used = math.min(redis.call('HINCRBY', d.amounts, 'n', whole(d.amount)), MOST)
  end,
}

kinds.a = {
  look = function(d)
    local spent = redis.call('GET', d.key)
    d.unseeded = not spent
    d.used = tonumber(spent or 0)
  end,
  wait = function(d)
    if d.unseeded or d.used + d.amount <= d.limit then
      return 0
    end
    return 1 -- the end of the period is by the caller's clock
  end,
  take = function(d)
    d.used = bounded(d.used + d.amount)
    redis.call('SET', d.key, whole(d.used), 'PX', whole(d.shape))
  end,
}

local demands = {}
local key = 2
for at = 3, #ARGV, 6 do
  local d = {
    kind = ARGV[at], name = ARGV[at + 1], amount = tonumber(ARGV[at + 2]), hard = ARGV[at + 3] == '1',
    limit = tonumber(ARGV[at + 4]), shape = tonumber(ARGV[at + 5]), key = KEYS[key],
  }
  key = key + 1
  if d.kind == 'c' then
    d.amounts = KEYS[key]
    key = key + 1
  end
  kinds[d.kind].look(d)
  demands[#demands + 1] = d
end

local function answer(refused, wait, unseeded)
  local reply = { refused, wait, #unseeded }
  for _, place in ipairs(unseeded) do
    reply[#reply + 1] = place
  end
  for _, d in ipairs(demands) do
    reply[#reply + 1] = d.used
  end
  return reply
end

local unseeded = {}
for place, d in ipairs(demands) do
  local wait = d.hard and kinds[d.kind].wait(d) or 0
  if wait > 0 then
    return answer(place, wait, {})
  end
  if d.unseeded then
    unseeded[#unseeded + 1] = place
  end
end
if #unseeded > 0 then
  return answer(0, 0, unseeded)
end

-- The ticket: e expiry, held the keys it holds by, taken what it took of each limit: its name, what is out of time,
-- and parts of counter, slot (false for an allowance) and amount, oldest first.
local kept = redis.call('GET', KEYS[1])
local note = kept and cmsgpack.unpack(kept)
if not note or note.e <= now then
  note = { e = 0, held = {}, taken = {} }
end
note.e = math.max(note.e, now + hold)

local function taken_of(id, name)
  for _, taken in ipairs(note.taken) do
    if taken.id == id then
      return taken
    end
  end
  local taken = { id = id, name = name, gone = 0, parts = {} }
  note.taken[#note.taken + 1] = taken
  return taken
end

local function add(taken, counter, slot, amount)
  local last = taken.parts[#taken.parts]
  if last and last[1] == counter and last[2] == slot then
    last[3] = last[3] + amount
    return
  end
  taken.parts[#taken.parts + 1] = { counter, slot, amount }
  if #taken.parts > SLOTS + 1 then
    taken.gone = taken.gone + table.remove(taken.parts, 1)[3]
  end
end

for _, d in ipairs(demands) do
  local slot = kinds[d.kind].take(d)
  if d.amount > 0 then
    if d.kind == 'c' then
      note.held[d.key] = d.amounts
    elseif d.kind == 'w' then
      add(taken_of(d.key, d.name), d.key, slot, d.amount)
    elseif d.kind == 'a' then
      -- A call that lasts into the next period has one sum in two allowances.
      add(taken_of('a' .. d.name, d.name), d.key, false, d.amount)
    end
  end
end
for members, amounts in pairs(note.held) do
  redis.call('ZADD', members, whole(note.e), ticket)
  local ms = math.max(redis.call('PTTL', members), math.ceil((note.e - now) / 1000) + SLACK_MS)
  stay(members, ms)
  stay(amounts, ms)
end
redis.call('SET', KEYS[1], cmsgpack.pack(note), 'PX', whole(math.ceil((note.e - now) / 1000) + SLACK_MS))
return answer(0, 0, {})
