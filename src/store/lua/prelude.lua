-- prelude: in front of every script. Names the keys, tells the time, and holds the moves that
-- several scripts make. KEYS[1] is always {pN}:meta; every other key is made from its tag.
--
-- Order of work in each script: start(), read and check, write_clock(), write. Nothing that can
-- fail stands behind the first write: typed reads of the keys to be written come first.
local SCHEMA = '1'
local DAY = 86400000
local ROLES = {'market', 'deploy', 'notify'}
local call, find, format, floor = redis.call, string.find, string.format, math.floor
local P = string.sub(KEYS[1], 1, -5)
local SHARD = tonumber(string.match(P, '%d+'))
local NOW, SLEW, SHARDS = 0, '', 1

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

local function refuse(code, text)
    error({err = code .. ' ' .. text})
end

local function int(n)
    return format('%.0f', n)
end

local function has(list, word)
    return find(' ' .. list .. ' ', ' ' .. word .. ' ', 1, true) ~= nil
end

local function legal(axis, from, to)
    return axis[to] ~= nil and has(axis[from] or '', to)
end

-- Argument i as a whole number, or a refusal.
local function num(i)
    local v = ARGV[i]
    if not v or not find(v, '^%d+$') or #v > 15 then refuse('LMINVAL', 'argument ' .. i) end
    return tonumber(v)
end

local function arg(i)
    local v = ARGV[i]
    if not v or v == '' then refuse('LMINVAL', 'argument ' .. i) end
    return v
end

local function role_of(v)
    for _, role in ipairs(ROLES) do
        if v == role then return v end
    end
    refuse('LMINVAL', 'role')
end

-- Redis time that never goes back. After the server's clock was set back the shard's time runs at
-- half speed until the clock has caught up: leases and delays neither freeze nor jump.
local function set_clock(last, slew)
    local t = call('TIME')
    local ms = t[1] * 1000 + floor(t[2] / 1000)
    last, slew = tonumber(last) or 0, tonumber(slew)
    if last <= ms then
        NOW, SLEW = ms, ''
    elseif not slew or slew > ms then
        NOW, SLEW = last, int(ms)
    else
        local gone = floor((ms - slew) / 2)
        NOW, SLEW = last + gone, int(gone > 0 and ms or slew)
    end
end

local function start()
    local m = call('HMGET', KEYS[1], 'schema', 'shards', 'now', 'slew')
    if m[1] ~= SCHEMA then
        refuse('LMINIT', m[1] and ('schema is ' .. m[1]) or 'the store is not initialised')
    end
    if #ARGV > 4000 then refuse('LMINVAL', 'too many arguments') end
    SHARDS = tonumber(m[2])
    set_clock(m[3], m[4])
end

-- Before the first write of a script; more often does no harm.
local clock_written = false
local function write_clock()
    if clock_written then return end
    clock_written = true
    call('HSET', KEYS[1], 'now', int(NOW), 'slew', SLEW)
end

local function hash(key)
    local flat, out = call('HGETALL', key), {}
    for i = 1, #flat, 2 do out[flat[i]] = flat[i + 1] end
    return out
end

-- A map as a row; skip: words that are left out; prefix goes before each name.
local function row(map, skip, prefix, into)
    local out = into or {}
    for k, v in pairs(map) do
        if not skip or not has(skip, k) then
            out[#out + 1] = (prefix or '') .. k
            out[#out + 1] = v
        end
    end
    return out
end

local function shard_of(id)
    return tonumber(string.match(id, '^[ot](%d+)%-'))
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

-- Typed reads of the queue's keys, so that no later write can meet a wrong type.
local function check_queue(...)
    for _, role in ipairs({...}) do
        call('ZCARD', P .. 'ready:' .. role)
        call('ZCARD', P .. 'wake:' .. role)
    end
    call('ZCARD', P .. 'lease')
    call('ZCARD', P .. 'dead')
    call('SCARD', P .. 'live')
end

local woken = {}
local function ready(id, role, due)
    call('ZADD', P .. 'ready:' .. role, int(due), id)
    call('SADD', P .. 'live', id)
    if not woken[role] then
        woken[role] = true
        call('ZADD', P .. 'wake:' .. role, 0, '1')
    end
end

-- The one way a task comes into being. Queued: its due time may only fall. Running: it runs once
-- more afterwards. Done: anew without steps; dead: armed again with its steps. once: a task that
-- ever was is left alone. The fence goes on, also when the record has expired (an order keeps that
-- of its fulfil task). Returns state and whether anything changed.
local function add_task(id, kind, role, subject, delay, data, once)
    local k = P .. 'k:' .. id
    local t = call('HMGET', k, 'state', 'role', 'due', 'fence', 'again', 'created')
    local was, due, fence = t[1], NOW + delay, t[4]
    if was and once then return was, false end
    if was == 'queued' or was == 'running' then
        if data ~= '' then call('HSET', k, 'data', data) end
        if was == 'running' then
            call('HSET', k, 'again', '1')
            return was, t[5] ~= '1'
        end
        if due >= tonumber(t[3]) then return was, false end
        call('HSET', k, 'due', int(due))
        ready(id, t[2], due)
        return was, true
    elseif was == 'dead' then
        call('HDEL', k, 'class', 'error', 'again', 'cancel', 'last', 'token', 'owner')
        call('ZREM', P .. 'dead', id)
        call('PERSIST', k)
    elseif was then
        call('DEL', k)
    elseif kind == 'fulfil' then
        fence = call('HGET', P .. 'o:' .. subject, 'fence_fulfil')
    end
    call('HSET', k, 'id', id, 'kind', kind, 'role', role, 'subject', subject, 'state', 'queued',
        'tries', '0', 'crashes', '0', 'fence', fence or '0', 'due', int(due), 'updated', int(NOW),
        'created', t[6] or int(NOW), 'data', data)
    if shard_of(subject) then call('SADD', P .. 'ot:' .. subject, id) end
    ready(id, role, due)
    return 'queued', true
end

-- Up to n due tasks of a role go to a worker: running, a fence more, a token of their own, a lease.
-- by: {worker, seed, lease, got}, and the id of the last one; each becomes a row of out.
local function take(role, n, by, out)
    local zset = P .. 'ready:' .. role
    for _, id in ipairs(call('ZRANGEBYSCORE', zset, '-inf', int(NOW), 'LIMIT', 0, n)) do
        local k = P .. 'k:' .. id
        write_clock()
        call('ZREM', zset, id)
        if call('HGET', k, 'state') ~= 'queued' then
            call('SREM', P .. 'live', id) -- a ghost: its record is gone or says otherwise
        else
            by.got, by.id = by.got + 1, id
            local fence = call('HINCRBY', k, 'fence', 1)
            call('HSET', k, 'state', 'running', 'token', by.seed .. ':' .. int(by.got), 'owner',
                by.worker, 'last', '', 'updated', int(NOW), 'claimed', int(NOW))
            call('ZADD', P .. 'lease', int(NOW + by.lease), id)
            local t = hash(k)
            t.fence = int(fence)
            out[#out + 1] = row(t, 'last next')
        end
    end
end

-- ms until the next due time of these roles or the end of a lease; -1: nothing is to come. What is
-- due already is announced to whoever waits.
local function next_ms(roles)
    local at
    local function earliest(key)
        local head = call('ZRANGE', key, 0, 0, 'WITHSCORES')
        local due = tonumber(head[2])
        if due and (not at or due < at) then at = due end
        return due
    end
    for _, role in ipairs(roles) do
        local due = earliest(P .. 'ready:' .. role)
        if due and due <= NOW then call('ZADD', P .. 'wake:' .. role, 0, '1') end
    end
    earliest(P .. 'lease')
    return at and int(math.max(0, at - NOW)) or '-1'
end

-- The arguments from i on as roles.
local function roles_from(i)
    local roles = {}
    for j = i, #ARGV do roles[#roles + 1] = role_of(ARGV[j]) end
    if #roles == 0 then refuse('LMINVAL', 'no role') end
    return roles
end

-- Proof that the caller runs the task: equality of the random token, nothing else.
local function own(id, token)
    local t = call('HMGET', P .. 'k:' .. id, 'state', 'token', 'subject', 'role', 'kind', 'fence',
        'again', 'tries')
    if t[1] ~= 'running' or t[2] ~= token or token == '' then refuse('LMSTALE', id) end
    return {subject = t[3], role = t[4], kind = t[5], fence = t[6], again = t[7],
        tries = tonumber(t[8]) or 0}
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

-- Parks a task. The caller has checked the queue's keys.
local function park(id, kind, subject, class, text)
    local k = P .. 'k:' .. id
    call('HSET', k, 'state', 'dead', 'class', class, 'error', text, 'updated', int(NOW))
    call('HDEL', k, 'token', 'owner', 'again')
    call('PEXPIRE', k, int(30 * DAY))
    call('ZREM', P .. 'lease', id)
    call('SREM', P .. 'live', id)
    call('ZADD', P .. 'dead', int(NOW), id)
    if kind == 'fulfil' then stuck(subject, class, text) end
end

-- Follows a renewed purchase to the order it belongs to; may end in another shard.
local function canon(id)
    for _ = 1, 8 do
        local to = call('GET', P .. 'alias:' .. id)
        if not to then return id end
        id = to
        if shard_of(id) ~= SHARD then return id end
    end
    return id
end

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
