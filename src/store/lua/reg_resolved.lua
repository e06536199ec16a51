-- reg_resolved: task token reg_hash order_id order_shard (k v)*
-- The channel told what the registration is. The sealed token is dropped. A form that waited
-- meets its order at once when that lives here, else by the task place:<reg>. Again with the same
-- order: only the fields. Another order: LMEXIST.
-- -> {state, placed}
-- uses: change order queue place
start()
local task, token, reg, order, shard = arg(1), ARGV[2] or '', arg(3), arg(4), num(5)
local key = P .. 'r:' .. reg
own(task, token)
local r = hash(key)
if not r.state then refuse('LMNOENT', 'registration') end
if r.state == 'refused' then refuse('LMPERM', 'refused') end
if r.order and r.order ~= order then refuse('LMEXIST', 'resolved to ' .. r.order) end
if shard_of(order) ~= shard or (#ARGV - 5) % 2 ~= 0 then refuse('LMINVAL', 'order') end
local list = {'order', order, 'order_shard', int(shard), 'token', '', 'code', ''}
for i = 6, #ARGV, 2 do
    if has('state token digest ver created form email cap cap_ttl late_ms placed moved', ARGV[i]) then
        refuse('LMINVAL', ARGV[i])
    end
    list[#list + 1] = ARGV[i]
    list[#list + 1] = ARGV[i + 1]
end
local waits = r.state == 'submitted' and r.placed ~= '1'
local target = waits and canon(order)
local o = waits and shard_of(target) == SHARD and place_load(target, r.cap, tonumber(r.late_ms))
local carry = {}
if waits and not o then carry[1] = wish('place:' .. reg, 'place', 'market', reg, 0, '') end
look(carry)

write_clock()
if o then place(o, r.cap, r.cap_ttl, r.form, r.email) end
add_tasks(carry)
put(key, r, list)
if r.state == 'new' then call('HSET', key, 'state', 'resolved') end
call('HINCRBY', key, 'ver', 1)
if o then
    call('HSET', key, 'placed', '1')
    call('HDEL', key, 'form', 'email')
end
return {{'state', waits and 'submitted' or (r.state == 'new' and 'resolved' or r.state),
    'placed', (o or r.placed == '1') and '1' or '0'}}
