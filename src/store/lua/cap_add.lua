-- cap_add: order_id cap_hash ttl_ms
-- One more capability for an order, or a longer life for one. -> {order}
start()
local id, cap, ttl = arg(1), arg(2), num(3)
if not call('HGET', P .. 'o:' .. id, 'id') then refuse('LMNOENT', 'order') end
local old = call('HGET', P .. 's:' .. cap, 'order')
if old and old ~= id then refuse('LMEXIST', 'capability') end
write_clock()
call('HSET', P .. 's:' .. cap, 'order', id)
call('PEXPIRE', P .. 's:' .. cap, int(ttl))
return {{'order', id}}
