-- reg_get: reg_hash
-- A registration without its sealed token and without what the buyer typed. When the order lives in this shard: contract fulfilment registered.
-- uses: order
start()
local r = hash(P .. 'r:' .. arg(1))
if not r.state then refuse('LMNOENT', 'registration') end
local out = row(r, 'token answer digest form email cap cap_ttl late_ms extra id_object')
if r.order and shard_of(r.order) == SHARD then
    local o = order_state(canon(r.order))
    if o.fulfilment then
        out[#out + 1] = 'contract'
        out[#out + 1] = o.contract
        out[#out + 1] = 'fulfilment'
        out[#out + 1] = o.fulfilment
        out[#out + 1] = 'registered'
        out[#out + 1] = o.registered or '0'
    end
end
out[#out + 1] = 'now'
out[#out + 1] = STAMP
return {out}
