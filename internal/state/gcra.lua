-- Generic cell rate algorithm over several windows; gcra.go has the same lines.
-- KEYS: one per window. ARGV: per window interval (us), burst, units, debt (0|1).
-- Returns: refused (0|1), then per window: refused (0|1), wait, remaining, reset (us).
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local any, next, out = 0, {}, {0}
for i = 1, #KEYS do
  local interval, burst = tonumber(ARGV[i * 4 - 3]), tonumber(ARGV[i * 4 - 2])
  local units, debt = tonumber(ARGV[i * 4 - 1]), ARGV[i * 4] == '1'
  local tat = math.max(tonumber(redis.call('GET', KEYS[i]) or '0') or 0, now)
  next[i] = tat + interval * units
  local wait, refused = next[i] - interval * burst - now, 0
  if wait > 0 and not debt then
    refused, any, next[i] = 1, 1, tat
  else
    wait = 0
  end
  out[#out + 1] = refused
  out[#out + 1] = wait
  out[#out + 1] = math.max(math.floor((interval * burst - (next[i] - now)) / interval), 0)
  out[#out + 1] = next[i] - now
end
if any == 0 then
  for i = 1, #KEYS do
    if next[i] > now then
      redis.call('SET', KEYS[i], string.format('%.0f', next[i]), 'PX', math.ceil((next[i] - now) / 1000))
    end
  end
end
out[1] = any
return out
