-- Takes permits of every bucket or none: the generic cell rate algorithm on this server's clock, in whole microseconds.
-- The arithmetic is that of Gcra.cs; one contract suite holds both to it.
--
-- KEYS: one for each bucket, all under the tenant's hash tag. Value: "<full at> <last slot>"; gone when the bucket is full.
-- ARGV: the slot horizon, the permits wanted, how long after this instant they may be spent when there are more than one; then for each
-- bucket: interval, burst, permits that were taken elsewhere while this server was away.
-- Answers the number of permits taken, negated, else the microseconds until the slot handed out.
--
-- Permits spent late exceed no window. Let F be "full at" just after a permit was taken at the instant g, to be spent at s:
--   F <= g + burst * interval <= s + burst * interval, since the bucket was not empty;
--   F >= s + interval: one that is spent at once has s = g; others are taken as if at the latest instant for them, so that F >= g + late + interval.
-- From permit to permit F grows by an interval. So those spent in a window of w have their F between its start + interval and its
-- end + burst * interval: at most burst + w / interval of them, whoever borrowed, and whoever took one at a time beside.
-- The price: borrowing finds late / interval permits fewer in a bucket that is full. Where they are not there, one permit is taken as ever.

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local horizon, wanted, late = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

local buckets = {}
local granted = true
local lendable = wanted
for i, key in ipairs(KEYS) do
  local interval, burst, owed = tonumber(ARGV[i * 3 + 1]), tonumber(ARGV[i * 3 + 2]), tonumber(ARGV[i * 3 + 3])
  local fullAt, lastSlot = string.match(redis.call('GET', key) or '', '^(%d+) (%d+)$')
  fullAt, lastSlot = tonumber(fullAt) or 0, tonumber(lastSlot) or 0

  -- What lies further ahead than an empty bucket comes of another rate, or of a clock set back.
  local span = interval * burst
  fullAt = math.min(math.max(fullAt, now) + owed * interval, now + span)
  local freeAt = fullAt - span + interval
  if freeAt > now then granted = false end
  lendable = math.min(lendable, math.floor((now + span - math.max(fullAt, now + late)) / interval))
  buckets[i] = { interval = interval, fullAt = fullAt, lastSlot = lastSlot, freeAt = freeAt }
end

local slot = now
for i, key in ipairs(KEYS) do
  local bucket = buckets[i]
  if granted and lendable > 1 then
    bucket.fullAt = math.max(bucket.fullAt, now + late) + lendable * bucket.interval
  elseif granted then
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

if granted then return -math.max(lendable, 1) end
return slot - now
