/* Pull from the Pub/Sub subscription. The order is: persist, acknowledge, then work; the default
 * deadline of 10 s is long enough for the first two. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "market/gcp.h"

enum { BATCH = 20, IDLE_MS = 1000, DATA_MAX = 1 << 20, BODY_MAX = 16 * 1024 };

static void poll_end(struct gcp_job *j, enum market_class cls, const char *code,
                     uint64_t retry_after_ms)
{
    /* A subscription that is not there says nothing of a purchase. */
    struct market_batch b = {.cls = cls == MARKET_GONE ? MARKET_CONFIG : cls,
                             .code = code,
                             .retry_after_ms = retry_after_ms};

    if (cls == MARKET_OK) {
        b.messages = j->msgs;
        b.n = j->nmsgs;
    }
    j->cb.batch(j->arg, &b);
}

static struct str decode(struct gcp_job *j, struct str data)
{
    char *raw = data.n <= DATA_MAX ? arena_alloc(j->a, data.n + 1) : NULL;
    ssize_t n = raw ? enc_b64_dec(data, raw, data.n) : -ENOMEM;

    return n > 0 ? str_make(raw, (size_t)n) : data;
}

/* What cannot be read would come back for a week: it is kept as evidence, and acknowledged. */
static void park(struct market_message *m)
{
    m->event = market_event_none;
    m->event.kind = EVENT_IGNORED;
    m->event.type = "UNREADABLE";
    m->event.reason = m->why;
    m->why = "";
    m->rc = 0;
}

static void take(struct gcp_job *j, const cJSON *e)
{
    const cJSON *body = json_obj(e, "message");
    struct market_message *m = &j->msgs[j->nmsgs];
    struct str id = json_str(body, "messageId");
    int64_t n;

    m->receipt = gcp_keep(j->a, json_str(e, "ackId"));
    if (!*m->receipt)
        return;
    m->deliveries = json_int(e, "deliveryAttempt", &n) || n < 1 ? 1U : (unsigned)n;
    m->raw = decode(j, json_str(body, "data"));
    m->why = "";
    m->rc = gcp_event_parse(j->m->cfg, m->raw, j->a, &m->event, &m->why);
    if (m->rc)
        park(m);
    if (!*m->event.dedupe)
        m->event.dedupe = gcp_keep(j->a, id.n && id.n <= GCP_ID_MAX && str_text(id)
                                             ? id
                                             : str_sub(str_of(m->receipt), 0, GCP_ID_MAX));
    if (m->event.time_ms == 0)
        m->event.time_ms = gcp_time(body, "publishTime");
    if (m->event.time_ms == 0)
        m->event.time_ms = clock_wall_ms();
    j->nmsgs++;
}

static void on_pause(uv_timer_t *t)
{
    struct gcp *m = t->data;
    struct gcp_job *j, *next;

    for (j = market_job_first(&m->jobs); j; j = next) {
        next = market_job_next(&j->job);
        if (j->paused) {
            gcp_job_end(j, MARKET_OK, "", 0);
            next = market_job_first(&m->jobs);
        }
    }
}

static void on_messages(struct gcp_job *j, const struct gcp_answer *a)
{
    const cJSON *e;

    if (a->cls != MARKET_OK) {
        gcp_job_end(j, a->cls, a->code, a->retry_after_ms);
        return;
    }
    j->msgs = arena_alloc(j->a, BATCH * sizeof(*j->msgs));
    if (!j->msgs) {
        gcp_job_end(j, MARKET_RETRY, "NoMemory", 0);
        return;
    }
    cJSON_ArrayForEach(e, json_arr(a->json, "receivedMessages"))
    {
        if (j->nmsgs < BATCH)
            take(j, e);
    }
    /* A server that does not wait must not be asked without pause. */
    if (j->nmsgs == 0 && a->elapsed_ms < IDLE_MS) {
        j->paused = true;
        if (!uv_is_active((uv_handle_t *)&j->m->pause))
            uv_timer_start(&j->m->pause, on_pause, IDLE_MS, 0);
    } else {
        gcp_job_end(j, MARKET_OK, "", 0);
    }
}

static const char *url_of(struct gcp_job *j, const char *verb)
{
    struct str base = gcp_base(j->m->cfg->gcp.pubsub_endpoint);

    return arena_fmt(j->a, "%.*s/v1/%s%s", STR_FMT(base), j->m->cfg->queue_url, verb);
}

static void poll_begin(struct gcp_job *j)
{
    struct buf body;

    if (!*j->m->cfg->queue_url) {
        gcp_job_end(j, MARKET_CONFIG, "NoSubscription", 0);
        return;
    }
    buf_init(&body, BODY_MAX);
    buf_fmt(&body, "{\"maxMessages\":%d}", BATCH);
    gcp_call(j, &gcp_pull, url_of(j, ":pull"), &body, on_messages);
    buf_free(&body);
}

void gcp_poll(struct market *m, market_batch_cb *cb, void *arg)
{
    struct gcp_job *j = gcp_job_new(m, 2 * GCP_JSON_MAX, poll_begin, poll_end, arg);

    if (j)
        j->cb.batch = cb;
    else
        cb(arg, &(struct market_batch){.cls = MARKET_RETRY, .code = "NoMemory"});
}

static void ack_end(struct gcp_job *j, enum market_class cls, const char *code,
                    uint64_t retry_after_ms)
{
    (void)code;
    (void)retry_after_ms;
    j->cb.ack(j->arg, cls);
}

static void on_acked(struct gcp_job *j, const struct gcp_answer *a)
{
    gcp_job_end(j, a->cls == MARKET_GONE ? MARKET_CONFIG : a->cls, a->code, a->retry_after_ms);
}

static void ack_begin(struct gcp_job *j)
{
    struct buf body;
    struct jsonw w;

    if (!*j->m->cfg->queue_url) {
        gcp_job_end(j, MARKET_CONFIG, "NoSubscription", 0);
        return;
    }
    buf_init(&body, BODY_MAX);
    jsonw_init(&w, &body);
    jsonw_obj(&w);
    jsonw_key(&w, "ackIds");
    jsonw_arr(&w);
    jsonw_str(&w, j->text);
    jsonw_arr_end(&w);
    jsonw_obj_end(&w);
    gcp_call(j, &gcp_ack_op, url_of(j, ":acknowledge"), &body, on_acked);
    buf_free(&body);
}

void gcp_ack(struct market *m, const char *receipt, market_ack_cb *cb, void *arg)
{
    struct gcp_job *j = gcp_job_new(m, BODY_MAX, ack_begin, ack_end, arg);

    if (!j) {
        cb(arg, MARKET_RETRY);
        return;
    }
    j->cb.ack = cb;
    j->text = arena_str(j->a, str_of(receipt));
}
