-- sweep: cursor("0" first) count
-- Repairs what only a lost write or a hand on the keys can break: a live task in neither ready
-- nor lease is due now; in both keeps the lease; a live task without record or already ended
-- is forgotten; a running or queued one that is not live becomes so; an order that needs work and
-- has no live task gets one (or becomes STUCK where that task is parked). Old entries of parked
-- tasks go. Walks live, lease, ready, dead, orders. -> {cursor ("0": done), repaired, seen}
-- uses: order queue
start()
-- The order of the walk: stage -> next cursor.
local WALK = {live = 'lease:0', lease = 'ready:market:0', ['ready:market'] = 'ready:deploy:0',
    ['ready:deploy'] = 'ready:notify:0', ['ready:notify'] = 'dead:0', dead = 'orders:0',
    orders = '0'}
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

local function repair()
    write_clock()
    repaired = repaired + 1
end

local function check_task(id)
    local k = P .. 'k:' .. id
    local t = call('HMGET', k, 'state', 'role')
    if t[1] ~= 'queued' and t[1] ~= 'running' then
        repair()
        call('SREM', P .. 'live', id)
        call('ZREM', P .. 'lease', id)
        for _, r in ipairs(ROLES) do call('ZREM', P .. 'ready:' .. r, id) end
        return
    end
    local in_ready = call('ZSCORE', P .. 'ready:' .. t[2], id)
    local in_lease = call('ZSCORE', P .. 'lease', id)
    if t[1] == 'running' and in_lease then
        if not in_ready then return end
        repair()
        call('ZREM', P .. 'ready:' .. t[2], id)
    elseif not (t[1] == 'queued' and in_ready and not in_lease) then
        repair()
        call('HSET', k, 'state', 'queued', 'due', STAMP, 'updated', STAMP)
        call('HDEL', k, 'token', 'owner')
        call('ZREM', P .. 'lease', id)
        ready(id, t[2], NOW)
    end
end

local function revive(id)
    repair()
    call('SADD', P .. 'live', id)
    check_task(id)
end

local function check_order(id)
    local o, task = order_state(id), 'fulfil:' .. id
    if not o.fulfilment then
        repair()
        call('ZREM', P .. 'orders', id)
    elseif working(o) then
        local t = call('HMGET', P .. 'k:' .. task, 'state', 'class', 'error')
        if t[1] == 'dead' then
            repair()
            stuck(id, t[2] or 'STUCK', t[3] or '')
        elseif t[1] ~= 'queued' and t[1] ~= 'running' then
            repair()
            add_task(task, 'fulfil', 'deploy', id, 0, '')
        elseif call('SISMEMBER', P .. 'live', task) == 0 then
            revive(task)
        end
    end
end

local function check_dead(id)
    if call('HGET', P .. 'k:' .. id, 'state') == 'dead' then return end
    repair()
    call('ZREM', P .. 'dead', id)
end

local function check_index(id)
    if call('SISMEMBER', P .. 'live', id) == 0 then revive(id) end
end

local check = ({live = check_task, dead = check_dead, orders = check_order})[stage] or check_index
for i = 1, #page[2], step do
    seen = seen + 1
    check(page[2][i])
end
local to = page[1] == '0' and WALK[stage] or stage .. ':' .. page[1]
return {{'cursor', to, 'repaired', int(repaired), 'seen', int(seen)}}
