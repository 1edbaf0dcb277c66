-- Reads the log of a topic on from an offset.
--
-- KEYS  1 epoch   2 heads   3 log of the topic
-- ARGV  1 a new epoch   2 topic   3 the epoch of the reader   4 the offset to read from, inclusive
--       5 most events
-- Returns {epoch, head, events}; of another epoch than the reader's, from its first event.

local epoch = redis.call('GET', KEYS[1])
if not epoch then
  epoch = ARGV[1]
  redis.call('SET', KEYS[1], epoch)
  redis.call('DEL', KEYS[2])
  redis.call('PUBLISH', KEYS[1], epoch)
end
local head = redis.call('HGET', KEYS[2], ARGV[2])
if not head then return {epoch, 0, {}} end

local from = '-'
if ARGV[3] == epoch and ARGV[4] ~= '0' then from = ARGV[4] .. '-0' end
local events = {}
for n, entry in ipairs(redis.call('XRANGE', KEYS[3], from, '+', 'COUNT', ARGV[5])) do
  events[n] = entry[2][2]
end
return {epoch, tonumber(head), events}
