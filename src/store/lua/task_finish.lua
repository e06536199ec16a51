-- task_finish: id token how(done|retry|wait|dead) delay_ms class error
-- The end of a run. retry counts a try; wait does not. again=1 (somebody asked while it ran):
-- queued now whatever how says. A fulfil task cannot be done while its order still needs work: it
-- then waits at least 30 s (INV-2). dead parks the task; an order that needed it becomes STUCK.
-- The same call again (a lost answer) changes nothing.
-- -> {state, due, repeat}
start()
local id, token, how, delay = arg(1), arg(2), arg(3), num(4)
local class, text = ARGV[5] or '', string.sub(ARGV[6] or '', 1, 2000)
local k = P .. 'k:' .. id
if not has('done retry wait dead', how) then refuse('LMINVAL', 'how') end
local last = call('HMGET', k, 'last', 'state', 'due')
if last[1] == token and last[2] ~= 'running' then
    return {{'state', last[2], 'due', last[3] or '0', 'repeat', '1'}}
end
local t = own(id, token)
check_queue(t.role)
if t.kind == 'fulfil' then
    call('XLEN', P .. 'h:' .. t.subject)
    call('HLEN', P .. 'count')
    if how == 'done' and working(order_state(t.subject)) then
        how, delay = 'wait', math.max(delay, 30000)
    end
end

write_clock()
call('HSET', k, 'last', token)
if t.again == '1' or how == 'retry' or how == 'wait' then
    local due = NOW + (t.again == '1' and 0 or delay)
    call('HSET', k, 'state', 'queued', 'due', int(due), 'class', class, 'error', text,
        'crashes', '0', 'tries', int(how == 'retry' and t.tries + 1 or how == 'wait' and t.tries or 0),
        'updated', int(NOW))
    call('HDEL', k, 'token', 'owner', 'again', 'cancel')
    call('ZREM', P .. 'lease', id)
    ready(id, t.role, due)
    return {{'state', 'queued', 'due', int(due), 'repeat', '0'}}
end
if how == 'dead' then
    park(id, t.kind, t.subject, class, text)
    return {{'state', 'dead', 'due', '0', 'repeat', '0'}}
end
call('HSET', k, 'state', 'done', 'updated', int(NOW), 'crashes', '0')
call('HDEL', k, 'token', 'owner', 'again', 'cancel', 'class', 'error')
call('PEXPIRE', k, int(7 * DAY))
call('ZREM', P .. 'lease', id)
call('SREM', P .. 'live', id)
return {{'state', 'done', 'due', '0', 'repeat', '0'}}
