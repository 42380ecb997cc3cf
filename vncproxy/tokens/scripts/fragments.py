"""Lua that several scripts of tokens share."""

from __future__ import annotations

from ...redis.lua import CLOCK, PRELUDE
from .. import resume

__all__ = ["CLOCK", "GIVE_BACK", "INDEX", "PRELUDE", "RESUMES", "TAKE_USE"]

INDEX = """
local function index(key, id, stops)
  redis.call('ZADD', key, stops, id)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
  if last[2] then redis.call('PEXPIREAT', key, math.min(math.ceil(tonumber(last[2])), 1e14)) end
end
"""
"""Enters a token in the index of a machine or user."""

RESUMES = """
local function resumes(state)
  local count, first, latest = 0, nil, 0
  local fields = redis.call('HGETALL', state)
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 7) == 'resume:' then
      local ends = tonumber(string.match(fields[i + 1], ':(%d+)$'))
      if ends <= now then
        local cookie = string.sub(fields[i], 8)
        redis.call('HDEL', state, fields[i], 'newest:' .. cookie, 'mode:' .. cookie)
      else
        count = count + 1
        latest = math.max(latest, ends)
        if first == nil or ends < first.ends then first = {field = fields[i], ends = ends} end
      end
    end
  end
  return count, first, latest
end
"""
"""Counts the rights to re-enter, and removes those that are over."""

GIVE_BACK = f"""
local function give_back(state, field, limited)
  local first = string.match(redis.call('HGET', state, field) or '', '^%d+')
  if not first then return false end
  redis.call('HDEL', state, field, 'newest:' .. string.sub(field, 9))
  redis.call('HINCRBY', state, 'used', -1)
  local given = redis.call('HGET', state, 'given') or ''
  if limited and #given < {resume.MOST_GIVEN_BACK} * 14 then
    redis.call('HSET', state, 'given', given .. first .. ',')
  end
  return true
end
"""
"""Gives back a use of a session that has not opened."""

TAKE_USE = """
local function give_back_lost(state, limited)
  local fields = redis.call('HGETALL', state)
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 8) == 'opening:' then
      if tonumber(string.match(fields[i + 1], ':(%d+)$')) <= now then
        give_back(state, fields[i], limited)
      end
    end
  end
end

local function choose_use(state, uses, longest)
  if uses == 0 then return now, {}, 0 end
  local moments, over = {}, 0
  for moment in string.gmatch(redis.call('HGET', state, 'given') or '', '%d+') do
    if longest > 0 and moment + longest <= now then
      over = over + 1
    else
      table.insert(moments, tonumber(moment))
    end
  end
  if tonumber(redis.call('HGET', state, 'used') or 0) + over >= uses then return nil end
  table.sort(moments)
  local first = table.remove(moments, 1) or now
  return first, moments, over
end

local function take_use(state, moments, over)
  redis.call('HINCRBY', state, 'used', 1 + over)
  if #moments > 0 then
    redis.call('HSET', state, 'given', table.concat(moments, ',') .. ',')
  else
    redis.call('HDEL', state, 'given')
  end
end
"""
"""Gives back the uses of sessions that died opening, and takes a use."""
