-- order_merge: order_id into_order_id
-- An order without a tenant closes into another one (its purchase turned out to be a renewal).
-- Later finds and registrations follow. With a tenant: LMPERM.
-- -> {order, repeat}
-- uses: change order
start()
local id, into = arg(1), arg(2)
if shard_of(id) ~= SHARD or not shard_of(into) then refuse('LMINVAL', 'order') end
local key = P .. 'o:' .. id
local v = call('HMGET', key, 'fulfilment', 'contract', 'tenant', 'ver', 'merged')
if not v[1] then refuse('LMNOENT', 'order') end
if v[5] then
    if v[5] ~= into then refuse('LMEXIST', 'merged into ' .. v[5]) end
    return {{'order', into, 'repeat', '1'}}
end
if v[3] then refuse('LMPERM', 'has a tenant') end
if id == into or canon(into) == id then refuse('LMPERM', 'circle') end
local old = call('GET', P .. 'alias:' .. id)
if old and old ~= into then refuse('LMEXIST', 'belongs to ' .. old) end
if v[1] ~= 'CLOSED' and not legal(FULFILMENT, v[1], 'CLOSED') then refuse('LMPERM', v[1]) end
call('XLEN', P .. 'h:' .. id)
call('HLEN', P .. 'count')
call('ZCARD', P .. 'orders')

write_clock()
local ver = int(tonumber(v[4]) + 1)
call('HSET', key, 'fulfilment', 'CLOSED', 'merged', into, 'ver', ver, 'updated', STAMP)
call('SET', P .. 'alias:' .. id, into)
-- It is no order any more, only a name: neither listed nor counted.
call('HINCRBY', P .. 'count', v[2] .. '/' .. v[1], -1)
call('ZREM', P .. 'orders', id)
log(id, ver, 'order.merged', '', '{"into":"' .. into .. '"}')
return {{'order', into, 'repeat', '0'}}
