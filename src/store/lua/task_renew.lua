-- task_renew: lease_ms (id token)*
-- -> one row per id {id, state=ok|lost, cancel=1 when an operator asked to stop}
start()
local lease, out, keep = num(1), {}, {}
if (#ARGV - 1) % 2 ~= 0 then refuse('LMINVAL', 'pairs') end
call('ZCARD', P .. 'lease')
for i = 2, #ARGV, 2 do
    local t = call('HMGET', P .. 'k:' .. ARGV[i], 'state', 'token', 'cancel')
    local ok = t[1] == 'running' and t[2] == ARGV[i + 1]
    out[#out + 1] = {'id', ARGV[i], 'state', ok and 'ok' or 'lost', 'cancel', ok and t[3] or '0'}
    if ok then keep[#keep + 1] = ARGV[i] end
end
if #keep > 0 then
    write_clock()
    for _, id in ipairs(keep) do call('ZADD', P .. 'lease', int(NOW + lease), id) end
end
return out
