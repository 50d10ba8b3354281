-- Takes one permit of every bucket or none: the generic cell rate algorithm on this server's clock, in whole microseconds.
-- The arithmetic is that of Gcra.cs; one contract suite holds both to it.
--
-- KEYS: one for each bucket, all under the tenant's hash tag. Value: "<full at> <last slot>"; gone when the bucket is full.
-- ARGV: the slot horizon, then for each bucket: interval, burst, permits that were taken elsewhere while this server was away.
-- Answers 0 when the permits were taken, else the microseconds until the slot handed out.

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local horizon = tonumber(ARGV[1])

local buckets = {}
local granted = true
for i, key in ipairs(KEYS) do
  local interval, burst, owed = tonumber(ARGV[i * 3 - 1]), tonumber(ARGV[i * 3]), tonumber(ARGV[i * 3 + 1])
  local fullAt, lastSlot = string.match(redis.call('GET', key) or '', '^(%d+) (%d+)$')
  fullAt, lastSlot = tonumber(fullAt) or 0, tonumber(lastSlot) or 0

  -- What lies further ahead than an empty bucket comes of another rate, or of a clock set back.
  local span = interval * burst
  fullAt = math.min(math.max(fullAt, now) + owed * interval, now + span)
  local freeAt = fullAt - span + interval
  if freeAt > now then granted = false end
  buckets[i] = { interval = interval, fullAt = fullAt, lastSlot = lastSlot, freeAt = freeAt }
end

local slot = now
for i, key in ipairs(KEYS) do
  local bucket = buckets[i]
  if granted then
    bucket.fullAt = bucket.fullAt + bucket.interval
  elseif bucket.freeAt > now then
    bucket.lastSlot = math.max(bucket.freeAt, math.min(bucket.lastSlot + bucket.interval, now + horizon))
    slot = math.max(slot, bucket.lastSlot)
  end
  -- Numbers as %.0f: Lua's own form keeps 14 digits. The key ends when it would say nothing that its absence does not.
  local idleIn = math.ceil((math.max(bucket.fullAt, bucket.lastSlot) - now) / 1000)
  if idleIn > 0 then
    redis.call('SET', key, string.format('%.0f %.0f', bucket.fullAt, bucket.lastSlot), 'PX', string.format('%.0f', idleIn))
  end
end

if granted then return 0 end
return slot - now
