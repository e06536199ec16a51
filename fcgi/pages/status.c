#include "pages/status.h"

#include <errno.h>

#include "base/clock.h"
#include "pages/handlers.h"
#include "pages/notice.h"
#include "pages/page.h"

static void ask_order(struct status_call *c);

static void moved(struct status_call *c, const struct store_row *row)
{
    struct front *f = c->r->app;
    int64_t shard = store_row_int(row, "moved", -1);
    char cap[ID_SECRET];

    if (shard < 0 || shard >= (int64_t)store_shards(f->store) || (unsigned)shard == c->cap.shard) {
        c->answers->unknown(c);
        return;
    }
    id_secret_move(c->cap.rand, (unsigned)shard, cap);
    page_redirect(c->r, arena_fmt(c->r->arena, "%s%s%s", c->answers->moved_prefix, cap,
                                  c->answers->moved_suffix));
}

static void found(struct status_call *c, const struct store_row *row)
{
    const struct front *f = c->r->app;
    struct status_subject *sub = &c->subject;
    int64_t now = clock_wall_ms();
    struct coming coming;

    c->row = row;
    sub->market =
        config_market(f->cfg, store_row_get(row, "channel"), store_row_get(row, "product"));
    coming_of(row, "", sub->market, now, &coming);
    sub->plan = sub->market ? config_plan(sub->market, coming.today) : NULL;
    if (sub->kind == 'o')
        status_of_order(row, sub->market, sub->plan, now, &c->status);
    else
        status_of_reg(row, &c->status);
    c->answers->found(c);
}

/* The purchase continued another one: its order has the news. Once; a merge never chains here. */
static bool follow(struct status_call *c, const struct store_row *row)
{
    struct str into = store_row_get(row, "merged");

    if (into.n == 0 || c->merged || str_copy(into, c->order, sizeof(c->order)))
        return false;
    c->merged = true;
    ask_order(c);
    return true;
}

static void lost(struct status_call *c, int rc)
{
    if (rc == -ENOENT) {
        capcache_drop(pages_of(c->r)->caps, &c->key);
        c->answers->unknown(c);
    } else {
        c->answers->busy(c);
    }
}

static void on_order(void *arg, int rc, const struct store_rows *rows)
{
    struct status_call *c = arg;

    c->subject.kind = 'o';
    if (rc || rows->n == 0)
        lost(c, rc);
    else if (!follow(c, &rows->row[0]))
        found(c, &rows->row[0]);
}

static void ask_order(struct status_call *c)
{
    struct front *f = c->r->app;
    size_t n = c->answers->poll ? status_nfields : status_nfields_page;

    store_order_fields(f->store, str_of(c->order), status_fields, n, on_order, c);
}

/* Nothing was written to the order since it was answered last: that answer again. */
static void on_marks(void *arg, int rc, const struct store_rows *rows)
{
    struct status_call *c = arg;

    if (rc || rows->n == 0) {
        lost(c, rc);
    } else if (!status_send_again(c, &rows->row[0])) {
        capcache_forget(pages_of(c->r)->caps, &c->key);
        ask_order(c);
    }
}

static void on_capability(void *arg, int rc, const struct store_rows *rows)
{
    struct status_call *c = arg;
    struct pages *pg = pages_of(c->r);
    const struct store_row *row = rc == 0 && rows->n > 0 ? &rows->row[0] : NULL;
    struct str kind = row ? store_row_get(row, "kind") : str_make(NULL, 0);

    if (rc == -ENOENT || rc == -EINVAL) {
        c->answers->unknown(c);
    } else if (!row) {
        c->answers->busy(c);
    } else if (str_is(kind, "moved")) {
        moved(c, row);
    } else if (str_is(kind, "order")) {
        capcache_put(pg->caps, &c->key, store_row_get(row, "order"), clock_mono_ms());
        str_copy(store_row_get(row, "order"), c->order, sizeof(c->order));
        c->subject.kind = 'o';
        if (!follow(c, row))
            found(c, row);
    } else {
        c->subject.kind = 'r';
        found(c, row);
    }
}

static void ask_script(struct status_call *c)
{
    const struct front *f = c->r->app;
    struct str hash = str_of(c->cap.hash);

    store_call(f->store, c->cap.shard, STORE_STATUS, &hash, 1, on_capability, c);
}

static void ask_marks(struct status_call *c)
{
    const struct front *f = c->r->app;
    struct str order = str_of(c->order);

    if (capcache_answer(pages_of(c->r)->caps, &c->key, order))
        store_order_fields(f->store, order, status_marks, STATUS_MARKS, on_marks, c);
    else
        ask_order(c);
}

/* Two small reads instead of the script: a capability names its order for good. */
static void on_poll_capability(void *arg, int rc, const struct store_rows *rows)
{
    struct status_call *c = arg;

    if (rc == 0 && str_copy(store_get(rows, "order"), c->order, sizeof(c->order)) == 0) {
        capcache_put(pages_of(c->r)->caps, &c->key, str_of(c->order), clock_mono_ms());
        ask_marks(c);
    } else if (rc == 0 || rc == -ENOENT) {
        ask_script(c);
    } else {
        c->answers->busy(c);
    }
}

void status_run(struct req *r, struct str capability, const struct status_answers *answers)
{
    struct front *f = r->app;
    struct pages *pg = pages_of(r);
    struct status_call *c = arena_alloc(r->arena, sizeof(*c));
    struct str order = {0};

    if (!c || !pg) {
        notice_busy(r, NULL);
        return;
    }
    c->r = r;
    c->answers = answers;
    capcache_key(pg->caps, capability, &c->key);
    if (answers->poll)
        order = capcache_get(pg->caps, &c->key, clock_mono_ms());
    if (order.n > 0 && str_copy(order, c->order, sizeof(c->order)) == 0)
        ask_marks(c);
    else if (reg_id_parse(r, capability, &c->cap))
        answers->unknown(c);
    else if (answers->poll)
        store_capability(f->store, c->cap.shard, str_of(c->cap.hash), on_poll_capability, c);
    else
        ask_script(c);
}

static void unknown_page(struct status_call *c)
{
    notice_unknown_link(c->r);
}

static void busy_page(struct status_call *c)
{
    notice_busy(c->r, NULL);
}

static void unknown_json(struct status_call *c)
{
    route_error(c->r, ROUTE_API, 404, "unknown_link");
}

static void busy_json(struct status_call *c)
{
    route_error(c->r, ROUTE_API, 503, "unavailable");
}

void status_get(struct req *r, const struct str *bound)
{
    static const struct status_answers a = {unknown_page, busy_page, status_send_page,
                                            "s/",         "",        false};
    status_run(r, bound[0], &a);
}

void status_poll(struct req *r, const struct str *bound)
{
    static const struct status_answers a = {unknown_json, busy_json,      status_send_json,
                                            "s/",         "/status.json", true};
    status_run(r, bound[0], &a);
}

void api_status_get(struct req *r, const struct str *bound)
{
    static const struct status_answers a = {unknown_json,     busy_json, status_send_json,
                                            "api/v1/status/", "",        true};
    status_run(r, bound[0], &a);
}
