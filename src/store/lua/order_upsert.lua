-- order_upsert: order_id at_ms (k v)*     (the store adds "tid": the tenant id that belongs to it)
-- What the channel says about a purchase, as of at_ms. Creates the order (PENDING, RECEIVED).
-- A fact older than the newest one only fills what is still empty and never touches the contract.
-- contract is checked against the table; granted=1 lifts PENDING to ACTIVE, nothing else: an
-- ended contract comes back only by a newer contract=ACTIVE. The end of a contract stamps
-- at_ended; delete_at is the caller's (grace is a matter of the plan). An older fact may still lift
-- PENDING to ACTIVE: nothing newer contradicts it. supersede=1 (not stored) with another purchase
-- id is a renewal: a new contract in the old one's place, whatever the times say. When registered and
-- something that matters changed, and where the charge is held: task fulfil:<order>. LMPERM: the id is
-- only a name of another order.
-- guess=1 (not stored): plan is only the default, for entitlements that name none: it never takes the place
-- of another plan; the seller is told.
-- commit=held: the channel holds the charge; kept while nothing was committed and the contract is
-- PENDING. commit=done: the charge runs. signup=wanted|done: the channel's account. unattended=1: no
-- landing is needed: the tenant and its work begin as soon as fulfilment may; but of a purchase with
-- bought_at before this installation began, somebody has cared until now: existing=1 instead, and an
-- operator's approve lets it begin. late_ms (not stored): after so long somebody asks whether such an order
-- is ready; without it nobody does. erase=1: the customer's
-- data must go now. A changed plan remembers since when, and the end of the term it was changed in.
-- -> {created, changed, stale, ver, contract, fulfilment, registered, tenant}
-- uses: change order queue place
start()
local id, at = arg(1), num(2)
local key = P .. 'o:' .. id
if shard_of(id) ~= SHARD then refuse('LMINVAL', 'order of another shard') end
if #ARGV % 2 ~= 0 then refuse('LMINVAL', 'pairs') end
local OURS = 'id ver created updated fulfilment at registered email form tenant want hold step' ..
    ' pct msg note class code detail endpoint at_registered at_confirmed at_applied at_verified' ..
    ' at_ready late merged fence_fulfil approval plan_since plan_until existing at_committed served' ..
    ' at_paused charge_told'
local MATTERS = 'plan product_code quantity entitlements granted confirmed contract trial ends' ..
    ' delete_at template region commit signup unattended erase pending_plan'
local names, new = {'contract', 'fulfilment', 'registered', 'at', 'ver', 'at_ended', 'delete_at',
    'tenant', 'granted', 'purchase', 'renewals', 'trial', 'merged', 'commit', 'signup', 'unattended',
    'erase', 'tid', 'plan', 'ends', 'plan_since', 'plan_until', 'hold'}, {}
for i = 3, #ARGV, 2 do
    local k, v = ARGV[i], ARGV[i + 1]
    if has(OURS, k) or not find(k, '^[%w_]+$') then refuse('LMINVAL', 'field ' .. k) end
    if k == 'contract' and not CONTRACT[v] then refuse('LMINVAL', 'contract ' .. v) end
    if (k == 'granted' or k == 'confirmed') and v ~= '0' and v ~= '1' then refuse('LMINVAL', k) end
    if k == 'late_ms' then num(i + 1) end
    if new[k] then refuse('LMINVAL', 'twice: ' .. k) end
    new[k] = v
    names[#names + 1] = k
end
local v, o = call('HMGET', key, unpack(names)), {}
for i, name in ipairs(names) do o[name] = v[i] or nil end
call('XLEN', P .. 'h:' .. id)
call('ZCARD', P .. 'orders')
call('HLEN', P .. 'count')
call('HGET', P .. 'k:fulfil:' .. id, 'state')
local free = call('SCARD', P .. 'slots')
check_queue('market', 'deploy', 'notify')

local created, stale = not o.fulfilment, false
if o.merged or (created and call('GET', P .. 'alias:' .. id)) then
    refuse('LMPERM', 'belongs to another order') -- found before it was linked: find again
end
local renewal = new.supersede == '1' and new.purchase and o.purchase and new.purchase ~= o.purchase
new.supersede = nil
local strange = new.guess == '1' and o.plan and new.plan and o.plan ~= new.plan
if strange then new.plan, new.quantity = nil, nil end
new.guess = nil
local late = tonumber(new.late_ms)
new.late_ms = nil
local contract = o.contract or 'PENDING'
if created then
    o = {fulfilment = 'RECEIVED', ver = '0', at = '0', registered = '0'}
elseif at < tonumber(o.at or '0') and not renewal then
    stale = true
    local lifts = contract == 'PENDING' and (new.contract == 'ACTIVE' or new.granted == '1')
    for k in pairs(new) do
        local axis = k == 'contract' or k == 'granted' or k == 'confirmed'
        if (axis and not lifts) or (o[k] and not axis) then new[k] = nil end
    end
end
if renewal then
    new.renewals = int((tonumber(o.renewals) or 0) + 1)
    new.trial = new.trial or '' -- the trial was the old purchase's
end
if new.erase == '1' and o.erase ~= '1' then
    if not has('CANCELLED EXPIRED', contract) then new.contract = 'CANCELLED' end
    new.delete_at = STAMP
end
local to = new.contract
if not to and new.granted == '1' and contract == 'PENDING' then to = 'ACTIVE' end
if to and to ~= contract and not legal(CONTRACT, contract, to) then
    refuse('LMPERM', 'contract ' .. contract .. ' to ' .. to)
end
to = to or contract
new.contract = to
if to ~= contract and has('CANCELLED EXPIRED', to) and not o.at_ended and not new.at_ended then
    new.at_ended = int(at)
elseif to == 'ACTIVE' and has('CANCELLED EXPIRED', contract) then
    new.at_ended = new.at_ended or ''
    new.delete_at = new.delete_at or ''
end
if new.commit == 'held' then
    if to ~= 'PENDING' or (o.commit or '') ~= '' then new.commit = nil end
elseif new.commit == 'done' then
    if not has('held asked', o.commit or '') then
        new.commit = nil
    else
        new.at_committed = STAMP
    end
elseif new.commit then
    refuse('LMINVAL', 'commit')
end
if new.unattended == '1' and o.unattended ~= '1' and o.registered ~= '1' and new.bought_at and
    tonumber(new.bought_at) < tonumber(call('HGET', KEYS[1], 'created') or '0') - 600000 then
    new.unattended = nil
    new.existing = '1'
end
if new.signup == 'wanted' and o.signup == 'done' then new.signup = nil end
if new.plan and o.plan and new.plan ~= o.plan then
    new.plan_since = STAMP
    new.plan_until = o.ends or ''
end
local list, matters = {}, false
for k, val in pairs(new) do
    list[#list + 1] = k
    list[#list + 1] = val
    matters = matters or ((o[k] or '') ~= val and has(MATTERS, k))
end

write_clock()
if created then
    -- First in the hash: what a poll reads. Redis passes over every field before the one it wants.
    call('HSET', key, 'ver', '1', 'updated', STAMP, 'id', id)
end
local changed, seen = put(key, o, list)
local ver = tonumber(o.ver) or 0
if created or seen then ver = ver + 1 end
if created then
    call('HSET', key, 'created', STAMP, 'fulfilment', 'RECEIVED', 'registered', '0')
    call('ZADD', P .. 'orders', STAMP, id)
    count(nil, nil, to, 'RECEIVED')
    log(id, int(ver), 'order.created', '', '')
else
    count(contract, o.fulfilment, to, o.fulfilment)
    if to ~= contract then
        log(id, int(ver), 'contract.' .. string.lower(to), '', '{"from":"' .. contract .. '"}')
    elseif matters then
        log(id, int(ver), 'order.changed', '', '')
    end
end
if changed > 0 or created or at > tonumber(o.at or '0') then
    call('HSET', key, 'ver', int(ver), 'updated', STAMP, 'at',
        int(math.max(at, tonumber(o.at or '0'))))
end
if strange then add_task('mail:' .. id .. ':alert-plan', 'mail', 'notify', id, 0, 'alert-plan', true) end
if o.registered == '1' and o.signup == 'wanted' and new.signup then
    add_task('tell:' .. id .. ':signup', 'tell', 'market', id, 0, 'signup')
end
o.contract = to
local settles = o.unattended == '1' and not o.tenant and not has('DELETING CLOSED', o.fulfilment) and
    begins(o)
if settles then
    call('HSET', key, 'tenant', o.tid)
    o.tenant = o.tid
    settle(id, o.tid, free)
    if late then add_task('late:' .. id, 'late', 'notify', id, late, '', true) end
end
-- A held charge has a deadline even when nobody ever comes, and what is to be erased is closed.
local alone = new.erase == '1' or (to == 'PENDING' and (new.commit or o.commit) == 'held')
if settles or (matters and (o.registered == '1' or o.tenant or alone) and
    o.fulfilment ~= 'CLOSED') then
    add_task('fulfil:' .. id, 'fulfil', 'deploy', id, 0, '')
end
return {{'created', created and '1' or '0', 'changed', int(changed), 'stale', stale and '1' or '0',
    'ver', int(ver), 'contract', to, 'fulfilment', o.fulfilment, 'registered',
    o.registered or '0', 'tenant', o.tenant or ''}}
