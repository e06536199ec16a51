-- sweep: cursor("0" first) count
-- Repairs what only a lost write or a hand on the keys can break: a live task in neither ready
-- nor lease is due now; in both keeps the lease; a live task without record or already ended
-- is forgotten; a running or queued one that is not live becomes so; an order that needs work and
-- has no live task gets one (or becomes STUCK where that task is parked). Old entries of parked
-- tasks go. Walks live, lease, ready, dead, orders. -> {cursor ("0": done), repaired, seen}
start()
local cursor, n = ARGV[1] or '0', num(2)
if cursor == '' or cursor == '0' then cursor = 'live:0' end
local stage, at = string.match(cursor, '^([%l:]+):(%d+)$')
if not stage or not WALK[stage] then refuse('LMINVAL', 'cursor') end
check_queue('market', 'deploy', 'notify')
call('HLEN', P .. 'count')
local scan = stage == 'live' and 'SSCAN' or 'ZSCAN'
local page = call(scan, P .. stage, at, 'COUNT', n)
local step = stage == 'live' and 1 or 2
local repaired, seen = 0, 0
write_clock()

local function forget(id, role)
    call('SREM', P .. 'live', id)
    call('ZREM', P .. 'lease', id)
    for _, r in ipairs(role and {role} or ROLES) do call('ZREM', P .. 'ready:' .. r, id) end
    repaired = repaired + 1
end

local function check_task(id)
    local k = P .. 'k:' .. id
    local t = call('HMGET', k, 'state', 'role', 'due')
    if t[1] ~= 'queued' and t[1] ~= 'running' then return forget(id, t[2]) end
    local in_ready = call('ZSCORE', P .. 'ready:' .. t[2], id)
    local in_lease = call('ZSCORE', P .. 'lease', id)
    if t[1] == 'running' and in_lease then
        if in_ready then
            call('ZREM', P .. 'ready:' .. t[2], id)
            repaired = repaired + 1
        end
    elseif not (t[1] == 'queued' and in_ready and not in_lease) then
        call('HSET', k, 'state', 'queued', 'due', int(NOW), 'updated', int(NOW))
        call('HDEL', k, 'token', 'owner')
        ready(id, t[2], NOW)
        repaired = repaired + 1
    end
end

local function check_order(id)
    local o = order_state(id)
    if not o.fulfilment then
        call('ZREM', P .. 'orders', id)
        repaired = repaired + 1
    elseif working(o) then
        local task = 'fulfil:' .. id
        local state = call('HGET', P .. 'k:' .. task, 'state')
        if state == 'dead' then
            local t = call('HMGET', P .. 'k:' .. task, 'class', 'error')
            stuck(id, t[1] or 'STUCK', t[2] or '')
            repaired = repaired + 1
        elseif state == 'queued' or state == 'running' then
            if call('SISMEMBER', P .. 'live', task) == 0 then
                call('SADD', P .. 'live', task)
                check_task(task)
                repaired = repaired + 1
            end
        else
            add_task(task, 'fulfil', 'deploy', id, 0, '')
            repaired = repaired + 1
        end
    end
end

for i = 1, #page[2], step do
    local id = page[2][i]
    seen = seen + 1
    if stage == 'live' then
        check_task(id)
    elseif stage == 'orders' then
        check_order(id)
    elseif stage == 'dead' then
        if call('HGET', P .. 'k:' .. id, 'state') ~= 'dead' then
            call('ZREM', P .. 'dead', id)
            repaired = repaired + 1
        end
    elseif call('SISMEMBER', P .. 'live', id) == 0 then
        call('SADD', P .. 'live', id)
        check_task(id)
        repaired = repaired + 1
    end
end
local to = page[1] == '0' and WALK[stage] or stage .. ':' .. page[1]
return {{'cursor', to, 'repaired', int(repaired), 'seen', int(seen)}}
