-- order_place: order_id cap_hash cap_ttl_ms form_json email late_ms
-- The form of a registration that began in another shard (or before its order was known) meets
-- the order. Once; again: only the capability. An alias that leads to another shard is answered
-- with {order, shard, remote=1} and nothing is written: the caller goes there.
-- -> {order, shard, remote, repeat}
-- uses: order queue place
start()
local id, cap, ttl, late = canon(arg(1)), arg(2), num(3), num(6)
local shard = shard_of(id)
if not shard then refuse('LMINVAL', 'order') end
if shard ~= SHARD then
    return {{'order', id, 'shard', int(shard), 'remote', '1', 'repeat', '0'}}
end
local o = place_load(id, cap, late)
if not o then refuse('LMNOENT', 'order') end

write_clock()
local first = place(o, cap, int(ttl), ARGV[4], ARGV[5])
return {{'order', id, 'shard', int(shard), 'remote', '0', 'repeat', first and '0' or '1'}}
