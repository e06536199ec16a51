/*
 * Deployments whose engine takes its time: all of them are under way at once, none costs much, and
 * each comes back to the queue when its engine is done.
 */
#include <malloc.h>

#include "worker_rig.h"

/* The first ones bring what is there once: connections, spare calls, tables. */
enum { FIRST = 100, MORE = 200, EACH_MAX = 4096 };

static const char config[] = "marketplaces:\n"
                             "  - name: prod\n"
                             "    cloud: aws\n"
                             "    product_code: code\n"
                             "    plans:\n"
                             "      silver: {deployment_template: one, default: true}\n"
                             "deployment_templates:\n"
                             "  one: {engine: exec, command: [/bin/true], concurrency: 10000}\n"
                             "worker: {slots: 10000}\n";

/* An engine that holds whatever it is given. */
static struct engine_events given[FIRST + MORE];
static unsigned ngiven;

static struct engine_op *hold(struct engine *e, const struct engine_call *call,
                              const struct engine_events *ev)
{
    (void)e;
    assert_int_equal(call->verb, ENGINE_APPLY);
    assert_true(str_starts(str_of(call->spec), STR("{\"plan\":\"silver\"")));
    assert_true(str_starts(str_of(call->tenant), STR("t0-")));
    assert_true(ngiven < FIRST + MORE);
    given[ngiven] = *ev;
    return (struct engine_op *)(void *)&given[ngiven++];
}

static void nothing(struct engine_op *op)
{
    (void)op;
}

static void no_close(struct engine *e)
{
    (void)e;
}

static const struct engine_ops holder = {
    .name = "exec", .close = no_close, .start = hold, .cancel = nothing, .abandon = nothing};
static char some_engine;

static bool all_given(void *arg)
{
    return ngiven == *(const unsigned *)arg;
}

static void order(unsigned n)
{
    char id[ID_ORDER], cap[65], purchase[32];

    snprintf(id, sizeof(id), "o0-%026u", n);
    snprintf(cap, sizeof(cap), "%064u", n);
    snprintf(purchase, sizeof(purchase), "lic-%u", n);
    OK(0, STORE_ORDER_UPSERT, id, "1000", "channel", "aws", "product", "prod", "plan", "silver",
       "contract", "ACTIVE", "purchase", purchase, "quantity", "1", "confirmed", "1");
    OK(0, STORE_ORDER_PLACE, id, cap, "86400000", "{\"company\":\"Acme\",\"region\":\"here\"}", "",
       "86400000");
}

static void until_given(unsigned from, unsigned n)
{
    for (unsigned i = from; i < n; i++)
        order(i);
    rig_until(all_given, &n, "every engine is asked");
}

static void waiting_is_cheap(void **state)
{
    const struct engine_result later = {.status = ENGINE_FAIL,
                                        .cls = CLASS_RETRY,
                                        .outputs = "",
                                        .code = "",
                                        .detail = "",
                                        .pct = -1};
    int64_t before, each;

    (void)state;
    ngiven = 0;
    rig_start(config);
    rig.roles = ROLE_DEPLOY;
    rig.now->engines[0] = (struct engine *)(void *)&some_engine;
    rig.now->engine_ops[0] = &holder;
    rig.now->nengines = 1;
    until_given(0, FIRST);
    before = (int64_t)mallinfo2().uordblks;
    until_given(FIRST, FIRST + MORE);
    each = ((int64_t)mallinfo2().uordblks - before) / MORE;
    print_message("%lld bytes each\n", (long long)each);
    assert_int_equal(rig.running, FIRST + MORE);
    assert_true(each <= EACH_MAX);
    for (unsigned i = 0; i < ngiven; i++)
        given[i].done(given[i].arg, &later);
    rig_stop();
    assert_int_equal(number(RAW("ZCARD", "{p0}:lease")), 0);
    assert_int_equal(number(RAW("ZCARD", "{p0}:ready:deploy")), FIRST + MORE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(waiting_is_cheap, fresh),
    };

    return cmocka_run_group_tests_name("worker: in flight", tests, group_setup, group_teardown);
}
