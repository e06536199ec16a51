-- account_get: channel product_code account
-- One row per order of the account: {order, shard}, and where it lives here contract fulfilment
-- registered tenant license agreement created.
start()
local out = {}
for _, id in ipairs(call('SMEMBERS', P .. 'acct:' .. arg(1) .. ':' .. arg(2) .. ':' .. arg(3))) do
    local one = {'order', id, 'shard', int(shard_of(id) or 0)}
    if shard_of(id) == SHARD then
        local names = {'contract', 'fulfilment', 'registered', 'tenant', 'license', 'agreement',
            'created'}
        local v = call('HMGET', P .. 'o:' .. id, unpack(names))
        for i, name in ipairs(names) do
            one[#one + 1] = name
            one[#one + 1] = v[i] or ''
        end
    end
    out[#out + 1] = one
end
return out
