/* Liveness and readiness, for load balancers and supervisors. */
#include <errno.h>

#include "api/problem.h"
#include "base/json.h"
#include "front.h"
#include "pages/handlers.h"
#include "store/store.h"

/* A worker writes its heartbeat every few seconds; this long without one is an outage. */
enum { HEARTBEAT_MS = 30000 };

/* Alive: this process turns its loop. Says nothing of Redis. */
void health_live(struct req *r, const struct str *bound)
{
    (void)bound;
    r->resp.status = 200;
    r->resp.content_type = "text/plain; charset=utf-8";
    buf_add(&r->resp.body, "ok\n", 3);
    req_done(r);
}

static void on_meta(void *arg, int rc, const struct store_rows *rows)
{
    struct req *r = arg;
    int64_t age = rc == 0 && rows->n ? store_row_int(&rows->row[0], "worker_age_ms", -1) : -1;
    struct jsonw w;

    if (rc) {
        r->resp.retry_after = 5;
        problem_send(r, 503, rc == -EAGAIN ? "store_unavailable" : "store_schema", NULL);
        return;
    }
    if (age < 0 || age > HEARTBEAT_MS) {
        r->resp.retry_after = 5;
        problem_send(r, 503, "worker_silent", NULL);
        return;
    }
    r->resp.status = 200;
    r->resp.content_type = "application/json";
    jsonw_init(&w, &r->resp.body);
    jsonw_obj(&w);
    jsonw_kvs(&w, "status", STR("ok"));
    jsonw_obj_end(&w);
    req_done(r);
}

void health_ready(struct req *r, const struct str *bound)
{
    struct front *f = r->app;

    (void)bound;
    store_call(f->store, 0, STORE_READY, NULL, 0, on_meta, r);
}
