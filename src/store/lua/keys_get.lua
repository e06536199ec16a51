-- keys_get: channel product
-- The key set that inbound calls of a product are checked with, as the market role fetched it.
-- LMNOENT: none was ever fetched. -> {keys, fetched, ttl, now}
start()
local v = call('HMGET', P .. 'keys:' .. arg(1) .. '/' .. arg(2), 'keys', 'fetched', 'ttl')
if not v[1] then refuse('LMNOENT', 'keys') end
return {{'keys', v[1], 'fetched', v[2], 'ttl', v[3], 'now', STAMP}}
