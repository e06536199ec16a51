-- account_add: channel product_code account order_id
-- Remembers an order of a buyer's account (the order may live in another shard). -> {added}
start()
local key = P .. 'acct:' .. arg(1) .. ':' .. arg(2) .. ':' .. arg(3)
local id = arg(4)
if not shard_of(id) then refuse('LMINVAL', 'order') end
if call('SISMEMBER', key, id) == 1 then return {{'added', '0'}} end
write_clock()
call('SADD', key, id)
return {{'added', '1'}}
