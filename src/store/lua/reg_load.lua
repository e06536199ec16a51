-- reg_load: task token reg_hash
-- A registration for the task that works on it: every field, sealed token and form included.
-- uses: queue
start()
own(arg(1), ARGV[2] or '')
local r = hash(P .. 'r:' .. arg(3))
if not r.state then refuse('LMNOENT', 'registration') end
return {row(r, 'digest', '', {'now', STAMP})}
