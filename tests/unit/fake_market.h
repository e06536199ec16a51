/*
 * fake_market: a marketplace with a record of each purchase, played in memory on the test's loop.
 * Answers come a few milliseconds later and may overtake each other. Included by worker_rig.h.
 */
#ifndef LM_FAKE_MARKET_H
#define LM_FAKE_MARKET_H

#include "store_test.h"

#include "base/arena.h"
#include "base/rand.h"
#include "market/market.h"

enum { FAKE_MAX = 16, FAKE_PAGE = 3 };

struct fake_purchase {
    char id[40], plan[32], offer[32], pending_plan[32], change_id[40];
    uint64_t quantity, pending_quantity;
    enum market_standing standing;
    bool unattended, signup, gone, read_only, test, change_off;
    bool no_renewal;
    int64_t changed_ms, bought_ms, ends_ms;
    const char *status; /* NULL: none */
};

/* The marketplace. */
static struct {
    struct fake_purchase p[FAKE_MAX];
    size_t n;
    enum market_class fail;      /* what every call answers; MARKET_OK: the truth */
    enum market_class tell_fail; /* the same of the verbs alone */
    const char *fail_code;
    int64_t arrived_ms; /* of the last token */
    unsigned tells[MARKET_CHANGE_QUANTITY + 1], refreshes, lists, sign_ins;
    char last_change[40], last_text[300];
    bool commit_works, stranger, forgets_pages;
    bool keeps_changes;    /* an accepted change is not there yet, and nothing is pending */
    const char *list_plan; /* what the list still says; NULL: the truth */
    uint64_t slow_ms;      /* answers take up to so long */
    struct market_plan plans[FAKE_MAX];
    size_t nplans;
    enum market_class plans_fail;
    unsigned plans_asked;
    char plans_of[40]; /* whom the last answer was about */
} fake;

struct fake_call {
    uv_timer_t timer;
    void (*answer)(struct fake_call *c);
    void *arg;
    union {
        market_result_cb *result;
        market_verb_cb *verb;
        market_page_cb *page;
        market_plans_cb *plans;
        market_keys_cb *keys;
        market_identity_cb *identity;
    } cb;
    enum market_verb verb;
    enum market_class cls;
    struct fake_purchase p;
    struct market_purchase list[FAKE_MAX];
    struct fake_purchase copies[FAKE_MAX];
    size_t n;
    char next[24];
    int64_t read_ms;
};

static struct fake_purchase *fake_find(const char *id)
{
    for (size_t i = 0; i < fake.n; i++)
        if (strcmp(fake.p[i].id, id) == 0)
            return &fake.p[i];
    return NULL;
}

static void fake_closed(uv_handle_t *h)
{
    free(h->data);
}

static void fake_due(uv_timer_t *t)
{
    struct fake_call *c = t->data;

    c->answer(c);
    uv_close((uv_handle_t *)t, fake_closed);
}

static struct fake_call *fake_call(void (*answer)(struct fake_call *c), void *arg)
{
    struct fake_call *c = calloc(1, sizeof(*c));

    assert_non_null(c);
    c->answer = answer;
    c->arg = arg;
    c->read_ms = clock_wall_ms();
    c->cls = fake.fail;
    uv_timer_init(&fx.loop, &c->timer);
    c->timer.data = c;
    uv_timer_start(&c->timer, fake_due, 2 + (fake.slow_ms ? rand_below(fake.slow_ms) : 0), 0);
    return c;
}

static struct market_purchase fake_view(const struct fake_purchase *p, int64_t read_ms)
{
    struct market_purchase m = market_purchase_none;

    m.purchase = p->id;
    m.plan = p->plan;
    m.quantity = p->quantity;
    m.product_code = p->offer;
    m.standing = p->standing;
    m.unattended = p->unattended;
    m.signup_wanted = p->signup;
    m.pending_plan = p->pending_plan;
    m.pending_quantity = p->pending_quantity;
    m.change_id = p->change_id;
    m.change_off = p->change_off;
    m.changed_ms = p->changed_ms;
    m.read_only = p->read_only;
    m.no_renewal = p->no_renewal;
    m.ends_ms = p->ends_ms;
    m.bought_ms = p->bought_ms;
    m.status = p->status ? p->status : "";
    m.test = p->test;
    m.account = "acct-1";
    m.beneficiary = (struct market_person){"t1", "o1", "ann@buyer.example"};
    m.read_ms = read_ms;
    return m;
}

static void answer_result(struct fake_call *c)
{
    struct market_result r = {.cls = c->cls, .code = fake.fail_code ? fake.fail_code : ""};

    r.purchase = c->cls == MARKET_OK ? fake_view(&c->p, c->read_ms) : market_purchase_none;
    c->cb.result(c->arg, &r);
}

static void fake_refresh(struct market *m, const struct market_purchase *known,
                         market_result_cb *cb, void *arg)
{
    struct fake_call *c = fake_call(answer_result, arg);
    struct fake_purchase *p = fake_find(known->purchase);

    (void)m;
    c->cb.result = cb;
    fake.refreshes++;
    if (p && !p->gone)
        c->p = *p;
    else if (c->cls == MARKET_OK)
        c->cls = MARKET_GONE;
}

/* The token is the purchase id. */
static void fake_resolve(struct market *m, struct str text, int64_t arrived_ms,
                         market_result_cb *cb, void *arg)
{
    struct market_purchase known = market_purchase_none;
    char id[40] = "";

    (void)str_copy(text, id, sizeof(id));
    fake.arrived_ms = arrived_ms;
    known.purchase = id;
    fake_refresh(m, &known, cb, arg);
}

static void answer_verb(struct fake_call *c)
{
    c->cb.verb(c->arg, c->cls, fake.fail_code ? fake.fail_code : "", 0);
}

static void settle_change(struct fake_purchase *p, bool accept)
{
    if (accept && p->pending_plan[0] && !fake.keeps_changes)
        snprintf(p->plan, sizeof(p->plan), "%s", p->pending_plan);
    if (accept && p->pending_quantity)
        p->quantity = p->pending_quantity;
    p->pending_plan[0] = p->change_id[0] = '\0';
    p->pending_quantity = 0;
}

static void fake_tell(struct market *m, enum market_verb verb, const struct market_purchase *known,
                      struct str text, market_verb_cb *cb, void *arg)
{
    struct fake_call *c = fake_call(answer_verb, arg);
    struct fake_purchase *p = fake_find(known->purchase);

    (void)m;
    c->cb.verb = cb;
    if (fake.tell_fail != MARKET_OK)
        c->cls = fake.tell_fail;
    fake.tells[verb]++;
    snprintf(fake.last_change, sizeof(fake.last_change), "%s", known->change_id);
    (void)str_copy(text, fake.last_text, sizeof(fake.last_text));
    if (!p || c->cls != MARKET_OK)
        return;
    if (verb == MARKET_COMMIT && fake.commit_works && p->standing == STANDING_HELD)
        p->standing = STANDING_ACTIVE;
    if (verb == MARKET_REJECT || verb == MARKET_CANCEL)
        p->standing = STANDING_ENDED;
    if (verb == MARKET_SIGNUP) {
        p->signup = false;
        p->unattended = true;
    }
    if (verb == MARKET_ACCEPT_CHANGE || verb == MARKET_REJECT_CHANGE)
        settle_change(p, verb == MARKET_ACCEPT_CHANGE);
}

static void answer_page(struct fake_call *c)
{
    struct market_page page = {.cls = c->cls, .code = "", .next = c->next};

    for (size_t i = 0; i < c->n; i++)
        c->list[i] = fake_view(&c->copies[i], c->read_ms);
    page.purchases = c->list;
    page.n = c->n;
    c->cb.page(c->arg, &page);
}

static void fake_list(struct market *m, const char *page, market_page_cb *cb, void *arg)
{
    struct fake_call *c = fake_call(answer_page, arg);
    uint64_t from = 0;
    size_t i;

    (void)m;
    c->cb.page = cb;
    fake.lists++;
    if (page[0] && fake.forgets_pages)
        c->cls = MARKET_CONFIG;
    if (page[0])
        assert_int_equal(str_u64(str_of(page), FAKE_MAX, &from), 0);
    for (i = from; i < fake.n && i < from + FAKE_PAGE; i++)
        if (!fake.p[i].gone && strcmp(fake.p[i].offer, "offer") == 0)
            c->copies[c->n++] = fake.p[i];
    for (size_t k = 0; fake.list_plan && k < c->n; k++)
        snprintf(c->copies[k].plan, sizeof(c->copies[k].plan), "%s", fake.list_plan);
    if (i < fake.n)
        snprintf(c->next, sizeof(c->next), "%zu", i);
}

static void answer_plans(struct fake_call *c)
{
    struct market_plans plans = {.cls = c->cls, .code = "", .plans = fake.plans, .n = fake.nplans};

    if (c->cls != MARKET_OK)
        plans.n = 0;
    c->cb.plans(c->arg, &plans);
}

static void fake_plans(struct market *m, const struct market_purchase *known, market_plans_cb *cb,
                       void *arg)
{
    struct fake_call *c = fake_call(answer_plans, arg);

    (void)m;
    c->cb.plans = cb;
    c->cls = fake.plans_fail;
    fake.plans_asked++;
    snprintf(fake.plans_of, sizeof(fake.plans_of), "%s", known->purchase);
}

static void answer_keys(struct fake_call *c)
{
    c->cb.keys(c->arg, c->cls, "", STR("{\"keys\":[]}"), 24 * 3600 * 1000);
}

static void fake_keys(struct market *m, market_keys_cb *cb, void *arg)
{
    (void)m;
    fake_call(answer_keys, arg)->cb.keys = cb;
}

static void answer_identity(struct fake_call *c)
{
    static const struct market_identity ann = {"t1", "o1", "Ann", "ann@buyer.example"};
    static const struct market_identity eve = {"t9", "o9", "Eve", "eve@else.example"};

    c->cb.identity(c->arg, c->cls, "", fake.stranger ? &eve : &ann);
}

/* "used" was redeemed before. */
static void fake_sign_in(struct market *m, const struct market_sign_in *s, market_identity_cb *cb,
                         void *arg)
{
    struct fake_call *c = fake_call(answer_identity, arg);

    (void)m;
    fake.sign_ins++;
    c->cb.identity = cb;
    if (str_is(s->code, "used"))
        c->cls = MARKET_INVALID;
}

static bool fake_may_claim(const struct cfg_market *cfg, const struct market_identity *who,
                           const struct market_purchase *p)
{
    (void)cfg;
    return strcmp(who->tenant, p->beneficiary.tenant) == 0;
}

static const struct market_caps fake_caps = {.hold = true, .refuse_change = true, .cancel = true};
static struct market_caps fake_caps_now;

static const struct market_caps *fake_get_caps(const struct cfg_market *cfg)
{
    (void)cfg;
    return &fake_caps_now;
}

/* "<kind> <purchase> [change id] [plan]" */
static int fake_parse(struct market *m, struct str body, struct arena *a, struct market_event *out,
                      const char **why)
{
    struct str rest, kind = str_cut(body, ' ', &rest);

    (void)m;
    *out = market_event_none;
    *why = "no kind";
    if (market_event_parse(kind, &out->kind))
        return -EBADMSG;
    out->type = arena_dup(a, kind);
    out->purchase = arena_dup(a, str_cut(rest, ' ', &rest));
    out->change_id = arena_dup(a, str_cut(rest, ' ', &rest));
    out->plan = arena_dup(a, str_cut(rest, ' ', &rest));
    if (strcmp(out->purchase, "-") == 0) {
        out->purchase = "";
        out->account = "acct-1";
    }
    return 0;
}

static void fake_close(struct market *m)
{
    (void)m;
}

static const struct market_ops fake_ops = {
    .channel = "fake",
    .close = fake_close,
    .resolve = fake_resolve,
    .refresh = fake_refresh,
    .parse = fake_parse,
    .caps = fake_get_caps,
    .tell = fake_tell,
    .list = fake_list,
    .plans = fake_plans,
    .keys = fake_keys,
    .sign_in = fake_sign_in,
    .may_claim = fake_may_claim,
};

static UNUSED struct fake_purchase *fake_add(const char *id, const char *plan,
                                             enum market_standing st)
{
    struct fake_purchase *p = &fake.p[fake.n++];

    assert_true(fake.n <= FAKE_MAX);
    snprintf(p->id, sizeof(p->id), "%s", id);
    snprintf(p->plan, sizeof(p->plan), "%s", plan);
    snprintf(p->offer, sizeof(p->offer), "offer");
    p->standing = st;
    return p;
}

#endif
