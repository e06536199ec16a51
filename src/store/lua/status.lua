-- status: cap_hash
-- What a capability opens: {moved} (look in that shard), or the fields of the order that its
-- buyer may see (kind=order), or those of a registration that waits (kind=reg).
start()
local s = call('HMGET', P .. 's:' .. arg(1), 'order', 'reg', 'moved')
if s[1] then
    local names = {'id', 'ver', 'created', 'updated', 'channel', 'product', 'plan', 'quantity',
        'trial', 'term', 'starts', 'ends', 'entitlements', 'contract', 'fulfilment', 'registered',
        'confirmed', 'granted', 'email', 'want', 'hold', 'step', 'pct', 'msg', 'note', 'class',
        'code', 'endpoint', 'at_registered', 'at_confirmed', 'at_applied', 'at_verified',
        'at_ready', 'at_ended', 'delete_at', 'late', 'advisory', 'tenant', 'account', 'merged',
        'commit', 'at_committed', 'standing', 'no_renewal', 'unattended',
        'served', 'plan_until', 'next_plan', 'next_quantity', 'next_at'}
    local o = hash(P .. 'o:' .. s[1]) -- all of it at once: HMGET searches for each name anew
    if not o.id then refuse('LMNOENT', 'order') end
    local out = {'kind', 'order', 'order', s[1], 'now', STAMP}
    for _, name in ipairs(names) do
        if o[name] then
            out[#out + 1] = name
            out[#out + 1] = o[name]
        end
    end
    return {out}
end
if s[3] then return {{'kind', 'moved', 'moved', s[3]}} end
local r = s[2] and hash(P .. 'r:' .. s[2])
if not r or not r.state then refuse('LMNOENT', 'capability') end
return {row(r, 'token answer digest form cap cap_ttl late_ms extra id_tenant id_object id_name id_email', '',
    {'kind', 'reg', 'reg', s[2], 'now', STAMP})}
