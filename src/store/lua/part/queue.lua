-- part queue: how tasks come into being, and the proof that a caller runs one.
local ROLES = {'market', 'deploy', 'notify'}

local function role_of(v)
    for _, role in ipairs(ROLES) do
        if v == role then return v end
    end
    refuse('LMINVAL', 'role')
end

-- Typed reads of the queue's keys, so that no later write can meet a wrong type.
local function check_queue(...)
    for _, role in ipairs({...}) do
        call('ZCARD', P .. 'ready:' .. role)
        call('ZCARD', P .. 'wake:' .. role)
    end
    call('ZCARD', P .. 'lease')
    call('ZCARD', P .. 'dead')
    call('SCARD', P .. 'live')
end

local woken = {}
local function ready(id, role, due)
    call('ZADD', P .. 'ready:' .. role, int(due), id)
    call('SADD', P .. 'live', id)
    if not woken[role] then
        woken[role] = true
        call('ZADD', P .. 'wake:' .. role, 0, '1')
    end
end

-- The one way a task comes into being. Queued: its due time may only fall. Running: it runs once
-- more afterwards. Done: anew without steps; dead: armed again with its steps. once: a task that
-- ever was is left alone. The fence goes on, also when the record has expired (an order keeps that
-- of its fulfil task). Returns state and whether anything changed.
local function add_task(id, kind, role, subject, delay, data, once)
    local k = P .. 'k:' .. id
    local t = call('HMGET', k, 'state', 'role', 'due', 'fence', 'again', 'created')
    local was, due, fence = t[1], NOW + delay, t[4]
    if was and once then return was, false end
    if was == 'queued' or was == 'running' then
        if data ~= '' then call('HSET', k, 'data', data) end
        if was == 'running' then
            call('HSET', k, 'again', '1')
            return was, t[5] ~= '1'
        end
        if due >= tonumber(t[3]) then return was, false end
        call('HSET', k, 'due', int(due))
        ready(id, t[2], due)
        return was, true
    elseif was == 'dead' then
        call('HDEL', k, 'class', 'error', 'again', 'cancel', 'last', 'token', 'owner')
        call('ZREM', P .. 'dead', id)
        call('PERSIST', k)
    elseif was then
        call('DEL', k)
    elseif kind == 'fulfil' then
        fence = call('HGET', P .. 'o:' .. subject, 'fence_fulfil')
    end
    call('HSET', k, 'id', id, 'kind', kind, 'role', role, 'subject', subject, 'state', 'queued',
        'tries', '0', 'crashes', '0', 'fence', fence or '0', 'due', int(due), 'updated', int(NOW),
        'created', t[6] or int(NOW), 'data', data)
    if shard_of(subject) then call('SADD', P .. 'ot:' .. subject, id) end
    ready(id, role, due)
    return 'queued', true
end

-- Proof that the caller runs the task: equality of the random token, nothing else.
local function own(id, token)
    local t = call('HMGET', P .. 'k:' .. id, 'state', 'token', 'subject', 'role', 'kind', 'fence',
        'again', 'tries')
    if t[1] ~= 'running' or t[2] ~= token or token == '' then refuse('LMSTALE', id) end
    return {subject = t[3], role = t[4], kind = t[5], fence = t[6], again = t[7],
        tries = tonumber(t[8]) or 0}
end
