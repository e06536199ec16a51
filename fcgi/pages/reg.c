#include "pages/reg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/hash.h"
#include "pages/channel.h"
#include "store/store.h"

enum { RESERVE_MS = 400, PARK_MS = 15000 }; /* kept of the deadline for the answer itself */

static const char *const names[] = {
    [REG_NEW] = "new",         [REG_RESOLVED] = "resolved",
    [REG_REFUSED] = "refused", [REG_SUBMITTED] = "submitted",
    [REG_SIGNIN] = "signin",
};

struct reg_call {
    struct req *r;
    const struct reg_id *id;
    uint64_t until; /* clock_mono_ms */
    unsigned asked;
    reg_cb *cb;
    void *arg;
    uv_timer_t *timer; /* heap: outlives the request until it is closed */
    struct reg reg;
};

const char *reg_state_name(enum reg_state s)
{
    return names[s];
}

bool reg_parked(const struct reg *g)
{
    return g->state == REG_NEW && !g->signs_in && (g->code.n > 0 || g->now - g->created >= PARK_MS);
}

int reg_id_parse(const struct req *r, struct str text, struct reg_id *out)
{
    const struct front *f = r->app;

    if (str_copy(text, out->text, sizeof(out->text)) ||
        id_secret_parse(str_of(out->text), store_shards(f->store), &out->shard, &out->rand))
        return -EINVAL;
    id_secret_hash(out->rand, out->hash);
    return 0;
}

void reg_capability(const struct reg_id *id, unsigned shard, char cap[ID_SECRET],
                    char hash[HASH_HEX])
{
    struct str rest;

    id_capability(shard, id->rand, cap);
    str_cut(str_of(cap), '.', &rest);
    id_secret_hash(rest, hash);
}

void reg_csrf(const struct reg_id *id, char out[48])
{
    uint8_t mac[HASH_LEN];
    struct buf b;

    hash_hmac(id->rand, STR("lastmile registration form"), mac);
    buf_init(&b, 47);
    enc_b64url(&b, mac, sizeof(mac));
    str_copy(buf_view(&b), out, 48);
    buf_free(&b);
}

static int parse_state(struct str s, enum reg_state *out)
{
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!str_is(s, names[i]))
            continue;
        *out = (enum reg_state)i;
        return 0;
    }
    return -EPROTO;
}

static struct str field(struct reg_call *c, const struct store_row *row, const char *key)
{
    return arena_str(c->r->arena, store_row_get(row, key));
}

static int parse(struct reg_call *c, const struct store_row *row)
{
    const struct front *f = c->r->app;
    struct reg *g = &c->reg;

    memset(g, 0, sizeof(*g));
    if (parse_state(store_row_get(row, "state"), &g->state))
        return -EPROTO;
    g->channel = field(c, row, "channel");
    g->product = field(c, row, "product");
    g->plan = field(c, row, "plan");
    g->plan_title = field(c, row, "plan_title");
    g->quantity = field(c, row, "quantity");
    g->term = field(c, row, "term");
    g->account = field(c, row, "account_masked");
    g->code = field(c, row, "code");
    g->order = field(c, row, "order");
    g->contract = field(c, row, "contract");
    g->id_name = field(c, row, "id_name");
    g->id_email = field(c, row, "id_email");
    g->trial = store_row_int(row, "trial", 0) != 0;
    g->registered =
        store_row_int(row, "registered", 0) != 0 || store_row_int(row, "claimed", 0) != 0;
    g->made = store_row_int(row, "made", 0) != 0;
    g->final = store_row_int(row, "final", 1) != 0;
    g->starts = store_row_int(row, "starts", 0);
    g->ends = store_row_int(row, "ends", 0);
    g->created = store_row_int(row, "created", 0);
    g->now = store_row_int(row, "now", clock_wall_ms());
    g->ver = store_row_int(row, "ver", 0);
    g->ended = str_is(g->contract, "CANCELLED") || str_is(g->contract, "EXPIRED") ||
               str_is(store_row_get(row, "fulfilment"), "CLOSED");
    g->market = config_market(f->cfg, g->channel, g->product);
    g->signs_in = channel_signs_in(g->market);
    g->plan_cfg = g->market && g->plan.n ? config_plan(g->market, g->plan) : NULL;
    if (g->plan_title.n == 0 && g->plan_cfg)
        g->plan_title = str_of(g->plan_cfg->title);
    return 0;
}

static void ask(struct reg_call *c);

static void timer_free(uv_handle_t *h)
{
    free(h);
}

static void answer(struct reg_call *c, int rc)
{
    if (c->timer) {
        uv_close((uv_handle_t *)c->timer, timer_free);
        c->timer = NULL;
    }
    c->cb(c->r, c->arg, rc, rc == 0 ? &c->reg : NULL);
}

static void on_timer(uv_timer_t *t)
{
    ask(t->data);
}

/* 0 when the question will be asked again. */
static int again(struct reg_call *c)
{
    const struct front *f = c->r->app;
    uint64_t now = clock_mono_ms(), wait = 100 + 50 * (uint64_t)(c->asked < 4 ? c->asked : 4);

    if (now + wait >= c->until)
        return -ETIMEDOUT;
    if (!c->timer) {
        c->timer = malloc(sizeof(*c->timer));
        if (!c->timer || uv_timer_init(f->loop, c->timer)) {
            free(c->timer);
            c->timer = NULL;
            return -ENOMEM;
        }
        c->timer->data = c;
    }
    return uv_timer_start(c->timer, on_timer, wait, 0);
}

static void on_reply(void *arg, int rc, const struct store_rows *rows)
{
    struct reg_call *c = arg;

    if (rc == 0)
        rc = rows->n ? parse(c, &rows->row[0]) : -EPROTO;
    if (rc == 0 && c->reg.state == REG_NEW && !reg_parked(&c->reg) && again(c) == 0)
        return;
    answer(c, rc);
}

static void ask(struct reg_call *c)
{
    struct front *f = c->r->app;
    struct str args[] = {str_of(c->id->hash)};

    c->asked++;
    store_call(f->store, c->id->shard, STORE_REG_GET, args, 1, on_reply, c);
}

void reg_load(struct req *r, const struct reg_id *id, uint64_t wait_ms, reg_cb *cb, void *arg)
{
    struct reg_call *c = arena_alloc(r->arena, sizeof(*c));
    uint64_t now = clock_mono_ms();

    if (!c) {
        cb(r, arg, -EAGAIN, NULL);
        return;
    }
    *c = (struct reg_call){.r = r, .id = id, .cb = cb, .arg = arg};
    c->until = now + wait_ms;
    if (r->deadline && c->until + RESERVE_MS > r->deadline)
        c->until = r->deadline > RESERVE_MS ? r->deadline - RESERVE_MS : 0;
    ask(c);
}
