/* What lies ahead of an order, by its fields and the seller's rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/coming.h"

static const char yaml[] =
    "marketplace:\n"
    "  cloud: azure\n"
    "  azure: {offer_id: o, tenant_id: 1f2e3d4c-0000-4000-8000-000000000001,\n"
    "    client_id: 1f2e3d4c-0000-4000-8000-000000000002, client_secret_file: /etc/hostname}\n"
    "  plans:\n"
    "    a: {deployment_template: one, default: true, changes: {b: at-renewal}}\n"
    "    b: {deployment_template: one}\n"
    "    c: {deployment_template: one}\n"
    "deployment_templates:\n"
    "  one: {engine: exec, command: [/bin/true]}\n";

static struct config *cfg;

static const struct store_row *row_of(const char *text)
{
    static struct store_field f[16];
    static struct store_row row;
    struct str rest = str_of(text);

    row = (struct store_row){f, 0};
    while (rest.n > 0 && row.n < 16) {
        struct str v, k = str_cut(str_cut(rest, ' ', &rest), '=', &v);

        f[row.n++] = (struct store_field){k, v};
    }
    return &row;
}

#define RUNS  "contract=ACTIVE "
#define LATER RUNS "plan=b served=a plan_until=2000 "

static void cases(void **state)
{
    static const struct {
        const char *row, *plan;
        uint64_t quantity;
        int64_t at;
        const char *today;
    } t[] = {
        {"", "", 0, 0, ""},
        {RUNS "plan=a served=a", "", 0, 0, "a"},
        /* The seller's rule. */
        {LATER, "b", 0, 2000, "a"},
        {"contract=SUSPENDED plan=b served=a plan_until=2000", "b", 0, 2000, "a"},
        {"contract=CANCELLED plan=b served=a plan_until=2000", "", 0, 0, "b"},
        {"contract=PENDING plan=b served=a plan_until=2000", "", 0, 0, "b"},
        {RUNS "plan=b served=a plan_until=1000", "", 0, 0, "b"},
        {RUNS "plan=b served=a", "", 0, 0, "b"},
        {RUNS "plan=b served= plan_until=2000", "", 0, 0, "b"},
        {RUNS "plan=c served=a plan_until=2000", "", 0, 0, "c"},
        {RUNS "plan=b served=gone plan_until=2000", "", 0, 0, "b"},
        /* The term ends and none follows. */
        {LATER "no_renewal=1", "", 0, 0, "a"},
        /* The marketplace's word. */
        {RUNS "plan=a next_plan=c", "c", 0, 0, "a"},
        {RUNS "plan=a next_plan=odd-id next_at=1001", "odd-id", 0, 1001, "a"},
        {RUNS "plan=a next_plan=c next_at=1000", "", 0, 0, "a"},
        {RUNS "plan=a next_plan=a next_at=3000", "", 0, 3000, "a"},
        {RUNS "plan=a quantity=2 next_plan=a next_quantity=2 next_at=3000", "", 0, 3000, "a"},
        {RUNS "plan=a quantity=2 next_plan=a next_quantity=5 next_at=3000", "", 5, 3000, "a"},
        {RUNS "plan=a quantity=2 next_plan=c next_quantity=5 next_at=3000", "c", 5, 3000, "a"},
        {"contract=CANCELLED plan=a next_plan=c next_at=3000", "", 0, 0, "a"},
        /* What was bought already comes first. */
        {LATER "next_plan=c next_at=1500", "b", 0, 2000, "a"},
    };
    struct coming c;

    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
        bool some = coming_of(row_of(t[i].row), "", &cfg->markets[0], 1000, &c);

        assert_true(str_is(c.plan, t[i].plan));
        assert_true(c.quantity == t[i].quantity);
        assert_true(str_is(c.today, t[i].today));
        assert_int_equal(some, t[i].plan[0] || t[i].quantity);
        if (some)
            assert_true(c.at_ms == t[i].at);
    }
    assert_true(coming_of(row_of("o.contract=ACTIVE o.plan=b o.served=a o.plan_until=2000"), "o.",
                          &cfg->markets[0], 1000, &c));
    assert_false(coming_of(row_of(LATER), "", NULL, 1000, &c)); /* no longer configured */
    assert_true(coming_of(row_of(RUNS "plan=a next_plan=c"), "", NULL, 1000, &c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cases)};
    struct buf errors;
    int rc;

    buf_init(&errors, 4096);
    rc = config_parse("test", str_of(yaml), &cfg, &errors);
    if (rc)
        fprintf(stderr, "%s", buf_cstr(&errors));
    buf_free(&errors);
    rc = rc ? 1 : cmocka_run_group_tests_name("store: coming", tests, NULL, NULL);
    config_free(&cfg);
    return rc;
}
