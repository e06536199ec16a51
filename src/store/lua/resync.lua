-- resync: cursor("0" first) count jitter_ms [refresh_ms]
-- Visits every order that is not closed and that a buyer registered for, or whose charge is held: a
-- fulfil task that is neither queued, running nor parked is queued within the jitter; so is a refresh
-- task, where the channel was not asked for refresh_ms and the contract has not ended.
-- -> {cursor, added, seen}
-- uses: order queue
start()
local cursor, n, jitter = ARGV[1] or '0', num(2), num(3)
local every = ARGV[4] and num(4) or 0
if cursor == '' then cursor = '0' end
if not find(cursor, '^%d+$') then refuse('LMINVAL', 'cursor') end
check_queue('deploy', 'market')
local page = call('ZSCAN', P .. 'orders', cursor, 'COUNT', n)
math.randomseed(NOW % 2147483647)
local added, seen = 0, 0
write_clock()
for i = 1, #page[2], 2 do
    local id = page[2][i]
    local o = order_state(id)
    seen = seen + 1
    local held = o.contract == 'PENDING' and o.commit == 'held'
    if (o.registered == '1' or o.unattended == '1' or held) and o.fulfilment ~= 'CLOSED' then
        local state = call('HGET', P .. 'k:fulfil:' .. id, 'state')
        if not state or state == 'done' then
            add_task('fulfil:' .. id, 'fulfil', 'deploy', id, floor(math.random() * jitter), 'resync')
            added = added + 1
        end
        if every > 0 and has('PENDING ACTIVE SUSPENDED', o.contract) then
            local k = call('HMGET', P .. 'k:refresh:' .. id, 'state', 'updated')
            if not k[1] or (k[1] == 'done' and NOW - tonumber(k[2]) >= every) then
                add_task('refresh:' .. id, 'refresh', 'market', id,
                    floor(math.random() * jitter), '')
            end
        end
    end
end
return {{'cursor', page[1], 'added', int(added), 'seen', int(seen)}}
