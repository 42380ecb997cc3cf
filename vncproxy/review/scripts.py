"""What Redis runs atomically for links to recordings, in Lua, by Redis's own clock.

A link is a text: the moment at which it ends however much it is used, a space, and its record. No
command is used that tokens do not need, so that an ACL for those suffices.
"""

from __future__ import annotations

from ..redis.lua import PRELUDE
from .limits import LINKS_OF_A_SESSION

_PRUNE = """
local function prune(index)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', now)
  local last = redis.call('ZRANGE', index, -1, -1, 'WITHSCORES')
  if last[2] then redis.call('PEXPIREAT', index, last[2]) end
end
"""
"""Removes links that have ended from those of a session, which end with its last one."""

ADD = (
    PRELUDE
    + _PRUNE
    + f"""
local link, index = unpack(KEYS)
local id, record, prefix = ARGV[2], ARGV[3], ARGV[6]
local latest = string.format('%.0f', now + ARGV[5])
prune(index)
for _, each in ipairs(redis.call('ZRANGE', index, 0, -1)) do
  if redis.call('EXISTS', prefix .. each) == 0 then redis.call('ZREM', index, each) end
end
if #redis.call('ZRANGE', index, 0, -1) >= {LINKS_OF_A_SESSION} then return 'full' end
redis.call('SET', link, latest .. ' ' .. record, 'PX', ARGV[4])
redis.call('ZADD', index, latest, id)
prune(index)
return 'added'
"""
)
"""Keeps a link."""

USE = (
    PRELUDE
    + """
local lines, idle = {}, tonumber(ARGV[2])
for i, key in ipairs(KEYS) do
  local found = redis.call('GET', key)
  local latest, record = string.match(found or '', '^(%d+) (.*)$')
  if latest then
    local longer = math.min(idle, latest - now)
    if longer > redis.call('PTTL', key) then redis.call('PEXPIRE', key, longer) end
  end
  lines[i] = record or ''
end
return table.concat(lines, '\\n')
"""
)
"""Returns a line for each link, its record or nothing, and lets it be good for longer."""

REVOKE = (
    PRELUDE
    + """
local index, only, prefix = KEYS[1], ARGV[2], ARGV[3]
local ids = only == '' and redis.call('ZRANGE', index, 0, -1) or {only}
local ended = 0
for _, id in ipairs(ids) do
  if redis.call('ZREM', index, id) == 1 then ended = ended + redis.call('DEL', prefix .. id) end
end
return ended
"""
)
"""Ends a link of a session, or all of them; returns how many there were."""

LINKED = (
    PRELUDE
    + """
local found = {}
for i, index in ipairs(KEYS) do
  found[i] = '0'
  for _, id in ipairs(redis.call('ZRANGE', index, 0, -1)) do
    if redis.call('EXISTS', ARGV[2] .. id) == 1 then found[i] = '1' end
  end
end
return table.concat(found)
"""
)
"""Returns a digit for each session: 1 where it has a link that is good."""
