-- invariants: cursor("0" first) count
-- Looks, never writes. INV-1 a live task is in exactly one of ready and lease, as its state says,
-- and whatever is there is live. INV-2 an order that needs work has a live task. INV-3 exactly a
-- running task has a token and an owner. INV-4 order, tenant and task point at each other, a slot
-- in use is not on the free list. INV-5 version and fence are not behind what the timeline and the
-- order recorded. INV-6 nothing ended is live. -> {cursor ("0": done), seen}, {inv, key, text}*
-- uses: change order
start()
-- The order of the walk: stage -> next cursor.
local WALK = {live = 'lease:0', lease = 'ready:market:0', ['ready:market'] = 'ready:deploy:0',
    ['ready:deploy'] = 'ready:notify:0', ['ready:notify'] = 'dead:0', dead = 'orders:0',
    orders = '0'}
local cursor, n = ARGV[1] or '0', num(2)
if cursor == '' or cursor == '0' then cursor = 'live:0' end
local stage, at = string.match(cursor, '^([%l:]+):(%d+)$')
if not stage or not WALK[stage] then refuse('LMINVAL', 'cursor') end
local page = call(stage == 'live' and 'SSCAN' or 'ZSCAN', P .. stage, at, 'COUNT', n)
local out, seen = {{}}, 0

local function bad(inv, key, text)
    out[#out + 1] = {'inv', inv, 'key', key, 'text', text}
end

local function check_live(id)
    local t = call('HMGET', P .. 'k:' .. id, 'state', 'role', 'token', 'owner', 'id')
    if not t[1] then return bad('INV-1', id, 'live without a record') end
    if t[1] == 'done' or t[1] == 'dead' then return bad('INV-6', id, t[1] .. ' and live') end
    if t[5] ~= id then bad('INV-4', id, 'record names ' .. tostring(t[5])) end
    local r, l = call('ZSCORE', P .. 'ready:' .. t[2], id), call('ZSCORE', P .. 'lease', id)
    if r and l then bad('INV-1', id, 'in ready and in lease') end
    if not r and not l then bad('INV-1', id, 'in neither ready nor lease') end
    if t[1] == 'queued' and l then bad('INV-1', id, 'queued with a lease') end
    if t[1] == 'running' and r then bad('INV-1', id, 'running and ready') end
    local held = t[3] ~= false and t[3] ~= '' and t[4] ~= false
    if (t[1] == 'running') ~= held then bad('INV-3', id, t[1] .. ', token ' .. tostring(held)) end
end

local function check_order(id)
    local o = hash(P .. 'o:' .. id)
    if not o.id then return bad('INV-4', id, 'listed without a record') end
    if o.id ~= id then bad('INV-4', id, 'record names ' .. o.id) end
    if not FULFILMENT[o.fulfilment or ''] or not CONTRACT[o.contract or ''] then
        bad('INV-4', id, 'state unknown')
    end
    local task = 'fulfil:' .. id
    local k = call('HMGET', P .. 'k:' .. task, 'state', 'subject', 'fence')
    if working(o) and (call('SISMEMBER', P .. 'live', task) == 0) then
        bad('INV-2', id, o.fulfilment .. ' without a live task')
    end
    if k[2] and k[2] ~= id then bad('INV-4', task, 'works for ' .. k[2]) end
    local head = call('XREVRANGE', P .. 'h:' .. id, '+', '-', 'COUNT', 1)[1]
    if head then
        local e = {}
        for i = 1, #head[2], 2 do e[head[2][i]] = head[2][i + 1] end
        if tonumber(o.ver or 0) < tonumber(e.ver or 0) then
            bad('INV-5', id, 'version ' .. tostring(o.ver) .. ' behind ' .. e.ver)
        end
    end
    if o.fence_fulfil and k[3] and tonumber(k[3]) < tonumber(o.fence_fulfil) then
        bad('INV-5', task, 'fence ' .. k[3] .. ' behind ' .. o.fence_fulfil)
    end
    if o.tenant then
        local t = call('HMGET', P .. 't:' .. o.tenant, 'order', 'slot', 'slot_back')
        if t[1] ~= id then bad('INV-4', o.tenant, 'belongs to ' .. tostring(t[1])) end
        if t[2] and t[3] ~= '1' and call('SISMEMBER', P .. 'slots', t[2]) == 1 then
            bad('INV-4', o.tenant, 'slot ' .. t[2] .. ' is in use and free')
        end
    elseif o.registered == '1' and not has('DELETING CLOSED', o.fulfilment) then
        bad('INV-4', id, 'registered without a tenant')
    end
end

for i = 1, #page[2], stage == 'live' and 1 or 2 do
    local id = page[2][i]
    seen = seen + 1
    if stage == 'live' then
        check_live(id)
    elseif stage == 'orders' then
        check_order(id)
    elseif stage == 'dead' then
        local state = call('HGET', P .. 'k:' .. id, 'state')
        if state and state ~= 'dead' then bad('INV-6', id, state .. ' and parked') end
    elseif call('SISMEMBER', P .. 'live', id) == 0 then
        bad('INV-1', id, 'in ' .. stage .. ' and not live')
    end
end
local to = page[1] == '0' and WALK[stage] or stage .. ':' .. page[1]
out[1] = {'cursor', to, 'seen', int(seen)}
return out
