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
local recovered, parked, poison = 0, 0, 'the worker died ' .. int(limit + 1) .. ' times'

-- Rare: then everything that may be written is looked at first.
local function recover()
    local ended, all = call('ZRANGEBYSCORE', P .. 'lease', '-inf', STAMP, 'LIMIT', 0, 20), {}
    check_queue('market', 'deploy', 'notify')
    for i, id in ipairs(ended) do
        local t = call('HMGET', P .. 'k:' .. id, 'state', 'role', 'kind', 'subject', 'crashes')
        t.crashes = (tonumber(t[5]) or 0) + 1
        if t.crashes > limit then check_park(t[3], t[4]) end
        all[i] = t
    end
    write_clock()
    for i, id in ipairs(ended) do
        local k, t = P .. 'k:' .. id, all[i]
        call('ZREM', P .. 'lease', id)
        if t[1] == 'running' and t.crashes > limit then
            call('HSET', k, 'crashes', int(t.crashes))
            park(id, t[3], t[4], 'POISON', poison)
            parked = parked + 1
        elseif t[1] == 'running' then
            call('HSET', k, 'crashes', int(t.crashes), 'state', 'queued', 'due', STAMP, 'updated',
                STAMP)
            call('HDEL', k, 'token', 'owner', 'again', 'cancel')
            ready(id, t[2], NOW)
            recovered = recovered + 1
        end
    end
end

local first_end = lease_end()
if first_end and first_end <= NOW then
    recover()
    first_end = lease_end()
end
local by, left = taker(worker, seed, lease), {}
for i, role in ipairs(roles) do -- a fair share for each role, then what is left
    left[role] = due(role, math.ceil((max - by.got) / (#roles - i + 1)), by)
end
for _, role in ipairs(roles) do
    if left[role] and by.got < max then due(role, max - by.got, by) end
end
if by.got > 0 then first_end = math.min(first_end or NOW + lease, NOW + lease) end
local wait, more = next_ms(roles, by, first_end)

if by.got + #by.ghosts + #more > 0 then write_clock() end
for _, role in ipairs(more) do wake(role) end
local out = {{'next_ms', wait, 'now', STAMP, 'recovered', int(recovered), 'parked', int(parked)}}
for i, task in ipairs(hand_out(by)) do out[i + 1] = task end
return out
