-- task_claim: worker seed lease_ms max crash_limit role+
-- First up to 20 ended leases: their tasks are due at once with one crash more, or parked (class
-- POISON, the order STUCK) past the limit. Then up to max due tasks of the roles are taken:
-- running, fence+1, token "<seed>:<i>", lease. When more are due the wake marker is set again.
-- With nothing to take nothing is written: an idle worker costs no fsync.
-- -> row 0 {next_ms: ms until the next due time of these roles or end of a lease, -1: nothing;
--    now; recovered; parked}, then the tasks with every field.
-- uses: order queue claim
start()
local worker, seed, lease, max, limit = arg(1), arg(2), num(3), num(4), num(5)
if lease < 1 or max > 1000 then refuse('LMINVAL', 'claim') end
local roles = roles_from(6)
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

local out, by = {{}}, {worker = worker, seed = seed, lease = lease, got = 0}
for i, role in ipairs(roles) do -- a fair share for each role, then what is left
    take(role, math.ceil((max - by.got) / (#roles - i + 1)), by, out)
end
for _, role in ipairs(roles) do
    if by.got < max then take(role, max - by.got, by, out) end
end
out[1] = {'next_ms', next_ms(roles), 'now', int(NOW), 'recovered', int(recovered), 'parked',
    int(parked)}
return out
