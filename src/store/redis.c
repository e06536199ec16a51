#include "store/redis.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/redis_internal.h"

enum { SPARE_MAX = 256, KEEP_CMD = 16 * 1024 };

void redis_queue_init(struct redis_queue *q)
{
    q->head = NULL;
    q->tail = &q->head;
}

void redis_queue_add(struct redis_queue *q, struct redis_call *call)
{
    call->next = NULL;
    *q->tail = call;
    q->tail = &call->next;
}

struct redis_call *redis_queue_pop(struct redis_queue *q)
{
    struct redis_call *call = q->head;

    if (!call)
        return NULL;
    q->head = call->next;
    if (!q->head)
        q->tail = &q->head;
    call->next = NULL;
    return call;
}

/* "<mark><n>\r\n" at the end of text; where it begins. */
static size_t head_at(char text[32], char mark, size_t n)
{
    size_t i = 32;

    text[--i] = '\n';
    text[--i] = '\r';
    do
        text[--i] = (char)('0' + n % 10);
    while (n /= 10);
    text[--i] = mark;
    return i;
}

void redis_array(struct buf *b, size_t n)
{
    char text[32];
    size_t at = head_at(text, '*', n);

    buf_add(b, text + at, sizeof(text) - at);
}

void redis_bulk(struct buf *b, struct str s)
{
    char text[32], *p;
    size_t at = head_at(text, '$', s.n), n = sizeof(text) - at;

    p = buf_room(b, n + s.n + 2);
    if (!p)
        return;
    memcpy(p, text + at, n);
    if (s.n)
        memcpy(p + n, s.p, s.n);
    memcpy(p + n + s.n, "\r\n", 2);
}

struct redis_call *redis_call_new(struct redis *c)
{
    struct redis_call *call = c->spare;
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
        buf_init(&call->cmd, REDIS_CMD_MAX);
    return call;
}

void redis_release(struct redis *c, struct redis_call *call)
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

bool redis_up(const struct redis *c)
{
    return c->state == REDIS_READY;
}

const char *redis_trouble(const struct redis *c)
{
    return c->trouble;
}

void redis_set_trouble(struct redis *c, struct str text)
{
    str_copy(str_sub(text, 0, sizeof(c->trouble) - 1), c->trouble, sizeof(c->trouble));
}

static void fail_later(struct redis *c, struct redis_call *call, int rc)
{
    call->rc = rc;
    redis_queue_add(&c->broken, call);
    redis_arm(c);
}

void redis_write_call(struct redis *c, struct redis_call *call)
{
    if (c->out.len + call->cmd.len > REDIS_OUT_MAX) {
        fail_later(c, call, -EAGAIN);
        return;
    }
    buf_str(&c->out, buf_view(&call->cmd));
    call->deadline = clock_mono_ms() + call->timeout_ms;
    redis_queue_add(&c->flight, call);
    redis_flush_later(c);
    redis_arm(c);
}

void redis_reject(struct redis *c, struct redis_call *call, int rc)
{
    c->calls++;
    fail_later(c, call, rc);
}

void redis_send(struct redis *c, struct redis_call *call)
{
    uint64_t now = clock_mono_ms();

    c->calls++;
    if (buf_err(&call->cmd)) {
        fail_later(c, call, -EMSGSIZE);
    } else if (c->ending || c->calls > REDIS_CALLS_MAX) {
        fail_later(c, call, -EAGAIN);
    } else if (c->state == REDIS_READY) {
        redis_write_call(c, call);
    } else if (c->failed && now - c->since >= c->cfg.connect_ms) {
        fail_later(c, call, -EAGAIN);
    } else {
        call->deadline = now + c->cfg.connect_ms;
        redis_queue_add(&c->waiting, call);
        redis_arm(c);
    }
}

void redis_move_waiting(struct redis *c)
{
    struct redis_call *call;

    while (c->state == REDIS_READY && (call = redis_queue_pop(&c->waiting)) != NULL)
        redis_write_call(c, call);
}

void redis_fail_queue(struct redis *c, struct redis_queue *q, int rc)
{
    struct redis_queue all = *q;
    struct redis_call *call;

    if (!all.head)
        return;
    redis_queue_init(q);
    while ((call = all.head) != NULL) {
        all.head = call->next;
        c->calls--;
        c->hooks.on_fail(c->hooks.owner, call, rc ? rc : call->rc);
        redis_release(c, call);
    }
}

/* The reply belongs to the oldest call. */
int redis_take_reply(struct redis *c, const struct reply *reply)
{
    struct redis_call *call = redis_queue_pop(&c->flight);
    enum redis_next next;

    if (!call)
        return -EPROTO;
    c->looked = false;
    next = c->hooks.on_reply(c->hooks.owner, call, c->reader, reply);
    if (next == REDIS_MORE) {
        call->next = c->flight.head;
        if (!c->flight.head)
            c->flight.tail = &call->next;
        c->flight.head = call;
        return 0;
    }
    if (next == REDIS_RESEND) {
        redis_write_call(c, call);
        return 0;
    }
    c->calls--;
    redis_release(c, call);
    return next == REDIS_RENEW ? -ECONNRESET : 0;
}

/* Is the time of what Redis owes us over? A process that was stopped for longer than that finds its
 * timer first and then what has come meanwhile: it looks once more before it believes it. */
static bool too_late(struct redis *c, uint64_t now)
{
    bool over;

    if (c->state == REDIS_READY)
        over = c->flight.head && c->flight.head->deadline <= now;
    else
        over = (c->state == REDIS_CONNECTING || c->state == REDIS_GREETING) && c->greet_end <= now;
    if (over && c->looked)
        return true;
    c->looked = over;
    return false;
}

static void on_timer(uv_timer_t *t)
{
    struct redis *c = t->data;
    uint64_t now = clock_mono_ms();

    redis_fail_queue(c, &c->broken, 0);
    while (c->waiting.head && c->waiting.head->deadline <= now) {
        struct redis_call *call = redis_queue_pop(&c->waiting);

        c->calls--;
        c->hooks.on_fail(c->hooks.owner, call, -EAGAIN);
        redis_release(c, call);
    }
    if (c->ending)
        return;
    if (too_late(c, now))
        redis_drop(c, c->state == REDIS_READY ? "no answer in time" : "no connection in time");
    else if (c->state == REDIS_DOWN && c->retry_at <= now)
        redis_connect(c);
    redis_arm(c);
}

static uint64_t nearest(const struct redis *c)
{
    uint64_t at = UINT64_MAX;

    if (c->broken.head)
        return 0;
    if (c->waiting.head)
        at = c->waiting.head->deadline;
    if (c->ending)
        return at;
    if (c->state == REDIS_READY && c->flight.head && c->flight.head->deadline < at)
        at = c->flight.head->deadline;
    if ((c->state == REDIS_CONNECTING || c->state == REDIS_GREETING) && c->greet_end < at)
        at = c->greet_end;
    if (c->state == REDIS_DOWN && c->retry_at < at)
        at = c->retry_at;
    return at;
}

/* The timer is only moved when it would come too late: an early one looks and arms itself anew, so
 * a busy connection sets it a few times per second and not per call. */
void redis_arm(struct redis *c)
{
    uint64_t at = nearest(c), now, wait;

    if (at == UINT64_MAX || uv_is_closing((uv_handle_t *)&c->timer))
        return;
    now = clock_mono_ms();
    wait = at > now ? at - now : c->looked; /* 1 ms: what is there is read before that */
    if (uv_is_active((uv_handle_t *)&c->timer) && uv_timer_get_due_in(&c->timer) <= wait)
        return;
    uv_update_time(c->loop);
    uv_timer_start(&c->timer, on_timer, wait, 0);
}

int redis_open(uv_loop_t *loop, const struct redis_cfg *cfg, const struct redis_hooks *hooks,
               struct redis **out)
{
    struct redis *c = calloc(1, sizeof(*c));

    if (!c)
        return -ENOMEM;
    c->loop = loop;
    c->cfg = *cfg;
    c->hooks = *hooks;
    redis_queue_init(&c->waiting);
    redis_queue_init(&c->flight);
    redis_queue_init(&c->broken);
    buf_init(&c->out, REDIS_OUT_MAX + REDIS_CMD_MAX);
    buf_init(&c->sending, REDIS_OUT_MAX + REDIS_CMD_MAX);
    uv_timer_init(loop, &c->timer);
    uv_prepare_init(loop, &c->prepare);
    c->timer.data = c->prepare.data = c;
    c->open_handles = 2;
    c->since = clock_mono_ms();
    redis_connect(c);
    *out = c;
    return 0;
}

void redis_close(struct redis *c)
{
    c->ending = true;
    redis_fail_queue(c, &c->flight, -EAGAIN);
    redis_fail_queue(c, &c->waiting, -EAGAIN);
    redis_fail_queue(c, &c->broken, -EAGAIN);
    redis_end(c);
}
