-- task_claim: worker seed lease_ms max crash_limit role+
-- First up to 20 ended leases: their tasks are due at once with one crash more, or parked (class
-- POISON, the order STUCK) past the limit. Then up to max due tasks of the roles are taken:
-- running, fence+1, token "<seed>:<i>", lease. When more are due the wake marker is set again.
-- With nothing to take nothing is written: an idle worker costs no fsync.
-- -> row 0 {next_ms: ms until the next due time of these roles or end of a lease, -1: nothing;
--    now; recovered; parked}, then the tasks with every field.
start()
local worker, seed, lease, max, limit = arg(1), arg(2), num(3), num(4), num(5)
if lease < 1 or max > 1000 or #ARGV < 6 then refuse('LMINVAL', 'claim') end
local roles = {}
for i = 6, #ARGV do roles[#roles + 1] = role_of(ARGV[i]) end
for _, role in ipairs(roles) do call('ZCARD', P .. 'wake:' .. role) end
call('SCARD', P .. 'live')
local ended = call('ZRANGEBYSCORE', P .. 'lease', '-inf', int(NOW), 'LIMIT', 0, 20)
local recovered, parked, poison = 0, 0, 'the worker died ' .. int(limit + 1) .. ' times'
if #ended > 0 then -- rare: then everything that may be written is looked at first
    check_queue('market', 'deploy', 'notify')
    call('HLEN', P .. 'count')
    write_clock()
end
for _, id in ipairs(ended) do
    local k = P .. 'k:' .. id
    local t = call('HMGET', k, 'state', 'role', 'kind', 'subject', 'crashes')
    call('ZREM', P .. 'lease', id)
    if t[1] == 'running' then
        local crashes = (tonumber(t[5]) or 0) + 1
        if crashes > limit then
            call('HSET', k, 'crashes', int(crashes))
            park(id, t[3], t[4], 'POISON', poison)
            parked = parked + 1
        else
            call('HSET', k, 'crashes', int(crashes), 'state', 'queued', 'due', int(NOW),
                'updated', int(NOW))
            call('HDEL', k, 'token', 'owner', 'again', 'cancel')
            ready(id, t[2], NOW)
            recovered = recovered + 1
        end
    end
end

local out, got = {{}}, 0
local function take(role, n)
    local zset = P .. 'ready:' .. role
    for _, id in ipairs(call('ZRANGEBYSCORE', zset, '-inf', int(NOW), 'LIMIT', 0, n)) do
        local k = P .. 'k:' .. id
        write_clock()
        call('ZREM', zset, id)
        if call('HGET', k, 'state') ~= 'queued' then
            call('SREM', P .. 'live', id) -- a ghost: its record is gone or says otherwise
        else
            got = got + 1
            local fence = call('HINCRBY', k, 'fence', 1)
            call('HSET', k, 'state', 'running', 'token', seed .. ':' .. int(got), 'owner', worker,
                'last', '', 'updated', int(NOW), 'claimed', int(NOW))
            call('ZADD', P .. 'lease', int(NOW + lease), id)
            local t = hash(k)
            t.fence = int(fence)
            out[#out + 1] = row(t, 'last')
        end
    end
end
for i, role in ipairs(roles) do -- a fair share for each role, then what is left
    take(role, math.ceil((max - got) / (#roles - i + 1)))
end
for _, role in ipairs(roles) do
    if got < max then take(role, max - got) end
end

local next_at
local function earliest(key)
    local head = call('ZRANGE', key, 0, 0, 'WITHSCORES')
    if head[2] and (not next_at or tonumber(head[2]) < next_at) then next_at = tonumber(head[2]) end
    return head[2] and tonumber(head[2])
end
for _, role in ipairs(roles) do
    local due = earliest(P .. 'ready:' .. role)
    if due and due <= NOW then call('ZADD', P .. 'wake:' .. role, 0, '1') end
end
earliest(P .. 'lease')
out[1] = {'next_ms', next_at and int(math.max(0, next_at - NOW)) or '-1', 'now', int(NOW),
    'recovered', int(recovered), 'parked', int(parked)}
return out
