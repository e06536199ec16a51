/* GET of a registration: whatever state it is in, the page that helps the buyer on. */
#include <errno.h>
#include <stdio.h>

#include "pages/channel.h"
#include "pages/handlers.h"
#include "pages/notice.h"
#include "pages/regview.h"
#include "pages/signin.h"
#include "store/store.h"

enum { WAIT_MS = 2000 };

struct claim {
    struct req *r;
    const struct reg_id *id;
    const struct reg *g;
    struct str order;
    unsigned shard;
    char cap[ID_SECRET], hash[HASH_HEX];
};

static void show_form(struct req *r, const struct reg_id *id, const struct reg *g)
{
    const struct front *f = r->app;
    struct fields *fs;

    if (fields_for(r->arena, pages_of(r), f->cfg, g->plan_cfg, g->made, &fs)) {
        notice_busy(r, g->market);
        return;
    }
    regview_propose(fs, g);
    regview_form(r, id, g, fs, 200);
}

static void to_status(struct req *r, const char *cap)
{
    char rest[ID_SECRET + 2];

    snprintf(rest, sizeof(rest), "s/%s", cap);
    page_redirect(r, rest);
}

static struct str ttl_of(struct req *r)
{
    const struct front *f = r->app;

    return str_of(arena_fmt(r->arena, "%llu", (unsigned long long)f->cfg->front.capability_ttl_ms));
}

static void on_added(void *arg, int rc, const struct store_rows *rows)
{
    struct claim *c = arg;

    (void)rows;
    if (rc == 0)
        to_status(c->r, c->cap);
    else if (rc == -ENOENT) /* the order is gone: the form's button asks once more */
        regview_resume(c->r, c->id, c->g);
    else
        notice_busy(c->r, c->g->market);
}

/* The order lives in another shard: its capability is to be found there. */
static void add_there(struct claim *c, struct str order, unsigned shard)
{
    struct front *f = c->r->app;
    struct str args[] = {arena_str(c->r->arena, order), str_of(c->hash), ttl_of(c->r)};

    reg_capability(c->id, shard, c->cap, c->hash);
    store_call(f->store, shard, STORE_CAP_ADD, args, 3, on_added, c);
}

static void on_claimed(void *arg, int rc, const struct store_rows *rows)
{
    const struct front *f = ((struct claim *)arg)->r->app;
    struct claim *c = arg;
    int64_t shard = rc == 0 && rows->n ? store_row_int(&rows->row[0], "shard", -1) : -1;

    if (rc == -EPERM || rc == -ENOENT)
        regview_resume(c->r, c->id, c->g);
    else if (rc || shard < 0 || shard >= (int64_t)store_shards(f->store))
        notice_busy(c->r, c->g->market);
    else if (str_is(store_get(rows, "remote"), "1"))
        add_there(c, store_get(rows, "order"), (unsigned)shard);
    else
        to_status(c->r, c->cap);
}

/* A buyer who came again ("manage", single sign-on): straight on to the status page. */
static void claim(struct req *r, const struct reg_id *id, const struct reg *g)
{
    struct front *f = r->app;
    struct claim *c = arena_alloc(r->arena, sizeof(*c));
    struct str args[3];

    if (!c) {
        notice_busy(r, g->market);
        return;
    }
    *c = (struct claim){.r = r, .id = id, .g = g};
    reg_capability(id, id->shard, c->cap, c->hash);
    args[0] = str_of(id->hash);
    args[1] = str_of(c->hash);
    args[2] = ttl_of(r);
    store_call(f->store, id->shard, STORE_CLAIM, args, 3, on_claimed, c);
}

static void show_registered(struct req *r, const struct reg_id *id, const struct reg *g)
{
    const struct channel *c = g->market ? channel_find(g->market->channel) : NULL;

    if (c && c->direct && r->method == REQ_GET)
        claim(r, id, g);
    else
        regview_resume(r, id, g);
}

static void show_sign_in(struct req *r, const struct reg_id *id, const struct reg *g)
{
    const char *why = str_is(g->code, "wrong_account")   ? "wrong_account"
                      : str_is(g->code, "sign_in_again") ? "again"
                                                         : NULL;

    if (g->signs_in)
        signin_show(r, id, g, why);
    else
        notice_busy(r, g->market); /* the product lost its sign-in while somebody was at it */
}

static void show(struct req *r, void *arg, int rc, const struct reg *g)
{
    const struct reg_id *id = arg;
    char cap[ID_SECRET], hash[HASH_HEX];

    if (rc == -ENOENT || rc == -EINVAL) {
        notice_unknown_link(r);
    } else if (rc) {
        notice_busy(r, NULL);
    } else if (g->state == REG_REFUSED) {
        notice_refused(r, g->market, g->code);
    } else if (g->state == REG_SUBMITTED) {
        reg_capability(id, id->shard, cap, hash);
        to_status(r, cap);
    } else if (g->state == REG_SIGNIN) {
        show_sign_in(r, id, g);
    } else if (g->state == REG_NEW && !reg_parked(g)) {
        regview_checking(r, id, g);
    } else if (g->registered) {
        show_registered(r, id, g);
    } else if (g->ended) {
        notice_refused(r, g->market, STR("GONE"));
    } else {
        show_form(r, id, g);
    }
}

static struct reg_id *id_of(struct req *r, struct str text)
{
    struct reg_id *id = arena_alloc(r->arena, sizeof(*id));

    return id && reg_id_parse(r, text, id) == 0 ? id : NULL;
}

void registration_get(struct req *r, const struct str *bound)
{
    struct reg_id *id = id_of(r, bound[0]);

    if (id)
        reg_load(r, id, WAIT_MS, show, id);
    else
        notice_unknown_link(r);
}
