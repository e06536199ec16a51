#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "sandbox/sb_gcp_call.h"
#include "sandbox/sb_gcp_order.h"

#define PULL_MAX 1000 /* messages of one answer, whatever was asked for */

static struct sb_gcp_sub *find(struct sb_gcp_call *c)
{
    struct sb_gcp_sub *q;
    char name[300];

    snprintf(name, sizeof(name), "projects/%.*s/subscriptions/%.*s", STR_FMT(c->owner),
             STR_FMT(c->id));
    q = sb_gcp_sub(c->s, str_of(name));
    if (!q)
        sb_gcp_fail(c, "NOT_FOUND", "Resource not found (resource=%.*s).", STR_FMT(c->id));
    return q;
}

static int get(struct sb_gcp_call *c)
{
    const struct sb_gcp_sub *q = find(c);
    char topic[200];

    if (!q)
        return -1;
    snprintf(topic, sizeof(topic), "projects/cloudcommerceproc-prod/topics/%s", q->provider);
    jsonw_obj(&c->w);
    jsonw_kvs(&c->w, "name", str_of(q->name));
    jsonw_kvs(&c->w, "topic", str_of(topic));
    jsonw_key(&c->w, "pushConfig");
    jsonw_obj(&c->w);
    if (q->push_url[0]) {
        jsonw_kvs(&c->w, "pushEndpoint", str_of(q->push_url));
        jsonw_key(&c->w, "oidcToken");
        jsonw_obj(&c->w);
        jsonw_kvs(&c->w, "serviceAccountEmail", str_of(q->push_account));
        jsonw_kvs_opt(&c->w, "audience", str_of(q->push_audience));
        jsonw_obj_end(&c->w);
    }
    jsonw_obj_end(&c->w);
    jsonw_kvi(&c->w, "ackDeadlineSeconds", q->ack_s);
    jsonw_kvs(&c->w, "messageRetentionDuration", STR("604800s"));
    jsonw_key(&c->w, "expirationPolicy");
    jsonw_obj(&c->w);
    jsonw_kvs(&c->w, "ttl", STR("2678400s"));
    jsonw_obj_end(&c->w);
    jsonw_kvs(&c->w, "state", STR("ACTIVE"));
    jsonw_obj_end(&c->w);
    return 0;
}

static void write_message(struct sb_gcp_call *c, const struct sb_gcp_sub *q,
                          const struct sb_queue_msg *m)
{
    struct buf b64;

    buf_init(&b64, 4 * (m->body.n / 3 + 2));
    enc_b64(&b64, m->body.p, m->body.n);
    jsonw_obj(&c->w);
    jsonw_kvs(&c->w, "ackId", str_of(m->receipt));
    jsonw_key(&c->w, "message");
    jsonw_obj(&c->w);
    jsonw_kvs(&c->w, "data", buf_view(&b64));
    jsonw_kvs(&c->w, "messageId", str_of(m->id));
    sb_gcp_kv_time(&c->w, "publishTime", m->sent_ms);
    jsonw_obj_end(&c->w);
    if (q->dead_letter)
        jsonw_kvi(&c->w, "deliveryAttempt", m->receives);
    jsonw_obj_end(&c->w);
    buf_free(&b64);
    sb_ledger_add(&c->s->ledger, sb_core_now(c->s), "gcp.pulled", m->purchase, "ok", m->label);
}

/* Long poll: until something can be had or the time is over. */
static struct sb_queue_msg *first_message(struct sb *s, struct sb_gcp_sub *q, bool at_once)
{
    uint64_t end = clock_mono_ms() + (at_once ? 0 : (uint64_t)s->gcp->set.pull_hold_ms);

    for (;;) {
        uint64_t mono = clock_mono_ms();
        struct sb_queue_msg *m = sb_queue_take(&q->queue, sb_core_now(s), mono, (uint32_t)q->ack_s);
        if (m || mono >= end || s->stopping)
            return m;
        int64_t next = sb_queue_next_ms(&q->queue, sb_core_now(s), mono);
        int64_t due = sb_gcp_order_next_ms(s);
        if (next < 0 || (due >= 0 && due < next))
            next = due;
        uint64_t until = next >= 0 && mono + (uint64_t)next < end ? mono + (uint64_t)next : end;
        sb_core_wait(s, until > mono ? until : mono + 1);
        sb_gcp_order_tick(s);
    }
}

static int pull(struct sb_gcp_call *c)
{
    struct sb_gcp_sub *q = find(c);
    struct sb_queue_msg *m;
    int64_t max = 0;

    if (!q)
        return -1;
    if (json_int(c->in, "maxMessages", &max) || max < 1)
        return sb_gcp_fail(c, "INVALID_ARGUMENT", "max_messages must be greater than 0");
    if (q->push_url[0])
        return sb_gcp_fail(c, "FAILED_PRECONDITION", "Cannot pull from a push subscription");
    m = first_message(c->s, q, json_bool(c->in, "returnImmediately", false));
    jsonw_obj(&c->w);
    if (m) {
        jsonw_key(&c->w, "receivedMessages");
        jsonw_arr(&c->w);
        for (int64_t n = 1; m; n++) {
            write_message(c, q, m);
            m = n < max && n < PULL_MAX ? sb_queue_take(&q->queue, sb_core_now(c->s),
                                                        clock_mono_ms(), (uint32_t)q->ack_s)
                                        : NULL;
        }
        jsonw_arr_end(&c->w);
        c->s->dirty = true;
    }
    jsonw_obj_end(&c->w);
    return 0;
}

/* Acknowledges (deadline < 0) or changes deadlines. What is over already is no error, what was
 * never an ackId is. */
static int each_ack(struct sb_gcp_call *c, int64_t deadline)
{
    const cJSON *item, *ids = json_arr(c->in, "ackIds");
    struct sb_gcp_sub *q = find(c);
    char about[16] = "";

    if (!q)
        return -1;
    if (cJSON_GetArraySize(ids) < 1)
        return sb_gcp_fail(c, "INVALID_ARGUMENT", "No ack ids specified.");
    cJSON_ArrayForEach(item, ids)
    {
        struct str id = str_of(cJSON_GetStringValue(item));
        int rc = deadline < 0
                     ? sb_queue_delete(&q->queue, id, about)
                     : sb_queue_visibility(&q->queue, id, clock_mono_ms(), (uint32_t)deadline);
        if (rc == -EINVAL)
            return sb_gcp_fail(c, "INVALID_ARGUMENT",
                               "You have passed an invalid ack ID to the "
                               "service");
        if (deadline < 0 && about[0])
            sb_ledger_add(&c->s->ledger, sb_core_now(c->s), "gcp.acked", about, "ok", "");
    }
    c->s->dirty = true;
    sb_core_announce(c->s);
    jsonw_obj(&c->w);
    jsonw_obj_end(&c->w);
    return 0;
}

static int acknowledge(struct sb_gcp_call *c)
{
    return each_ack(c, -1);
}

static int modify(struct sb_gcp_call *c)
{
    int64_t s = 0;

    if (json_int(c->in, "ackDeadlineSeconds", &s) == -EINVAL || s < 0 || s > 600)
        return sb_gcp_fail(c, "INVALID_ARGUMENT", "ack_deadline_seconds is 0 to 600");
    return each_ack(c, s);
}

const struct sb_gcp_op sb_gcp_sub_ops[] = {
    {"subscriptions.get", "GET", "", true, "", "", get},
    {"subscriptions.pull", "POST", "pull", true, "maxMessages:i returnImmediately:b", "", pull},
    {"subscriptions.acknowledge", "POST", "acknowledge", true, "ackIds:a", "", acknowledge},
    {"subscriptions.modifyAckDeadline", "POST", "modifyAckDeadline", true,
     "ackIds:a ackDeadlineSeconds:i", "", modify},
    {0},
};
