/*
 * fulfil_probe: ready is our judgement. The environment must answer through the same proxy that the
 * buyer will use, twice in a row.
 */
#include <string.h>

#include "base/crash.h"
#include "base/log.h"
#include "worker/fulfil.h"

enum { PROBES_NEEDED = 2, FAILURES_TO_DEGRADE = 3, STUCK_AFTER = 30, PROBE_TIMEOUT_MS = 5000 };

static void probe_again(struct task *t);

static void url_of(struct task *t, struct buf *out)
{
    struct fulfil_work *f = t->state;
    const struct config *c = t->snap->cfg;
    const char *pattern = c->deploy.probe_url[0] ? c->deploy.probe_url
                          : f->made->endpoint[0] ? f->made->endpoint
                                                 : c->deploy.endpoint;
    struct str rest, head = str_of(pattern);

    /* An engine that knows its own address is asked there. */
    if (c->deploy.probe_url[0] == '\0' && f->v.endpoint.n)
        head = f->v.endpoint;
    for (;;) {
        const char *at = memmem(head.p, head.n, "{tenant}", 8);

        if (!at)
            break;
        rest = str_from(head, (size_t)(at - head.p) + 8);
        buf_add(out, head.p, (size_t)(at - head.p));
        buf_str(out, f->v.tenant);
        head = rest;
    }
    buf_str(out, str_rtrim(head, '/'));
    buf_cat(out, f->made->health_path);
}

static void became_ready(struct task *t)
{
    struct fulfil_work *f = t->state;
    bool first = f->v.at_ready == 0;
    struct args a;

    if (f->v.in.fulfilment == FULFIL_READY) {
        task_done(t);
        return;
    }
    if (f->v.in.contract == CONTRACT_PENDING && f->v.in.commit == COMMIT_HELD) {
        fulfil_commit(t, ACT_COMMIT);
        return;
    }
    fulfil_args(&a, t);
    args_kv(&a, "o.fulfilment", str_of(fulfilment_name(FULFIL_READY)));
    args_kv(&a, "o.msg", STR("ready"));
    if (first && f->v.at_verified == 0)
        args_kvi(&a, "o.at_verified", f->v.now);
    if (first)
        args_kvi(&a, "o.at_ready", f->v.now);
    args_kv(&a, "o.pct", STR("100"));
    args_kv(&a, "o.note", STR(""));
    args_kv(&a, "o.late", STR("0"));
    args_kv(&a, "o.class", STR(""));
    args_kv(&a, "o.detail", STR(""));
    if (first && f->v.email.n)
        args_kv(&a, "+mail", STR("ready"));
    fulfil_log(&a, "state", "READY");
    crash_point("fulfil.before_ready");
    fulfil_write(t, &a, fulfil_written);
}

static void degrade(struct task *t)
{
    struct fulfil_work *f = t->state;
    struct args a;

    if (f->v.in.fulfilment == FULFIL_DEGRADED) {
        task_retry(t, "RETRY", "the environment does not answer through the proxy", 0);
        return;
    }
    fulfil_args(&a, t);
    args_kv(&a, "o.fulfilment", str_of(fulfilment_name(FULFIL_DEGRADED)));
    args_kv(&a, "o.msg", STR("degraded"));
    args_kv(&a, "+mail", STR("alert-degraded"));
    fulfil_log(&a, "state", "DEGRADED");
    fulfil_write(t, &a, fulfil_written);
}

static void give_up(struct task *t)
{
    struct args a;

    fulfil_args(&a, t);
    args_kv(&a, "o.fulfilment", str_of(fulfilment_name(FULFIL_STUCK)));
    args_kv(&a, "o.msg", STR("stuck"));
    args_kv(&a, "o.class", STR("STUCK"));
    args_kv(&a, "o.detail", STR("the engine says done, but nothing answers through the proxy"));
    args_kv(&a, "+mail", STR("alert-stuck"));
    fulfil_log(&a, "state", "STUCK");
    fulfil_write(t, &a, fulfil_written);
}

static void not_answering(struct task *t)
{
    struct fulfil_work *f = t->state;
    bool was_ready = f->v.in.fulfilment == FULFIL_READY || f->v.in.fulfilment == FULFIL_DEGRADED;

    f->probes = 0;
    f->probe_failures++;
    if (was_ready && f->probe_failures < FAILURES_TO_DEGRADE)
        task_after(t, 500, probe_again);
    else if (was_ready)
        degrade(t);
    else if (t->tries >= STUCK_AFTER)
        give_up(t);
    else if (f->v.now < f->v.at_applied + (int64_t)f->made->health_timeout_ms)
        task_wait(t, 300);
    else
        task_retry(t, "RETRY", "the environment does not answer through the proxy", 0);
}

static void answered(struct task *t, const struct http_reply *reply)
{
    struct fulfil_work *f = t->state;

    if (reply->rc == 0 && reply->status == 200) {
        if (++f->probes >= PROBES_NEEDED)
            became_ready(t);
        else
            fulfil_probe(t);
        return;
    }
    LOG(LOG_DEBUG, "probe.failed", FS("tenant", f->v.tenant), FI("rc", reply->rc),
        FI("status", reply->status));
    not_answering(t);
}

static void probe_again(struct task *t)
{
    fulfil_probe(t);
}

void fulfil_probe(struct task *t)
{
    static const char *const headers[] = {"Accept: */*", "User-Agent: lastmile-probe", NULL};
    struct http_request rq = {
        .method = "GET",
        .headers = headers,
        .timeout_ms = PROBE_TIMEOUT_MS,
        .reply_max = 65536,
        .allow = HTTP_LOOPBACK | HTTP_PRIVATE,
        .probe = true,
    };
    const struct fulfil_work *f = t->state;
    struct buf url;

    if (!f->made) {
        task_retry(t, "INVALID", "the template of what runs is not configured", 60000);
        return;
    }
    buf_init(&url, 2048);
    url_of(t, &url);
    rq.url = buf_cstr(&url);
    task_http(t, &rq, answered);
    buf_free(&url);
}
