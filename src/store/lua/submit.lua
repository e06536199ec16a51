-- submit: reg_hash cap_hash cap_ttl_ms form_json email late_ms
-- The buyer sent the form. The first form wins; every repetition gets the same answer. When the
-- purchase is known and its order lives here, this is the whole hand-over (see place() in
-- part place); otherwise the form waits in the registration and the task place:<reg> carries it.
-- -> {state=submitted, repeat, placed, order, order_shard}; LMPERM when the channel refused.
-- uses: order queue place
start()
local reg, cap, ttl, late = arg(1), arg(2), num(3), num(6)
local key = P .. 'r:' .. reg
local v = call('HMGET', key, 'state', 'placed', 'order', 'code', 'ver')
local r = {state = v[1], placed = v[2], order = v[3], code = v[4], ver = v[5]}
if not r.state then refuse('LMNOENT', 'registration') end

local function answer(again, placed, order)
    return {{'state', 'submitted', 'repeat', again, 'placed', placed, 'order', order or '',
        'order_shard', order and int(shard_of(order) or 0) or ''}}
end

if r.state == 'submitted' then return answer('1', r.placed or '0', r.order or nil) end
if r.state == 'refused' then refuse('LMPERM', 'refused: ' .. (r.code or '')) end
local order = r.order and canon(r.order)
local o = order and shard_of(order) == SHARD and place_load(order, cap, late)
local carry = {}
if not o then
    call('HGET', P .. 's:' .. cap, 'order')
    if order then carry[1] = wish('place:' .. reg, 'place', 'market', reg, 0, '') end
    look(carry)
end

write_clock()
local ver = int(tonumber(r.ver) + 1)
if o then
    place(o, cap, int(ttl), ARGV[4], ARGV[5])
    call('HSET', key, 'state', 'submitted', 'placed', '1', 'order', order, 'cap', cap, 'ver', ver)
    return answer('0', '1', order)
end
add_tasks(carry)
call('HSET', key, 'state', 'submitted', 'form', ARGV[4], 'email', ARGV[5], 'cap', cap,
    'cap_ttl', int(ttl), 'late_ms', int(late), 'at_registered', STAMP, 'ver', ver)
call('PEXPIRE', key, int(30 * DAY))
call('HSET', P .. 's:' .. cap, 'reg', reg)
call('PEXPIRE', P .. 's:' .. cap, int(ttl))
return answer('0', '0', order)
