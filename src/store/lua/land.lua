-- land: reg_hash channel product sealed_token ttl_ms extra_json [sign_in(0|1)]
-- A buyer arrived: the registration and the task that asks the channel who it is; with sign_in=1
-- the task waits for sign_in.lua and the state is signin. The record
-- lives 7 days; the sealed token is of use until token_until and is dropped by reg_resolved or
-- reg_refused. Again with the same token: nothing. With another one: LMEXIST.
-- -> {state, ver}
-- uses: queue
start()
local reg, channel, product, token, ttl = arg(1), arg(2), arg(3), arg(4), num(5)
local key = P .. 'r:' .. reg
local old = call('HMGET', key, 'state', 'digest', 'ver')
local digest = redis.sha1hex(token)
if old[1] then
    if old[2] ~= digest then refuse('LMEXIST', 'registration') end
    return {{'state', old[1], 'ver', old[3], 'repeat', '1'}}
end
local state, ask = ARGV[7] == '1' and 'signin' or 'new', {}
if state == 'new' then ask[1] = wish('resolve:' .. reg, 'resolve', 'market', reg, 0, '') end
look(ask)

write_clock()
add_tasks(ask)
call('HSET', key, 'state', state, 'channel', channel, 'product', product, 'token', token,
    'digest', digest, 'token_until', int(NOW + ttl), 'extra', ARGV[6] or '', 'created', STAMP,
    'ver', '1')
-- Nobody may ever sign in: the token is not kept for longer than it is of use.
call('PEXPIRE', key, state == 'signin' and int(ttl) or int(7 * DAY))
return {{'state', state, 'ver', '1'}}
