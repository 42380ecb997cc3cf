"""The scripts of signed links: the first use of one makes it a token like those that are issued."""

from __future__ import annotations

from .fragments import INDEX, PRELUDE

REVOKED_SIGNER_MS = 400 * 86400 * 1000
"""Milliseconds for which the links of a revoked signer are refused."""

ADOPT = (
    PRELUDE
    + INDEX
    + """
local token, state, vm, user, of_user, of_signer = unpack(KEYS)
local record, ttl, id = ARGV[2], tonumber(ARGV[3]), ARGV[4]
local remember, issued = tonumber(ARGV[5]), tonumber(ARGV[6])
if redis.call('EXISTS', of_signer) == 1 then return 'revoked' end
local since = tonumber(redis.call('GET', of_user) or 0)
if issued <= since then return 'revoked' end
if ttl <= 0 or redis.call('EXISTS', state) == 1 then return 'known' end
index(vm, id, now + ttl)
index(user, id, now + ttl)
redis.call('SET', token, record, 'PX', ttl)
redis.call('HSET', state, 'used', 0)
redis.call('PEXPIREAT', state, now + ttl + remember)
return 'adopted'
"""
)
"""Makes a signed link a token, unless it is one; or says that its signer or user was revoked."""

REVOKE_LINK = (
    PRELUDE
    + """
local token, state = unpack(KEYS)
local known = redis.call('EXISTS', token)
redis.call('DEL', token, state)
redis.call('HSET', state, 'revoked', 1)
redis.call('PEXPIRE', state, ARGV[2])
return known
"""
)
"""Revokes a signed link, also one that was never used."""

REVOKE_LINKS_OF_USER = (
    PRELUDE
    + """
redis.call('SET', KEYS[1], string.format('%.0f', now + ARGV[2]), 'PX', ARGV[3])
return 'revoked'
"""
)
"""Refuses the links that were signed for a user until now, and some milliseconds longer."""

REVOKE_SIGNER = (
    PRELUDE
    + f"""
redis.call('SET', KEYS[1], 1, 'PX', {REVOKED_SIGNER_MS})
return 'revoked'
"""
)
"""Refuses all links of a signer."""
