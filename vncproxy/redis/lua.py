"""Lua that scripts begin with.

Every script that changes something begins with ``PRELUDE``: its first argument is its deadline, in
milliseconds of Redis's clock. A script that begins later, because Redis was stopped or busy with
calls that came before, does nothing and returns ``late``.
"""

from __future__ import annotations

CLOCK = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
"""
"""Reads Redis's clock."""

PRELUDE = (
    CLOCK
    + """
if now > tonumber(ARGV[1]) then return 'late' end
"""
)
"""Ends a script that begins after its deadline."""
