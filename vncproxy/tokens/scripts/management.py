"""Scripts that issue and revoke tokens, and the one that tries what all of them need."""

from __future__ import annotations

from .fragments import INDEX, PRELUDE, RESUMES

ISSUE = (
    PRELUDE
    + INDEX
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
"""Stores a token."""

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
"""Revokes a token that can still be redeemed or resumed."""

REVOKE = (
    PRELUDE
    + RESUMES
    + _REVOKE_ONE
    + """
return revoke(KEYS[1], KEYS[2], tonumber(ARGV[2])) and 1 or 0
"""
)
"""Revokes one token."""

REVOKE_ALL = (
    PRELUDE
    + RESUMES
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
"""Revokes the tokens of an index."""

REVOKED = (
    PRELUDE
    + """
redis.call('HDEL', KEYS[1], '')
local revoked = {}
for i = 2, #ARGV do
  if redis.call('HEXISTS', KEYS[1] .. ARGV[i], 'revoked') == 1 then
    table.insert(revoked, ARGV[i])
  end
end
return table.concat(revoked, ' ')
"""
)
"""Returns which of some tokens are revoked."""

PROBE = (
    PRELUDE
    + """
local text, hash, set, members, stream = unpack(KEYS)
for _, command in ipairs({
  {'SET', text, '', 'PX', 1000}, {'GET', text}, {'PTTL', text},
  {'HSET', hash, 'used', 1}, {'HGET', hash, 'used'}, {'HEXISTS', hash, 'used'},
  {'HINCRBY', hash, 'used', 1}, {'HGETALL', hash}, {'HDEL', hash, 'used'},
  {'ZADD', set, now, 'id'}, {'ZRANGE', set, 0, -1}, {'PEXPIREAT', set, now + 1000},
  {'ZREMRANGEBYSCORE', set, '-inf', now}, {'EXISTS', text},
  {'SADD', members, 'id'}, {'PEXPIRE', members, 1000}, {'SCARD', members},
  {'SISMEMBER', members, 'id'}, {'SMEMBERS', members}, {'SREM', members, 'id'},
  {'HVALS', hash}, {'HLEN', hash}, {'ZREM', set, 'id'}, {'ZRANGEBYSCORE', set, now, '+inf'},
  {'XADD', stream, '*', 'order', '{}'}, {'XREAD', 'STREAMS', stream, '0'},
  {'XINFO', 'STREAM', stream}, {'XDEL', stream, '0-1'},
  {'XTRIM', stream, 'MAXLEN', 0}, {'PEXPIRE', stream, 1000},
  {'PUBLISH', ARGV[2], ''}, {'PUBLISH', ARGV[3], ''},
  {'DEL', text, hash, set, members, stream},
}) do
  local answer = redis.pcall(unpack(command))
  if type(answer) == 'table' and answer.err then
    return {err = answer.err .. ' ' .. command[1]}
  end
end
return 'works'
"""
)
"""Runs every command that scripts need, those of the cluster included; see `check-config`.

Two empty messages are published: readers of orders read them again, and take no others.
"""
