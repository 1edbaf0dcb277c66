-- Ends an epoch whose log is not what it was: everything begins anew, once, whoever asks.
--
-- KEYS  1 epoch   2 heads        ARGV  1 a new epoch   2 the epoch to end

if redis.call('GET', KEYS[1]) == ARGV[2] then
  redis.call('SET', KEYS[1], ARGV[1])
  redis.call('DEL', KEYS[2])
  redis.call('PUBLISH', KEYS[1], ARGV[1]) -- the channel bears the key's name
end
return 1
