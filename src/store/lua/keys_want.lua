-- keys_want: channel product min_ms
-- Somebody met a key that is not in the set, or found no set: it is fetched again, unless it was
-- fetched or asked for less than min_ms ago.
-- -> {wanted(0|1)}
-- uses: queue
start()
local subject, min = arg(1) .. '/' .. arg(2), num(3)
local asked = P .. 'keysask:' .. subject
local fetched = tonumber(call('HGET', P .. 'keys:' .. subject, 'fetched') or '')
if call('GET', asked) or (fetched and NOW - fetched < min) then return {{'wanted', '0'}} end
local fetch = {wish('keys:' .. subject, 'keys', 'market', subject, 0, '')}
look(fetch)

write_clock()
add_tasks(fetch)
if min > 0 then call('SET', asked, '1', 'PX', int(min)) end
return {{'wanted', '1'}}
