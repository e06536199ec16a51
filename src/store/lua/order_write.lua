-- order_write: task token order_id (k v)*
-- What the task that works on an order writes, all in one: "o.x" order, "t.x" tenant, "s.x" step
-- of the task ('' removes a field); "log.type" "log.text" "log.data" one entry of the timeline;
-- "+mail" kind; "+task" "kind role delay_ms [data]" (task <kind>:<order>, with data
-- <kind>:<order>:<data>). An erased order that closes loses what it knew of a person. o.fulfilment and o.contract
-- must be legal transitions, else LMPERM and nothing is written. The first IDENTIFIED, VERIFYING
-- and READY stamp at_confirmed, at_applied, at_verified and at_ready unless given. CLOSED with
-- "t.wiped" 1 gives the tenant's slot back, once. The same call again changes nothing.
-- -> {ver, contract, fulfilment, want, hold, again, cancel, changed, repeat}
-- uses: change order queue
start()
local task, token, id = arg(1), ARGV[2] or '', arg(3)
local tk = own(task, token)
if tk.subject ~= id then refuse('LMPERM', 'not the task of this order') end
if #ARGV % 2 ~= 1 then refuse('LMINVAL', 'pairs') end
local FIXED = {o = 'id ver created updated at registered email form tenant tid merged want fence_fulfil',
    t = 'id order slot slot_back', s = ''}
local lists, names, mails, tasks, entry = {o = {}, t = {}, s = {}}, {o = {}, t = {}, s = {}}, {}, {}, {}
for i = 4, #ARGV, 2 do
    local k, v = ARGV[i], ARGV[i + 1]
    local space, field = string.match(k, '^([ots])%.(.+)$')
    if space then
        if has(FIXED[space], field) then refuse('LMINVAL', k) end
        if space == 's' then field = k end
        local l, n = lists[space], names[space]
        l[#l + 1] = field
        l[#l + 1] = v
        n[#n + 1] = field
        n[field] = v
    elseif k == '+mail' then
        mails[#mails + 1] = v
    elseif k == '+task' then
        local kind, role, delay, data = string.match(v, '^(%l+) (%l+) (%d+) ?([%l-]*)$')
        if not kind then refuse('LMINVAL', '+task ' .. v) end
        tasks[#tasks + 1] = {kind, role_of(role), tonumber(delay), data}
    elseif k == 'log.type' or k == 'log.text' or k == 'log.data' then
        entry[string.sub(k, 5)] = v
    else
        refuse('LMINVAL', k)
    end
end

local function load(key, wanted, extra)
    local all = {}
    for _, n in ipairs(wanted) do all[#all + 1] = n end
    for _, n in ipairs(extra) do all[#all + 1] = n end
    local v, cur = call('HMGET', key, unpack(all)), {}
    for i, n in ipairs(all) do cur[n] = v[i] or nil end
    return cur
end

local okey, kkey = P .. 'o:' .. id, P .. 'k:' .. task
local o = load(okey, names.o, {'contract', 'fulfilment', 'ver', 'tenant', 'want', 'hold',
    'at_confirmed', 'at_applied', 'at_verified', 'at_ready', 'erase'})
if not o.fulfilment then refuse('LMNOENT', 'order') end
local s = load(kkey, names.s, {'wsum', 'again', 'cancel'})
local sum = redis.sha1hex(table.concat(ARGV, '\0'))

local function answer(changed, again)
    return {{'ver', o.ver, 'contract', o.contract, 'fulfilment', o.fulfilment, 'want',
        o.want or '', 'hold', o.hold or '', 'again', s.again or '0', 'cancel', s.cancel or '0',
        'changed', int(changed), 'repeat', again}}
end

if s.wsum == sum then return answer(0, '1') end
local c0, f0 = o.contract, o.fulfilment
local c1, f1 = names.o.contract or c0, names.o.fulfilment or f0
if c1 ~= c0 and not legal(CONTRACT, c0, c1) then refuse('LMPERM', c0 .. ' to ' .. c1) end
if f1 ~= f0 and not legal(FULFILMENT, f0, f1) then refuse('LMPERM', f0 .. ' to ' .. f1) end
local tkey, t = o.tenant and P .. 't:' .. o.tenant, nil
if tkey then
    t = load(tkey, names.t, {'generation', 'slot', 'slot_back', 'wiped'})
    local g = names.t.generation
    if g and (tonumber(g) or -1) < (tonumber(t.generation) or 0) then
        refuse('LMPERM', 'generation ' .. g)
    end
elseif #names.t > 0 then
    refuse('LMPERM', 'the order has no tenant')
end
local wishes = {}
for i, kind in ipairs(mails) do
    wishes[i] = wish('mail:' .. id .. ':' .. kind, 'mail', 'notify', id, 0, kind, true)
end
for _, a in ipairs(tasks) do
    local name = a[1] .. ':' .. id .. (a[4] ~= '' and ':' .. a[4] or '')
    wishes[#wishes + 1] = wish(name, a[1], a[2], id, a[3], a[4], a[1] == 'late')
    if name == task then s.again = '1' end
end
look(wishes)
if entry.type or f1 ~= f0 then call('XLEN', P .. 'h:' .. id) end
if f1 ~= f0 or c1 ~= c0 then call('HLEN', P .. 'count') end
if f1 == 'CLOSED' then call('SCARD', P .. 'slots') end

local stamps = {IDENTIFIED = {'at_confirmed'}, VERIFYING = {'at_applied'},
    READY = {'at_verified', 'at_ready'}}
if f1 ~= f0 then
    for _, name in ipairs(stamps[f1] or {}) do
        if not o[name] and not names.o[name] then
            lists.o[#lists.o + 1] = name
            lists.o[#lists.o + 1] = STAMP
        end
    end
end

write_clock()
add_tasks(wishes)
local n, seen = put(okey, o, lists.o)
local ver = tonumber(o.ver) + (seen and 1 or 0)
o.ver = int(ver)
call('HSET', okey, 'ver', o.ver, 'updated', STAMP)
if tk.kind == 'fulfil' then call('HSET', okey, 'fence_fulfil', tk.fence) end
count(c0, f0, c1, f1)
if f1 == 'CLOSED' and o.erase == '1' then
    call('HDEL', okey, 'form', 'email', 'buyer_email', 'account', 'customer')
end
if tkey and #lists.t > 0 then n = n + put(tkey, t, lists.t) end
if tkey and f1 == 'CLOSED' and t.wiped == '1' and t.slot and t.slot_back ~= '1' then
    call('HSET', tkey, 'slot_back', '1')
    call('SADD', P .. 'slots', t.slot)
end
if #lists.s > 0 then n = n + put(kkey, s, lists.s) end
call('HSET', kkey, 'wsum', sum)
if entry.type then
    log(id, o.ver, entry.type, entry.text, entry.data)
elseif f1 ~= f0 then
    log(id, o.ver, 'fulfilment.' .. string.lower(f1), '', '')
end
return answer(n, '0')
