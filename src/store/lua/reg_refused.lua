-- reg_refused: task token reg_hash code final(0|1)
-- The channel gave no purchase for it. final=0: the reason is shown while the task goes on
-- trying; final=1: the registration ends and the sealed token is dropped.
-- -> {state}
start()
local task, token, reg, code, final = arg(1), ARGV[2] or '', arg(3), arg(4), ARGV[5]
local key = P .. 'r:' .. reg
own(task, token)
local r = call('HMGET', key, 'state', 'code', 'order')
if not r[1] then refuse('LMNOENT', 'registration') end
if r[3] then refuse('LMPERM', 'already resolved') end
if final ~= '0' and final ~= '1' then refuse('LMINVAL', 'final') end
local state = final == '1' and 'refused' or r[1]
if state == r[1] and code == r[2] then return {{'state', state}} end

write_clock()
call('HSET', key, 'state', state, 'code', code)
call('HINCRBY', key, 'ver', 1)
if final == '1' then call('HDEL', key, 'token', 'form', 'email') end
return {{'state', state}}
