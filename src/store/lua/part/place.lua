-- part place: a registration meets its order. Needs order and queue.

-- What place() needs, read and checked before the first write. nil: no such order here.
local function place_load(id)
    local v = call('HMGET', P .. 'o:' .. id, 'fulfilment', 'registered', 'tid', 'tenant', 'ver',
        'contract', 'signup')
    if not v[1] then return nil end
    if not v[3] then refuse('LMINVAL', 'the order has no tenant id') end
    call('HGET', P .. 't:' .. v[3], 'slot')
    call('SCARD', P .. 'slots')
    call('XLEN', P .. 'h:' .. id)
    check_queue('market', 'deploy', 'notify')
    return {id = id, contract = v[6], fulfilment = v[1], registered = v[2], tid = v[3], tenant = v[4],
        ver = tonumber(v[5]), signup = v[7]}
end

-- The tenant of an order comes into being, once, and with it the work on it. The caller has
-- checked that the order has none yet and has written o.tenant.
local function settle(id, tid)
    local slot = call('SPOP', P .. 'slots')
    if not slot then
        slot = int((call('HINCRBY', KEYS[1], 'slot', 1) - 1) * SHARDS + SHARD)
    end
    call('HSET', P .. 't:' .. tid, 'id', tid, 'order', id, 'slot', slot,
        'generation', '0', 'observed_generation', '0', 'state', 'new')
end

-- The channel's account waits for our word that the sign-up is complete.
local function tell_signup(id)
    add_task('tell:' .. id .. ':signup', 'tell', 'market', id, 0, 'signup')
end

-- A registration meets its order: once. Everybody after that only gets a capability.
local function place(o, cap, ttl, form, email, late)
    call('HSET', P .. 's:' .. cap, 'order', o.id)
    call('PEXPIRE', P .. 's:' .. cap, ttl)
    if o.registered == '1' then return false end
    local ver, works = int(o.ver + 1), not has('DELETING CLOSED', o.fulfilment)
    local set = {P .. 'o:' .. o.id, 'registered', '1', 'form', form, 'email', email,
        'at_registered', int(NOW), 'updated', int(NOW), 'ver', ver}
    if works and not o.tenant then
        set[#set + 1] = 'tenant'
        set[#set + 1] = o.tid
    end
    call('HSET', unpack(set))
    log(o.id, ver, 'order.registered', '', '')
    if not works then return true end
    if not o.tenant then settle(o.id, o.tid) end
    if o.signup == 'wanted' then tell_signup(o.id) end
    add_task('fulfil:' .. o.id, 'fulfil', 'deploy', o.id, 0, '')
    add_task('mail:' .. o.id .. ':registered', 'mail', 'notify', o.id, 0, 'registered', true)
    if o.contract == 'PENDING' then -- its event may be lost
        add_task('refresh:' .. o.id, 'refresh', 'market', o.id, 3000, '')
    end
    add_task('late:' .. o.id, 'late', 'notify', o.id, late, '', true)
    return true
end
