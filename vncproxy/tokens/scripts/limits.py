"""Scripts that count live sessions, and the fragment by which the redemption does.

The sets ``live:*`` hold the names of live sessions, ``<worker id>/<session id>``: one set for each
place where a session counts, its machine, its user and its address. A member counts only while
``worker:<worker id>`` exists; those of dead processes are removed when a limit seems to be reached.
Every set ends ``LEASE_MS`` after the last session entered or was registered again.
"""

from __future__ import annotations

from .fragments import PRELUDE
from .sharing import LEASE_MS, SHARING

LARGE = 256
"""Members beyond which a full set is not counted at each refusal: each takes a microsecond."""

COUNTED_MS = 1000
"""Milliseconds for which the sessions in a large set count as living after they were counted."""

PLACES = (
    SHARING
    + f"""
local function count_living(set, is_alive)
  local count = 0
  for _, name in ipairs(redis.call('SMEMBERS', set)) do
    if is_alive(name) then count = count + 1 else redis.call('SREM', set, name) end
  end
  return count
end

local function count_at_limit(set, members, s)
  if members <= {LARGE} then return count_living(set, s.is_alive) end
  local counted = s.prefix .. 'counted:' .. string.sub(set, #s.prefix + 6)
  if redis.call('EXISTS', counted) == 1 then return members end
  redis.call('SREM', set, '')
  redis.call('SET', counted, members, 'PX', {COUNTED_MS})
  return count_living(set, s.is_alive)
end

local function over_limit(first, s, limits)
  for i = first, #KEYS do
    local set, most = KEYS[i], tonumber(ARGV[limits + i - first])
    local members = redis.call('SCARD', set)
    if most > 0 and members >= most then
      local replaces = s.older and redis.call('SISMEMBER', set, s.older) == 1
        and s.is_alive(s.older)
      local count = replaces and 0 or count_at_limit(set, members, s)
      if count >= most then count = count - leaving_from(set, s) end
      if count >= most then return {{'over', i - first, count}} end
    end
  end
end

local function refusal(first, s, limits)
  if not s.is_alive(s.name) then return 'unannounced' end
  s.vm = machine_of(KEYS[first], s.prefix)
  for i = first, #KEYS do
    if tonumber(ARGV[limits + i - first]) < 0 then oust_others(KEYS[i], s, 'user-elsewhere') end
  end
  return occupied(s) or over_limit(first, s, limits)
end

local function enter(first, s)
  local replaced, count = '', 0
  for i = first, #KEYS do
    if s.older and redis.call('SREM', KEYS[i], s.older) == 1 and i == first then
      replaced = s.older
    end
    redis.call('SADD', KEYS[i], s.name)
    redis.call('PEXPIRE', KEYS[i], {LEASE_MS})
  end
  if #KEYS >= first then
    hold(s)
    if replaced ~= '' then notify(s.prefix, s.vm, replaced, 'left') end
    count = notify(s.prefix, s.vm, s.name, 'entered') - leaving_from(KEYS[first], s)
  end
  return replaced, count, table.concat(s.ousted, '\\n')
end
"""
)
"""Counts a session at its places, the last of ``KEYS`` from ``first`` on.

Arguments are the session, as ``new_session`` makes it, and the index in ``ARGV`` of the first
limit: 0 is none, and where it is negative, the session ends all others of the place.
"""

ENTER = (
    PRELUDE
    + PLACES
    + """
local once, ttl, claim = KEYS[1], tonumber(ARGV[2]), ARGV[3]
local s = new_session(ARGV[4], nil, ARGV[5], ARGV[6], ARGV[7])
if ttl > 0 and redis.call('EXISTS', once) == 1 then return 'used' end
if #KEYS > 1 then
  local refused = refusal(2, s, 8)
  if refused then return refused end
end
if ttl > 0 then
  redis.call('SET', once, claim, 'PX', ttl)
else
  redis.call('SREM', KEYS[2], '')
end
return {'entered', 0, enter(2, s)}
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
    + SHARING
    + """
local prefix = ARGV[#KEYS + 2]
for i, set in ipairs(KEYS) do
  local name, vm = ARGV[i + 1], machine_of(set, prefix)
  if redis.call('SREM', set, name) == 1 and vm then notify(prefix, vm, name, 'left') end
end
return #KEYS
"""
)
"""Removes sessions, each from one set, and tells of them where their machines have others.

What had joined them ends with them.
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
