"""What Redis runs atomically, in Lua, by Redis's own clock.

Every script that changes something begins with ``_PRELUDE``: its first argument is the moment, in
milliseconds of Redis's clock, after which nobody waits for the answer any more. A script that
starts later, because Redis was stopped or busy with the call in its input, does nothing and says
``late``.

A token is two keys: ``token``, the immutable record, which portals write too, and ``state``, a hash
of the proxies with the fields

- ``used``: uses taken,
- ``revoked``,
- ``record``: as it was redeemed, kept for resuming,
- ``opening:<use>`` = ``<first redeemed>:<until>``: a use of a session that has not opened yet,
- ``given``: when the uses that were given back had first been taken, separated by commas,
- ``resume:<SHA-256 of the cookie>`` = ``<first redeemed>:<ends>``: a right to re-enter,
- ``newest:<SHA-256 of the cookie>``: the claim of the newest session of a cookie.

All times are in milliseconds of Redis's clock.

Removing a field that does not exist, named ``''``, changes nothing. A read-only replica refuses it
all the same; and where ``maxmemory`` is reached, Redis looks only before a script's first change
whether there is room for more.
"""

from __future__ import annotations

from . import resume

_CLOCK = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
"""

_PRELUDE = (
    _CLOCK
    + """
if now > tonumber(ARGV[1]) then return 'late' end
"""
)

_INDEX = """
local function index(key, id, stops)
  redis.call('ZADD', key, stops, id)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
  if last[2] then redis.call('PEXPIREAT', key, math.min(math.ceil(tonumber(last[2])), 1e14)) end
end
"""

_RESUMES = """
local function resumes(state)
  local count, first, latest = 0, nil, 0
  local fields = redis.call('HGETALL', state)
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 7) == 'resume:' then
      local ends = tonumber(string.match(fields[i + 1], ':(%d+)$'))
      if ends <= now then
        redis.call('HDEL', state, fields[i], 'newest:' .. string.sub(fields[i], 8))
      else
        count = count + 1
        latest = math.max(latest, ends)
        if first == nil or ends < first.ends then first = {field = fields[i], ends = ends} end
      end
    end
  end
  return count, first, latest
end
"""

_GIVE_BACK = f"""
local function give_back(state, field, limited)
  local first = string.match(redis.call('HGET', state, field) or '', '^%d+')
  if not first then return false end
  redis.call('HDEL', state, field)
  redis.call('HINCRBY', state, 'used', -1)
  local given = redis.call('HGET', state, 'given') or ''
  if limited and #given < {resume.MOST_GIVEN_BACK} * 14 then
    redis.call('HSET', state, 'given', given .. first .. ',')
  end
  return true
end
"""

_TAKE_USE = """
local function give_back_lost(state, limited)
  local fields = redis.call('HGETALL', state)
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 8) == 'opening:' then
      if tonumber(string.match(fields[i + 1], ':(%d+)$')) <= now then
        give_back(state, fields[i], limited)
      end
    end
  end
end

local function choose_use(state, uses, longest)
  if uses == 0 then return now, {}, 0 end
  local moments, over = {}, 0
  for moment in string.gmatch(redis.call('HGET', state, 'given') or '', '%d+') do
    if longest > 0 and moment + longest <= now then
      over = over + 1
    else
      table.insert(moments, tonumber(moment))
    end
  end
  if tonumber(redis.call('HGET', state, 'used') or 0) + over >= uses then return nil end
  table.sort(moments)
  local first = table.remove(moments, 1) or now
  return first, moments, over
end

local function take_use(state, moments, over)
  redis.call('HINCRBY', state, 'used', 1 + over)
  if #moments > 0 then
    redis.call('HSET', state, 'given', table.concat(moments, ',') .. ',')
  else
    redis.call('HDEL', state, 'given')
  end
end
"""

ISSUE = (
    _PRELUDE
    + _INDEX
    + """
local token, state, vm, user = unpack(KEYS)
local record, ttl, id, remember = ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
index(vm, id, now + ttl)
index(user, id, now + ttl)
redis.call('SET', token, record, 'PX', ttl)
redis.call('HSET', state, 'used', 0)
redis.call('PEXPIREAT', state, now + ttl + remember)
return 'issued'
"""
)

LOOK = (
    _CLOCK
    + """
local tried = redis.pcall('HDEL', KEYS[2], '')
if type(tried) == 'table' and string.find(tried.err, 'READONLY', 1, true) then return tried end
local record = redis.pcall('GET', KEYS[1])
if type(record) == 'table' then record = '' end
return {now, record, redis.call('HGETALL', KEYS[2])}
"""
)

TAKE = (
    _PRELUDE
    + _INDEX
    + _RESUMES
    + _GIVE_BACK
    + _TAKE_USE
    + """
local token, state, vm, user = unpack(KEYS)
local record, uses, longest = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local expires, use, before = ARGV[5], ARGV[6], ARGV[7]
local seconds, opening = tonumber(ARGV[8]), tonumber(ARGV[9])
local id, remember = ARGV[10], tonumber(ARGV[11])

if redis.call('HEXISTS', state, 'revoked') == 1 then return 'revoked' end
if redis.call('PTTL', token) == -1 then redis.call('PEXPIREAT', token, expires) end
local stored = redis.call('GET', token)
if not stored then return 'expired' end
if stored ~= record then return 'unknown' end
give_back_lost(state, uses > 0)
if before ~= '' then give_back(state, 'opening:' .. before, uses > 0) end
local first, moments, over = choose_use(state, uses, longest)
if not first then return 'used' end

redis.call('HDEL', state, '')
local ends = now + math.max(0, redis.call('PTTL', token))
local _, _, latest = resumes(state)
local stops = math.max(ends, latest, now + opening + seconds)
index(vm, id, stops)
index(user, id, stops)
take_use(state, moments, over)
redis.call('HSET', state, 'record', record, 'opening:' .. use, first .. ':' .. now + opening)
redis.call('PEXPIREAT', state, math.max(stops, ends + remember))
return {'taken', now - first}
"""
)

REENTER = (
    _PRELUDE
    + """
local state, cookie, claim = KEYS[1], ARGV[2], ARGV[3]
if redis.call('HEXISTS', state, 'revoked') == 1 then return 'revoked' end
local first, ends = string.match(
  redis.call('HGET', state, 'resume:' .. cookie) or '', '^(%d+):(%d+)$')
if not first or tonumber(ends) <= now then return 'expired' end
redis.call('HDEL', state, '')
redis.call('HSET', state, 'newest:' .. cookie, claim)
return {'resumed', now - first}
"""
)

CONFIRM = (
    _PRELUDE
    + _RESUMES
    + """
local state, use, cookie, claim = KEYS[1], ARGV[2], ARGV[3], ARGV[4]
local seconds, longest, most = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
if redis.call('HEXISTS', state, 'revoked') == 1 then return 'revoked' end
if redis.call('HEXISTS', state, 'used') == 0 then return 'unknown' end
local first = string.match(redis.call('HGET', state, 'opening:' .. use) or '', '^%d+')
if not first then return 'superseded' end
redis.call('HDEL', state, 'opening:' .. use)
if cookie ~= '' then
  local ends = now + seconds
  if longest > 0 then ends = math.min(ends, first + longest) end
  local count, oldest = resumes(state)
  if count >= most then
    redis.call('HDEL', state, oldest.field, 'newest:' .. string.sub(oldest.field, 8))
  end
  redis.call('HSET', state, 'resume:' .. cookie, first .. ':' .. ends, 'newest:' .. cookie, claim)
end
return 'confirmed'
"""
)

CONFIRM_RESUMED = (
    _PRELUDE
    + """
local state, cookie, claim = KEYS[1], ARGV[2], ARGV[3]
if redis.call('HEXISTS', state, 'revoked') == 1 then return 'revoked' end
redis.call('HDEL', state, '')
local newest = redis.call('HGET', state, 'newest:' .. cookie)
if newest and newest ~= claim then return 'superseded' end
return 'confirmed'
"""
)

RESTORE = (
    _PRELUDE
    + _GIVE_BACK
    + """
redis.call('HDEL', KEYS[1], '')
return give_back(KEYS[1], 'opening:' .. ARGV[2], tonumber(ARGV[3]) > 0) and 'restored' or 'kept'
"""
)

_REVOKE_ONE = """
local function is_opening(state)
  local fields = redis.call('HGETALL', state)
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 8) == 'opening:' then
      if tonumber(string.match(fields[i + 1], ':(%d+)$')) > now then return true end
    end
  end
  return false
end

local function revoke(token, state, remember)
  local _, _, latest = resumes(state)
  local ttl = redis.call('PTTL', token)
  if ttl == -2 and latest == 0 and not is_opening(state) then return false end
  redis.call('DEL', token, state)
  redis.call('HSET', state, 'revoked', 1)
  redis.call('PEXPIREAT', state, now + math.max(0, ttl) + remember)
  return true
end
"""

REVOKE = (
    _PRELUDE
    + _RESUMES
    + _REVOKE_ONE
    + """
return revoke(KEYS[1], KEYS[2], tonumber(ARGV[2])) and 1 or 0
"""
)

REVOKE_ALL = (
    _PRELUDE
    + _RESUMES
    + _REVOKE_ONE
    + """
local index, token, state, remember = KEYS[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local revoked = {}
for _, id in ipairs(redis.call('ZRANGE', index, 0, -1)) do
  if revoke(token .. id, state .. id, remember) then table.insert(revoked, id) end
end
redis.call('DEL', index)
return revoked
"""
)

ONCE = (
    _PRELUDE
    + """
return redis.call('SET', KEYS[1], '', 'NX', 'PX', ARGV[2]) and 1 or 0
"""
)

PROBE = (
    _PRELUDE
    + """
local text, hash, set = unpack(KEYS)
for _, command in ipairs({
  {'SET', text, '', 'PX', 1000}, {'GET', text}, {'PTTL', text},
  {'HSET', hash, 'used', 1}, {'HGET', hash, 'used'}, {'HEXISTS', hash, 'used'},
  {'HINCRBY', hash, 'used', 1}, {'HGETALL', hash}, {'HDEL', hash, 'used'},
  {'ZADD', set, now, 'id'}, {'ZRANGE', set, 0, -1}, {'PEXPIREAT', set, now + 1000},
  {'ZREMRANGEBYSCORE', set, '-inf', now}, {'DEL', text, hash, set},
}) do
  local answer = redis.pcall(unpack(command))
  if type(answer) == 'table' and answer.err then
    return {err = answer.err .. ' ' .. command[1]}
  end
end
return 'works'
"""
)
"""Runs every command that the other scripts need: a lack is known before a user meets it."""
