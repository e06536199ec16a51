-- reg_refused: task token reg_hash code final(0|1)
-- The channel gave no purchase for it. final=0: the reason is shown while the task goes on
-- trying; final=1: the registration ends and the sealed token is dropped. sign_in_again and
-- wrong_account (final=0) lead back to the sign-in page: who signed in is forgotten.
-- -> {state}
-- uses: queue
start()
local task, token, reg, code, final = arg(1), ARGV[2] or '', arg(3), arg(4), ARGV[5]
local key = P .. 'r:' .. reg
own(task, token)
local r = call('HMGET', key, 'state', 'code', 'order')
if not r[1] then refuse('LMNOENT', 'registration') end
if r[3] then refuse('LMPERM', 'already resolved') end
if final ~= '0' and final ~= '1' then refuse('LMINVAL', 'final') end
local back = final == '0' and (code == 'sign_in_again' or code == 'wrong_account')
local state = final == '1' and 'refused' or back and r[1] ~= 'submitted' and 'signin' or r[1]
if state == r[1] and code == r[2] then return {{'state', state}} end

write_clock()
call('HSET', key, 'state', state, 'code', code)
call('HINCRBY', key, 'ver', 1)
if final == '1' then call('HDEL', key, 'token', 'form', 'email', 'answer') end
if back and state == 'signin' then
    local left = (tonumber(call('HGET', key, 'token_until')) or 0) - NOW
    call('PEXPIRE', key, int(math.max(left, 600000)))
end
if back then call('HDEL', key, 'answer', 'id_tenant', 'id_object', 'id_name', 'id_email') end
return {{'state', state}}
