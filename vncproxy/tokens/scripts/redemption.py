"""Scripts by which sessions begin: read a token, take a use, confirm it or give it back."""

from __future__ import annotations

from .fragments import CLOCK, GIVE_BACK, INDEX, PRELUDE, RESUMES, TAKE_USE
from .limits import PLACES

LOOK = (
    CLOCK
    + """
local tried = redis.pcall('HDEL', KEYS[2], '')
for _, refusal in ipairs({'READONLY', 'NOREPLICAS'}) do
  if type(tried) == 'table' and string.find(tried.err, refusal, 1, true) then return tried end
end
local record = redis.pcall('GET', KEYS[1])
if type(record) == 'table' then record = '' end
return {now, record, redis.call('HGETALL', KEYS[2])}
"""
)
"""Returns the time, the record and the state of a token."""

TAKE = (
    PRELUDE
    + INDEX
    + RESUMES
    + GIVE_BACK
    + TAKE_USE
    + PLACES
    + """
local token, state, vm, user = unpack(KEYS)
local record, uses, longest = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local expires, use, before = ARGV[5], ARGV[6], ARGV[7]
local seconds, opening = tonumber(ARGV[8]), tonumber(ARGV[9])
local id, remember = ARGV[10], tonumber(ARGV[11])
local claim, sharing, holder, workers = ARGV[12], ARGV[13], ARGV[14], ARGV[15]

if redis.call('HEXISTS', state, 'revoked') == 1 then return 'revoked' end
if redis.call('PTTL', token) == -1 then redis.call('PEXPIREAT', token, expires) end
local stored = redis.call('GET', token)
if not stored then return 'expired' end
if stored ~= record then return 'unknown' end
give_back_lost(state, uses > 0)
local opens = before ~= '' and redis.call('HEXISTS', state, 'opening:' .. before) == 1
local older = opens and redis.call('HGET', state, 'newest:' .. before) or nil
if not opens and not choose_use(state, uses, longest) then return 'used' end
local s = new_session(claim, older, sharing, holder, workers)
if #KEYS > 4 then
  local refused = refusal(5, s, 16)
  if refused then return refused end
end
if opens then give_back(state, 'opening:' .. before, uses > 0) end
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
if use ~= claim then redis.call('HSET', state, 'newest:' .. use, claim) end
redis.call('PEXPIREAT', state, math.max(stops, ends + remember))
return {'taken', now - first, enter(5, s)}
"""
)
"""Takes a use of a token for a session that begins."""

REENTER = (
    PRELUDE
    + PLACES
    + """
local state, cookie, claim, sharing, holder = KEYS[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if redis.call('HEXISTS', state, 'revoked') == 1 then return 'revoked' end
local first, ends = string.match(
  redis.call('HGET', state, 'resume:' .. cookie) or '', '^(%d+):(%d+)$')
if not first or tonumber(ends) <= now then return 'expired' end
local older = redis.call('HGET', state, 'newest:' .. cookie)
local s = new_session(claim, older, sharing, holder, ARGV[6])
if #KEYS > 1 then
  local refused = refusal(2, s, 7)
  if refused then return refused end
end
redis.call('HDEL', state, '')
redis.call('HSET', state, 'newest:' .. cookie, claim)
local replaced, company, ousted = enter(2, s)
local mode = redis.call('HGET', state, 'mode:' .. cookie) or ''
return {'resumed', now - first, replaced, company, ousted, mode}
"""
)
"""Begins a session by a resume cookie."""

_FORGET_CONFIRMED = """
local function forget_confirmed(state)
  local fields = redis.call('HGETALL', state)
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 10) == 'confirmed:' then
      if tonumber(string.match(fields[i + 1], ':(%d+)$')) <= now then
        redis.call('HDEL', state, fields[i])
      end
    end
  end
end
"""
"""Removes notes of confirmations that can be retracted no more."""

CONFIRM = (
    PRELUDE
    + RESUMES
    + _FORGET_CONFIRMED
    + """
local state, use, cookie, claim = KEYS[1], ARGV[2], ARGV[3], ARGV[4]
local seconds, longest, most = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local retractable, mode = tonumber(ARGV[8]), ARGV[9]
if redis.call('HEXISTS', state, 'revoked') == 1 then return 'revoked' end
if redis.call('HEXISTS', state, 'used') == 0 then return 'unknown' end
if redis.call('HEXISTS', state, 'record') == 0 then return 'lost' end
local first = string.match(redis.call('HGET', state, 'opening:' .. use) or '', '^%d+')
if not first then return 'superseded' end
redis.call('HDEL', state, 'opening:' .. use)
if cookie ~= '' then
  local ends = now + seconds
  if longest > 0 then ends = math.min(ends, first + longest) end
  local count, oldest = resumes(state)
  if count >= most then
    local ended = string.sub(oldest.field, 8)
    redis.call('HDEL', state, oldest.field, 'newest:' .. ended, 'mode:' .. ended)
  end
  redis.call('HSET', state, 'resume:' .. cookie, first .. ':' .. ends, 'newest:' .. cookie, claim)
  if mode ~= '' then redis.call('HSET', state, 'mode:' .. cookie, mode) end
end
if retractable > 0 then
  forget_confirmed(state)
  redis.call('HSET', state, 'confirmed:' .. use, first .. ':' .. now + retractable)
end
return 'confirmed'
"""
)
"""Makes a use final, and its resume cookie valid, with the mode that its sessions have in place of
the policy's; for some time that can be retracted.

It is ``lost`` where no use was ever taken: the token is good, and a failover has lost its use.
"""

RETRACT = (
    PRELUDE
    + GIVE_BACK
    + """
local state, use, cookie, limited = KEYS[1], ARGV[2], ARGV[3], tonumber(ARGV[4]) > 0
redis.call('HDEL', state, '')
if give_back(state, 'opening:' .. use, limited) then return 'restored' end
if not give_back(state, 'confirmed:' .. use, limited) then return 'kept' end
if cookie ~= '' then
  redis.call('HDEL', state, 'resume:' .. cookie, 'newest:' .. cookie, 'mode:' .. cookie)
end
return 'restored'
"""
)
"""Gives back a use whose confirmation too few replicas have."""

CONFIRM_RESUMED = (
    PRELUDE
    + """
local state, cookie, claim, mode = KEYS[1], ARGV[2], ARGV[3], ARGV[4]
if redis.call('HEXISTS', state, 'revoked') == 1 then return 'revoked' end
redis.call('HDEL', state, '')
local newest = redis.call('HGET', state, 'newest:' .. cookie)
if newest and newest ~= claim then return 'superseded' end
if mode ~= '' and redis.call('HEXISTS', state, 'resume:' .. cookie) == 1 then
  redis.call('HSET', state, 'mode:' .. cookie, mode)
end
return 'confirmed'
"""
)
"""Makes sure that a resumed session is the newest one of its cookie, and remembers its mode."""

RENEW = (
    PRELUDE
    + """
local state, cookie, other, within = KEYS[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
if redis.call('HEXISTS', state, 'revoked') == 1 then return 'revoked' end
local first, ends = string.match(
  redis.call('HGET', state, 'resume:' .. cookie) or '', '^(%d+):(%d+)$')
if not first or tonumber(ends) <= now then return 'expired' end
local whole = redis.call('HGET', state, 'whole:' .. cookie) or ends
local mode = redis.call('HGET', state, 'mode:' .. cookie)
redis.call(
  'HDEL', state, 'resume:' .. cookie, 'newest:' .. cookie, 'whole:' .. cookie, 'mode:' .. cookie)
if mode then redis.call('HSET', state, 'mode:' .. other, mode) end
if within > 0 then
  redis.call('HSET', state, 'whole:' .. other, whole)
  whole = math.min(tonumber(whole), now + within)
end
redis.call('HSET', state, 'resume:' .. other, first .. ':' .. whole)
if KEYS[2] and redis.call('HGET', KEYS[2], 'of') == cookie then
  redis.call('HSET', KEYS[2], 'of', other)
end
return 'renewed'
"""
)
"""Moves the right to re-enter from one cookie to another, which may have to be renewed soon."""

REMEMBER_MODE = (
    PRELUDE
    + """
local state, cookie, claim, mode = KEYS[1], ARGV[2], ARGV[3], ARGV[4]
redis.call('HDEL', state, '')
if redis.call('HEXISTS', state, 'resume:' .. cookie) == 0 then return 'unknown' end
local newest = redis.call('HGET', state, 'newest:' .. cookie)
if newest and newest ~= claim then return 'superseded' end
redis.call('HSET', state, 'mode:' .. cookie, mode)
return 'remembered'
"""
)
"""Remembers what the sessions of a cookie may do, for the newest of them."""

RESTORE = (
    PRELUDE
    + GIVE_BACK
    + """
redis.call('HDEL', KEYS[1], '')
return give_back(KEYS[1], 'opening:' .. ARGV[2], tonumber(ARGV[3]) > 0) and 'restored' or 'kept'
"""
)
"""Gives a use back."""
