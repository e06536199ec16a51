-- event_put: event_id dedupe_hash channel product type kind json raw at_ms
-- Stores one inbound fact and its task event:<event id>, once per dedupe key.
-- -> {dup(0|1), id (the one stored first)}
-- uses: queue
start()
local id, dedupe, at = arg(1), arg(2), num(9)
local seen = call('GET', P .. 'ev:' .. dedupe)
if seen then return {{'dup', '1', 'id', seen}} end
local key = P .. 'e:' .. id
if call('EXISTS', key) == 1 then refuse('LMEXIST', 'event id') end
local work = {wish('event:' .. id, 'event', 'market', id, 0, '')}
look(work)

write_clock()
add_tasks(work)
call('SET', P .. 'ev:' .. dedupe, id, 'PX', int(100 * DAY))
call('HSET', key, 'id', id, 'channel', ARGV[3], 'product', ARGV[4], 'type', ARGV[5], 'kind',
    ARGV[6], 'json', ARGV[7], 'raw', ARGV[8], 'at', int(at), 'stored', STAMP)
call('PEXPIRE', key, int(400 * DAY))
return {{'dup', '0', 'id', id}}
