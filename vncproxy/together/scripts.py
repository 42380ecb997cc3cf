"""What Redis runs atomically about the sessions of one machine, in Lua."""

from __future__ import annotations

from ..redis.lua import PRELUDE

HAS = (
    PRELUDE
    + """
local set, ending, workers = KEYS[1], '/' .. ARGV[2], ARGV[3]
redis.call('SREM', set, '')
for _, name in ipairs(redis.call('SMEMBERS', set)) do
  if string.sub(name, -#ending) == ending then
    return redis.call('EXISTS', workers .. string.match(name, '^[^/]*'))
  end
end
return 0
"""
)
"""Returns 1 where a set of live sessions has one with an id, and its process lives; else 0."""
