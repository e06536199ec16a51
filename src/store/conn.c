#include "store/conn.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/conn_internal.h"

enum { SPARE_MAX = 256, KEEP_CMD = 16 * 1024 };

void conn_queue_init(struct conn_queue *q)
{
    q->head = NULL;
    q->tail = &q->head;
}

void conn_queue_add(struct conn_queue *q, struct conn_call *call)
{
    call->next = NULL;
    *q->tail = call;
    q->tail = &call->next;
}

struct conn_call *conn_queue_pop(struct conn_queue *q)
{
    struct conn_call *call = q->head;

    if (!call)
        return NULL;
    q->head = call->next;
    if (!q->head)
        q->tail = &q->head;
    call->next = NULL;
    return call;
}

static void put_number(struct buf *b, char mark, size_t n)
{
    char digits[32];
    size_t i = sizeof(digits);

    digits[--i] = '\n';
    digits[--i] = '\r';
    do
        digits[--i] = (char)('0' + n % 10);
    while (n /= 10);
    digits[--i] = mark;
    buf_add(b, digits + i, sizeof(digits) - i);
}

void conn_array(struct buf *b, size_t n)
{
    put_number(b, '*', n);
}

void conn_bulk(struct buf *b, struct str s)
{
    put_number(b, '$', s.n);
    buf_str(b, s);
    buf_add(b, "\r\n", 2);
}

struct conn_call *conn_call_new(struct conn *c)
{
    struct conn_call *call = c->spare;
    struct buf cmd;

    if (call) {
        c->spare = call->next;
        c->nspare--;
        cmd = call->cmd;
        memset(call, 0, sizeof(*call));
        call->cmd = cmd;
        buf_reset(&call->cmd);
        return call;
    }
    call = calloc(1, sizeof(*call));
    if (call)
        buf_init(&call->cmd, CONN_CMD_MAX);
    return call;
}

void conn_release(struct conn *c, struct conn_call *call)
{
    if (c->nspare >= SPARE_MAX || call->cmd.cap > KEEP_CMD) {
        buf_free(&call->cmd);
        free(call);
        return;
    }
    call->next = c->spare;
    c->spare = call;
    c->nspare++;
}

bool conn_up(const struct conn *c)
{
    return c->state == CONN_READY;
}

const char *conn_trouble(const struct conn *c)
{
    return c->trouble;
}

void conn_set_trouble(struct conn *c, struct str text)
{
    str_copy(str_sub(text, 0, sizeof(c->trouble) - 1), c->trouble, sizeof(c->trouble));
}

static void fail_later(struct conn *c, struct conn_call *call, int rc)
{
    call->rc = rc;
    conn_queue_add(&c->broken, call);
    conn_arm(c);
}

void conn_write_call(struct conn *c, struct conn_call *call)
{
    if (c->out.len + call->cmd.len > CONN_OUT_MAX) {
        fail_later(c, call, -EAGAIN);
        return;
    }
    buf_str(&c->out, buf_view(&call->cmd));
    call->deadline = clock_mono_ms() + call->timeout_ms;
    conn_queue_add(&c->flight, call);
    conn_flush_later(c);
    conn_arm(c);
}

void conn_reject(struct conn *c, struct conn_call *call, int rc)
{
    c->calls++;
    fail_later(c, call, rc);
}

void conn_send(struct conn *c, struct conn_call *call)
{
    uint64_t now = clock_mono_ms();

    c->calls++;
    if (buf_err(&call->cmd)) {
        fail_later(c, call, -EMSGSIZE);
    } else if (c->ending || c->calls > CONN_CALLS_MAX) {
        fail_later(c, call, -EAGAIN);
    } else if (c->state == CONN_READY) {
        conn_write_call(c, call);
    } else if (c->failed && now - c->since >= c->cfg.connect_ms) {
        fail_later(c, call, -EAGAIN);
    } else {
        call->deadline = now + c->cfg.connect_ms;
        conn_queue_add(&c->waiting, call);
        conn_arm(c);
    }
}

void conn_move_waiting(struct conn *c)
{
    struct conn_call *call;

    while (c->state == CONN_READY && (call = conn_queue_pop(&c->waiting)) != NULL)
        conn_write_call(c, call);
}

void conn_fail_queue(struct conn *c, struct conn_queue *q, int rc)
{
    struct conn_queue all = *q;
    struct conn_call *call;

    if (!all.head)
        return;
    conn_queue_init(q);
    while ((call = all.head) != NULL) {
        all.head = call->next;
        c->calls--;
        c->hooks.on_fail(c->hooks.owner, call, rc ? rc : call->rc);
        conn_release(c, call);
    }
}

/* The reply belongs to the oldest call. */
int conn_take_reply(struct conn *c, const struct reply *reply)
{
    struct conn_call *call = conn_queue_pop(&c->flight);
    enum conn_next next;

    if (!call)
        return -EPROTO;
    next = c->hooks.on_reply(c->hooks.owner, call, c->reader, reply);
    if (next == CONN_MORE) {
        call->next = c->flight.head;
        if (!c->flight.head)
            c->flight.tail = &call->next;
        c->flight.head = call;
        return 0;
    }
    if (next == CONN_RESEND) {
        conn_write_call(c, call);
        return 0;
    }
    c->calls--;
    conn_release(c, call);
    return next == CONN_RENEW ? -ECONNRESET : 0;
}

static void on_timer(uv_timer_t *t)
{
    struct conn *c = t->data;
    uint64_t now = clock_mono_ms();

    conn_fail_queue(c, &c->broken, 0);
    while (c->waiting.head && c->waiting.head->deadline <= now) {
        struct conn_call *call = conn_queue_pop(&c->waiting);

        c->calls--;
        c->hooks.on_fail(c->hooks.owner, call, -EAGAIN);
        conn_release(c, call);
    }
    if (c->ending)
        return;
    if (c->state == CONN_READY && c->flight.head && c->flight.head->deadline <= now)
        conn_drop(c, "no answer in time");
    else if ((c->state == CONN_CONNECTING || c->state == CONN_GREETING) && c->greet_end <= now)
        conn_drop(c, "no connection in time");
    else if (c->state == CONN_DOWN && c->retry_at <= now)
        conn_connect(c);
    conn_arm(c);
}

static uint64_t nearest(const struct conn *c)
{
    uint64_t at = UINT64_MAX;

    if (c->broken.head)
        return 0;
    if (c->waiting.head)
        at = c->waiting.head->deadline;
    if (c->ending)
        return at;
    if (c->state == CONN_READY && c->flight.head && c->flight.head->deadline < at)
        at = c->flight.head->deadline;
    if ((c->state == CONN_CONNECTING || c->state == CONN_GREETING) && c->greet_end < at)
        at = c->greet_end;
    if (c->state == CONN_DOWN && c->retry_at < at)
        at = c->retry_at;
    return at;
}

/* The timer is only moved when it would come too late: an early one looks and arms itself anew, so
 * a busy connection sets it a few times per second and not per call. */
void conn_arm(struct conn *c)
{
    uint64_t at = nearest(c), now, wait;

    if (at == UINT64_MAX || uv_is_closing((uv_handle_t *)&c->timer))
        return;
    now = clock_mono_ms();
    wait = at > now ? at - now : 0;
    if (uv_is_active((uv_handle_t *)&c->timer) && uv_timer_get_due_in(&c->timer) <= wait)
        return;
    uv_update_time(c->loop);
    uv_timer_start(&c->timer, on_timer, wait, 0);
}

int conn_open(uv_loop_t *loop, const struct conn_cfg *cfg, const struct conn_hooks *hooks,
              struct conn **out)
{
    struct conn *c = calloc(1, sizeof(*c));

    if (!c)
        return -ENOMEM;
    c->loop = loop;
    c->cfg = *cfg;
    c->hooks = *hooks;
    conn_queue_init(&c->waiting);
    conn_queue_init(&c->flight);
    conn_queue_init(&c->broken);
    buf_init(&c->out, CONN_OUT_MAX + CONN_CMD_MAX);
    buf_init(&c->sending, CONN_OUT_MAX + CONN_CMD_MAX);
    uv_timer_init(loop, &c->timer);
    uv_prepare_init(loop, &c->prepare);
    c->timer.data = c->prepare.data = c;
    c->open_handles = 2;
    c->since = clock_mono_ms();
    conn_connect(c);
    *out = c;
    return 0;
}

void conn_close(struct conn *c)
{
    c->ending = true;
    conn_fail_queue(c, &c->flight, -EAGAIN);
    conn_fail_queue(c, &c->waiting, -EAGAIN);
    conn_fail_queue(c, &c->broken, -EAGAIN);
    conn_end(c);
}
