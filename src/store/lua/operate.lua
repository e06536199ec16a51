-- operate: order_id verb actor reason
-- What a person decided. suspend and delete are wishes (o.want) that the fulfil task carries out;
-- resume takes back suspend, cancel and a hold; cancel stops what runs and holds the order for a
-- human (o.hold=cancelled, the running task sees cancel=1); retry takes back a hold, arms parked
-- tasks of the order again and lets a FAILED or STUCK order begin anew (IDENTIFIED). delete wins: after it only retry is legal.
-- approve and reject answer an order that waits for that (o.hold=approval, or manual for approve; a
-- charge that is still held for reject): o.approval tells the fulfil task. approve of an order that is
-- older than this installation (existing) lets it begin without a landing.
-- What is under way at the engine has its whole deadline again once a hold or a wish was taken back, or
-- after retry. The first suspend or cancel stamps at_paused: no charge is to begin from then on.
-- Nothing to change: no entry in the timeline. -> {changed, want, hold, ver, rearmed, commit}
-- uses: order queue place
start()
local id, verb, actor, reason = arg(1), arg(2), arg(3), ARGV[4] or ''
local key = P .. 'o:' .. id
local v = call('HMGET', key, 'want', 'hold', 'fulfilment', 'ver', 'registered', 'contract', 'tenant',
    'commit', 'approval', 'unattended', 'existing', 'tid')
if not v[3] then refuse('LMNOENT', 'order') end
local want, hold, work = v[1] or '', v[2] or '', P .. 'k:fulfil:' .. id
local to_want, to_hold = want, hold
local to_approval, adopts = v[9] or '', false
if not has('retry suspend resume cancel delete approve reject', verb) or find(verb, ' ') then
    refuse('LMINVAL', 'verb')
end
if v[3] == 'CLOSED' then refuse('LMPERM', 'closed') end
if want == 'deleted' and (verb == 'suspend' or verb == 'resume' or verb == 'cancel') then
    refuse('LMPERM', 'is being deleted')
end
if verb == 'suspend' then
    to_want = 'suspended'
elseif verb == 'delete' then
    to_want, to_hold = 'deleted', ''
elseif verb == 'cancel' then
    to_hold = 'cancelled'
elseif verb == 'resume' then
    to_want, to_hold = '', ''
elseif verb == 'approve' then
    local again = to_approval == 'approved' and hold == ''
    adopts = v[11] == '1' and v[5] ~= '1' and v[10] ~= '1'
    if not again and not adopts and hold ~= 'approval' and hold ~= 'manual' then
        refuse('LMPERM', 'nothing waits for approval')
    end
    to_hold, to_approval = '', 'approved'
elseif verb == 'reject' then
    if v[8] ~= 'held' and to_approval ~= 'rejected' then
        refuse('LMPERM', 'no charge is held')
    end
    to_hold, to_approval = '', 'rejected'
elseif verb == 'retry' then
    to_hold = ''
end
local stops = has('suspend cancel', verb) and want ~= 'suspended' and hold ~= 'cancelled'
local dead = {}
if verb == 'retry' or verb == 'delete' then
    for _, task in ipairs(call('SMEMBERS', P .. 'ot:' .. id)) do
        local t = call('HMGET', P .. 'k:' .. task, 'state', 'kind', 'role', 'subject')
        if t[1] == 'dead' then
            t.id = task
            dead[#dead + 1] = t
        end
    end
end
local state = call('HMGET', work, 'state', 'due', 'cancel')
local failed = has('FAILED STUCK DEGRADED', v[3])
local sleeps = verb == 'retry' and ((state[1] == 'queued' and tonumber(state[2]) > NOW) or
    (failed and (not state[1] or state[1] == 'done')))
call('XLEN', P .. 'h:' .. id)
local free = adopts and call('SCARD', P .. 'slots')
check_queue('market', 'deploy', 'notify')
local anew = verb == 'retry' and (v[5] == '1' or v[10] == '1') and has('FAILED STUCK', v[3])
if v[7] then call('HGET', P .. 't:' .. v[7], 'failed_sha256') end
local afresh = v[7] and has('retry resume approve', verb)
call('SCARD', P .. 'slots')
call('HLEN', P .. 'count')
local moved = to_want ~= want or to_hold ~= hold or anew or to_approval ~= (v[9] or '')
local ver = tonumber(v[4])
if not moved and #dead == 0 and not sleeps then
    return {{'changed', '0', 'want', want, 'hold', hold, 'ver', int(ver), 'rearmed', '0',
        'commit', v[8] or ''}}
end

write_clock()
if moved then ver = ver + 1 end
call('HSET', key, 'want', to_want, 'hold', to_hold, 'ver', int(ver), 'updated', STAMP)
if to_approval ~= (v[9] or '') then call('HSET', key, 'approval', to_approval) end
if stops and moved then call('HSET', key, 'at_paused', int(NOW)) end
if verb == 'reject' then call('HSET', key, 'reject_reason', reason) end
if adopts then
    call('HSET', key, 'unattended', '1')
    call('HDEL', key, 'existing')
    if not v[7] then
        call('HSET', key, 'tenant', v[12])
        settle(id, v[12], free)
    end
end
if anew then
    call('HSET', key, 'fulfilment', 'IDENTIFIED', 'msg', 'identified')
    call('HDEL', key, 'class', 'code', 'detail')
    if v[7] then call('HDEL', P .. 't:' .. v[7], 'failed_sha256') end
    count(v[6], v[3], v[6], 'IDENTIFIED')
end
if afresh then call('HDEL', P .. 't:' .. v[7], 'work', 'work_since') end
if state[1] == 'running' then
    if verb == 'cancel' or verb == 'delete' then
        call('HSET', work, 'cancel', '1')
    elseif verb == 'resume' or verb == 'retry' then
        call('HDEL', work, 'cancel')
    end
end
for _, t in ipairs(dead) do add_task(t.id, t[2], t[3], t[4], 0, '') end
if v[5] == '1' or v[10] == '1' or verb ~= 'retry' then add_task('fulfil:' .. id, 'fulfil', 'deploy', id, 0, '') end
log(id, int(ver), 'operator.' .. verb, reason, cjson.encode({actor = actor}))
return {{'changed', '1', 'want', to_want, 'hold', to_hold, 'ver', int(ver), 'rearmed', int(#dead),
    'commit', v[8] or ''}}
