-- Adds one event to the log of a topic, and tells who listens. All at once, or not at all: this is
-- what makes offsets without gaps and publishing twice harmless.
--
-- KEYS  1 epoch   2 heads (hash: topic to offset)   3 log of the topic (stream)   4 its ids (hash: id to offset)
-- ARGV  1 a new epoch   2 topic   3 most topics   4 events kept   5 id or ''   6, 7 the JSON before and
--       after the offset   8 channel
-- Returns {epoch, offset, 1 when it is new}; offset -1 when there are too many topics.

local epoch = redis.call('GET', KEYS[1])
if not epoch then
  -- An empty Redis, or one that lost its data: whatever is known of offsets is void.
  epoch = ARGV[1]
  redis.call('SET', KEYS[1], epoch)
  redis.call('DEL', KEYS[2])
  redis.call('PUBLISH', KEYS[1], epoch)
end

local topic, id = ARGV[2], ARGV[5]
if not redis.call('HGET', KEYS[2], topic) then
  if redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[3]) then return {epoch, -1, 0} end
  redis.call('DEL', KEYS[3], KEYS[4]) -- of an earlier epoch
elseif id ~= '' then
  local known = redis.call('HGET', KEYS[4], id)
  if known then return {epoch, tonumber(known), 0} end
end

local offset = redis.call('HINCRBY', KEYS[2], topic, 1)
local place = string.format('%.0f', offset)
local event = ARGV[6] .. place .. ARGV[7]
if id ~= '' then
  redis.call('XADD', KEYS[3], place .. '-0', 'event', event, 'id', id)
  redis.call('HSET', KEYS[4], id, place)
else
  redis.call('XADD', KEYS[3], place .. '-0', 'event', event)
end

local keep = tonumber(ARGV[4])
local over = redis.call('XLEN', KEYS[3]) - keep
if over > 0 then
  for _, entry in ipairs(redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', over)) do
    if entry[2][4] then redis.call('HDEL', KEYS[4], entry[2][4]) end
  end
  redis.call('XTRIM', KEYS[3], 'MAXLEN', '=', keep)
end

redis.call('PUBLISH', ARGV[8], epoch .. ' ' .. event)
return {epoch, offset, 1}
