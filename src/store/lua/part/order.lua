-- part order: the two axes of an order's state, its history and its counters.

-- Legal transitions, from -> to; state.c holds the same tables.
local CONTRACT = {
    PENDING = 'ACTIVE SUSPENDED CANCELLED EXPIRED',
    ACTIVE = 'SUSPENDED CANCELLED EXPIRED',
    SUSPENDED = 'ACTIVE CANCELLED EXPIRED',
    CANCELLED = 'ACTIVE EXPIRED',
    EXPIRED = 'ACTIVE CANCELLED'
}
local FULFILMENT = {
    RECEIVED = 'IDENTIFIED FAILED STUCK DELETING CLOSED',
    IDENTIFIED = 'PROVISIONING VERIFYING READY SUSPENDED FAILED STUCK DELETING CLOSED',
    PROVISIONING = 'VERIFYING READY SUSPENDED FAILED STUCK DELETING',
    VERIFYING = 'PROVISIONING READY UPDATING SUSPENDED DEGRADED FAILED STUCK DELETING',
    READY = 'PROVISIONING VERIFYING UPDATING SUSPENDED DEGRADED FAILED STUCK DELETING',
    UPDATING = 'PROVISIONING VERIFYING READY SUSPENDED DEGRADED FAILED STUCK DELETING',
    SUSPENDED = 'PROVISIONING VERIFYING READY UPDATING DEGRADED FAILED STUCK DELETING',
    DEGRADED = 'PROVISIONING VERIFYING READY UPDATING SUSPENDED FAILED STUCK DELETING',
    FAILED = 'IDENTIFIED PROVISIONING VERIFYING READY UPDATING SUSPENDED DEGRADED STUCK DELETING CLOSED',
    STUCK = 'IDENTIFIED PROVISIONING VERIFYING READY UPDATING SUSPENDED DEGRADED FAILED DELETING CLOSED',
    DELETING = 'FAILED STUCK CLOSED',
    CLOSED = ''
}
-- A change of one of these changes what a buyer sees, and so the version.
local VISIBLE = 'contract fulfilment plan product quantity trial starts ends granted confirmed email'
local SHOWN = 'registered want hold step pct msg note code endpoint renewals late merged delete_at' ..
    ' commit standing no_renewal pending_plan pending_quantity unattended approval' ..
    ' served next_plan next_quantity next_at'

local function legal(axis, from, to)
    return axis[to] ~= nil and has(axis[from] or '', to)
end

local function log(order, ver, kind, text, data)
    call('XADD', P .. 'h:' .. order, 'MAXLEN', '~', '1000', '*', 'at', int(NOW), 'ver', ver,
        'type', kind, 'text', text or '', 'data', data or '')
end

-- How many orders are in each pair of states.
local function count(c0, f0, c1, f1)
    if c0 == c1 and f0 == f1 then return end
    if c0 then call('HINCRBY', P .. 'count', c0 .. '/' .. f0, -1) end
    call('HINCRBY', P .. 'count', c1 .. '/' .. f1, 1)
end

-- Writes the pairs of list that differ from cur; an empty value removes. Returns how many
-- changed and whether a buyer can see it.
local function put(key, cur, list)
    local set, del, seen = {key}, {key}, false
    for i = 1, #list, 2 do
        local k, v = list[i], list[i + 1]
        if (cur[k] or '') ~= v then
            if v == '' then
                del[#del + 1] = k
            else
                set[#set + 1] = k
                set[#set + 1] = v
            end
            cur[k] = v
            seen = seen or has(VISIBLE, k) or has(SHOWN, k) or find(k, '^at_') ~= nil
        end
    end
    if #set > 1 then call('HSET', unpack(set)) end
    if #del > 1 then call('HDEL', unpack(del)) end
    return (#set - 1) / 2 + #del - 1, seen
end

-- May fulfilment begin? Somebody registered, or nobody has to; and the contract runs, or the channel
-- holds the charge until the environment is there.
local function begins(o)
    if o.registered ~= '1' and o.unattended ~= '1' then return false end
    return o.contract == 'ACTIVE' or
        (o.contract == 'PENDING' and has('held asked done', o.commit or ''))
end

-- Is there work to do for an order in this state? (INV-2)
local function working(o)
    if o.hold and o.hold ~= '' then return false end
    if o.fulfilment == 'RECEIVED' then return begins(o) end
    return has('IDENTIFIED PROVISIONING VERIFYING UPDATING DELETING', o.fulfilment or '')
end

local function order_state(id)
    local v = call('HMGET', P .. 'o:' .. id, 'contract', 'fulfilment', 'registered', 'hold', 'ver',
        'unattended', 'commit')
    return {contract = v[1], fulfilment = v[2], registered = v[3], hold = v[4], ver = v[5],
        unattended = v[6], commit = v[7]}
end

-- The work on an order was given up: it needs a human.
local function stuck(id, class, text)
    local o = order_state(id)
    if not o.fulfilment or not working(o) then return end
    local ver = int((tonumber(o.ver) or 0) + 1)
    call('HSET', P .. 'o:' .. id, 'fulfilment', 'STUCK', 'class', class, 'detail', text,
        'ver', ver, 'updated', int(NOW))
    count(o.contract, o.fulfilment, o.contract, 'STUCK')
    log(id, ver, 'order.stuck', class, '')
end
