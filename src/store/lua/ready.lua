-- ready: -
-- -> {schema, shards, installation, now, worker_age_ms, market_age_ms, deploy_age_ms,
-- notify_age_ms}; an age of -1: no heartbeat yet.
start()
local m = call('HMGET', KEYS[1], 'installation', 'beat', 'beat:market', 'beat:deploy',
    'beat:notify')
local function age(i)
    return m[i] and int(math.max(0, NOW - tonumber(m[i]))) or '-1'
end
return {{'schema', SCHEMA, 'shards', int(SHARDS), 'installation', m[1] or '', 'now', STAMP,
    'worker_age_ms', age(2), 'market_age_ms', age(3), 'deploy_age_ms', age(4),
    'notify_age_ms', age(5)}}
