-- The agent queue's rules, run inside Redis so that each call is one atomic step.
--
-- KEYS   1 waiting: its hash tag sends a Redis Cluster to the slot that holds everything
-- ARGV   1 prefix of all keys  2 now (Unix time)  3 operation  4… its arguments
--
-- What the keys hold: keys.py. They are built here from the prefix, since which entry comes
-- first is only known in here; they carry the same hash tag as KEYS.
-- Numbers are stored as they came, as text, because Lua would round Unix times to 14 digits.

local PREFIX, NOW = ARGV[1], ARGV[2]
local CLOCK = tonumber(NOW)
local WAITING, LINES = PREFIX .. 'waiting', PREFIX .. 'lines'
local AGEING, DUE = PREFIX .. 'ageing', PREFIX .. 'due'
local AGENTS, BEATS = PREFIX .. 'agents', PREFIX .. 'beats'
local FINISHED, EVENTS, CHANGES = PREFIX .. 'finished', PREFIX .. 'events', PREFIX .. 'changes'
local SERVICE, WRAP_UP = PREFIX .. 'service', PREFIX .. 'wrap_up'
local EVENTS_KEPT, SAMPLES_KEPT, AT_ONCE = 10000, 100, 1000
local TIMES_KEPT = 400 * 86400
local TALK_KEPT = 2000
-- Seconds of waiting after which a priority becomes at least this one (types.py, Priority).
local STEPS = { { 180, 4 }, { 600, 2 } }
local RETURNED = 1
-- Days of figures change at midnight in China.
local UTC_OFFSET = 8 * 3600

-- from -> to by a plain move; everything else is illegal or has an operation of its own
local LEGAL = {
  scheduled = { abandoned = true },
  waiting = { claimed = true, abandoned = true },
  claimed = { waiting = true, joined = true, abandoned = true },
  joined = { done = true },
}

local function entry_key(id)
  return PREFIX .. 'entry:' .. id
end

local function talk_key(id)
  return PREFIX .. 'talk:' .. id
end

local function agent_key(agent)
  return PREFIX .. 'agent:' .. agent
end

local function tell(id, state, agent)
  redis.call('PUBLISH', CHANGES, cjson.encode({ id = id, state = state, agent = agent }))
end

local function record(id, state, agent, outcome)
  redis.call('XADD', EVENTS, 'MAXLEN', '~', EVENTS_KEPT, '*',
    'id', id, 'state', state, 'agent', agent, 'outcome', outcome, 'at', NOW)
  tell(id, state, agent)
end

local function sample(list, seconds)
  redis.call('LPUSH', list, string.format('%.3f', math.max(0, seconds)))
  redis.call('LTRIM', list, 0, SAMPLES_KEPT - 1)
end

-- ---- agents' presence -------------------------------------------------------------------

-- Bring a known agent to a state; the time in the old one goes into the day's figures.
local function be(agent, state, at)
  local key = agent_key(agent)
  local old, since = unpack(redis.call('HMGET', key, 'state', 'since'))
  if not old or old == state then
    return
  end
  at = at or CLOCK
  local lasted = math.max(0, at - tonumber(since))
  local day = math.floor((at + UTC_OFFSET) / 86400)
  local times = PREFIX .. 'times:' .. day
  redis.call('HINCRBYFLOAT', times, agent .. ':' .. old, string.format('%.3f', lasted))
  redis.call('EXPIRE', times, TIMES_KEPT)
  if old == 'wrap_up' then
    sample(WRAP_UP, lasted)
  end
  redis.call('HSET', key, 'state', state, 'since', at == CLOCK and NOW or string.format('%.6f', at))
  tell('', state, agent)
end

-- The agent has no caller (any more): back to what they chose, by way of wrap-up if they talked.
local function free(agent, talked)
  redis.call('HDEL', AGENTS, agent)
  local duty = redis.call('HGET', agent_key(agent), 'duty')
  if duty then
    be(agent, talked and duty == 'on_duty' and 'wrap_up' or duty)
  end
end

-- ---- the order --------------------------------------------------------------------------

local function rank_of(place)
  return tonumber(string.sub(place, 1, 3))
end

local function ranked(place, rank)
  return string.format('%03d', rank) .. string.sub(place, 4)
end

local function id_of(place)
  return string.match(place, '^%d+:%d+:(.*)$')
end

local function aged(rank, waited)
  for _, step in ipairs(STEPS) do
    if waited >= step[1] and rank > step[2] then
      rank = step[2]
    end
  end
  return rank
end

-- Into the order, and into the book of who is to rise when.
local function stand(id)
  local key = entry_key(id)
  local place, skills, queued_at = unpack(redis.call('HMGET', key, 'place', 'skills', 'queued_at'))
  local rank, queued = rank_of(place), tonumber(queued_at)
  local now = aged(rank, CLOCK - queued)
  if now ~= rank then
    rank, place = now, ranked(place, now)
    redis.call('HSET', key, 'place', place)
  end
  redis.call('ZADD', WAITING, 0, place)
  redis.call('ZADD', PREFIX .. 'line:' .. skills, 0, place)
  redis.call('SADD', LINES, skills)
  for _, step in ipairs(STEPS) do
    if rank > step[2] and CLOCK - queued < step[1] then
      redis.call('ZADD', AGEING, string.format('%.6f', queued + step[1]), id)
      break
    end
  end
end

local function step_out(id)
  local place, skills = unpack(redis.call('HMGET', entry_key(id), 'place', 'skills'))
  redis.call('ZREM', WAITING, place)
  local line = PREFIX .. 'line:' .. skills
  redis.call('ZREM', line, place)
  if redis.call('EXISTS', line) == 0 then
    redis.call('SREM', LINES, skills)
  end
  redis.call('ZREM', AGEING, id)
end

-- Let time do its work: who has waited long rises, what is due may be taken.
local function pass()
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', AGEING, '-inf', NOW, 'LIMIT', 0, AT_ONCE)) do
    step_out(id)
    stand(id)
    tell(id, 'waiting', '')
  end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', DUE, '-inf', NOW, 'LIMIT', 0, AT_ONCE)) do
    redis.call('ZREM', DUE, id)
    redis.call('HSET', entry_key(id), 'state', 'waiting', 'changed_at', NOW)
    stand(id)
    record(id, 'waiting', '', 'callback')
  end
end

-- Whether somebody with these skills can do all that is needed. Those who name none can.
local function able(skills, needed)
  local has = ' ' .. skills .. ' '
  for need in string.gmatch(needed, '%S+') do
    if not string.find(has, ' ' .. need .. ' ', 1, true) then
      return false
    end
  end
  return true
end

-- Place of the first caller whom the agent can serve, or nil.
local function first_for(agent)
  local skills = redis.call('HGET', agent_key(agent), 'skills')
  if not skills or skills == '' then
    return redis.call('ZRANGE', WAITING, 0, 0)[1]
  end
  local first
  for _, needed in ipairs(redis.call('SMEMBERS', LINES)) do
    if able(skills, needed) then
      local place = redis.call('ZRANGE', PREFIX .. 'line:' .. needed, 0, 0)[1]
      if place and (not first or place < first) then
        first = place
      end
    end
  end
  return first
end

-- The same where several nodes share the queue: only callers on the node's own Asterisk can be
-- joined there, but callbacks are anybody's.
local function first_at(node, agent)
  local skills = redis.call('HGET', agent_key(agent), 'skills') or ''
  local from, step = 0, 100
  while true do
    local places = redis.call('ZRANGE', WAITING, from, from + step - 1)
    for _, place in ipairs(places) do
      local key = entry_key(id_of(place))
      local at, needed, kind = unpack(redis.call('HMGET', key, 'node', 'skills', 'kind'))
      if (at == node or kind == 'callback') and (skills == '' or able(skills, needed)) then
        return place
      end
    end
    if #places < step then
      return nil
    end
    from = from + step
  end
end

-- ---- moving entries ---------------------------------------------------------------------

-- What is only true while caller and agent talk.
local function forget_talk(key)
  redis.call('HSET', key, 'talk', '', 'muted', '', 'consult', '', 'consulted', '')
end

-- Bring an entry from one state to another, with every index that follows from it.
local function move(id, from, to, agent, outcome)
  local key = entry_key(id)
  local holder, claimed_at = unpack(redis.call('HMGET', key, 'agent', 'claimed_at'))
  if from == 'waiting' then
    step_out(id)
  elseif from == 'scheduled' then
    redis.call('ZREM', DUE, id)
  end
  if holder ~= '' and to ~= 'joined' then
    if from == 'joined' then
      sample(SERVICE, CLOCK - tonumber(claimed_at))
    end
    free(holder, from == 'joined')
  end
  redis.call('HSET', key, 'state', to, 'changed_at', NOW)
  if from == 'joined' then
    forget_talk(key)
  end
  if to == 'waiting' or to == 'scheduled' then
    redis.call('HSET', key, 'agent', '', 'leg', '')
  end
  if to == 'waiting' then
    stand(id)
  elseif to == 'claimed' then
    redis.call('HSET', AGENTS, agent, id)
    redis.call('HSET', key, 'agent', agent, 'claimed_at', NOW)
    be(agent, 'ringing')
  elseif to == 'joined' then
    be(holder, 'talking')
  elseif to == 'done' or to == 'abandoned' then
    redis.call('ZADD', FINISHED, NOW, id)
    redis.call('HSET', key, 'outcome', outcome)
  end
  record(id, to, agent ~= '' and agent or holder, outcome)
end

local operations = {}

-- id, field, value, field, value …
function operations.enqueue(id, ...)
  local key = entry_key(id)
  if redis.call('EXISTS', key) == 1 then
    return { 'known' }
  end
  redis.call('HSET', key, 'agent', '', 'leg', '', 'changed_at', NOW, ...)
  forget_talk(key)
  local due_at = redis.call('HGET', key, 'due_at')
  local state = tonumber(due_at) > CLOCK and 'scheduled' or 'waiting'
  redis.call('HSET', key, 'state', state)
  if state == 'waiting' then
    stand(id)
  else
    redis.call('ZADD', DUE, due_at, id)
  end
  local kind = redis.call('HGET', key, 'kind')
  record(id, state, '', kind == 'callback' and kind or '')
  return { 'ok' }
end

-- agent, unique id of the leg that will be theirs, id or '' for the first one, node or ''
function operations.claim(agent, leg, id, node)
  local held = redis.call('HGET', AGENTS, agent)
  if held then
    return { 'busy', held }
  end
  pass()
  if id == '' then
    local first
    if node == '' then
      first = first_for(agent)
    else
      first = first_at(node, agent)
    end
    if not first then
      return { 'none' }
    end
    id = id_of(first)
  elseif redis.call('HGET', entry_key(id), 'state') ~= 'waiting' then
    return { 'none' }
  end
  redis.call('HSET', entry_key(id), 'leg', leg)
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

-- id: the caller's line is gone, which ends whatever they were in; but a callback for which
-- nobody is on the line goes on
function operations.leave(id)
  local state, channel = unpack(redis.call('HMGET', entry_key(id), 'state', 'channel'))
  if not state then
    return { 'unknown' }
  elseif channel == '' or state == 'done' or state == 'abandoned' then
    return { 'same' }
  elseif state == 'joined' then
    move(id, state, 'done', '', 'caller_left')
  else
    move(id, state, 'abandoned', '', 'abandoned')
  end
  return { 'ok' }
end

-- id, unique id of the agent's leg or '' for any, done | returned | kept, outcome
-- The agent is off the call. The caller's place stays, or comes after emergencies only.
function operations.part(id, leg, how, outcome)
  local key = entry_key(id)
  local state, mine, talk, consulted =
    unpack(redis.call('HMGET', key, 'state', 'leg', 'talk', 'consulted'))
  if how == 'returned' and talk == 'conference' then
    how = 'done' -- the caller is in good hands
  elseif how == 'done' and talk ~= 'conference' and consulted and consulted ~= '' then
    how = 'returned' -- the caller still waits on hold for what the agent has asked
  end
  if not state then
    return { 'unknown' }
  elseif leg ~= '' and leg ~= mine then
    return { 'same' }
  elseif state ~= 'joined' then
    return { 'illegal', state }
  elseif how == 'done' then
    move(id, state, 'done', '', outcome)
    return { 'ok' }
  end
  if how == 'returned' then
    local place = redis.call('HGET', key, 'place')
    redis.call('HSET', key, 'place', ranked(place, math.min(rank_of(place), RETURNED)))
  end
  move(id, state, 'waiting', '', outcome)
  return { 'ok' }
end

-- id, the other agent, unique id of their leg
function operations.hand(id, agent, leg)
  local key = entry_key(id)
  local state = redis.call('HGET', key, 'state')
  local held = redis.call('HGET', AGENTS, agent)
  if not state then
    return { 'unknown' }
  elseif state ~= 'joined' then
    return { 'illegal', state }
  elseif held then
    return { 'busy', held }
  end
  move(id, 'joined', 'claimed', agent, '')
  redis.call('HSET', key, 'leg', leg)
  return { 'ok', redis.call('HGETALL', key) }
end

-- id, number, Unix time: whoever waits would rather be called back
function operations.book(id, phone, due_at)
  local key = entry_key(id)
  local state, kind = unpack(redis.call('HMGET', key, 'state', 'kind'))
  if not state then
    return { 'unknown' }
  elseif kind == 'callback' then
    return { 'same' }
  elseif state ~= 'waiting' then
    return { 'illegal', state }
  end
  redis.call('HSET', key, 'kind', 'callback', 'phone', phone, 'due_at', due_at,
    'channel', '', 'changed_at', NOW)
  if tonumber(due_at) > CLOCK then
    step_out(id)
    redis.call('HSET', key, 'state', 'scheduled')
    redis.call('ZADD', DUE, due_at, id)
  end
  record(id, redis.call('HGET', key, 'state'), '', 'callback')
  return { 'ok' }
end

-- id, how often it was called in vain, Unix time of the next call or '' to give it up
function operations.postpone(id, tries, due_at)
  local key = entry_key(id)
  local state = redis.call('HGET', key, 'state')
  if not state then
    return { 'unknown' }
  elseif state ~= 'claimed' then
    return { 'illegal', state }
  end
  redis.call('HSET', key, 'tries', tries)
  if due_at == '' then
    move(id, state, 'done', '', 'not_reached')
  else
    redis.call('HSET', key, 'due_at', due_at)
    redis.call('ZADD', DUE, due_at, id)
    move(id, state, 'scheduled', '', 'callback')
  end
  return { 'ok' }
end

-- id, field, value, field, value …
function operations.update(id, ...)
  local key = entry_key(id)
  local state, agent = unpack(redis.call('HMGET', key, 'state', 'agent'))
  if not state then
    return { 'unknown' }
  end
  local waits = state == 'waiting'
  if waits then
    step_out(id) -- what is needed may change, and with it the line
  end
  redis.call('HSET', key, ...)
  if waits then
    stand(id)
  end
  tell(id, state, agent)
  return { 'ok' }
end

-- id, what was said to an agent or by one
function operations.say(id, said)
  local state, agent = unpack(redis.call('HMGET', entry_key(id), 'state', 'agent'))
  if not state then
    return { 'unknown' }
  end
  local key = talk_key(id)
  redis.call('RPUSH', key, said)
  redis.call('LTRIM', key, -TALK_KEPT, -1)
  tell(id, 'said', agent)
  return { 'ok' }
end

function operations.live()
  pass()
  local found = {}
  for _, place in ipairs(redis.call('ZRANGE', WAITING, 0, -1)) do
    found[#found + 1] = redis.call('HGETALL', entry_key(id_of(place)))
  end
  for _, id in ipairs(redis.call('HVALS', AGENTS)) do
    found[#found + 1] = redis.call('HGETALL', entry_key(id))
  end
  for _, id in ipairs(redis.call('ZRANGE', DUE, 0, -1)) do
    found[#found + 1] = redis.call('HGETALL', entry_key(id))
  end
  return { 'ok', found }
end

-- id
function operations.position(id)
  pass()
  local state, place = unpack(redis.call('HMGET', entry_key(id), 'state', 'place'))
  if state ~= 'waiting' then
    return { 'ok', '' }
  end
  return { 'ok', tostring(redis.call('ZRANK', WAITING, place) + 1) }
end

-- Unix time before which an entry must have finished, most entries to delete in one step
function operations.trim(before, limit)
  local old = redis.call('ZRANGEBYSCORE', FINISHED, '-inf', '(' .. before, 'LIMIT', 0, limit)
  for _, id in ipairs(old) do
    redis.call('DEL', entry_key(id), talk_key(id))
    redis.call('ZREM', FINISHED, id)
  end
  return { 'ok', #old }
end

-- ---- presence ---------------------------------------------------------------------------

-- agent, on_duty | break | off
function operations.duty(agent, duty)
  local key = agent_key(agent)
  if redis.call('EXISTS', key) == 0 then
    redis.call('HSET', key, 'state', 'off', 'since', NOW, 'duty', 'off', 'skills', '')
  end
  redis.call('HSET', key, 'duty', duty)
  redis.call('ZADD', BEATS, NOW, agent)
  -- Whoever has a caller keeps them; the choice counts afterwards.
  if redis.call('HEXISTS', AGENTS, agent) == 0 then
    be(agent, duty)
  end
  return { 'ok' }
end

-- agent, skills
function operations.skills(agent, skills)
  local key = agent_key(agent)
  if redis.call('EXISTS', key) == 0 then
    redis.call('HSET', key, 'state', 'off', 'since', NOW, 'duty', 'off')
    redis.call('ZADD', BEATS, NOW, agent)
  end
  redis.call('HSET', key, 'skills', skills)
  tell('', redis.call('HGET', key, 'state'), agent)
  return { 'ok' }
end

-- agent, agent …
function operations.beat(...)
  for _, agent in ipairs({ ... }) do
    local state, duty = unpack(redis.call('HMGET', agent_key(agent), 'state', 'duty'))
    if state then
      redis.call('ZADD', BEATS, NOW, agent)
      if state == 'gone' then
        be(agent, duty)
      end
    end
  end
  return { 'ok' }
end

-- Unix time at which a heartbeat is too old
function operations.sweep(before)
  local gone = {}
  for _, agent in ipairs(redis.call('ZRANGEBYSCORE', BEATS, '-inf', '(' .. before)) do
    local state, since = unpack(redis.call('HMGET', agent_key(agent), 'state', 'since'))
    -- Whoever has a caller is seen by their telephone.
    if state and state ~= 'off' and state ~= 'gone'
      and redis.call('HEXISTS', AGENTS, agent) == 0 then
      local beat = tonumber(redis.call('ZSCORE', BEATS, agent))
      be(agent, 'gone', math.max(beat, tonumber(since)))
      gone[#gone + 1] = agent
    end
  end
  return { 'ok', gone }
end

-- agent: forget them
function operations.forget(agent)
  if redis.call('HEXISTS', AGENTS, agent) == 1 then
    return { 'busy', redis.call('HGET', AGENTS, agent) }
  end
  be(agent, 'off')
  redis.call('DEL', agent_key(agent))
  redis.call('ZREM', BEATS, agent)
  return { 'ok' }
end

function operations.roster()
  local found = {}
  for _, agent in ipairs(redis.call('ZRANGE', BEATS, 0, -1)) do
    found[#found + 1] = { agent, redis.call('ZSCORE', BEATS, agent),
      redis.call('HGET', AGENTS, agent) or '', redis.call('HGETALL', agent_key(agent)) }
  end
  return { 'ok', found, redis.call('LRANGE', SERVICE, 0, -1), redis.call('LRANGE', WRAP_UP, 0, -1) }
end

return operations[ARGV[3]](unpack(ARGV, 4))
