-- keys_put: task token channel product keys ttl_ms
-- The key set of a product was fetched. It is kept for 30 days, so that the last good one remains
-- when its source is down; how old it may be for trust is the reader's rule.
-- -> {fetched}
-- uses: queue
start()
local task, token, subject, keys, ttl = arg(1), ARGV[2] or '', arg(3) .. '/' .. arg(4), arg(5), num(6)
local t = own(task, token)
if t.kind ~= 'keys' or t.subject ~= subject then refuse('LMPERM', 'keys of another product') end
if #keys > 262144 then refuse('LMINVAL', 'keys') end
local key = P .. 'keys:' .. subject
call('HGET', key, 'fetched')

write_clock()
call('HSET', key, 'keys', keys, 'fetched', STAMP, 'ttl', int(ttl))
call('PEXPIRE', key, int(30 * DAY))
return {{'fetched', STAMP}}
