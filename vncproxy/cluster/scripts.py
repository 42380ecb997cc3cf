"""What Redis runs atomically for the cluster, in Lua, by Redis's own clock.

An answer with many values is one text with a line for each, since txredisapi takes a turn of the
reactor for each value of a list. Control characters become spaces, which changes no JSON.

Deleting what cannot exist, the field ``''`` or the entry ``0-1``, changes nothing. A read-only
replica refuses it all the same; and where ``maxmemory`` is reached, Redis checks only before a
script's first change whether there is room for more.
"""

from __future__ import annotations

from ..redis.lua import CLOCK, PRELUDE

_ONE_LINE = """
local function one_line(text) return (string.gsub(text, '%c', ' ')) end
"""

_LIVE_WORKERS = """
local function live_workers(workers, prefix)
  local found = {}
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', workers, now, '+inf')) do
    local text = redis.pcall('GET', prefix .. id)
    if type(text) == 'string' then table.insert(found, id .. ' ' .. one_line(text)) end
  end
  return table.concat(found, '\\n')
end
"""
"""Returns a line for each process: its id and its announcement."""

HEARTBEAT = (
    PRELUDE
    + """
local announcement, workers, sessions = unpack(KEYS)
local text, lease, id = ARGV[2], tonumber(ARGV[3]), ARGV[4]
redis.call('ZREMRANGEBYSCORE', workers, '-inf', now)
local before = redis.call('EXISTS', announcement)
redis.call('SET', announcement, text, 'PX', lease)
redis.call('ZADD', workers, now + lease, id)
redis.call('PEXPIRE', workers, lease)
redis.call('PEXPIRE', sessions, lease)
return {before, redis.call('HLEN', sessions)}
"""
)
"""Renews an announcement; returns whether it still lived, and how many sessions are written."""

LEAVE = (
    PRELUDE
    + """
local announcement, workers, sessions = unpack(KEYS)
redis.call('DEL', announcement, sessions)
redis.call('ZREM', workers, ARGV[2])
return 'left'
"""
)
"""Ends an announcement, and all that depends on it."""

WORKERS = (
    CLOCK
    + _ONE_LINE
    + _LIVE_WORKERS
    + """
return {now, live_workers(KEYS[1], ARGV[1])}
"""
)
"""Returns the time, and the processes."""

ACTIVITY = (
    CLOCK
    + _ONE_LINE
    + _LIVE_WORKERS
    + """
local changes = redis.call('HGET', KEYS[2], 'sessions') or 0
return {now, tonumber(changes), live_workers(KEYS[1], ARGV[1])}
"""
)
"""Returns the time, how many times sessions were written, and the processes."""

WRITE_SESSIONS = (
    PRELUDE
    + """
local sessions, lease = KEYS[1], ARGV[2]
local anew, gone = tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call('HDEL', sessions, '')
if anew == 1 then redis.call('DEL', sessions) end
for i = 5, 4 + gone do redis.call('HDEL', sessions, ARGV[i]) end
for i = 5 + gone, #ARGV, 2 do redis.call('HSET', sessions, ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', sessions, lease)
redis.call('HINCRBY', KEYS[2], 'sessions', 1)
redis.call('PEXPIRE', KEYS[2], 86400000)
return {now}
"""
)
"""Writes sessions and removes others, and counts that; ``anew`` removes all first."""

READ_SESSIONS = (
    CLOCK
    + _ONE_LINE
    + """
local found = redis.call('HVALS', KEYS[1])
for i = 1, #found do found[i] = one_line(found[i]) end
return {now, table.concat(found, '\\n')}
"""
)
"""Returns the time, and a line for each session of a process."""

FIND_SESSION = (
    CLOCK
    + """
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], now, '+inf')) do
  local found = redis.pcall('HGET', ARGV[1] .. id, ARGV[2])
  local text = redis.pcall('GET', ARGV[3] .. id)
  if type(found) == 'string' and type(text) == 'string' then return {now, found, id, text} end
end
return {now}
"""
)
"""Returns the time, and a session with the id and the announcement of its process, if any."""

SESSIONS_OF_MACHINE = (
    CLOCK
    + _ONE_LINE
    + """
local found = {}
for _, set in ipairs(KEYS) do
  for _, name in ipairs(redis.call('SMEMBERS', set)) do
    local worker, id = string.match(name, '^([^/]*)/(.*)$')
    local session = worker and redis.pcall('HGET', ARGV[1] .. worker, id)
    local text = worker and redis.pcall('GET', ARGV[2] .. worker)
    if type(session) == 'string' and type(text) == 'string' then
      for _, line in ipairs({worker, text, session}) do table.insert(found, one_line(line)) end
    end
  end
end
return {now, table.concat(found, '\\n')}
"""
)
"""Returns the time, and three lines for each session: its process's id and announcement, and it."""

_LAST_ID = """
local function last_id(stream)
  local info = redis.pcall('XINFO', 'STREAM', stream)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return info[i + 1] end
  end
  return '0-0'
end
"""

GIVE_ORDER = (
    PRELUDE
    + _ONE_LINE
    + _LIVE_WORKERS
    + _LAST_ID
    + """
local orders, workers = unpack(KEYS)
local order, most, kept = ARGV[2], ARGV[3], tonumber(ARGV[4])
redis.call('XDEL', orders, '0-1')
local after = last_id(orders)
local id = redis.call('XADD', orders, 'MAXLEN', '~', most, '*', 'order', order, 'after', after)
redis.pcall('XTRIM', orders, 'MINID', '~', string.format('%.0f', now - kept))
redis.call('PEXPIRE', orders, kept)
redis.call('PUBLISH', orders, id)
return {id, live_workers(workers, ARGV[5])}
"""
)
"""Appends an order and wakes all readers; returns its id, and the processes that are to obey.

An entry names the last one before it, so that a reader sees whether it has missed any.
"""

READ_ORDERS = (
    CLOCK
    + _ONE_LINE
    + _LAST_ID
    + """
local orders, known, most = KEYS[1], ARGV[1], ARGV[2]
redis.call('XDEL', orders, '0-1')
local read = redis.call('XREAD', 'COUNT', most, 'STREAMS', orders, known)
local found = {}
for _, entry in ipairs(read and read[1][2] or {}) do
  local order, after = '', ''
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 'order' then order = entry[2][i + 1] end
    if entry[2][i] == 'after' then after = entry[2][i + 1] end
  end
  local words = {entry[1], string.match(after, '^%d+%-%d+$') or '-', one_line(order)}
  table.insert(found, table.concat(words, ' '))
end
return {now, last_id(orders), table.concat(found, '\\n')}
"""
)
"""Returns the time, the id of the last order, and a line for each order after a known one.

A read-only replica refuses it: its stream may be behind.
"""
