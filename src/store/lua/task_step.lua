-- task_step: id token (k v)*
-- Durable step fields of a running task ("x" and "s.x" name the same field s.x); '' removes.
-- -> {changed}
-- uses: change queue
start()
local id = arg(1)
own(id, ARGV[2] or '')
if #ARGV % 2 ~= 0 then refuse('LMINVAL', 'pairs') end
local key, names, list = P .. 'k:' .. id, {}, {}
for i = 3, #ARGV, 2 do
    local name = find(ARGV[i], '^s%.') and ARGV[i] or 's.' .. ARGV[i]
    names[#names + 1] = name
    list[#list + 1] = name
    list[#list + 1] = ARGV[i + 1]
end
if #names == 0 then return {{'changed', '0'}} end
local v, cur = call('HMGET', key, unpack(names)), {}
for i, name in ipairs(names) do cur[name] = v[i] or nil end
write_clock()
return {{'changed', int((put(key, cur, list)))}}
