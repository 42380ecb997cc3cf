"""Scripts by which a session has a machine to itself, and the fragment that decides whether it may.

``exclusive:<backend>/<vm id>`` is a hash of the session that shares its machine with no other:

``session``
    its name; it holds the machine as long as it is in the machine's set ``live:vm:…`` and lives
``of``
    what another session has in common with it that is to take its place: the SHA-256 of the
    resume cookie, or the zone and the user; empty for none
``user``, ``since``
    its user, and when the first session of the same ``of`` began, in milliseconds
``former``
    the session that had it before and that this one is to end, as JSON with its ``of``, ``user``
    and ``since``: it holds the machine again if this one fails to begin
``kept``
    until when the machine is kept for a session of the same ``of`` or user although this one has
    ended

It ends `LEASE_MS` after it was written or held again.
"""

from __future__ import annotations

from .fragments import PRELUDE

LEASE_MS = 15 * 60 * 1000
"""Milliseconds for which a set is kept; living processes register their sessions again earlier."""

MOST_NOTICED = 32
"""Users' sessions at one machine beyond which no process is told of others that come and go."""

SHARING = f"""
local function prefix_of(workers) return string.sub(workers, 1, -1 - #'worker:') end

local function alive_by(workers)
  local known = {{}}
  return function(name)
    local worker = string.match(name, '^[^/]*')
    if known[worker] == nil then
      known[worker] = redis.call('EXISTS', workers .. worker) == 1
    end
    return known[worker]
  end
end

local function new_session(name, older, sharing, of, workers)
  return {{
    name = name, older = older, sharing = sharing, of = of, since = now, ousted = {{}},
    leaving = {{}}, is_alive = alive_by(workers), prefix = prefix_of(workers),
  }}
end

local function machine_of(set, prefix)
  local place = string.sub(set, #prefix + 1)
  return string.match(place, '^live:vm:(.*)$') or string.match(place, '^live:joined:(.*)$')
end

local function oust(s, name, why)
  if not s.leaving[name] then
    s.leaving[name] = true
    table.insert(s.ousted, why .. ' ' .. name)
  end
end

local function others(set, s)
  local found = {{}}
  for _, name in ipairs(redis.call('SMEMBERS', set)) do
    if name ~= s.older and name ~= s.name and not s.leaving[name] then
      if s.is_alive(name) then table.insert(found, name) else redis.call('SREM', set, name) end
    end
  end
  return found
end

local function oust_others(set, s, why)
  for _, name in ipairs(others(set, s)) do oust(s, name, why) end
end

local function leaving_from(set, s)
  local count = 0
  for name in pairs(s.leaving) do count = count + redis.call('SISMEMBER', set, name) end
  return count
end

local function user_of(s)
  local of_user = s.prefix .. 'live:user:'
  for _, set in ipairs(KEYS) do
    if string.sub(set, 1, #of_user) == of_user then return string.sub(set, #of_user + 1) end
  end
  return ''
end

local function held(s)
  local key, set = s.prefix .. 'exclusive:' .. s.vm, s.prefix .. 'live:vm:' .. s.vm
  local holder = redis.call('HGET', key, 'session')
  if not holder then return end
  s.was_held = true
  local lives = redis.call('SISMEMBER', set, holder) == 1 and s.is_alive(holder)
  local of, user = redis.call('HGET', key, 'of') or '', redis.call('HGET', key, 'user') or ''
  local since = tonumber(redis.call('HGET', key, 'since')) or now
  if holder == s.older or s.of ~= '' and of == s.of then
    s.since = since
    if lives and holder ~= s.older then oust(s, holder, 'superseded') end
    return
  end
  local from_zone = string.find(of .. s.of, '/', 1, true)
  local own = user ~= '' and user == user_of(s) and not from_zone
  local free = own or tonumber(redis.call('HGET', key, 'kept') or 0) <= now
  if s.sharing == 'take-over' or s.leaving[holder] or not lives and free then return end
  return {{'occupied', holder, user, now - since}}
end

local function occupied(s)
  if s.sharing == 'joined' then return end
  local refused, set = held(s), s.prefix .. 'live:vm:' .. s.vm
  if refused or s.sharing == 'shared' then return refused end
  if s.sharing == 'take-over' then return oust_others(set, s, 'taken-over') end
  local name = others(set, s)[1]
  if not name then return end
  local worker, id = string.match(name, '^([^/]*)/(.*)$')
  local record = worker and redis.pcall('HGET', s.prefix .. 'sessions:' .. worker, id)
  return {{'occupied', name, type(record) == 'string' and record or '', -now}}
end

local function hold(s)
  local key = s.prefix .. 'exclusive:' .. s.vm
  local former = s.was_held and {{}}
  for i, field in ipairs(former and {{'session', 'of', 'user', 'since'}} or {{}}) do
    former[i] = redis.call('HGET', key, field) or ''
  end
  if s.was_held then redis.call('DEL', key) end
  if s.sharing ~= 'exclusive' and s.sharing ~= 'take-over' then return end
  redis.call('HSET', key, 'session', s.name, 'of', s.of, 'user', user_of(s),
    'since', string.format('%.0f', s.since))
  if former and s.leaving[former[1]] then
    redis.call('HSET', key, 'former', cjson.encode(former))
  end
  redis.call('PEXPIRE', key, {LEASE_MS})
end

local function notify(prefix, vm, name, event)
  local users = redis.call('SCARD', prefix .. 'live:vm:' .. vm)
  local joined = redis.call('SCARD', prefix .. 'live:joined:' .. vm)
  local others = users + joined - (event == 'entered' and 1 or 0)
  if joined > 0 or others > 0 and users <= {MOST_NOTICED} then
    local notice = cjson.encode({{v = 1, event = event, vm = vm, session = name}})
    redis.pcall('PUBLISH', prefix .. 'acks:machines', notice)
  end
  return users + joined
end
"""
"""Decides whether a session may begin beside the others of its machine, which is ``s.vm``.

``s.sharing`` is one of `vncproxy.model.Sharing`, or ``joined`` for a session that belongs to
another one.

``occupied`` returns a refusal, with the name of another session, and its user and the milliseconds
since it began, or its record and the time, negative. Otherwise ``s.ousted`` are the reasons and
names of sessions that are to end, which ``s.leaving`` has, too. They stay in their sets until they
have ended: where the answer is lost, the next session finds them there.
"""

KEEP = (
    PRELUDE
    + SHARING
    + f"""
local prefix, is_alive = prefix_of(ARGV[2]), alive_by(ARGV[2])

local function give_back(key)
  local text = redis.call('HGET', key, 'former')
  local former = text and cjson.decode(text)
  local set = prefix .. 'live:vm:' .. string.sub(key, #prefix + #'exclusive:' + 1)
  if not former or not is_alive(former[1]) or redis.call('SISMEMBER', set, former[1]) == 0 then
    return false
  end
  redis.call('HSET', key, 'session', former[1], 'of', former[2], 'user', former[3],
    'since', former[4])
  redis.call('HDEL', key, 'former', 'kept')
  return redis.call('PEXPIRE', key, {LEASE_MS}) == 1
end

for i, key in ipairs(KEYS) do
  local at = 3 + 3 * (i - 1)
  local name, milliseconds, failed = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2] == '1'
  if redis.call('HGET', key, 'session') == name and not (failed and give_back(key)) then
    if milliseconds > 0 and redis.call('HGET', key, 'of') ~= '' then
      redis.call('HSET', key, 'kept', string.format('%.0f', now + milliseconds))
      redis.call('PEXPIRE', key, milliseconds)
    else
      redis.call('DEL', key)
    end
  end
end
return #KEYS
"""
)
"""Keeps machines for those that may enter again, or no longer, before their sessions leave.

What a session failed to take goes back to the one that has it still.
"""

HOLD = (
    PRELUDE
    + SHARING
    + f"""
local prefix, is_alive, lost = prefix_of(ARGV[2]), alive_by(ARGV[2]), {{}}
for i, key in ipairs(KEYS) do
  local at = 3 + 4 * (i - 1)
  local name, of, user, age = ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3])
  local set = prefix .. 'live:vm:' .. string.sub(key, #prefix + #'exclusive:' + 1)
  local holder = redis.call('HGET', key, 'session')
  local other = holder and holder ~= name
  if not other or not is_alive(holder) or redis.call('SISMEMBER', set, holder) == 0 then
    if other or not holder then
      redis.call('HSET', key, 'session', name, 'of', of, 'user', user,
        'since', string.format('%.0f', now - age))
      redis.call('HDEL', key, 'kept', 'former')
    end
    redis.call('PEXPIRE', key, {LEASE_MS})
  else
    local same = of ~= '' and redis.call('HGET', key, 'of') == of
    local by = redis.call('HGET', key, 'user') or ''
    table.insert(lost, {{name, holder, by, same and 'superseded' or 'taken-over'}})
  end
end
return lost
"""
)
"""Lets live sessions hold their machines again; returns those that another live one has.

They have lost it while their process was not announced. Each has the holder, its user and the code
of the reason.
"""
