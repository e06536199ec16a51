-- log: order_id after(entry id or "") count
-- The timeline, oldest first. -> rows {id at ver type text data}
start()
local key, after, n = P .. 'h:' .. arg(1), ARGV[2] or '', num(3)
if n < 1 or n > 1000 then refuse('LMINVAL', 'count') end
if after ~= '' and not find(after, '^%d+%-%d+$') then refuse('LMINVAL', 'after') end
local out = {}
for _, e in ipairs(call('XRANGE', key, after == '' and '-' or '(' .. after, '+', 'COUNT', n)) do
    local one = {'id', e[1]}
    for i = 1, #e[2] do one[#one + 1] = e[2][i] end
    out[#out + 1] = one
end
if #out == 0 and call('EXISTS', P .. 'o:' .. ARGV[1]) == 0 then refuse('LMNOENT', 'order') end
return out
