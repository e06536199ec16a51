-- task_add: id kind role subject delay_ms data
-- See add_task() in part queue. -> {state, changed}
-- uses: queue
start()
local id, kind, role, subject, delay = arg(1), arg(2), role_of(ARGV[3]), ARGV[4] or '', num(5)
call('HGET', P .. 'k:' .. id, 'state')
check_queue(role)
if shard_of(subject) then call('SCARD', P .. 'ot:' .. subject) end

write_clock()
local state, changed = add_task(id, kind, role, subject, delay, ARGV[6] or '',
    kind == 'mail' or kind == 'late')
return {{'state', state, 'changed', changed and '1' or '0'}}
