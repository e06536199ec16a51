-- order_alias: natural_order_id order_id
-- The purchase is a renewal of (or replaces) the one behind order_id. Set once; the same again is
-- fine, another target LMEXIST, an order that has its own tenant or a circle LMPERM.
-- -> {order, repeat}
start()
local natural, id = arg(1), arg(2)
if shard_of(natural) ~= SHARD or not shard_of(id) then refuse('LMINVAL', 'order') end
local old = call('GET', P .. 'alias:' .. natural)
if old and old ~= id then refuse('LMEXIST', 'belongs to ' .. old) end
if natural == id or canon(id) == natural then refuse('LMPERM', 'circle') end
if call('HGET', P .. 'o:' .. natural, 'tenant') then refuse('LMPERM', 'has a tenant') end
if old then return {{'order', id, 'repeat', '1'}} end

write_clock()
call('SET', P .. 'alias:' .. natural, id)
return {{'order', id, 'repeat', '0'}}
