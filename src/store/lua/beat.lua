-- beat: worker roles(separated by comma or space) ttl_ms
-- A worker is alive. -> {now}
start()
local worker, roles, ttl = arg(1), ARGV[2] or '', num(3)
write_clock()
call('SET', P .. 'w:' .. worker, roles, 'PX', int(ttl))
call('HSET', KEYS[1], 'beat', STAMP)
for role in string.gmatch(roles, '%w+') do
    if has('market deploy notify', role) then call('HSET', KEYS[1], 'beat:' .. role, STAMP) end
end
return {{'now', STAMP}}
