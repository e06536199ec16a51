-- part place: a registration meets its order. Needs order and queue.

-- What place() needs, read and checked before the first write. nil: no such order here.
local function place_load(id, cap, late)
    local v = call('HMGET', P .. 'o:' .. id, 'fulfilment', 'registered', 'tid', 'tenant', 'ver',
        'contract', 'signup', 'fence_fulfil')
    if not v[1] then return nil end
    if not v[3] then refuse('LMINVAL', 'the order has no tenant id') end
    local o, tasks = {id = id, tid = v[3], tenant = v[4], ver = tonumber(v[5])}, {}
    o.first = v[2] ~= '1'
    o.works = o.first and not has('DELETING CLOSED', v[1])
    if o.works then
        local fulfil = wish('fulfil:' .. id, 'fulfil', 'deploy', id, 0, '')
        fulfil.fence = v[8] or '0'
        tasks = {fulfil,
            wish('mail:' .. id .. ':registered', 'mail', 'notify', id, 0, 'registered', true),
            wish('late:' .. id, 'late', 'notify', id, late, '', true)}
        if v[7] == 'wanted' then -- the channel's account waits for our word
            tasks[#tasks + 1] = wish('tell:' .. id .. ':signup', 'tell', 'market', id, 0, 'signup')
        end
        if v[6] == 'PENDING' then -- its event may be lost
            tasks[#tasks + 1] = wish('refresh:' .. id, 'refresh', 'market', id, 3000, '')
        end
        o.free = call('SCARD', P .. 'slots')
    end
    if not look(tasks, {P .. 's:' .. cap, P .. 't:' .. v[3]}) then
        call('HGET', P .. 's:' .. cap, 'order')
        call('HGET', P .. 't:' .. v[3], 'slot')
    end
    call('XLEN', P .. 'h:' .. id)
    o.tasks = tasks
    return o
end

-- The tenant of an order comes into being, once, and with it the work on it. The caller has
-- checked that the order has none yet, has written o.tenant and knows how many slots are free.
local function settle(id, tid, free)
    local slot = free > 0 and call('SPOP', P .. 'slots')
    if not slot then
        slot = int((call('HINCRBY', KEYS[1], 'slot', 1) - 1) * SHARDS + SHARD)
    end
    call('HSET', P .. 't:' .. tid, 'id', tid, 'order', id, 'slot', slot,
        'generation', '0', 'observed_generation', '0', 'state', 'new')
end

-- A registration meets its order: once. Everybody after that only gets a capability.
local function place(o, cap, ttl, form, email)
    add_tasks(o.tasks)
    call('HSET', P .. 's:' .. cap, 'order', o.id)
    call('PEXPIRE', P .. 's:' .. cap, ttl)
    if not o.first then return false end
    local ver = int(o.ver + 1)
    local set = {P .. 'o:' .. o.id, 'registered', '1', 'form', form, 'email', email,
        'at_registered', STAMP, 'updated', STAMP, 'ver', ver}
    if o.works and not o.tenant then
        set[#set + 1] = 'tenant'
        set[#set + 1] = o.tid
    end
    call('HSET', unpack(set))
    log(o.id, ver, 'order.registered', '', '')
    if o.works and not o.tenant then settle(o.id, o.tid, o.free) end
    return true
end
