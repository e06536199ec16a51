-- fulfil_load: task token order_id
-- Everything a running task needs about an order: o.* t.* (tenant) s.* (steps of the task), k.fence
-- k.tries k.crashes k.again k.cancel, now. An order that is gone: LMNOENT.
-- uses: queue
start()
local task, id = arg(1), arg(3)
own(task, ARGV[2] or '')
local o = hash(P .. 'o:' .. id)
if not o.id then refuse('LMNOENT', 'order') end
local out = row(o, nil, 'o.', {'now', STAMP})
if o.tenant then row(hash(P .. 't:' .. o.tenant), nil, 't.', out) end
for k, v in pairs(hash(P .. 'k:' .. task)) do
    if find(k, '^s%.') then
        out[#out + 1] = k
        out[#out + 1] = v
    elseif has('fence tries crashes again cancel', k) then
        out[#out + 1] = 'k.' .. k
        out[#out + 1] = v
    end
end
return {out}
