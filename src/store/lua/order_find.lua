-- order_find: natural_order_id
-- The order a purchase belongs to: itself, or where a renewal or merge led.
-- -> {order, shard, exists(1|0), remote(1: lives in another shard, exists unknown), aliased}
start()
local natural = arg(1)
local id = canon(natural)
local shard = shard_of(id)
if not shard then refuse('LMINVAL', 'order') end
local here = shard == SHARD
return {{'order', id, 'shard', int(shard), 'remote', here and '0' or '1', 'aliased',
    id ~= natural and '1' or '0', 'exists',
    here and int(call('EXISTS', P .. 'o:' .. id)) or '0'}}
