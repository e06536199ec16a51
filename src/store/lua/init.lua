-- init: shards installation schema
-- Creates this shard's meta, or checks that it is ours. Another number of shards, another
-- installation (when one is named) or another schema: LMEXIST, nothing written.
-- -> {schema, shards, installation, created}
local shards, installation, schema = num(1), ARGV[2] or '', arg(3)
if schema ~= SCHEMA then refuse('LMINVAL', 'these scripts are schema ' .. SCHEMA) end
if shards < 1 or shards > 256 or SHARD >= shards then refuse('LMINVAL', 'shards') end
local m = call('HMGET', KEYS[1], 'schema', 'shards', 'installation', 'now', 'slew')
if m[1] then
    if m[1] ~= schema then refuse('LMEXIST', 'schema is ' .. m[1]) end
    if m[2] ~= int(shards) then refuse('LMEXIST', 'shards is ' .. m[2]) end
    if installation ~= '' and m[3] ~= installation then
        refuse('LMEXIST', 'installation is ' .. m[3])
    end
    return {{'schema', m[1], 'shards', m[2], 'installation', m[3], 'created', '0'}}
end
set_clock(m[4], m[5])
write_clock()
call('HSET', KEYS[1], 'schema', schema, 'shards', int(shards), 'installation', installation,
    'created', STAMP)
return {{'schema', schema, 'shards', int(shards), 'installation', installation, 'created', '1'}}
