-- part claim: due tasks go to a worker; what is given up is parked. Needs order and queue.

-- Who takes, and what due() finds for him: got (how many), tasks, ghosts (names whose record is
-- gone, is none or says otherwise), seen (role -> how many due names were gone through).
local function taker(worker, seed, lease)
    return {worker = worker, seed = seed, lease = lease, got = 0, tasks = {}, ghosts = {},
        seen = {}}
end

-- Reads up to n more due tasks of a role. False: there are no more.
local function due(role, n, by)
    local from = by.seen[role] or 0
    local ids = call('ZRANGEBYSCORE', P .. 'ready:' .. role, '-inf', STAMP, 'LIMIT', from, n)
    by.seen[role] = from + #ids
    for _, id in ipairs(ids) do
        local flat, t = redis.pcall('HGETALL', P .. 'k:' .. id), {}
        for i = 1, #flat, 2 do t[flat[i]] = flat[i + 1] end
        if t.state == 'queued' then
            by.got = by.got + 1
            by.tasks[by.got] = {id = id, role = role, record = t}
        else
            by.ghosts[#by.ghosts + 1] = {id = id, role = role}
            call('SCARD', P .. 'live')
        end
    end
    return #ids == n
end

-- What due() found is running: a fence more, a token of its own, a lease. Returns a row of each.
local function hand_out(by)
    local rows, leases, gone = {}, {P .. 'lease'}, {}
    local function leaves(task)
        local to = gone[task.role] or {P .. 'ready:' .. task.role}
        to[#to + 1] = task.id
        gone[task.role] = to
    end
    for i, task in ipairs(by.tasks) do
        local t = task.record
        t.state, t.token, t.owner = 'running', by.seed .. ':' .. int(i), by.worker
        t.tries, t.crashes = t.tries or '0', t.crashes or '0'
        t.fence, t.updated, t.claimed = int((tonumber(t.fence) or 0) + 1), STAMP, STAMP
        leaves(task)
        leases[#leases + 1] = int(NOW + by.lease)
        leases[#leases + 1] = task.id
        rows[i] = row(t, 'last next')
    end
    for _, ghost in ipairs(by.ghosts) do leaves(ghost) end
    for _, args in pairs(gone) do call('ZREM', unpack(args)) end
    for _, task in ipairs(by.tasks) do
        local t = task.record
        call('HSET', P .. 'k:' .. task.id, 'state', t.state, 'token', t.token, 'owner', t.owner,
            'fence', t.fence, 'last', '', 'updated', t.updated, 'claimed', t.claimed)
    end
    if by.got > 0 then call('ZADD', unpack(leases)) end
    for _, ghost in ipairs(by.ghosts) do call('SREM', P .. 'live', ghost.id) end
    return rows
end

-- The first lease that ends: when, or nil.
local function lease_end()
    return tonumber(call('ZRANGE', P .. 'lease', 0, 0, 'WITHSCORES')[2])
end

-- ms until the next due time of these roles, beyond what is taken, or until at; -1: nothing is to
-- come. more: the roles that have due tasks left, for whoever waits.
local function next_ms(roles, by, at)
    local more = {}
    for _, role in ipairs(roles) do
        local n = by.seen[role] or 0
        local due_at = tonumber(call('ZRANGE', P .. 'ready:' .. role, n, n, 'WITHSCORES')[2])
        if due_at and (not at or due_at < at) then at = due_at end
        if due_at and due_at <= NOW then more[#more + 1] = role end
    end
    return at and int(math.max(0, at - NOW)) or '-1', more
end

-- The arguments from i on as roles.
local function roles_from(i)
    local roles = {}
    for j = i, #ARGV do roles[#roles + 1] = role_of(ARGV[j]) end
    if #roles == 0 then refuse('LMINVAL', 'no role') end
    return roles
end

-- Typed reads of what park() writes beside the task, lease and live.
local function check_park(kind, subject)
    call('ZCARD', P .. 'dead')
    if kind ~= 'fulfil' then return end
    order_state(subject)
    call('XLEN', P .. 'h:' .. subject)
    call('HLEN', P .. 'count')
end

-- Parks a task.
local function park(id, kind, subject, class, text)
    local k = P .. 'k:' .. id
    call('ZREM', P .. 'lease', id)
    call('HSET', k, 'state', 'dead', 'class', class, 'error', text, 'updated', STAMP)
    call('HDEL', k, 'token', 'owner', 'again')
    call('PEXPIRE', k, int(30 * DAY))
    call('SREM', P .. 'live', id)
    call('ZADD', P .. 'dead', STAMP, id)
    if kind == 'fulfil' then stuck(subject, class, text) end
end
