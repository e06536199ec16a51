#include "sandbox/sb_gcp_push.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "sandbox/sb_gcp_order.h"
#include "sandbox/sb_post.h"

#define HIDE_S     600
#define ATTACK_MS  20000
#define ALARM_MAX  3600000
#define PUSH_BYTES (2u << 20)

static bool acknowledged(unsigned status)
{
    return status == 102 || status == 200 || status == 201 || status == 202 || status == 204;
}

static void write_push(struct sb_post_job *job, const struct sb_gcp_sub *q, const char *id,
                       int64_t sent_ms, struct str data)
{
    struct jsonw w;
    struct buf b64;

    buf_init(&b64, PUSH_BYTES);
    enc_b64(&b64, data.p, data.n);
    jsonw_init(&w, &job->body);
    jsonw_obj(&w);
    jsonw_key(&w, "message");
    jsonw_obj(&w);
    jsonw_kvs(&w, "data", buf_view(&b64));
    jsonw_kvs(&w, "messageId", str_of(id));
    jsonw_kvs(&w, "message_id", str_of(id));
    sb_gcp_kv_time(&w, "publishTime", sent_ms);
    sb_gcp_kv_time(&w, "publish_time", sent_ms);
    jsonw_obj_end(&w);
    jsonw_kvs(&w, "subscription", str_of(q->name));
    jsonw_obj_end(&w);
    buf_free(&b64);
}

/* A request to the endpoint, complete but for its purpose. NULL: no memory, unknown kind. */
static struct sb_post_job *new_push(struct sb *s, const struct sb_gcp_sub *q, struct str how,
                                    const char *id, int64_t sent_ms, struct str data)
{
    struct sb_post_job *job = sb_post_new(PUSH_BYTES);
    struct buf token;
    int rc = 0;

    if (!job)
        return NULL;
    buf_init(&token, SB_GCP_TOKEN);
    snprintf(job->url, sizeof(job->url), "%s", q->push_url);
    write_push(job, q, id, sent_ms, data);
    if (!str_is(how, "no-token")) {
        rc = sb_gcp_token_push(s, q, how, &token);
        if (rc == 0)
            rc = sb_post_header(job, "Authorization: Bearer %s", buf_cstr(&token));
    }
    if (rc == 0)
        rc = sb_post_header(job, "Content-Type: application/json");
    if (rc == 0)
        rc = buf_err(&job->body);
    buf_free(&token);
    if (rc)
        sb_post_drop(&job);
    return job;
}

static const struct sb_queue_msg *by_receipt(const struct sb_gcp_sub *q, struct str receipt)
{
    for (size_t i = 0; i < q->queue.msgs.n; i++) {
        const struct sb_queue_msg *m = q->queue.msgs.p[i];
        if (m->receipt[0] && str_is(receipt, m->receipt))
            return m;
    }
    return NULL;
}

static void on_answer(struct sb *s, const struct sb_post_job *job, unsigned status,
                      const char *error, struct str reply)
{
    struct str receipt, index = str_cut(str_of(job->id), ':', &receipt);
    const struct sb_queue_msg *m;
    struct sb_gcp_sub *q;
    char gone[16], result[32];
    uint64_t i;

    (void)reply;
    if (str_u64(index, s->gcp->subs.n - 1, &i))
        return;
    q = s->gcp->subs.p[i];
    q->busy = false;
    m = by_receipt(q, receipt);
    snprintf(result, sizeof(result), "%u%s%.20s", status, error[0] ? " " : "", error);
    sb_ledger_add(&s->ledger, sb_core_now(s), "gcp.push", m ? m->purchase : "", result,
                  m ? m->label : "");
    if (acknowledged(status)) {
        q->fails = 0;
        sb_queue_delete(&q->queue, receipt, gone);
    } else {
        int64_t pause = s->gcp->set.push_retry_ms * (1 << (q->fails < 6 ? q->fails : 6));
        q->fails++;
        q->push_after_mono = clock_mono_ms() + (uint64_t)pause;
        sb_queue_visibility(&q->queue, receipt, clock_mono_ms(), 0);
    }
    s->dirty = true;
    sb_core_announce(s);
    sb_gcp_push_pump(s);
}

/* One message of one subscription. */
static void send_next(struct sb *s, size_t i)
{
    struct sb_gcp_sub *q = s->gcp->subs.p[i];
    uint64_t mono = clock_mono_ms();
    struct sb_queue_msg *m;
    struct sb_post_job *job;

    if (!q->push_url[0] || q->busy || q->push_after_mono > mono || s->stopping)
        return;
    m = sb_queue_take(&q->queue, sb_core_now(s), mono, HIDE_S);
    job = m ? new_push(s, q, STR(""), m->id, m->sent_ms, m->body) : NULL;
    if (!job)
        return;
    if (snprintf(job->id, sizeof(job->id), "%zu:%s", i, m->receipt) >= (int)sizeof(job->id)) {
        sb_post_drop(&job);
        return;
    }
    job->done = on_answer;
    q->busy = sb_post_add(s, job) == 0;
}

static void on_alarm(struct sb *s, const struct sb_post_job *job, unsigned status,
                     const char *error, struct str reply)
{
    (void)status;
    (void)error;
    (void)reply;
    if (s->gcp->alarm_mono == job->due_mono_ms)
        s->gcp->alarm_mono = 0;
    sb_gcp_order_tick(s);
    sb_gcp_push_pump(s);
}

static void set_alarm(struct sb *s, uint64_t at)
{
    struct sb_post_job *job;

    if (s->gcp->alarm_mono && s->gcp->alarm_mono <= at)
        return;
    job = sb_post_new(1);
    if (!job)
        return;
    job->due_mono_ms = at;
    job->done = on_alarm;
    if (sb_post_add(s, job) == 0)
        s->gcp->alarm_mono = at;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

void sb_gcp_push_pump(struct sb *s)
{
    uint64_t mono = clock_mono_ms();
    bool any = false;
    int64_t next = -1;

    for (size_t i = 0; i < s->gcp->subs.n; i++) {
        const struct sb_gcp_sub *q = s->gcp->subs.p[i];
        send_next(s, i);
        if (!q->push_url[0])
            continue;
        any = true;
        int64_t wait = q->busy ? -1 : sb_queue_next_ms(&q->queue, sb_core_now(s), mono);
        if (wait >= 0 && q->push_after_mono > mono + (uint64_t)wait)
            wait = (int64_t)(q->push_after_mono - mono);
        next = sooner(next, wait);
    }
    next = any ? sooner(next, sb_gcp_order_next_ms(s)) : -1;
    if (next >= 0 && !s->stopping)
        set_alarm(s, mono + (uint64_t)(next < ALARM_MAX ? next : ALARM_MAX) + 1);
}

static void on_attack(struct sb *s, const struct sb_post_job *job, unsigned status,
                      const char *error, struct str reply)
{
    (void)error;
    (void)reply;
    if (job->attempt != s->gcp->attack)
        return;
    s->gcp->attack_status = status;
    s->gcp->attack_over = true;
    sb_core_announce(s);
}

int sb_gcp_push_attack(struct sb *s, const struct sb_gcp_sub *q, struct str how, struct str data,
                       unsigned *status)
{
    uint64_t end = clock_mono_ms() + ATTACK_MS;
    struct sb_post_job *job;
    char id[20];
    int rc;

    sb_id_digits("1", 16, id, sizeof(id));
    job = new_push(s, q, how, id, sb_core_now(s), data);
    if (!job)
        return -EINVAL;
    job->attempt = ++s->gcp->attack;
    job->done = on_attack;
    s->gcp->attack_over = false;
    rc = sb_post_add(s, job);
    while (rc == 0 && !s->gcp->attack_over && !s->stopping && clock_mono_ms() < end)
        sb_core_wait(s, end);
    *status = rc == 0 && s->gcp->attack_over ? s->gcp->attack_status : 0;
    return rc;
}
