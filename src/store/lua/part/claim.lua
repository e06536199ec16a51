-- part claim: due tasks go to a worker; what is given up is parked. Needs order and queue.

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
