#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "pages/brand.h"
#include "pages/capcache.h"
#include "pages/notice.h"
#include "pages/origin.h"
#include "pages/status_model.h"
#include "pages/when.h"

static struct arena *arena;

/* "k=v k=v" as a row. */
static const struct store_row *row_of(const char *text)
{
    static struct store_field f[32];
    static struct store_row row;
    struct str rest = str_of(text);

    row = (struct store_row){f, 0};
    while (rest.n > 0 && row.n < 32) {
        struct str v, k = str_cut(str_cut(rest, ' ', &rest), '=', &v);

        f[row.n++] = (struct store_field){k, v};
    }
    return &row;
}

static struct status model(const char *text, enum cfg_fulfilment how)
{
    struct cfg_plan plan = {.fulfilment = how};
    struct status s;

    status_of_order(row_of(text), NULL, &plan, 1000, &s);
    return s;
}

/* Of a product that can wait with the charge; plan: what it waits for. */
static struct status held(const char *text, enum cfg_commit when)
{
    static const struct cfg_market market = {.channel = "azure", .contract = true};
    struct cfg_plan plan = {.fulfilment = CFG_DEPLOYMENT, .commit = when};
    struct status s;

    status_of_order(row_of(text), &market, &plan, 1000, &s);
    return s;
}

/* "ddn.." : done, now, todo (.), error (!) */
static const char *steps(const struct status *s)
{
    static char text[STATUS_STEPS + 1];
    unsigned i;

    for (i = 0; i < s->nsteps; i++)
        text[i] = ".nd!"[s->steps[i].state];
    text[i] = '\0';
    return text;
}

#define DONE                                                                                       \
    "contract=ACTIVE at_registered=1000 at_confirmed=2000 at_applied=9000 "                        \
    "at_verified=9500 at_ready=9500 endpoint=https://x.example/ "
#define WORK "contract=ACTIVE at_registered=1000 at_confirmed=2000 "

static void states(void **state)
{
    static const struct {
        const char *row, *state, *steps;
        enum status_mood mood;
        bool live, terminal;
        int retry;
    } t[] = {
        {"contract=PENDING fulfilment=RECEIVED at_registered=1", "confirming", "dn...",
         MOOD_WAITING, false, false, 5},
        {"contract=ACTIVE fulfilment=RECEIVED at_registered=1", "provisioning", "ddn..",
         MOOD_WORKING, false, false, 2},
        {WORK "fulfilment=IDENTIFIED", "provisioning", "ddn..", MOOD_WORKING, false, false, 2},
        {WORK "fulfilment=PROVISIONING", "provisioning", "ddn..", MOOD_WORKING, false, false, 2},
        {WORK "fulfilment=VERIFYING at_applied=9000", "verifying", "dddn.", MOOD_WORKING, false,
         false, 2},
        {DONE "fulfilment=READY", "ready", "ddddd", MOOD_READY, true, false, 30},
        {DONE "fulfilment=UPDATING", "updating", "ddddd", MOOD_WORKING, true, false, 2},
        {DONE "fulfilment=DEGRADED", "degraded", "ddddd", MOOD_TROUBLE, true, false, 30},
        {DONE "fulfilment=SUSPENDED", "suspended", "ddddd", MOOD_TROUBLE, false, false, 30},
        {"contract=SUSPENDED fulfilment=READY at_ready=5", "suspended", "ddddd", MOOD_TROUBLE,
         false, false, 30},
        {WORK "fulfilment=FAILED", "failed", "dd!..", MOOD_TROUBLE, false, false, 30},
        {WORK "fulfilment=STUCK at_applied=9000", "stuck", "ddd!.", MOOD_TROUBLE, false, false, 30},
        {DONE "fulfilment=FAILED", "failed", "ddddd", MOOD_TROUBLE, true, false, 30},
        {DONE "fulfilment=DELETING", "deleting", "ddddd", MOOD_ENDED, false, false, 5},
        /* Deleted, but the contract has not ended: there is more to tell. */
        {DONE "fulfilment=CLOSED", "closed", "ddddd", MOOD_ENDED, false, false, 30},
        {"contract=EXPIRED at_ready=5 fulfilment=CLOSED", "closed", "ddddd", MOOD_ENDED, false,
         true, 30},
        {"", "confirming", "dn...", MOOD_WAITING, false, false, 5},
        {"contract=NEW fulfilment=ODD", "confirming", "dn...", MOOD_WAITING, false, false, 5},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct status s = model(t[i].row, CFG_DEPLOYMENT);

        assert_string_equal(s.state, t[i].state);
        assert_string_equal(steps(&s), t[i].steps);
        assert_int_equal(s.mood, t[i].mood);
        assert_int_equal(s.live, t[i].live);
        assert_int_equal(s.terminal, t[i].terminal);
        assert_int_equal(s.retry_after, t[i].retry);
        assert_int_equal(s.endpoint.n > 0, t[i].live);
    }
}

static void ended(void **state)
{
    struct status s;

    (void)state;
    s = model("contract=CANCELLED fulfilment=READY at_ready=5 endpoint=/x delete_at=99",
              CFG_DEPLOYMENT);
    assert_string_equal(s.state, "ending");
    assert_true(s.live && !s.terminal && s.delete_at == 99);
    s = model("contract=EXPIRED fulfilment=SUSPENDED at_ready=5 endpoint=/x", CFG_DEPLOYMENT);
    assert_string_equal(s.state, "ending");
    assert_false(s.live);
    s = model("contract=EXPIRED fulfilment=PROVISIONING", CFG_DEPLOYMENT);
    assert_string_equal(s.state, "ended");
    assert_null(strchr(steps(&s), 'n'));
    s = model("contract=CANCELLED fulfilment=CLOSED", CFG_DEPLOYMENT);
    assert_string_equal(s.state, "closed");
}

static void other_patterns(void **state)
{
    struct status s = model(WORK "fulfilment=PROVISIONING", CFG_MANUAL);

    (void)state;
    assert_string_equal(s.state, "manual");
    assert_string_equal(steps(&s), "ddn");
    assert_int_equal(s.mood, MOOD_WAITING);
    s = model(DONE "fulfilment=READY", CFG_ACCOUNT);
    assert_string_equal(steps(&s), "ddd");
    assert_string_equal(s.state, "ready");
}

#define HELD "contract=PENDING commit=held standing=held at_registered=1 "

static void charges_that_wait(void **state)
{
    static const struct {
        enum cfg_commit when;
        const char *row, *state, *steps, *billing;
        enum status_mood mood;
    } t[] = {
        {CFG_COMMIT_HEALTHY, HELD "fulfilment=RECEIVED", "provisioning", "ddn...", "held",
         MOOD_WORKING},
        {CFG_COMMIT_HEALTHY, HELD "fulfilment=VERIFYING", "verifying", "dddn..", "held",
         MOOD_WORKING},
        {CFG_COMMIT_HEALTHY, HELD "fulfilment=FAILED", "failed", "dd!...", "held_failed",
         MOOD_TROUBLE},
        {CFG_COMMIT_HEALTHY, "contract=PENDING commit=asked fulfilment=VERIFYING", "committing",
         "ddddn.", "asked", MOOD_WAITING},
        {CFG_COMMIT_HEALTHY, "contract=ACTIVE commit=done fulfilment=READY at_ready=9", "ready",
         "dddddd", "contract", MOOD_READY},
        {CFG_COMMIT_HEALTHY, HELD "fulfilment=READY at_ready=9", "ready", "dddddd", "held",
         MOOD_READY},
        {CFG_COMMIT_REGISTERED, "contract=PENDING commit=asked fulfilment=RECEIVED", "provisioning",
         "ddn...", "asked", MOOD_WORKING},
        {CFG_COMMIT_REGISTERED, "contract=ACTIVE commit=done fulfilment=PROVISIONING",
         "provisioning", "dddn..", "contract", MOOD_WORKING},
        {CFG_COMMIT_MANUAL, HELD "fulfilment=VERIFYING hold=approval", "approving", "dddn..",
         "held_by_hand", MOOD_WAITING},
        {CFG_COMMIT_HEALTHY, "contract=PENDING standing=scheduled starts=2000 fulfilment=RECEIVED",
         "scheduled", "dn...", "scheduled", MOOD_WAITING},
        {CFG_COMMIT_HEALTHY, "contract=PENDING standing=scheduled fulfilment=RECEIVED",
         "activating", "dn...", "activating", MOOD_WAITING},
        {CFG_COMMIT_HEALTHY, "contract=ACTIVE standing=active fulfilment=PROVISIONING",
         "provisioning", "ddn..", "at_once", MOOD_WORKING},
        {CFG_COMMIT_HEALTHY, "contract=CANCELLED commit=held fulfilment=CLOSED", "closed", "dd....",
         "never", MOOD_ENDED},
        {CFG_COMMIT_MANUAL, "contract=PENDING commit=rejected fulfilment=IDENTIFIED", "declined",
         "dd....", "declined", MOOD_ENDED},
        {CFG_COMMIT_HEALTHY, "contract=PENDING commit=rejected fulfilment=DELETING", "declined",
         "dd....", "declined", MOOD_ENDED},
        {CFG_COMMIT_HEALTHY, "contract=CANCELLED commit=rejected fulfilment=CLOSED", "declined",
         "dd....", "declined", MOOD_ENDED},
        /* We said no, and the marketplace had begun all the same. */
        {CFG_COMMIT_HEALTHY, "contract=ACTIVE commit=rejected fulfilment=CLOSED", "closed",
         "dd....", "removed", MOOD_ENDED},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct status s = held(t[i].row, t[i].when);

        assert_string_equal(s.state, t[i].state);
        assert_string_equal(steps(&s), t[i].steps);
        assert_string_equal(s.billing_word, t[i].billing);
        assert_int_equal(s.mood, t[i].mood);
    }
}

static void money(void **state)
{
    static const struct cfg_market aws = {.channel = "aws", .contract = true},
                                   usage = {.channel = "aws"}, gcp = {.channel = "gcp"};
    static const struct {
        const struct cfg_market *market;
        const char *row, *want;
    } t[] = {
        {NULL, "contract=ACTIVE", ""},
        {&aws, "contract=PENDING fulfilment=RECEIVED", "open"},
        {&aws, "contract=ACTIVE fulfilment=PROVISIONING", "contract"},
        {&aws, "contract=ACTIVE fulfilment=READY at_ready=5", "contract"},
        {&aws, "contract=ACTIVE fulfilment=PROVISIONING starts=5000", "scheduled"},
        {&aws, "contract=ACTIVE fulfilment=READY at_ready=5 starts=500", "contract"},
        {&aws, "contract=ACTIVE fulfilment=DEGRADED at_ready=5", "kept"},
        {&aws, "contract=ACTIVE fulfilment=FAILED", "contract"},
        {&aws, "contract=ACTIVE fulfilment=SUSPENDED at_ready=5", "suspended"},
        {&aws, "contract=CANCELLED fulfilment=READY at_ready=5", "ended"},
        {&aws, "contract=EXPIRED fulfilment=CLOSED", "ended"},
        {&aws, "contract=ACTIVE fulfilment=DELETING at_ready=5", "removed"},
        {&aws, "contract=ACTIVE fulfilment=CLOSED at_ready=5", "removed"},
        {&usage, "contract=ACTIVE fulfilment=CLOSED at_ready=5", "removed"},
        {&gcp, "contract=PENDING commit=held fulfilment=CLOSED", "declined"},
        {&usage, "contract=ACTIVE fulfilment=PROVISIONING", "usage"},
        {&usage, "contract=ACTIVE fulfilment=FAILED", "usage"},
        {&usage, "contract=ACTIVE fulfilment=READY at_ready=5", "used"},
        {&usage, "contract=ACTIVE fulfilment=READY at_ready=5 trial=1 ends=9000", "trial_until"},
        {&usage, "contract=ACTIVE fulfilment=READY at_ready=5 trial=1", "trial"},
        {&usage, "contract=ACTIVE fulfilment=READY at_ready=5 trial=1 ends=900", "used"},
        {&gcp, "contract=ACTIVE fulfilment=READY at_ready=5 commit=done", "used"},
        {&gcp, "contract=ACTIVE fulfilment=READY at_ready=5", "at_once"},
        {&gcp, "contract=ACTIVE fulfilment=READY at_ready=5 no_renewal=1 ends=9000", "last"},
        {&gcp, "contract=ACTIVE fulfilment=READY trial=1 no_renewal=1 ends=9000", "trial_last"},
        {&gcp, "contract=SUSPENDED fulfilment=READY at_ready=5", "payment"},
        {&gcp, "contract=SUSPENDED fulfilment=SUSPENDED at_ready=5", "payment"},
        {&gcp, "contract=PENDING commit=held fulfilment=SUSPENDED at_ready=5", "held_failed"},
        {&gcp, "contract=PENDING commit=asked fulfilment=SUSPENDED", "asked"},
        {&gcp, "contract=PENDING commit=held trial=1 fulfilment=RECEIVED", "held_trial"},
    };
    struct cfg_plan plan = {.fulfilment = CFG_DEPLOYMENT};
    struct status s;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        status_of_order(row_of(t[i].row), t[i].market, &plan, 1000, &s);
        assert_string_equal(s.billing_word, t[i].want);
    }
}

static void details(void **state)
{
    struct status s =
        model(WORK "fulfilment=PROVISIONING pct=40 note=x ver=7 late=1 updated=3", CFG_DEPLOYMENT);

    (void)state;
    assert_int_equal(s.pct, 40);
    assert_int_equal(s.ver, 7);
    assert_true(s.late && s.note.n == 1 && s.updated == 3);
    assert_int_equal(s.steps[1].seconds, 1);
    assert_int_equal(s.steps[2].seconds, -1);
    assert_int_equal(s.step, 3);
    s = model(DONE "fulfilment=READY late=1 pct=40 note=x", CFG_DEPLOYMENT);
    assert_false(s.late);
    assert_int_equal(s.pct, -1);
    assert_int_equal(s.note.n, 0);
    assert_int_equal(s.step, 6);
}

static void registrations(void **state)
{
    struct status s;

    (void)state;
    status_of_reg(row_of("state=submitted ver=3 at_registered=5"), &s);
    assert_string_equal(s.state, "confirming");
    assert_string_equal(steps(&s), "dn...");
    assert_false(s.terminal);
    status_of_reg(row_of("state=refused code=token_expired"), &s);
    assert_string_equal(s.state, "refused");
    assert_true(s.terminal);
    assert_string_equal(notice_refused_key(s.code), "refused.expired");
    assert_string_equal(notice_refused_key(STR("product_unknown")), "refused.product");
    assert_string_equal(notice_refused_key(STR("")), "refused.any");
}

static void times(void **state)
{
    const int64_t ms = 1795395723000; /* 2026-11-23T01:02:03Z */

    (void)state;
    assert_true(str_is(when_date(arena, ms), "23 November 2026"));
    assert_true(str_is(when_minute(arena, ms), "23 Nov 2026, 01:02 UTC"));
    assert_true(str_is(when_iso(arena, ms), "2026-11-23T01:02:03Z"));
    assert_true(str_is(when_span(arena, 4400), "4 s"));
    assert_true(str_is(when_span(arena, 125000), "2 min 5 s"));
    assert_true(str_is(when_span(arena, 3600000 * 3 + 600000), "3 h 10 min"));
    assert_true(str_is(when_span(arena, 86400000LL * 3), "3 days"));
    assert_true(str_is(when_span(arena, -5), "0 s"));
    assert_true(str_is(when_mask_mail(arena, STR("ann@example.com")), "a…\u2060@example.com"));
    assert_true(str_is(when_mask_mail(arena, STR("é@x.org")), "é…\u2060@x.org"));
    assert_int_equal(when_mask_mail(arena, STR("@x")).n, 0);
    assert_int_equal(when_mask_mail(arena, STR("none")).n, 0);
}

/* A change that comes later is told while the contract runs, and only until it comes. */
static void what_comes(void **state)
{
    static const struct cfg_kv rule = {"others", "at-renewal"};
    static const struct cfg_plan plans[] = {
        {.name = "a", .dimension = "a", .changes = &rule, .nchanges = 1},
        {.name = "b", .dimension = "b"}};
    static const struct cfg_market market = {
        .channel = "azure", .contract = true, .plans = plans, .nplans = 2};
    static const struct {
        const char *row, *word, *today;
        int64_t until;
        unsigned phase;
    } t[] = {
        {DONE "fulfilment=READY plan=a", "", "a", INT64_MAX, 0},
        {DONE "fulfilment=READY plan=b served=a plan_until=2000", "plan.dated", "a", 2000, 0},
        {DONE "fulfilment=DEGRADED plan=b served=a plan_until=2000", "plan.dated", "a", 2000, 0},
        {DONE "fulfilment=READY plan=b served=a plan_until=900", "", "b", INT64_MAX, 4},
        {DONE "fulfilment=READY plan=a next_plan=b", "plan", "a", INT64_MAX, 0},
        {DONE "fulfilment=READY plan=a next_plan=b next_at=3000", "plan.dated", "a", 3000, 0},
        {DONE "fulfilment=READY plan=a next_plan=b next_at=900", "", "a", INT64_MAX, 8},
        {DONE "fulfilment=READY plan=a next_quantity=4 next_at=3000", "quantity.dated", "a", 3000,
         0},
        {DONE "fulfilment=READY plan=a next_plan=b next_quantity=4", "both", "a", INT64_MAX, 0},
        {DONE "fulfilment=DELETING plan=a next_plan=b", "", "a", INT64_MAX, 0},
        {"contract=CANCELLED fulfilment=READY plan=a next_plan=b", "", "a", INT64_MAX, 0},
    };
    struct status s;

    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        status_of_order(row_of(t[i].row), &market, &plans[0], 1000, &s);
        assert_string_equal(s.coming_word, t[i].word);
        assert_true(str_is(s.coming.today, t[i].today));
        assert_true(s.until == t[i].until);
        assert_int_equal(s.phase, t[i].phase);
    }
}

/* Until when the words hold, and which of the order's days are past at 1000. */
static void days(void **state)
{
    static const struct {
        const char *row;
        int64_t until;
        unsigned phase;
    } t[] = {
        {"contract=ACTIVE", INT64_MAX, 0},
        {"contract=ACTIVE starts=0 ends=0", INT64_MAX, 0},
        {"contract=PENDING standing=scheduled starts=2000 ends=3000", 2000, 0},
        {"contract=ACTIVE starts=1001", 1001, 0},
        {"contract=ACTIVE starts=1000", INT64_MAX, 1},
        {"contract=ACTIVE starts=500 ends=3000", 3000, 1},
        {"contract=ACTIVE starts=500 ends=1000", INT64_MAX, 3},
        {"contract=ACTIVE ends=999", INT64_MAX, 2},
    };
    struct status s;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        s = model(t[i].row, CFG_DEPLOYMENT);
        assert_true(s.until == t[i].until);
        assert_int_equal(s.phase, t[i].phase);
    }
    status_of_reg(row_of("state=submitted"), &s);
    assert_true(s.until == INT64_MAX && s.phase == 0);
}

static void capabilities(void **state)
{
    struct capcache *c;
    struct cap_key a, b;

    (void)state;
    assert_int_equal(capcache_new(&c), 0);
    capcache_key(c, STR("a"), &a);
    capcache_key(c, STR("b"), &b);
    assert_int_equal(capcache_get(c, &a, 1).n, 0);
    capcache_put(c, &a, STR("o0-abc"), 1);
    assert_true(str_is(capcache_get(c, &a, CAPCACHE_MS), "o0-abc"));
    assert_int_equal(capcache_get(c, &a, CAPCACHE_MS + 1).n, 0);
    assert_int_equal(capcache_get(c, &b, 2).n, 0);
    /* The same slot, another capability: never somebody else's order. */
    b = a;
    b.tag[HASH_TAG - 1] ^= 1;
    assert_int_equal(capcache_get(c, &b, 2).n, 0);
    capcache_drop(c, &b);
    assert_true(str_is(capcache_get(c, &a, 2), "o0-abc"));
    capcache_drop(c, &a);
    assert_int_equal(capcache_get(c, &a, 2).n, 0);
    capcache_put(c, &a, STR("an order id that is far too long to be one of ours"), 1);
    assert_int_equal(capcache_get(c, &a, 2).n, 0);
    capcache_free(&c);
    assert_null(c);
}

static void origins(void **state)
{
    static const struct {
        const char *site, *origin;
        bool ok;
    } t[] = {
        {"same-origin", "https://evil.example", true},
        {"cross-site", "https://buy.example", false},
        {"same-site", "https://buy.example", false},
        {"none", "", false},
        {"", "https://buy.example", true},
        {"", "https://buy.example.evil", false},
        {"", "http://buy.example", false},
        {"", "null", true},
        {"", "", true},
    };
    struct config cfg = {.front.public_url = "https://buy.example"};
    struct front front = {.cfg = &cfg};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct req_param params[] = {{STR("HTTP_SEC_FETCH_SITE"), str_of(t[i].site)},
                                     {STR("HTTP_ORIGIN"), str_of(t[i].origin)}};
        struct req r = {.params = params, .nparams = 2, .app = &front};

        assert_int_equal(origin_ok(&r), t[i].ok);
    }
}

static void colours(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 1024);
    brand_css(&b, "#1f5fbf", "#ffffff");
    assert_non_null(strstr(buf_cstr(&b), ":root{--brand:#1f5fbf;--on-brand:#ffffff;"));
    assert_non_null(strstr(buf_cstr(&b), "prefers-color-scheme:dark"));
    buf_reset(&b);
    brand_css(&b, "#ffee00", "#ffffff"); /* white on yellow cannot be read */
    assert_non_null(strstr(buf_cstr(&b), "--brand:#ffee00;--on-brand:#111111;"));
    buf_reset(&b);
    brand_css(&b, "red;}body{display:none", "");
    assert_null(strstr(buf_cstr(&b), "display"));
    buf_free(&b);
}

static int setup(void **state)
{
    (void)state;
    arena = arena_new(4096, 1 << 20);
    return arena && crypto_init() == 0 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states),
        cmocka_unit_test(ended),
        cmocka_unit_test(other_patterns),
        cmocka_unit_test(details),
        cmocka_unit_test(charges_that_wait),
        cmocka_unit_test(money),
        cmocka_unit_test(registrations),
        cmocka_unit_test(times),
        cmocka_unit_test(what_comes),
        cmocka_unit_test(days),
        cmocka_unit_test(capabilities),
        cmocka_unit_test(origins),
        cmocka_unit_test(colours),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
