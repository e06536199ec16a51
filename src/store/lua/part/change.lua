-- part change: which steps an order may take, and what a record's change is.

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
