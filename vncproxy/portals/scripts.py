"""What Redis runs atomically for portals, in Lua, by Redis's own clock.

An answer with many values is one text with a line for each, since txredisapi takes a turn of the
reactor for each value of a list. Removing the member or field ``''``, which cannot exist, changes
nothing; a read-only replica refuses it all the same. No command is used that tokens do not need,
so that an ACL for those suffices.
"""

from __future__ import annotations

from ..redis.lua import CLOCK, PRELUDE
from .limits import KEYS_OF_A_NAME, LONGEST_KEY, MOST_ANSWERS, MOST_KEYS, PENDING

_INDEXES = """
local function prune(index)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', now)
  local last = redis.call('ZRANGE', index, -1, -1, 'WITHSCORES')
  if last[2] then redis.call('PEXPIREAT', index, last[2]) end
end
"""
"""Removes expired keys from an index, which ends with its last one."""

ADD_KEY = (
    PRELUDE
    + _INDEXES
    + f"""
local key, index, of_name = unpack(KEYS)
local id, record, ends = ARGV[2], ARGV[3], now + ARGV[4]
prune(index)
prune(of_name)
if #redis.call('ZRANGE', of_name, 0, -1) >= {KEYS_OF_A_NAME} then return 'two' end
if #redis.call('ZRANGE', index, 0, -1) >= {MOST_KEYS} then return 'full' end
redis.call('SET', key, record, 'PX', ARGV[4])
for _, each in ipairs({{index, of_name}}) do
  redis.call('ZADD', each, ends, id)
  prune(each)
end
return 'added'
"""
)
"""Stores a key."""

REMOVE_KEY = (
    PRELUDE
    + """
local key, index, of_name, used = unpack(KEYS)
redis.call('ZREM', index, ARGV[2])
redis.call('ZREM', of_name, ARGV[2])
redis.call('HDEL', used, ARGV[2])
return redis.call('DEL', key)
"""
)
"""Removes a key."""

LIST_KEYS = (
    CLOCK
    + """
local index, prefix, found = KEYS[1], ARGV[1], {}
redis.call('ZREM', index, '')
for _, id in ipairs(redis.call('ZRANGEBYSCORE', index, now, '+inf')) do
  local record = redis.pcall('GET', prefix .. id)
  if type(record) == 'string' then
    table.insert(found, id .. ' ' .. (string.gsub(record, '%c', ' ')))
  end
end
return {now, table.concat(found, '\\n')}
"""
)
"""Returns the time, and a line for each key: its id and its record."""

NOTE_USES = (
    PRELUDE
    + f"""
local used, kept = KEYS[1], {int(LONGEST_KEY * 1000)}
for i = 2, #ARGV, 2 do
  redis.call('HSET', used, ARGV[i], string.format('%.0f', now - ARGV[i + 1]))
end
redis.call('PEXPIRE', used, kept)
if redis.call('HLEN', used) > {2 * MOST_KEYS} then
  local fields = redis.call('HGETALL', used)
  local moments = {{}}
  for i = 2, #fields, 2 do table.insert(moments, tonumber(fields[i])) end
  table.sort(moments)
  local oldest = moments[#moments - {MOST_KEYS}]
  for i = 1, #fields, 2 do
    if tonumber(fields[i + 1]) <= oldest then redis.call('HDEL', used, fields[i]) end
  end
end
return #ARGV
"""
)
"""Notes when keys were last used; of too many, the more recent half is kept."""

LAST_USES = (
    CLOCK
    + """
local lines, fields = {}, redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  table.insert(lines, fields[i] .. ' ' .. string.format('%.0f', now - fields[i + 1]))
end
return {now, table.concat(lines, '\\n')}
"""
)
"""Returns the time, and a line for each key: how many milliseconds ago it was used."""

ADMIT = (
    PRELUDE
    + """
local longest, dues = 0, {}
for i, key in ipairs(KEYS) do
  local interval, burst = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local room, due = interval * burst, tonumber(redis.call('GET', key) or 0)
  if due < now or due > now + room then due = now end
  longest = math.max(longest, math.ceil(due + interval - room - now))
  dues[i] = due + interval
end
if longest > 0 then return longest end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.3f', dues[i]), 'PX', math.ceil(dues[i] - now) + 1)
end
return 0
"""
)
"""Counts a request by some rates, as `vncproxy.portals.gcra` does; returns milliseconds to wait."""

BEGIN = (
    PRELUDE
    + f"""
local request, count = unpack(KEYS)
local digest, claim, kept = ARGV[2], ARGV[3], ARGV[4]
local found = redis.call('GET', request)
if found then return found end
if tonumber(redis.call('HGET', count, 'begun') or 0) >= {MOST_ANSWERS} then return 'full' end
if redis.call('HINCRBY', count, 'begun', 1) == 1 then redis.call('PEXPIRE', count, kept) end
redis.call('SET', request, digest .. ' ' .. claim .. ' ', 'PX', {int(PENDING * 1000)})
return 'begun'
"""
)
"""Begins a request that may be sent again, or returns what is kept of it."""

KEEP = (
    PRELUDE
    + f"""
if redis.call('GET', KEYS[1]) ~= ARGV[2] then return 'other' end
redis.call('PEXPIRE', KEYS[1], {int(PENDING * 1000)})
return 'kept'
"""
)
"""Lets an attempt that has no answer yet count as pending for longer."""

FINISH = (
    PRELUDE
    + """
local request, attempt, answer, kept = KEYS[1], ARGV[2], ARGV[3], ARGV[4]
if redis.call('GET', request) ~= attempt then return 'other' end
redis.call('SET', request, attempt .. answer, 'PX', kept)
return 'finished'
"""
)
"""Keeps the answer of an attempt."""

ABANDON = (
    PRELUDE
    + """
if redis.call('GET', KEYS[1]) == ARGV[2] then return redis.call('DEL', KEYS[1]) end
return 0
"""
)
"""Forgets an attempt that has no answer, or what a claim holds."""

HOLD = (
    PRELUDE
    + """
local left = redis.call('PTTL', KEYS[1])
if left > 0 then return left end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 0
"""
)
"""Holds a name, or returns for how many milliseconds another claim does."""
