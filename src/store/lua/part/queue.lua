-- part queue: how tasks come into being, and the proof that a caller runs one.
local ROLES = {'market', 'deploy', 'notify'}

local function role_of(v)
    for _, role in ipairs(ROLES) do
        if v == role then return v end
    end
    refuse('LMINVAL', 'role')
end

-- Typed reads of all keys of the queue, for scripts that learn only while they write what they
-- queue or take off.
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
local function wake(role)
    if woken[role] then return end
    woken[role] = true
    call('ZADD', P .. 'wake:' .. role, 0, '1')
end

local function ready(id, role, due)
    call('ZADD', P .. 'ready:' .. role, int(due), id)
    call('SADD', P .. 'live', id)
    wake(role)
end

-- How tasks come into being. A wish names one; look() reads what is there of it and decides;
-- add_tasks() writes. Queued: its due time may only fall. Running: it runs once more afterwards.
-- Done: anew without steps; dead: armed again with its steps. once: a task that ever was is left
-- alone. The fence goes on, also when the record has expired (an order keeps that of its fulfil
-- task).
local function wish(id, kind, role, subject, delay, data, once)
    return {id = id, key = P .. 'k:' .. id, kind = kind, role = role, subject = subject,
        due = NOW + delay, due_text = delay == 0 and STAMP or int(NOW + delay), data = data,
        once = once, was = false, state = false, does = false, changed = false, fence = false,
        created = false}
end

local function decide(w, t)
    w.was, w.state = t[1], t[1]
    if w.was and w.once then return end
    if w.was == 'running' then
        w.does, w.changed = 'again', t[5] ~= '1'
    elseif w.was == 'queued' then
        w.role = t[2]
        if w.due < tonumber(t[3]) then w.does, w.changed = 'sooner', true end
    else
        w.does, w.state, w.changed = 'anew', 'queued', true
        w.fence, w.created = t[4] or w.fence, t[6] or STAMP
        if not w.fence and not w.was and w.kind == 'fulfil' then
            w.fence = call('HGET', P .. 'o:' .. w.subject, 'fence_fulfil')
        end
    end
end

local function read_task(key)
    return call('HMGET', key, 'state', 'role', 'due', 'fence', 'again', 'created')
end

-- The first half, before the first write of a script: what is there of each task, and the types of
-- what will be written beside it. also: more keys that mostly do not exist yet; one EXISTS says so
-- for all of them, and what does not exist has no wrong type. True: none exists.
local NEW = {}
local function look(list, also)
    local keys, fresh = also or {}, false
    for _, w in ipairs(list) do keys[#keys + 1] = w.key end
    if #keys > 1 then fresh = call('EXISTS', unpack(keys)) == 0 end
    local role
    for _, w in ipairs(list) do
        decide(w, fresh and NEW or read_task(w.key))
        if w.was == 'dead' then call('ZCARD', P .. 'dead') end
        if w.role ~= role then call('ZCARD', P .. 'ready:' .. w.role) end
        role = w.role
    end
    if role then call('SCARD', P .. 'live') end
    return fresh
end

local function write_task(w)
    if w.does == 'anew' then
        if w.was == 'dead' then
            call('HDEL', w.key, 'class', 'error', 'again', 'cancel', 'last', 'token', 'owner',
                'tries', 'crashes', 'data')
            call('ZREM', P .. 'dead', w.id)
            call('PERSIST', w.key)
        elseif w.was then
            call('DEL', w.key)
        end
        local set = {w.key, 'id', w.id, 'kind', w.kind, 'role', w.role, 'subject', w.subject,
            'state', 'queued', 'fence', w.fence or '0', 'due', w.due_text, 'updated', STAMP,
            'created', w.created}
        if w.data ~= '' then set[20], set[21] = 'data', w.data end
        call('HSET', unpack(set))
    elseif w.was and not w.once then
        if w.data ~= '' then call('HSET', w.key, 'data', w.data) end
        if w.does == 'again' then call('HSET', w.key, 'again', '1') end
        if w.does == 'sooner' then call('HSET', w.key, 'due', w.due_text) end
    end
end

-- The second half, the first write of a script after its clock: it begins with two that look() has
-- not proven and that may stand alone, a marker and a name in the list of all that ever were. All
-- tasks of a list have one subject.
local function add_tasks(list)
    local ids, due = {P .. 'live'}, {}
    for _, w in ipairs(list) do
        if w.does == 'anew' or w.does == 'sooner' then
            local args = due[w.role]
            if args then
                args[#args + 1] = w.due_text
                args[#args + 1] = w.id
            else
                due[w.role] = {P .. 'ready:' .. w.role, w.due_text, w.id}
            end
            ids[#ids + 1] = w.id
            wake(w.role)
        end
    end
    if #ids > 1 and shard_of(list[1].subject) then
        ids[1] = P .. 'ot:' .. list[1].subject
        call('SADD', unpack(ids))
        ids[1] = P .. 'live'
    end
    for _, w in ipairs(list) do write_task(w) end
    for _, args in pairs(due) do call('ZADD', unpack(args)) end
    if #ids > 1 then call('SADD', unpack(ids)) end
end

-- Both halves at once, for scripts that have done check_queue(). Returns state and whether
-- anything changed.
local function add_task(...)
    local w = wish(...)
    decide(w, read_task(w.key))
    add_tasks({w})
    return w.state, w.changed
end

local function run_of(id)
    local t = call('HMGET', P .. 'k:' .. id, 'state', 'token', 'subject', 'role', 'kind', 'fence',
        'again', 'tries', 'last', 'due', 'next')
    return {state = t[1], token = t[2], subject = t[3], role = t[4], kind = t[5], fence = t[6],
        again = t[7], tries = tonumber(t[8]) or 0, last = t[9], due = t[10], next = t[11]}
end

-- Proof that the caller runs the task: equality of the random token, nothing else.
local function prove(t, id, token)
    if t.state ~= 'running' or t.token ~= token or token == '' then refuse('LMSTALE', id) end
    return t
end

local function own(id, token)
    return prove(run_of(id), id, token)
end
