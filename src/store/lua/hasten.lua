-- hasten: cursor("0" first) count role class
-- What waits in vain for something that was mended now: every task of that role whose last try ended
-- with that class (letter case aside) and that is due later is due at once.
-- -> {cursor ("0": done), hastened}
-- uses: queue
start()
local cursor, n, role, class = ARGV[1] or '0', num(2), role_of(ARGV[3]), string.lower(arg(4))
if not find(cursor, '^%d+$') then refuse('LMINVAL', 'cursor') end
check_queue(role)
local page = call('ZSCAN', P .. 'ready:' .. role, cursor, 'COUNT', n)
local found = {}
for i = 1, #page[2], 2 do
    if tonumber(page[2][i + 1]) > NOW then
        local t = call('HMGET', P .. 'k:' .. page[2][i], 'state', 'class')
        if t[1] == 'queued' and t[2] and string.lower(t[2]) == class then
            found[#found + 1] = page[2][i]
        end
    end
end
if #found > 0 then write_clock() end
for _, id in ipairs(found) do
    call('HSET', P .. 'k:' .. id, 'due', STAMP)
    ready(id, role, NOW)
end
return {{'cursor', page[1], 'hastened', int(#found)}}
