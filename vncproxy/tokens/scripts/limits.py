"""Scripts that count live sessions, and the fragment by which the redemption does.

The sets ``live:*`` hold the names of live sessions, ``<worker id>/<session id>``: one set for each
place where a session counts, its machine, its user and its address. A member counts only while
``worker:<worker id>`` exists; those of dead processes are removed when a limit seems to be reached.
Every set ends `LEASE_MS` after the last session entered or was registered again.
"""

from __future__ import annotations

from .fragments import PRELUDE

LEASE_MS = 15 * 60 * 1000
"""Milliseconds for which a set is kept; living processes register their sessions again earlier."""

LARGE = 256
"""Members beyond which a full set is not counted at each refusal: each takes a microsecond."""

COUNTED_MS = 1000
"""Milliseconds for which the sessions in a large set count as living after they were counted."""

PLACES = f"""
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

local function count_living(set, is_alive)
  local count = 0
  for _, name in ipairs(redis.call('SMEMBERS', set)) do
    if is_alive(name) then count = count + 1 else redis.call('SREM', set, name) end
  end
  return count
end

local function count_at_limit(set, members, is_alive, workers)
  if members <= {LARGE} then return count_living(set, is_alive) end
  local prefix = #workers - #'worker:'
  local counted = string.sub(workers, 1, prefix) .. 'counted:' .. string.sub(set, prefix + 6)
  if redis.call('EXISTS', counted) == 1 then return members end
  redis.call('SREM', set, '')
  redis.call('SET', counted, members, 'PX', {COUNTED_MS})
  return count_living(set, is_alive)
end

local function refusal(first, name, older, workers, limits)
  local is_alive = alive_by(workers)
  if not is_alive(name) then return 'unannounced' end
  for i = first, #KEYS do
    local set, most = KEYS[i], tonumber(ARGV[limits + i - first])
    local members = redis.call('SCARD', set)
    if most > 0 and members >= most then
      local replaces = older and redis.call('SISMEMBER', set, older) == 1 and is_alive(older)
      local count = replaces and 0 or count_at_limit(set, members, is_alive, workers)
      if count >= most then return {{'over', i - first, count}} end
    end
  end
end

local function enter(first, name, older)
  local replaced = ''
  for i = first, #KEYS do
    if older and redis.call('SREM', KEYS[i], older) == 1 and i == first then replaced = older end
    redis.call('SADD', KEYS[i], name)
    redis.call('PEXPIRE', KEYS[i], {LEASE_MS})
  end
  return replaced
end
"""
"""Counts a session at its places, the last of ``KEYS`` from ``first`` on.

Arguments are the session's name, the name of the one whose place it takes or nil, and the index in
``ARGV`` of the first limit; a limit of 0 is none.
"""

ENTER = (
    PRELUDE
    + PLACES
    + """
local once, ttl, claim, name, workers = KEYS[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
if ttl > 0 and redis.call('EXISTS', once) == 1 then return 'used' end
if #KEYS > 1 then
  local refused = refusal(2, name, nil, workers, 6)
  if refused then return refused end
end
if ttl > 0 then
  redis.call('SET', once, claim, 'PX', ttl)
else
  redis.call('SREM', KEYS[2], '')
end
enter(2, name, nil)
return 'entered'
"""
)
"""Counts a session of another issuer's token, and consumes what is good once."""

FORGET = (
    PRELUDE
    + """
if redis.call('GET', KEYS[1]) == ARGV[2] then return redis.call('DEL', KEYS[1]) end
return 0
"""
)
"""Gives back what a session has consumed that was good once."""

LEAVE = (
    PRELUDE
    + """
local prefix = ARGV[#KEYS + 2]
local of_vm = prefix .. 'live:vm:'
for i, set in ipairs(KEYS) do
  local name = ARGV[i + 1]
  if redis.call('SREM', set, name) == 1 and string.sub(set, 1, #of_vm) == of_vm then
    local vm = string.sub(set, #of_vm + 1)
    if redis.call('EXISTS', prefix .. 'live:joined:' .. vm) == 1 then
      local notice = {v = 1, event = 'left', vm = vm, session = name}
      redis.call('PUBLISH', prefix .. 'acks:machines', cjson.encode(notice))
    end
  end
end
return #KEYS
"""
)
"""Removes sessions, each from one set.

Where others have joined sessions of the same machine, all processes are told: those that had joined
this one end with it.
"""

REGISTER = (
    PRELUDE
    + f"""
for i, set in ipairs(KEYS) do
  redis.call('SREM', set, '')
  redis.call('SADD', set, ARGV[i + 1])
  redis.call('PEXPIRE', set, {LEASE_MS})
end
return #KEYS
"""
)
"""Registers live sessions again, each in one set, and prolongs the sets."""

PRUNE = (
    PRELUDE
    + PLACES
    + """
local is_alive = alive_by(ARGV[2])
for _, set in ipairs(KEYS) do count_living(set, is_alive) end
return #KEYS
"""
)
"""Removes the sessions of dead processes from some sets."""
