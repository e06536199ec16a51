-- claim: reg_hash cap_hash cap_ttl_ms
-- A buyer who came again to an order that was registered before gets a capability. When the order
-- lives in another shard nothing is written: the caller adds the capability there (cap_add).
-- -> {order, shard, remote}; LMPERM while nobody has registered for it.
start()
local reg, cap, ttl = arg(1), arg(2), num(3)
local key = P .. 'r:' .. reg
local r = call('HMGET', key, 'state', 'order', 'claimed')
if not r[1] then refuse('LMNOENT', 'registration') end
if r[1] ~= 'resolved' or not r[2] then refuse('LMPERM', 'not resolved') end
local order = canon(r[2])
local shard = shard_of(order)
if shard ~= SHARD then
    if r[3] ~= '1' then refuse('LMPERM', 'not registered') end
    return {{'order', order, 'shard', int(shard), 'remote', '1'}}
end
if call('HGET', P .. 'o:' .. order, 'registered') ~= '1' then refuse('LMPERM', 'not registered') end
call('HGET', P .. 's:' .. cap, 'order')

write_clock()
call('HSET', P .. 's:' .. cap, 'order', order)
call('PEXPIRE', P .. 's:' .. cap, int(ttl))
return {{'order', order, 'shard', int(shard), 'remote', '0'}}
