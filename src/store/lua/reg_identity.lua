-- reg_identity: task token reg_hash (k v)*   k: id_tenant id_object id_name id_email
-- Who signed in. The answer of the sign-in page is of no more use and is dropped: it works once.
-- -> {state}
-- uses: change queue
start()
local task, token, reg = arg(1), ARGV[2] or '', arg(3)
local key = P .. 'r:' .. reg
own(task, token)
if #ARGV % 2 ~= 1 then refuse('LMINVAL', 'pairs') end
local r = hash(key)
if not r.state then refuse('LMNOENT', 'registration') end
local list = {'answer', ''}
for i = 4, #ARGV, 2 do
    if not has('id_tenant id_object id_name id_email', ARGV[i]) then refuse('LMINVAL', ARGV[i]) end
    list[#list + 1] = ARGV[i]
    list[#list + 1] = ARGV[i + 1]
end

write_clock()
put(key, r, list)
return {{'state', r.state}}
