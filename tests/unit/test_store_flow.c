/* The way an order takes through the scripts, and every refusal on it. */
#include "store_test.h"

#include "base/hash.h"
#include "base/id.h"

static char order[ID_ORDER], tenant[ID_TENANT];

static void ids(void)
{
    id_order(STR("aws"), STR("l-1"), 0, order);
    id_tenant(str_of(order), tenant);
}

static void work(void)
{
    char fulfil[64];

    snprintf(fulfil, sizeof(fulfil), "fulfil:%s", order);
    claim("deploy");
    assert_string_equal(task, fulfil);
    OK(0, STORE_FULFIL_LOAD, task, token, order);
    IS("o.plan", "starter");
    IS("t.id", tenant);
    IS("t.slot", "0");
    OK(0, STORE_ORDER_WRITE, task, token, order, "o.fulfilment", "IDENTIFIED");
    IS("changed", "2");
    OK(0, STORE_ORDER_WRITE, task, token, order, "o.fulfilment", "IDENTIFIED");
    IS("repeat", "1");
    REFUSED(-EPERM, 0, STORE_ORDER_WRITE, task, token, order, "o.fulfilment", "UPDATING");
    OK(0, STORE_ORDER_WRITE, task, token, order, "o.fulfilment", "READY", "o.endpoint", "http://x/",
       "t.state", "running", "+mail", "ready", "log.type", "note", "log.text", "hi");
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    IS("repeat", "1");
    REFUSED(-ESTALE, 0, STORE_ORDER_WRITE, task, token, order, "o.note", "late");
    OK(0, STORE_LOG, order, "", "100");
    assert_int_equal(fx.rows->n, 4);
    OK(0, STORE_ORDER_GET, order);
    assert_int_equal(fx.rows->n, 5);
}

static void purchase(void **state)
{
    (void)state;
    ids();
    OK(0, STORE_LAND, "r1", "aws", "saas", "sealed", "3600000", "{}");
    IS("state", "new");
    OK(0, STORE_LAND, "r1", "aws", "saas", "sealed", "3600000", "{}");
    REFUSED(-EEXIST, 0, STORE_LAND, "r1", "aws", "saas", "other", "3600000", "{}");
    OK(0, STORE_REG_GET, "r1");
    IS("state", "new");
    IS("token", "");
    claim("market");
    assert_string_equal(task, "resolve:r1");
    OK(0, STORE_REG_LOAD, task, token, "r1");
    IS("token", "sealed");
    REFUSED(-ESTALE, 0, STORE_REG_LOAD, task, "wrong", "r1");
    OK(0, STORE_ORDER_UPSERT, order, "1000", "channel", "aws", "product", "saas", "purchase", "l-1",
       "plan", "starter", "granted", "1", "confirmed", "1");
    IS("created", "1");
    IS("contract", "ACTIVE");
    OK(0, STORE_REG_RESOLVED, task, token, "r1", order, "0", "plan", "starter", "account_masked",
       "********4135");
    IS("state", "resolved");
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    OK(0, STORE_REG_GET, "r1");
    IS("plan", "starter");
    IS("contract", "ACTIVE");
    IS("registered", "0");
    OK(0, STORE_SUBMIT, "r1", "c1", "1000000", "{\"a\":1}", "a@b.example", "60000");
    IS("placed", "1");
    IS("repeat", "0");
    OK(0, STORE_SUBMIT, "r1", "c1", "1000000", "{\"other\":1}", "x@b.example", "60000");
    IS("placed", "1");
    IS("repeat", "1");
    OK(0, STORE_STATUS, "c1");
    IS("kind", "order");
    IS("order", order);
    IS("email", "a@b.example");
    IS("fulfilment", "RECEIVED");
    work();
}

#define FAR     "o1-dddddddddddddddddddddddddd"
#define RENEWAL "o0-eeeeeeeeeeeeeeeeeeeeeeeeee"

/* The registration lives in shard 0, its order in shard 1: steps owned by the task place:<reg>. */
static void across_shards(void **state)
{
    (void)state;
    OK(0, STORE_LAND, "r1", "aws", "saas", "sealed", "3600000", "{}");
    OK(1, STORE_ORDER_UPSERT, FAR, "1", "granted", "1");
    REFUSED(-EINVAL, 0, STORE_ORDER_UPSERT, FAR, "1", "granted", "1");
    assert_true(claim("market"));
    OK(0, STORE_REG_RESOLVED, task, token, "r1", FAR, "1");
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    OK(0, STORE_SUBMIT, "r1", "c1", "1000000", "{\"a\":1}", "a@b.example", "60000");
    IS("placed", "0");
    IS("order_shard", "1");
    OK(0, STORE_STATUS, "c1");
    IS("kind", "reg");
    assert_true(claim("market"));
    assert_string_equal(task, "place:r1");
    for (int i = 0; i < 2; i++) {
        OK(0, STORE_REG_LOAD, task, token, "r1");
        OK(1, STORE_ORDER_PLACE, FAR, "c1", "1000000", "{\"a\":1}", "a@b.example", "60000");
        OK(0, STORE_REG_PLACED, task, token, "r1");
        IS("moved", "1");
    }
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    OK(0, STORE_STATUS, "c1");
    IS("kind", "moved");
    IS("moved", "1");
    OK(1, STORE_STATUS, "c1");
    IS("kind", "order");
    IS("email", "a@b.example");
    OK(1, STORE_ORDER_GET, FAR);
    IS("t.slot", "1"); /* shard 1 of 2 gives odd slots, shard 0 even ones */
    OK(0, STORE_SUBMIT, "r1", "c1", "1000000", "{}", "x@b.example", "60000");
    IS("repeat", "1");
    IS("placed", "1");
}

/* A renewal whose purchase hashes to shard 0 belongs to the order in shard 1. */
static void a_renewal_across_shards(void **state)
{
    (void)state;
    OK(1, STORE_ORDER_UPSERT, FAR, "1", "granted", "1");
    OK(0, STORE_ORDER_ALIAS, RENEWAL, FAR);
    OK(0, STORE_ORDER_FIND, RENEWAL);
    IS("order", FAR);
    IS("shard", "1");
    IS("remote", "1");
    OK(0, STORE_ORDER_PLACE, RENEWAL, "c1", "1000", "{}", "", "1000");
    IS("remote", "1");
    IS("order", FAR);
    REFUSED(-ENOENT, 0, STORE_STATUS, "c1");
    OK(0, STORE_LAND, "r1", "aws", "saas", "sealed", "3600000", "{}");
    assert_true(claim("market"));
    OK(0, STORE_REG_RESOLVED, task, token, "r1", RENEWAL, "0");
    OK(0, STORE_SUBMIT, "r1", "c1", "1000000", "{}", "a@b.example", "60000");
    IS("placed", "0");
    IS("order", FAR);
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    assert_true(claim("market"));
    OK(1, STORE_ORDER_PLACE, FAR, "c1", "1000000", "{}", "a@b.example", "60000");
    OK(0, STORE_REG_PLACED, task, token, "r1", FAR);
    IS("moved", "1");
    OK(1, STORE_STATUS, "c1");
    IS("order", FAR);
}

static int two_shards(void **state)
{
    fx_shards = 2;
    return fresh(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(purchase),
        cmocka_unit_test_setup_teardown(across_shards, two_shards, done),
        cmocka_unit_test_setup_teardown(a_renewal_across_shards, two_shards, done),
    };

    if (crypto_init())
        return 1;
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
