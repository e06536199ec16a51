/* The rules that the sandbox enforces, below HTTP: purchases, queue, faults, the metering window,
 * remembering. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "sandbox/sb_event.h"
#include "sandbox/sb_fault.h"
#include "sandbox/sb_state.h"
#include "sandbox/sb_token.h"
#include "sandbox/sb_usage.h"

#define PLANS                                                                                      \
    "\"plans\":[{\"dimension\":\"s\",\"title\":\"Small\",\"quantity\":5},"                         \
    "{\"dimension\":\"l\",\"title\":\"Large\",\"quantity\":50}]"
#define PRODUCT(name, mode, pricing, more)                                                         \
    "{\"name\":\"" name "\",\"title\":\"T\",\"channel\":\"aws\",\"mode\":\"" mode                  \
    "\",\"pricing\":\"" pricing "\",\"product_code\":\"c-" name "\",\"product_id\":\"prod-" name   \
    "\",\"landing_url\":\"http://127.0.0.1:9/x\"," more "}"

static const char products[] = "[" PRODUCT("acme", "concurrent", "contract", PLANS) "," PRODUCT(
    "payg", "concurrent", "usage",
    "\"usage_dimensions\":[\"gb\"]") "," PRODUCT("old", "legacy", "usage",
                                                 "\"usage_dimensions\":[\"gb\"]") ","
                                                                                  "{\"name\":"
                                                                                  "\"az\","
                                                                                  "\"channel\":"
                                                                                  "\"azure\"}]";

static void make(struct sb *s)
{
    const struct sb_conf conf = {.access_key = "K",
                                 .secret = "S",
                                 .seller = "123456512334",
                                 .sns_version = 1,
                                 .sns_cert_url = "https://x"};
    char why[256];

    assert_int_equal(sb_core_init(s, &conf), 0);
    assert_int_equal(sb_product_parse(s, str_of(products), why), 0);
}

static struct sb_purchase *buy(struct sb *s, const char *product, const char *account, bool trial)
{
    struct sb_buy b = {.product = sb_product_by_name(s, str_of(product)),
                       .trial = trial,
                       .account = str_of(account)};
    struct sb_purchase *p = NULL;
    const char *why;

    b.plan = sb_product_plan(b.product, STR(""));
    return sb_purchase_buy(s, &b, &p, &why) ? NULL : p;
}

/* Labels of all messages in order, one letter each, and the queue emptied. */
static const char *labels(struct sb *s, char out[64])
{
    struct sb_queue_msg *m;
    char gone[16];
    size_t n = 0;

    while ((m = sb_queue_take(&s->queue, sb_core_now(s), clock_mono_ms(), 60)) && n < 60) {
        const char *end = strstr(m->label, " Agreement ");
        out[n++] = end ? end[11] : m->label[0] == 'L' ? m->label[8] : m->label[0];
        assert_int_equal(sb_queue_delete(&s->queue, str_of(m->receipt), gone), 0);
    }
    out[n] = '\0';
    return out;
}

static void products_file(void **state)
{
    static const char *const bad[] = {
        "{}",
        "[{\"name\":\"A b\"}]",
        "[" PRODUCT("a", "modern", "usage", "\"x\":1") "]",
        "[" PRODUCT("a", "legacy", "free", "\"x\":1") "]",
        "[" PRODUCT("a", "legacy", "contract", "\"x\":1") "]",
        "[" PRODUCT("a", "legacy", "contract", "\"plans\":[{\"title\":\"x\"}]") "]",
        "[" PRODUCT("a", "legacy", "usage", "\"trial_days\":91") "]",
        "[" PRODUCT("a", "legacy", "usage", "\"x\":1") "," PRODUCT("a", "legacy", "usage",
                                                                   "\"x\":1") "]",
    };
    struct sb s;
    char why[256];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct sb_conf conf = {.seller = "1"};
        assert_int_equal(sb_core_init(&s, &conf), 0);
        assert_int_not_equal(sb_product_parse(&s, str_of(bad[i]), why), 0);
        assert_true(why[0] != '\0');
        sb_core_free(&s);
    }
    make(&s);
    assert_int_equal(s.products.n, 3); /* the one of another channel is left out */
    sb_core_free(&s);
}

static void contract_life(void **state)
{
    struct sb_change c = {.link = true};
    struct sb_purchase *p, *n, *r;
    const char *why;
    char got[64];
    struct sb s;

    (void)state;
    make(&s);
    p = buy(&s, "acme", "", false);
    assert_string_equal(labels(&s, got), "CU");
    assert_true(sb_purchase_entitled(&s, p));
    c.plan = sb_product_plan(p->product, STR("l"));
    assert_int_equal(sb_purchase_upgrade(&s, p, &c, &n, &why), 0);
    assert_ptr_equal(n, p);
    assert_int_equal(p->quantity, 50);
    assert_string_equal(labels(&s, got), "AU");
    c.plan = NULL;
    assert_int_equal(sb_purchase_renew(&s, p, &c, &n, &why), 0);
    assert_ptr_not_equal(n, p);
    assert_int_equal(p->status, SB_RENEWED);
    assert_int_equal(n->quantity, 50);
    assert_string_equal(n->previous, p->agreement);
    assert_string_not_equal(n->license_arn, p->license_arn);
    assert_string_equal(labels(&s, got), "CEDU");
    c.replace = c.ended_first = true;
    assert_int_equal(sb_purchase_upgrade(&s, n, &c, &r, &why), 0);
    assert_string_equal(labels(&s, got), "EDCU");
    assert_int_equal(sb_purchase_cancel(&s, r, SB_CANCELLED, &why), 0);
    assert_int_equal(sb_purchase_cancel(&s, r, SB_CANCELLED, &why), -EPERM);
    assert_int_equal(sb_purchase_renew(&s, r, &c, &n, &why), -EPERM);
    assert_string_equal(labels(&s, got), "ED");
    assert_false(sb_purchase_entitled(&s, r));
    sb_core_free(&s);
}

static void who_may_buy(void **state)
{
    struct sb s;

    (void)state;
    make(&s);
    assert_non_null(buy(&s, "acme", "111122223333", false));
    assert_non_null(buy(&s, "acme", "111122223333", false)); /* concurrent agreements */
    assert_non_null(buy(&s, "old", "111122223333", false));
    assert_null(buy(&s, "old", "111122223333", false)); /* one subscription per account */
    assert_non_null(buy(&s, "payg", "111122223333", true));
    assert_null(buy(&s, "payg", "111122223333", true)); /* one trial per account and product */
    assert_non_null(buy(&s, "payg", "444455556666", true));
    assert_null(buy(&s, "acme", "12", false));
    sb_core_free(&s);
}

static void legacy_messages(void **state)
{
    struct sb_purchase *p, *again;
    const char *why;
    char got[64];
    struct sb s;

    (void)state;
    make(&s);
    p = buy(&s, "old", "111122223333", false);
    assert_string_equal(labels(&s, got), "s"); /* subscribe-success */
    assert_int_equal(sb_purchase_cancel(&s, p, SB_CANCELLED, &why), 0);
    assert_string_equal(labels(&s, got), "u"); /* unsubscribe-pending; success in an hour */
    s.offset_ms += SB_HOUR_MS + 1000;
    assert_string_equal(labels(&s, got), "u");
    again = buy(&s, "old", "111122223333", false);
    assert_string_equal(again->customer, p->customer);
    assert_int_equal(sb_purchase_cancel(&s, again, SB_CANCELLED, &why), 0);
    assert_non_null(buy(&s, "old", "111122223333", false));
    assert_string_equal(labels(&s, got), "sus");
    s.offset_ms += 2 * SB_HOUR_MS;
    assert_string_equal(labels(&s, got), ""); /* coming back withdrew unsubscribe-success */
    sb_core_free(&s);
}

static void time_runs_out(void **state)
{
    struct sb_purchase *trial, *year, *open;
    struct sb s;

    (void)state;
    make(&s);
    trial = buy(&s, "payg", "", true);
    year = buy(&s, "acme", "", false);
    open = buy(&s, "payg", "", false);
    s.offset_ms += 15 * (int64_t)SB_DAY_MS;
    sb_purchase_tick(&s);
    assert_int_equal(trial->status, SB_EXPIRED);
    assert_int_equal(year->status, SB_ACTIVE);
    year->auto_renew = true;
    s.offset_ms += 365 * (int64_t)SB_DAY_MS;
    sb_purchase_tick(&s);
    assert_int_equal(year->status, SB_RENEWED);
    assert_int_equal(open->status, SB_ACTIVE);
    sb_core_free(&s);
}

static void tokens(void **state)
{
    const struct sb_token *t, *u;
    struct sb_purchase *p;
    struct sb s;

    (void)state;
    make(&s);
    p = buy(&s, "acme", "", false);
    t = sb_token_new(&s, p);
    u = sb_token_new(&s, p);
    assert_ptr_equal(sb_token_find(&s, str_of(t->value)), t);
    assert_null(sb_token_find(&s, STR("x")));
    assert_non_null(strpbrk(t->value, "+"));
    s.offset_ms += 4 * (int64_t)SB_HOUR_MS - 1000;
    assert_true(u->expires_ms > sb_core_now(&s));
    s.offset_ms += 2000;
    assert_true(u->expires_ms <= sb_core_now(&s));
    assert_int_equal(sb_token_expire(&s, p), 0);
    sb_token_new(&s, p);
    assert_int_equal(sb_token_expire(&s, p), 1);
    sb_core_free(&s);
}

static int64_t at(const char *iso)
{
    int64_t ms;

    assert_int_equal(clock_parse_iso(str_of(iso), &ms), 0);
    return ms;
}

static void metering_window(void **state)
{
    (void)state;
    assert_true(sb_usage_in_window(at("2026-06-15T00:00:00Z"), at("2026-06-15T23:59:59Z")));
    assert_false(sb_usage_in_window(at("2026-06-14T12:00:00Z"), at("2026-06-15T12:00:00Z")));
    assert_true(sb_usage_in_window(at("2026-06-14T12:00:01Z"), at("2026-06-15T12:00:00Z")));
    assert_false(sb_usage_in_window(at("2026-06-15T12:00:01Z"), at("2026-06-15T12:00:00Z")));
    assert_true(sb_usage_in_window(at("2026-06-30T23:00:00Z"), at("2026-07-01T05:59:59Z")));
    assert_false(sb_usage_in_window(at("2026-06-30T23:00:00Z"), at("2026-07-01T06:00:00Z")));
    assert_true(sb_usage_in_window(at("2026-07-01T00:00:00Z"), at("2026-07-01T06:00:00Z")));
}

static void queue_rules(void **state)
{
    const struct sb_queue_put put = {STR("body"), "p1", "x", 1000, 1000};
    const struct sb_queue_put later = {STR("late"), "p1", "y", 1000, 5000};
    char old[SB_QUEUE_RECEIPT], gone[16];
    struct sb_queue_msg *m;
    struct sb_queue q;

    (void)state;
    sb_queue_init(&q);
    assert_non_null(sb_queue_put(&q, &put));
    assert_non_null(sb_queue_put(&q, &later));
    m = sb_queue_take(&q, 1000, 0, 30);
    assert_string_equal(m->md5, "841a2d689ad86bd1611447453c22c6fc"); /* md5 of "body" */
    memcpy(old, m->receipt, sizeof(old));
    assert_null(sb_queue_take(&q, 1000, 29999, 30));
    assert_int_equal(sb_queue_next_ms(&q, 1000, 29999), 1);
    m = sb_queue_take(&q, 1000, 30000, 30);
    assert_int_equal(m->receives, 2);
    assert_int_equal(sb_queue_delete(&q, str_of(old), gone), 0); /* stale: nothing happens */
    assert_int_equal(q.msgs.n, 2);
    assert_int_equal(sb_queue_visibility(&q, str_of(old), 30000, 0), -ENOENT);
    assert_int_equal(sb_queue_visibility(&q, str_of(m->receipt), 30000, 0), 0);
    m = sb_queue_take(&q, 1000, 30000, 30);
    assert_int_equal(sb_queue_delete(&q, str_of(m->receipt), gone), 0);
    assert_string_equal(gone, "p1");
    assert_int_equal(sb_queue_delete(&q, STR("rubbish"), gone), -EINVAL);
    assert_null(sb_queue_take(&q, 4999, 30000, 30));
    assert_non_null(sb_queue_take(&q, 5000, 30000, 30));
    sb_queue_free(&q);
}

static int add_fault(struct sb *s, const char *json)
{
    const char *why = NULL;
    cJSON *doc = NULL;

    assert_int_equal(json_parse(str_of(json), 1000, &doc), 0);
    int rc = sb_fault_add(s, doc, &why);
    cJSON_Delete(doc);
    return rc;
}

static void faults(void **state)
{
    uint64_t ms;
    struct sb s;

    (void)state;
    make(&s);
    assert_int_equal(add_fault(&s, "{\"op\":\"X\",\"kind\":\"slow\",\"count\":2,\"ms\":7}"), 0);
    assert_int_equal(add_fault(&s, "{\"op\":\"*\",\"kind\":\"5xx\"}"), 0);
    assert_int_equal(add_fault(&s, "{\"op\":\"X\",\"kind\":\"unknown\"}"), -EINVAL);
    assert_int_equal(add_fault(&s, "{\"op\":\"X\",\"kind\":\"drop\"}"), -EINVAL);
    assert_int_equal(add_fault(&s, "{\"op\":\"event\",\"kind\":\"5xx\"}"), -EINVAL);
    assert_int_equal(add_fault(&s, "{\"op\":\"X\",\"kind\":\"5xx\",\"count\":0}"), -EINVAL);
    assert_int_equal(sb_fault_call(&s, "X", &ms), SB_FAULT_SLOW);
    assert_int_equal(ms, 7);
    assert_int_equal(sb_fault_call(&s, "Y", &ms), SB_FAULT_5XX);
    assert_int_equal(sb_fault_call(&s, "Y", &ms), SB_FAULT_NONE);
    assert_int_equal(sb_fault_call(&s, "X", &ms), SB_FAULT_SLOW);
    assert_int_equal(s.faults.n, 0);
    assert_int_equal(add_fault(&s, "{\"op\":\"event:License\",\"kind\":\"drop\"}"), 0);
    assert_false(sb_fault_event(&s, "Purchase Agreement", SB_FAULT_DROP, NULL));
    assert_true(sb_fault_event(&s, "License Updated", SB_FAULT_DROP, NULL));
    sb_core_free(&s);
}

static void remembers(void **state)
{
    const char *tmp = getenv("TMPDIR");
    char dir[400], path[440], got[64];
    const struct sb_token *t;
    struct sb_purchase *p;
    struct sb s, again;

    (void)state;
    snprintf(dir, sizeof(dir), "%s/lastmile-sandbox-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/state.json", dir);
    make(&s);
    s.conf.state_path = path;
    p = buy(&s, "acme", "111122223333", false);
    t = sb_token_new(&s, p);
    s.offset_ms = 5000;
    assert_int_equal(sb_state_save(&s), 0);
    assert_false(s.dirty);
    make(&again);
    again.conf.state_path = path;
    assert_int_equal(sb_state_load(&again), 0);
    assert_int_equal(again.offset_ms, 5000);
    const struct sb_token *u = sb_token_find(&again, str_of(t->value));
    assert_non_null(u);
    assert_int_equal(u->expires_ms, t->expires_ms);
    assert_string_equal(u->purchase->license_arn, p->license_arn);
    assert_int_equal(u->purchase->end_ms, p->end_ms);
    assert_string_equal(labels(&again, got), "CU");
    assert_string_equal(buy(&again, "acme", "", false)->id, "p2");
    unlink(path);
    rmdir(dir);
    sb_core_free(&s);
    sb_core_free(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_file),   cmocka_unit_test(contract_life),
        cmocka_unit_test(who_may_buy),     cmocka_unit_test(legacy_messages),
        cmocka_unit_test(time_runs_out),   cmocka_unit_test(tokens),
        cmocka_unit_test(metering_window), cmocka_unit_test(queue_rules),
        cmocka_unit_test(faults),          cmocka_unit_test(remembers),
    };

    if (crypto_init())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
