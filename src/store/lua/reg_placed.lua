-- reg_placed: task token reg_hash [order_id]
-- The form has been handed to its order (order_place in that shard). order_id names where it went
-- when that is not where the registration pointed (an alias led on). The capability in this shard
-- now points to the other one, and what the buyer typed is forgotten here.
-- -> {moved}
-- uses: queue
start()
local task, token, reg = arg(1), ARGV[2] or '', arg(3)
local key = P .. 'r:' .. reg
own(task, token)
local r = call('HMGET', key, 'state', 'order', 'cap', 'placed', 'cap_ttl')
if not r[1] then refuse('LMNOENT', 'registration') end
local order = (ARGV[4] and ARGV[4] ~= '') and ARGV[4] or r[2]
if r[1] ~= 'submitted' or not order then refuse('LMPERM', 'nothing to place') end
local shard = shard_of(order)
if not shard then refuse('LMINVAL', 'order') end
local moved = shard ~= SHARD and int(shard) or ''
if r[4] == '1' then return {{'moved', moved, 'repeat', '1'}} end
call('HGET', P .. 's:' .. r[3], 'order')

write_clock()
call('HSET', key, 'placed', '1', 'order', order, 'order_shard', int(shard), 'moved', moved)
call('HINCRBY', key, 'ver', 1)
call('HDEL', key, 'form', 'email')
if moved ~= '' then
    call('HSET', P .. 's:' .. r[3], 'moved', moved)
    call('PEXPIRE', P .. 's:' .. r[3], r[5])
end
return {{'moved', moved}}
