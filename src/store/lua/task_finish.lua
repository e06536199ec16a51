-- task_finish: id token how(done|retry|wait|dead) delay_ms class error [worker seed lease_ms role+]
-- The end of a run. retry counts a try; wait does not. again=1 (somebody asked while it ran):
-- queued now whatever how says. A fulfil task cannot be done while its order still needs work: it
-- then waits at least 30 s (INV-2). dead parks the task; an order that needed it becomes STUCK.
-- With a worker the first due task of its roles is taken in the same breath, as task_claim would:
-- under load a task costs one durable write instead of two. The same call again (a lost answer)
-- changes nothing and names the same next task.
-- -> {state, due, repeat}, and with a worker next_ms when nothing was due, or the next task.
-- uses: order queue claim
start()
local id, token, how, delay = arg(1), arg(2), arg(3), num(4)
local class, text = ARGV[5] or '', string.sub(ARGV[6] or '', 1, 2000)
local k = P .. 'k:' .. id
if not has('done retry wait dead', how) then refuse('LMINVAL', 'how') end
local roles, by = {}, {got = 0}
if #ARGV > 6 then
    by = {worker = arg(7), seed = arg(8), lease = num(9), got = 0}
    roles = roles_from(10)
end

-- The answer: how the task ended, and what comes next.
local function answer(state, due, again, following)
    local out = {{'state', state, 'due', due, 'repeat', again}, following}
    if #roles > 0 and not following then
        out[1][7], out[1][8] = 'next_ms', next_ms(roles)
    end
    return out
end

local last = call('HMGET', k, 'last', 'state', 'due', 'next')
if last[1] == token and last[2] ~= 'running' then
    local following = (last[4] or '') ~= '' and hash(P .. 'k:' .. last[4])
    local mine = following and by.seed and following.token == by.seed .. ':1'
    return answer(last[2], last[3] or '0', '1', mine and row(following, 'last next') or nil)
end
local t = own(id, token)
check_queue(t.role, unpack(roles))
if t.kind == 'fulfil' then
    call('XLEN', P .. 'h:' .. t.subject)
    call('HLEN', P .. 'count')
    if how == 'done' and working(order_state(t.subject)) then
        how, delay = 'wait', math.max(delay, 30000)
    end
end

write_clock()
local taken = {}
for _, role in ipairs(roles) do
    if by.got == 0 then take(role, 1, by, taken) end
end
local following = taken[1]
if t.again == '1' or how == 'retry' or how == 'wait' then
    local due = NOW + (t.again == '1' and 0 or delay)
    call('HSET', k, 'state', 'queued', 'due', int(due), 'class', class, 'error', text,
        'crashes', '0', 'tries', int(how == 'retry' and t.tries + 1 or how == 'wait' and t.tries or 0),
        'updated', int(NOW), 'last', token, 'next', by.id or '')
    call('HDEL', k, 'token', 'owner', 'again', 'cancel')
    call('ZREM', P .. 'lease', id)
    ready(id, t.role, due)
    return answer('queued', int(due), '0', following)
end
if how == 'dead' then
    call('HSET', k, 'last', token, 'next', by.id or '')
    park(id, t.kind, t.subject, class, text)
    return answer('dead', '0', '0', following)
end
call('HSET', k, 'state', 'done', 'updated', int(NOW), 'crashes', '0', 'last', token,
    'next', by.id or '')
call('HDEL', k, 'token', 'owner', 'again', 'cancel', 'class', 'error')
call('PEXPIRE', k, int(7 * DAY))
call('ZREM', P .. 'lease', id)
call('SREM', P .. 'live', id)
return answer('done', '0', '0', following)
