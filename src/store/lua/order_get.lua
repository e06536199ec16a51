-- order_get: order_id
-- -> row 0: o.* t.* now; then one row per task of the order (without its token).
start()
local id = arg(1)
local o = hash(P .. 'o:' .. id)
if not o.id then refuse('LMNOENT', 'order') end
local first = row(o, nil, 'o.', {'now', STAMP})
if o.tenant then row(hash(P .. 't:' .. o.tenant), nil, 't.', first) end
local out, tasks = {first}, call('SMEMBERS', P .. 'ot:' .. id)
table.sort(tasks)
for _, task in ipairs(tasks) do
    local t = hash(P .. 'k:' .. task)
    t.tries, t.crashes = t.tries or '0', t.crashes or '0'
    if t.id then out[#out + 1] = row(t, 'token last wsum') end
end
return out
