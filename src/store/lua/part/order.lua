-- part order: an order's history and counters, and whether it needs work.

local function log(order, ver, kind, text, data)
    call('XADD', P .. 'h:' .. order, 'MAXLEN', '~', '1000', '*', 'at', STAMP, 'ver', ver,
        'type', kind, 'text', text or '', 'data', data or '')
end

-- How many orders are in each pair of states.
local function count(c0, f0, c1, f1)
    if c0 == c1 and f0 == f1 then return end
    if c0 then call('HINCRBY', P .. 'count', c0 .. '/' .. f0, -1) end
    call('HINCRBY', P .. 'count', c1 .. '/' .. f1, 1)
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
        'ver', ver, 'updated', STAMP)
    count(o.contract, o.fulfilment, o.contract, 'STUCK')
    log(id, ver, 'order.stuck', class, '')
end
