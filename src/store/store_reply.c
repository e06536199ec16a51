#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crash.h"
#include "store/store_internal.h"
#include "store/trouble.h"

/* EVALSHA <sha> rest -> EVAL <text> rest: the rest of the command is kept as it was written. Once
 * per call (n counts): a server that does not know a text it was sent is none of ours. */
static enum redis_next send_text(struct redis_call *call)
{
    static const size_t name = sizeof("$7\r\nEVALSHA\r\n") - 1,
                        sha = sizeof("$40\r\n\r\n") - 1 + 40;
    struct str all = buf_view(&call->cmd);
    size_t head = (size_t)str_chr(all, '\n') + 1;
    struct buf next;

    buf_init(&next, REDIS_CMD_MAX);
    buf_str(&next, str_sub(all, 0, head));
    redis_bulk(&next, STR("EVAL"));
    redis_bulk(&next, script_get(call->script)->text);
    buf_str(&next, str_from(all, head + name + sha));
    if (buf_err(&next)) {
        buf_free(&next);
        call->cb(call->arg, -EMSGSIZE, NULL);
        return REDIS_DONE;
    }
    buf_free(&call->cmd);
    call->cmd = next;
    call->n = 1;
    return REDIS_RESEND;
}

static bool must_send_text(const struct redis_call *call, const struct reply *reply)
{
    return reply->type == REPLY_ERROR && call->n == 0 && trouble_is_noscript(reply->s);
}

static int refusal(struct store *s, const struct reply *reply, bool *renew)
{
    struct trouble t = trouble_of(reply->s);

    *renew = t.renew;
    if (t.server)
        str_copy(str_sub(reply->s, 0, sizeof(s->trouble) - 1), s->trouble, sizeof(s->trouble));
    return t.rc;
}

static enum redis_next finish(struct redis_call *call, int rc, const struct store_rows *rows,
                              bool renew)
{
    if (call->kind == CALL_SCRIPT)
        crash_point(script_get(call->script)->after);
    call->cb(call->arg, rc, rc ? NULL : rows);
    free(call->kept);
    call->kept = NULL;
    return renew ? REDIS_RENEW : REDIS_DONE;
}

/* The second reply, of WAIT: too few replicas is "may or may not have happened". */
static enum redis_next wait_reply(struct store *s, struct redis_call *call,
                                  const struct reply *reply)
{
    bool renew = false;
    int rc = call->saved;

    if (rc == -ENOEXEC) { /* NOSCRIPT before it */
        call->saved = 0;
        call->replies = 2;
        return send_text(call);
    }
    if (!rc && reply->type == REPLY_ERROR)
        rc = refusal(s, reply, &renew);
    else if (!rc && (reply->type != REPLY_INT || reply->i < (int64_t)s->cfg->wait_replicas))
        rc = -EAGAIN;
    return finish(call, rc, call->kept, renew);
}

static enum redis_next script_reply(struct store *s, struct redis_call *call,
                                    struct reply_reader *reader, const struct reply *reply)
{
    struct store_rows rows = {NULL, 0};
    bool renew = false;
    int rc;

    if (call->replies == 2) {
        call->replies = 1;
        rc = must_send_text(call, reply)  ? -ENOEXEC
             : reply->type == REPLY_ERROR ? refusal(s, reply, &renew)
                                          : reply_rows(reader, reply, &rows);
        if (!rc)
            call->kept = rows_copy(&rows);
        call->saved = rc || call->kept ? rc : -EAGAIN;
        return REDIS_MORE;
    }
    if (call->timeout_ms > s->cfg->command_ms)
        return wait_reply(s, call, reply);
    if (must_send_text(call, reply))
        return send_text(call);
    rc = reply->type == REPLY_ERROR ? refusal(s, reply, &renew) : reply_rows(reader, reply, &rows);
    if (!rc)
        s->trouble[0] = '\0';
    return finish(call, rc, &rows, renew);
}

static enum redis_next fields_reply(struct store *s, struct redis_call *call,
                                    struct reply_reader *reader, const struct reply *reply)
{
    struct store_rows rows = {NULL, 0};
    bool renew = false;
    int rc;

    if (reply->type == REPLY_ERROR)
        rc = refusal(s, reply, &renew);
    else if (reply->type != REPLY_ARRAY || reply->n != call->n)
        rc = -EPROTO;
    else if (reply->e[0]->type == REPLY_NIL)
        rc = -ENOENT;
    else
        rc = reply_pairs(reader, reply, call->names, call->n, &rows);
    return finish(call, rc, &rows, renew);
}

static enum redis_next woken(struct store *s, struct redis_call *call, const struct reply *reply)
{
    bool renew = false;
    int rc = reply->type == REPLY_ARRAY   ? 0
             : reply->type == REPLY_NIL   ? -ETIMEDOUT
             : reply->type == REPLY_ERROR ? refusal(s, reply, &renew)
                                          : -EPROTO;

    return finish(call, rc == -EPROTO ? -EAGAIN : rc, NULL, renew);
}

enum redis_next store_on_reply(void *owner, struct redis_call *call, struct reply_reader *reader,
                               const struct reply *reply)
{
    struct store *s = owner;

    switch ((enum call_kind)call->kind) {
    case CALL_SCRIPT:
        return script_reply(s, call, reader, reply);
    case CALL_FIELDS:
        return fields_reply(s, call, reader, reply);
    case CALL_WAIT:
        return woken(s, call, reply);
    case CALL_INFO:
        return store_info_reply(call, reply);
    }
    return REDIS_DONE;
}
