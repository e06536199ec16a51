-- event_get: event_id -> {id channel product type kind json raw at stored}
start()
local e = hash(P .. 'e:' .. arg(1))
if not e.id then refuse('LMNOENT', 'event') end
return {row(e)}
