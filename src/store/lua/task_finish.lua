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
local roles, by = {}, taker()
if #ARGV > 6 then
    by = taker(arg(7), arg(8), num(9))
    roles = roles_from(10)
end

-- The answer: how the task ended, and what comes next.
local function answer(state, due_at, again, following)
    local out = {{'state', state, 'due', due_at, 'repeat', again}, following}
    if #roles > 0 and not following then
        out[1][7], out[1][8] = 'next_ms', next_ms(roles, taker(), lease_end())
    end
    return out
end

local t = run_of(id)
if t.last == token and t.state ~= 'running' then
    local following = (t.next or '') ~= '' and hash(P .. 'k:' .. t.next)
    local mine = following and by.seed and following.token == by.seed .. ':1'
    return answer(t.state, t.due or '0', '1', mine and row(following, 'last next') or nil)
end
prove(t, id, token)
if t.kind == 'fulfil' and how == 'done' and working(order_state(t.subject)) then
    how, delay = 'wait', math.max(delay, 30000)
end
local again = t.again == '1' or how == 'retry' or how == 'wait'
if again then
    call('ZCARD', P .. 'ready:' .. t.role)
elseif how == 'dead' then
    check_park(t.kind, t.subject)
end
call('SCARD', P .. 'live')
for _, role in ipairs(roles) do
    if by.got == 0 then due(role, 1, by) end
end
local next = by.got > 0 and by.tasks[1].id or ''

write_clock()
if again then wake(t.role) end
call('ZREM', P .. 'lease', id)
local following = hand_out(by)[1]
if again then
    local due_at = NOW + (t.again == '1' and 0 or delay)
    call('HSET', k, 'state', 'queued', 'due', int(due_at), 'class', class, 'error', text,
        'crashes', '0', 'tries',
        int(how == 'retry' and t.tries + 1 or how == 'wait' and t.tries or 0),
        'updated', STAMP, 'last', token, 'next', next)
    call('HDEL', k, 'token', 'owner', 'again', 'cancel')
    ready(id, t.role, due_at)
    return answer('queued', int(due_at), '0', following)
end
if how == 'dead' then
    call('HSET', k, 'last', token, 'next', next)
    park(id, t.kind, t.subject, class, text)
    return answer('dead', '0', '0', following)
end
call('HSET', k, 'state', 'done', 'updated', STAMP, 'crashes', '0', 'last', token, 'next', next)
call('HDEL', k, 'token', 'owner', 'again', 'cancel', 'class', 'error')
call('PEXPIRE', k, int(7 * DAY))
call('SREM', P .. 'live', id)
return answer('done', '0', '0', following)
