"""What Redis runs atomically for logins, in Lua, by Redis's own clock.

No command is used that tokens do not need, so that an ACL for those suffices.
"""

from __future__ import annotations

from ..redis.lua import PRELUDE
from .limits import LOGINS_OF_A_USER

ADD = (
    PRELUDE
    + f"""
local login, index = unpack(KEYS)
local record, ttl, id, prefix = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
redis.call('ZREMRANGEBYSCORE', index, '-inf', now)
local ids = redis.call('ZRANGE', index, 0, -1)
for i = 1, #ids - {LOGINS_OF_A_USER - 1} do
  redis.call('DEL', prefix .. ids[i])
  redis.call('ZREM', index, ids[i])
end
redis.call('SET', login, record, 'PX', ttl)
redis.call('ZADD', index, string.format('%.0f', now + ttl), id)
local last = redis.call('ZRANGE', index, -1, -1, 'WITHSCORES')
redis.call('PEXPIREAT', index, last[2])
return 'added'
"""
)
"""Keeps a login; of too many of one user, those that end first end now."""

REMOVE = (
    PRELUDE
    + """
return tostring(redis.call('DEL', KEYS[1]))
"""
)
"""Ends a login."""

REMOVE_USER = (
    PRELUDE
    + """
local ended = 0
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  ended = ended + redis.call('DEL', ARGV[2] .. id)
end
redis.call('DEL', KEYS[1])
return tostring(ended)
"""
)
"""Ends all logins of a user; returns how many there were."""

FIRST = (
    PRELUDE
    + """
if redis.call('EXISTS', KEYS[1]) == 1 then return '0' end
redis.call('SET', KEYS[1], '1', 'PX', ARGV[2])
return '1'
"""
)
"""Notes a name that may be given once."""
