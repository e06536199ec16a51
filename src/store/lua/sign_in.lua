-- sign_in: reg_hash sealed_answer
-- The buyer came back from the sign-in page: what the worker needs to learn who he is, sealed, and
-- the task that asks. Only a registration that waits for it takes one; again: nothing.
-- -> {state, repeat}
-- uses: queue
start()
local reg, answer = arg(1), arg(2)
local key = P .. 'r:' .. reg
local state = call('HGET', key, 'state')
if not state then refuse('LMNOENT', 'registration') end
if state == 'refused' then refuse('LMPERM', 'refused') end
if state ~= 'signin' then return {{'state', state, 'repeat', '1'}} end
check_queue('market')
call('HGET', P .. 'k:resolve:' .. reg, 'state')

write_clock()
call('HSET', key, 'state', 'new', 'answer', answer)
call('HDEL', key, 'code')
call('PEXPIRE', key, int(7 * DAY))
call('HINCRBY', key, 'ver', 1)
add_task('resolve:' .. reg, 'resolve', 'market', reg, 0, '')
return {{'state', 'new', 'repeat', '0'}}
