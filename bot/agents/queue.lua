-- The agent queue's rules, run inside Redis so that each call is one atomic step.
--
-- KEYS   1 waiting  2 agents  3 finished  4 events   (what they hold: queue.py)
-- ARGV   1 prefix of the entries' keys  2 now (Unix time)  3 operation  4… its arguments
--
-- Entry keys are built here from the prefix: which entry is first is only known in here. They
-- carry the same hash tag as KEYS, so a Redis Cluster finds all of them in one slot.
-- Numbers pass through as text, because Lua would round Unix times to 14 digits.

local WAITING, AGENTS, FINISHED, EVENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now = ARGV[2]
local EVENTS_KEPT = 10000

-- from -> to; everything else is illegal
local LEGAL = {
  waiting = { claimed = true, abandoned = true },
  claimed = { waiting = true, joined = true, abandoned = true },
  joined = { done = true },
}

local function entry_key(id)
  return ARGV[1] .. id
end

local function record(id, state, agent, outcome)
  redis.call('XADD', EVENTS, 'MAXLEN', '~', EVENTS_KEPT, '*',
    'id', id, 'state', state, 'agent', agent, 'outcome', outcome, 'at', now)
end

-- Bring an entry from one state to another, with every index that follows from it.
local function move(id, from, to, agent, outcome)
  local key = entry_key(id)
  local place, holder = unpack(redis.call('HMGET', key, 'place', 'agent'))
  if from == 'waiting' then
    redis.call('ZREM', WAITING, place)
  end
  if holder ~= '' and to ~= 'joined' then
    redis.call('HDEL', AGENTS, holder)
  end
  if to == 'waiting' then
    redis.call('ZADD', WAITING, 0, place)
    redis.call('HSET', key, 'agent', '')
  elseif to == 'claimed' then
    redis.call('HSET', AGENTS, agent, id)
    redis.call('HSET', key, 'agent', agent)
  elseif to == 'done' or to == 'abandoned' then
    redis.call('ZADD', FINISHED, now, id)
    redis.call('HSET', key, 'outcome', outcome)
  end
  redis.call('HSET', key, 'state', to, 'changed_at', now)
  record(id, to, agent ~= '' and agent or holder, outcome)
end

local operations = {}

-- id, field, value, field, value …
function operations.enqueue(id, ...)
  local key = entry_key(id)
  if redis.call('EXISTS', key) == 1 then
    return { 'known' }
  end
  redis.call('HSET', key, 'state', 'waiting', 'agent', '', 'changed_at', now, ...)
  redis.call('ZADD', WAITING, 0, redis.call('HGET', key, 'place'))
  record(id, 'waiting', '', '')
  return { 'ok' }
end

-- agent, id or '' for the first one
function operations.claim(agent, id)
  local held = redis.call('HGET', AGENTS, agent)
  if held then
    return { 'busy', held }
  end
  if id == '' then
    local first = redis.call('ZRANGE', WAITING, 0, 0)[1]
    if not first then
      return { 'none' }
    end
    id = string.match(first, '^%d+:%d+:(.*)$')
  elseif redis.call('HGET', entry_key(id), 'state') ~= 'waiting' then
    return { 'none' }
  end
  move(id, 'waiting', 'claimed', agent, '')
  return { 'ok', redis.call('HGETALL', entry_key(id)) }
end

-- id, new state, outcome
function operations.move(id, to, outcome)
  local from = redis.call('HGET', entry_key(id), 'state')
  if not from then
    return { 'unknown' }
  elseif from == to then
    return { 'same' }
  elseif not LEGAL[from] or not LEGAL[from][to] then
    return { 'illegal', from }
  end
  move(id, from, to, '', outcome)
  return { 'ok' }
end

-- id, field, value, field, value …
function operations.update(id, ...)
  local key = entry_key(id)
  if redis.call('EXISTS', key) == 0 then
    return { 'unknown' }
  end
  redis.call('HSET', key, ...)
  return { 'ok' }
end

function operations.live()
  local found = {}
  for _, place in ipairs(redis.call('ZRANGE', WAITING, 0, -1)) do
    local id = string.match(place, '^%d+:%d+:(.*)$')
    found[#found + 1] = redis.call('HGETALL', entry_key(id))
  end
  for _, id in ipairs(redis.call('HVALS', AGENTS)) do
    found[#found + 1] = redis.call('HGETALL', entry_key(id))
  end
  return { 'ok', found }
end

-- Unix time before which an entry must have finished, most entries to delete in one step
function operations.trim(before, limit)
  local old = redis.call('ZRANGEBYSCORE', FINISHED, '-inf', '(' .. before, 'LIMIT', 0, limit)
  for _, id in ipairs(old) do
    redis.call('DEL', entry_key(id))
    redis.call('ZREM', FINISHED, id)
  end
  return { 'ok', #old }
end

return operations[ARGV[3]](unpack(ARGV, 4))
