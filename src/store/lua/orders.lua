-- orders: after("score:id" or "") limit
-- Newest first. -> summary rows; "after" of the last row asks for the next page.
start()
local after, limit = ARGV[1] or '', num(2)
if limit < 1 or limit > 1000 then refuse('LMINVAL', 'limit') end
local names = {'id', 'channel', 'product', 'plan', 'contract', 'fulfilment', 'registered', 'tenant',
    'email', 'account', 'created', 'updated', 'class', 'code', 'endpoint', 'want', 'hold', 'late',
    'trial', 'quantity', 'at_registered', 'at_ready', 'at_ended', 'delete_at'}
local top, last = '+inf', nil
if after ~= '' then
    top, last = string.match(after, '^(%d+):(.+)$')
    if not top then refuse('LMINVAL', 'after') end
end
local out, offset = {}, 0
while #out < limit do
    local ids = call('ZREVRANGEBYSCORE', P .. 'orders', top, '-inf', 'WITHSCORES', 'LIMIT', offset,
        limit)
    if #ids == 0 then break end
    offset = offset + #ids / 2
    for i = 1, #ids, 2 do
        -- within one score members come in falling order of their names
        if #out < limit and not (last and ids[i + 1] == top and ids[i] >= last) then
            local v = call('HMGET', P .. 'o:' .. ids[i], unpack(names))
            local one = {'after', ids[i + 1] .. ':' .. ids[i]}
            for j, name in ipairs(names) do
                if v[j] then
                    one[#one + 1] = name
                    one[#one + 1] = v[j]
                end
            end
            out[#out + 1] = one
        end
    end
end
return out
