-- task_add: id kind role subject delay_ms data
-- See wish() in part queue. -> {state, changed}
-- uses: queue
start()
local id, kind, role, subject, delay = arg(1), arg(2), role_of(ARGV[3]), ARGV[4] or '', num(5)
local w = wish(id, kind, role, subject, delay, ARGV[6] or '', kind == 'mail' or kind == 'late')
look({w})

write_clock()
add_tasks({w})
return {{'state', w.state, 'changed', w.changed and '1' or '0'}}
