"""What Redis runs atomically for logins, in Lua, by Redis's own clock.

No command is used that tokens do not need, so that an ACL for those suffices.
"""

from __future__ import annotations

from ..redis.lua import PRELUDE

ADD = (
    PRELUDE
    + """
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 'added'
"""
)
"""Keeps a login."""

REMOVE = (
    PRELUDE
    + """
return tostring(redis.call('DEL', KEYS[1]))
"""
)
"""Ends a login."""

FIRST = (
    PRELUDE
    + """
if redis.call('EXISTS', KEYS[1]) == 1 then return '0' end
redis.call('SET', KEYS[1], '1', 'PX', ARGV[2])
return '1'
"""
)
"""Notes a name that may be given once."""
