"""What Redis runs atomically, in Lua, by Redis's own clock.

Every script that changes something begins with ``_PRELUDE``: its first argument is the moment, in
milliseconds of Redis's clock, after which nobody waits for the answer any more. A script that
starts later, because Redis was stopped or busy with the call in its input, does nothing and says
``late``.

A token is two keys: ``token``, the immutable record, which portals write too, and ``state``, a hash
of the proxies with the fields ``used`` (uses taken), ``revoked``, ``record`` (as it was redeemed,
kept for resuming) and ``resume:<SHA-256 of the cookie>`` = ``<first redeemed>:<ends>`` in
milliseconds.

Removing a field that does not exist, named ``''``, changes nothing. A read-only replica refuses it
all the same; and where ``maxmemory`` is reached, Redis looks only before a script's first change
whether there is room for more.
"""

from __future__ import annotations

LATE = b"late"

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
        redis.call('HDEL', state, fields[i])
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
    + """
local token, state, vm, user = unpack(KEYS)
local record, uses, expires = ARGV[2], tonumber(ARGV[3]), ARGV[4]
local cookie, seconds, most = ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
local id, remember = ARGV[8], tonumber(ARGV[9])

if redis.call('HEXISTS', state, 'revoked') == 1 then return 'revoked' end
if redis.call('PTTL', token) == -1 then redis.call('PEXPIREAT', token, expires) end
local stored = redis.call('GET', token)
if not stored then return 'expired' end
if stored ~= record then return 'unknown' end
if uses > 0 and tonumber(redis.call('HGET', state, 'used') or 0) >= uses then return 'used' end

redis.call('HDEL', state, '')
local ends = now + math.max(0, redis.call('PTTL', token))
local count, first, latest = resumes(state)
if cookie ~= '' then latest = math.max(latest, now + seconds) end
local stops = math.max(ends, latest)
index(vm, id, stops)
index(user, id, stops)
redis.call('HINCRBY', state, 'used', 1)
if cookie ~= '' then
  if count >= most then redis.call('HDEL', state, first.field) end
  redis.call('HSET', state, 'record', record, 'resume:' .. cookie, now .. ':' .. now + seconds)
end
redis.call('PEXPIREAT', state, math.max(stops, ends + remember))
return {'taken', now}
"""
)

RESTORE = (
    _PRELUDE
    + """
local state, cookie = KEYS[1], ARGV[2]
redis.call('HDEL', state, 'resume:' .. cookie)
if tonumber(redis.call('HGET', state, 'used') or 0) > 0 then
  redis.call('HINCRBY', state, 'used', -1)
end
return 'restored'
"""
)

_REVOKE_ONE = """
local function revoke(token, state, remember)
  local _, _, latest = resumes(state)
  local ttl = redis.call('PTTL', token)
  if ttl == -2 and latest == 0 then return false end
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
