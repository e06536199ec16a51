-- stats: -
-- -> {now, orders, live, lease, dead, slots_free, ready_<role>, due_<role>, oldest_ms_<role> (how
-- long the head of the queue has been due, 0: nothing due), "state:<contract>/<fulfilment>": n}
-- uses: queue
start()
local out = {'now', STAMP, 'orders', int(call('ZCARD', P .. 'orders')), 'live',
    int(call('SCARD', P .. 'live')), 'lease', int(call('ZCARD', P .. 'lease')), 'dead',
    int(call('ZCARD', P .. 'dead')), 'slots_free', int(call('SCARD', P .. 'slots'))}
local function add(k, v)
    out[#out + 1] = k
    out[#out + 1] = v
end
for _, role in ipairs(ROLES) do
    local zset = P .. 'ready:' .. role
    local head = call('ZRANGE', zset, 0, 0, 'WITHSCORES')
    add('ready_' .. role, int(call('ZCARD', zset)))
    add('due_' .. role, int(call('ZCOUNT', zset, '-inf', STAMP)))
    add('oldest_ms_' .. role, head[2] and int(math.max(0, NOW - tonumber(head[2]))) or '0')
end
for k, v in pairs(hash(P .. 'count')) do
    if v ~= '0' then add('state:' .. k, v) end
end
return {out}
