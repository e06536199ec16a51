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
local ask = {wish('resolve:' .. reg, 'resolve', 'market', reg, 0, '')}
look(ask)

write_clock()
add_tasks(ask)
call('HSET', key, 'state', 'new', 'answer', answer)
call('HDEL', key, 'code')
call('PEXPIRE', key, int(7 * DAY))
call('HINCRBY', key, 'ver', 1)
return {{'state', 'new', 'repeat', '0'}}
