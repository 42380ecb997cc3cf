"""What Redis runs atomically about the sessions of one machine, in Lua."""

from __future__ import annotations

from ..redis.lua import PRELUDE

FIND = (
    PRELUDE
    + """
local prefix, ending = ARGV[2], '/' .. ARGV[3]
redis.call('SREM', KEYS[1], '')
for _, set in ipairs(KEYS) do
  for _, name in ipairs(redis.call('SMEMBERS', set)) do
    local worker = string.match(name, '^[^/]*')
    if string.sub(name, -#ending) == ending
      and redis.call('EXISTS', prefix .. 'worker:' .. worker) == 1 then return name end
  end
end
return ''
"""
)
"""Returns the name of the live session with an id in some sets whose process lives, or nothing."""

_DRIVER = """
local function is_live(name)
  local worker = string.match(name, '^([^/]+)/')
  if not worker or redis.call('EXISTS', prefix .. 'worker:' .. worker) == 0 then return false end
  return redis.call('SISMEMBER', KEYS[2], name) == 1 or redis.call('SISMEMBER', KEYS[3], name) == 1
end

local function driver()
  local name = redis.call('GET', KEYS[1])
  return name and is_live(name) and name or ''
end

local function set_driver(name)
  if name == '' then
    redis.call('DEL', KEYS[1])
  else
    redis.call('SET', KEYS[1], name, 'PX', 900000)
  end
end

local function notify()
  local told = {}
  local text = cjson.encode({driver = 'changed', vm = vm})
  for i = 2, 3 do
    for _, member in ipairs(redis.call('SMEMBERS', KEYS[i])) do
      local worker = string.match(member, '^[^/]*')
      if not told[worker] then redis.call('PUBLISH', prefix .. 'acks:' .. worker, text) end
      told[worker] = true
    end
  end
end
"""
"""The driver of a machine: it counts while its session is in a set of the machine, and lives.

Its name is kept for 15 minutes; its process writes it again each minute.
"""

DRIVE = (
    PRELUDE
    + """
local prefix, vm, name, wants = ARGV[2], ARGV[3], ARGV[4], ARGV[5] == '1'
"""
    + _DRIVER
    + """
redis.call('SREM', KEYS[2], '')
local now_drives = driver()
if not wants or (now_drives ~= '' and now_drives ~= name) or not is_live(name) then
  return now_drives
end
local changes = redis.call('GET', KEYS[1]) ~= name
set_driver(name)
if changes then notify() end
return name
"""
)
"""Returns the driver of a machine; where there is none, a session that wants to becomes it."""

GIVE = (
    PRELUDE
    + """
local prefix, vm, name, other = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
"""
    + _DRIVER
    + """
redis.call('SREM', KEYS[2], '')
if redis.call('GET', KEYS[1]) ~= name then return driver() end
if other ~= '' and not is_live(other) then other = '' end
set_driver(other)
notify()
return other
"""
)
"""Lets a driver hand its machine over to another session, or to none; returns the driver then."""
