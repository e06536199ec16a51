-- agreement: channel agreement at_ms (k v)*
-- An agreement as events tell it, in any order: each field keeps the value with the newest event
-- time (an equal time replaces). Without pairs it is a read. An empty value is not a statement.
-- -> the merged record
start()
local key = P .. 'a:' .. arg(1) .. ':' .. arg(2)
local at = num(3)
if (#ARGV - 3) % 2 ~= 0 then refuse('LMINVAL', 'pairs') end
local a = hash(key)
local set = {}
for i = 4, #ARGV, 2 do
    local k, v = ARGV[i], ARGV[i + 1]
    if not find(k, '^[%w_]+$') then refuse('LMINVAL', 'field ' .. k) end
    if v ~= '' and at >= tonumber(a['at.' .. k] or '0') then
        if a[k] ~= v or a['at.' .. k] ~= int(at) then
            set[#set + 1] = k
            set[#set + 1] = v
            set[#set + 1] = 'at.' .. k
            set[#set + 1] = int(at)
        end
        a[k], a['at.' .. k] = v, int(at)
    end
end
if #ARGV > 3 and at > tonumber(a.at or '0') then
    a.at = int(at)
    set[#set + 1] = 'at'
    set[#set + 1] = a.at
end
if #set > 0 then
    write_clock()
    call('HSET', key, unpack(set))
end
local out = {}
for k, v in pairs(a) do
    if not find(k, '^at%.') then
        out[#out + 1] = k
        out[#out + 1] = v
    end
end
return {out}
