/* Registrations, orders, agreements, events: facts in any order, twice, and every refusal. */
#include "store_test.h"

#include "base/hash.h"
#include "base/id.h"

#define O1                  "o0-aaaaaaaaaaaaaaaaaaaaaaaaaa"
#define O2                  "o0-bbbbbbbbbbbbbbbbbbbbbbbbbb"
#define O3                  "o0-cccccccccccccccccccccccccc"
#define FAR                 "o1-dddddddddddddddddddddddddd"
#define LAND(reg)           OK(0, STORE_LAND, reg, "aws", "saas", "sealed", "3600000", "{}")
#define SUBMIT(reg, cap)    OK(0, STORE_SUBMIT, reg, cap, "1000000", "{}", "a@b.example", "60000")
#define UPSERT(id, at, ...) OK(0, STORE_ORDER_UPSERT, id, at, __VA_ARGS__)

static void resolve(const char *reg, const char *order)
{
    char text[8];

    snprintf(text, sizeof(text), "%c", order[1]);
    assert_true(claim("market"));
    OK(0, STORE_REG_RESOLVED, task, token, reg, order, text, "plan", "starter");
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
}

static void register_order(const char *id)
{
    UPSERT(id, "1000", "granted", "1");
    OK(0, STORE_ORDER_PLACE, id, "cap", "1000000", "{}", "a@b.example", "60000");
}

static const char *order_field(const char *id, const char *name)
{
    OK(0, STORE_ORDER_GET, id);
    return field(name);
}

/* Whatever else is known of it: a poll is the most frequent read there is. */
static void what_a_poll_reads_stands_first(void **state)
{
    static const char first[] = "ver updated id ";

    (void)state;
    UPSERT(O1, "1000", "plan", "starter", "quantity", "5", "granted", "1");
    UPSERT(O1, "2000", "plan", "pro", "region", "eu");
    assert_memory_equal(
        RAW("EVAL", "return table.concat(redis.call('HKEYS', KEYS[1]), ' ')", "1", "{p0}:o:" O1),
        first, sizeof(first) - 1);
    assert_string_equal(RAW("HGET", "{p0}:o:" O1, "ver"), "2");
}

static void facts_arrive_in_any_order(void **state)
{
    (void)state;
    UPSERT(O1, "1000", "plan", "starter", "quantity", "5");
    IS("created", "1");
    IS("contract", "PENDING");
    IS("ver", "1");
    UPSERT(O1, "1000", "plan", "starter", "quantity", "5");
    IS("changed", "0");
    IS("ver", "1");
    UPSERT(O1, "2000", "plan", "pro");
    IS("ver", "2");
    UPSERT(O1, "1500", "plan", "old", "region", "eu");
    IS("stale", "1");
    assert_string_equal(order_field(O1, "o.plan"), "pro");
    assert_string_equal(order_field(O1, "o.region"), "eu");
    assert_string_equal(order_field(O1, "o.at"), "2000");
    UPSERT(O1, "3000", "granted", "1");
    IS("contract", "ACTIVE");
    UPSERT(O1, "4000", "contract", "CANCELLED", "delete_at", "9000");
    assert_string_equal(order_field(O1, "o.at_ended"), "4000");
    assert_string_equal(order_field(O1, "o.delete_at"), "9000");
    UPSERT(O1, "3500", "contract", "ACTIVE", "granted", "1");
    IS("contract", "CANCELLED");
    UPSERT(O1, "5000", "granted", "1");
    IS("contract", "CANCELLED");
    UPSERT(O1, "6000", "contract", "ACTIVE");
    IS("contract", "ACTIVE");
    assert_string_equal(order_field(O1, "o.at_ended"), "");
    assert_string_equal(order_field(O1, "o.delete_at"), "");
    REFUSED(-EPERM, 0, STORE_ORDER_UPSERT, O1, "7000", "contract", "PENDING");
    assert_string_equal(order_field(O1, "o.at"), "6000");
    OK(0, STORE_STATS);
    IS("state:ACTIVE/RECEIVED", "1");
    IS("state:CANCELLED/RECEIVED", "");
}

static void what_an_upsert_may_not_say(void **state)
{
    static const char *const ours[] = {
        "id",   "ver",          "fulfilment", "tenant", "registered", "want", "endpoint",
        "step", "fence_fulfil", "bad-name",   ""};

    (void)state;
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        REFUSED(-EINVAL, 0, STORE_ORDER_UPSERT, O1, "1", ours[i], "x");
    REFUSED(-EINVAL, 0, STORE_ORDER_UPSERT, O1, "1", "contract", "GOOD");
    REFUSED(-EINVAL, 0, STORE_ORDER_UPSERT, O1, "1", "granted", "yes");
    REFUSED(-EINVAL, 0, STORE_ORDER_UPSERT, O1, "soon", "plan", "a");
    REFUSED(-EINVAL, 0, STORE_ORDER_UPSERT, O1, "1", "plan");
    REFUSED(-EINVAL, 0, STORE_ORDER_UPSERT, O1, "1", "plan", "a", "plan", "b");
    REFUSED(-EINVAL, 0, STORE_ORDER_UPSERT, FAR, "1", "plan", "a");
    REFUSED(-ENOENT, 0, STORE_ORDER_GET, O1);
}

static void what_matters_wakes_the_work_once_registered(void **state)
{
    (void)state;
    UPSERT(O1, "1000", "plan", "starter");
    assert_string_equal(RAW("EXISTS", "{p0}:k:fulfil:" O1), "0");
    OK(0, STORE_ORDER_PLACE, O1, "cap", "1000000", "{}", "a@b.example", "60000");
    assert_true(claim("deploy"));
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    UPSERT(O1, "1001", "license", "arn");
    assert_false(claim("deploy"));
    UPSERT(O1, "1002", "quantity", "9");
    assert_true(claim("deploy"));
    UPSERT(O1, "1003", "granted", "1");
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    IS("state", "queued");
}

static void a_form_waits_for_its_purchase(void **state)
{
    (void)state;
    LAND("r1");
    SUBMIT("r1", "c1");
    IS("placed", "0");
    OK(0, STORE_STATUS, "c1");
    IS("kind", "reg");
    IS("state", "submitted");
    IS("form", "");
    UPSERT(O1, "1", "granted", "1");
    assert_true(claim("market"));
    OK(0, STORE_REG_RESOLVED, task, token, "r1", O1, "0");
    IS("placed", "1");
    OK(0, STORE_REG_RESOLVED, task, token, "r1", O1, "0");
    IS("placed", "1");
    REFUSED(-EEXIST, 0, STORE_REG_RESOLVED, task, token, "r1", O2, "0");
    OK(0, STORE_REG_LOAD, task, token, "r1");
    IS("token", "");
    IS("form", "");
    OK(0, STORE_STATUS, "c1");
    IS("kind", "order");
    IS("registered", "1");
    SUBMIT("r1", "c1");
    IS("repeat", "1");
    IS("placed", "1");
    assert_true(claim("deploy"));
    assert_false(claim("deploy"));
}

static void a_form_whose_order_is_not_there_yet_is_carried(void **state)
{
    (void)state;
    LAND("r1");
    resolve("r1", O1); /* no order: a failover lost it */
    SUBMIT("r1", "c1");
    IS("placed", "0");
    assert_true(claim("market"));
    assert_string_equal(task, "place:r1");
    REFUSED(-ENOENT, 0, STORE_ORDER_PLACE, O1, "c1", "1000", "{}", "a@b", "1");
    UPSERT(O1, "1", "granted", "1");
    OK(0, STORE_REG_LOAD, task, token, "r1");
    IS("email", "a@b.example");
    IS("cap", "c1");
    OK(0, STORE_ORDER_PLACE, O1, "c1", "1000000", "{}", "a@b.example", "60000");
    IS("repeat", "0");
    OK(0, STORE_ORDER_PLACE, O1, "c1", "1000000", "{}", "x@b.example", "60000");
    IS("repeat", "1");
    OK(0, STORE_REG_PLACED, task, token, "r1");
    IS("moved", "");
    OK(0, STORE_REG_PLACED, task, token, "r1");
    OK(0, STORE_STATUS, "c1");
    IS("kind", "order");
    IS("email", "a@b.example");
}

static void a_second_registration_only_gets_a_capability(void **state)
{
    (void)state;
    LAND("r1");
    UPSERT(O1, "1", "granted", "1");
    resolve("r1", O1);
    SUBMIT("r1", "c1");
    LAND("r2");
    resolve("r2", O1);
    OK(0, STORE_REG_GET, "r2");
    IS("registered", "1");
    OK(0, STORE_SUBMIT, "r2", "c2", "1000000", "{}", "other@b.example", "60000");
    IS("placed", "1");
    OK(0, STORE_STATUS, "c2");
    IS("order", O1);
    IS("email", "a@b.example");
    assert_true(claim("deploy"));
    assert_false(claim("deploy"));
    assert_true(claim("notify"));
    assert_false(claim("notify"));
    assert_string_equal(RAW("HGET", "{p0}:meta", "slot"), "1");
}

static void refusals_of_registrations(void **state)
{
    (void)state;
    REFUSED(-ENOENT, 0, STORE_REG_GET, "none");
    REFUSED(-ENOENT, 0, STORE_SUBMIT, "none", "c", "1", "{}", "", "1");
    REFUSED(-ENOENT, 0, STORE_STATUS, "none");
    REFUSED(-EINVAL, 0, STORE_LAND, "r1", "aws", "saas", "", "1", "");
    REFUSED(-EINVAL, 0, STORE_LAND, "r1", "aws", "saas", "t", "-5", "");
    LAND("r1");
    assert_true(claim("market"));
    OK(0, STORE_REG_REFUSED, task, token, "r1", "market_down", "0");
    OK(0, STORE_REG_GET, "r1");
    IS("state", "new");
    IS("code", "market_down");
    REFUSED(-EINVAL, 0, STORE_REG_REFUSED, task, token, "r1", "x", "2");
    REFUSED(-ENOENT, 0, STORE_REG_REFUSED, task, token, "none", "x", "1");
    REFUSED(-ENOENT, 0, STORE_REG_RESOLVED, task, token, "none", O1, "0");
    REFUSED(-ENOENT, 0, STORE_REG_LOAD, task, token, "none");
    REFUSED(-ENOENT, 0, STORE_REG_PLACED, task, token, "none");
    REFUSED(-EPERM, 0, STORE_REG_PLACED, task, token, "r1");
    REFUSED(-EINVAL, 0, STORE_REG_RESOLVED, task, token, "r1", O1, "1");
    REFUSED(-EINVAL, 0, STORE_REG_RESOLVED, task, token, "r1", O1, "0", "state", "submitted");
    REFUSED(-EINVAL, 0, STORE_REG_RESOLVED, task, token, "r1", O1, "0", "odd");
    OK(0, STORE_REG_REFUSED, task, token, "r1", "expired", "1");
    OK(0, STORE_REG_REFUSED, task, token, "r1", "expired", "1");
    OK(0, STORE_REG_LOAD, task, token, "r1");
    IS("state", "refused");
    IS("token", "");
    REFUSED(-EPERM, 0, STORE_REG_RESOLVED, task, token, "r1", O1, "0");
    REFUSED(-EPERM, 0, STORE_SUBMIT, "r1", "c", "1000", "{}", "", "1");
}

static void renewals_lead_to_the_first_order(void **state)
{
    (void)state;
    register_order(O1);
    OK(0, STORE_ORDER_ALIAS, O2, O1);
    OK(0, STORE_ORDER_ALIAS, O2, O1);
    IS("repeat", "1");
    REFUSED(-EEXIST, 0, STORE_ORDER_ALIAS, O2, O3);
    REFUSED(-EPERM, 0, STORE_ORDER_ALIAS, O1, O1);
    REFUSED(-EPERM, 0, STORE_ORDER_ALIAS, O1, O3);
    REFUSED(-EPERM, 0, STORE_ORDER_ALIAS, O3, O3);
    OK(0, STORE_ORDER_ALIAS, O3, O2);
    OK(0, STORE_ORDER_FIND, O3);
    IS("order", O1);
    IS("exists", "1");
    IS("aliased", "1");
    OK(0, STORE_ORDER_FIND, O1);
    IS("aliased", "0");
    OK(0, STORE_ORDER_FIND, "o0-xx");
    IS("exists", "0");
    LAND("r1");
    resolve("r1", O2);
    SUBMIT("r1", "c9");
    OK(0, STORE_STATUS, "c9");
    IS("order", O1);
    REFUSED(-EINVAL, 0, STORE_ORDER_FIND, "nonsense");
}

static void an_order_without_tenant_merges(void **state)
{
    (void)state;
    register_order(O1);
    UPSERT(O2, "1", "granted", "1");
    LAND("r1");
    resolve("r1", O2);
    OK(0, STORE_ORDER_MERGE, O2, O1);
    OK(0, STORE_ORDER_MERGE, O2, O1);
    IS("repeat", "1");
    REFUSED(-EEXIST, 0, STORE_ORDER_MERGE, O2, O3);
    REFUSED(-EPERM, 0, STORE_ORDER_MERGE, O1, O2);
    REFUSED(-ENOENT, 0, STORE_ORDER_MERGE, O3, O1);
    SUBMIT("r1", "c2");
    OK(0, STORE_STATUS, "c2");
    IS("order", O1);
    OK(0, STORE_STATS);
    IS("state:ACTIVE/RECEIVED", "1");
    IS("state:ACTIVE/CLOSED", "");
    IS("orders", "1");
}

static void agreements_merge_by_event_time(void **state)
{
    (void)state;
    OK(0, STORE_AGREEMENT, "aws", "a1", "2000", "status", "ACTIVE", "offer", "o2");
    OK(0, STORE_AGREEMENT, "aws", "a1", "1000", "status", "PENDING", "license", "l1", "intent",
       "NEW");
    IS("status", "ACTIVE");
    IS("license", "l1");
    OK(0, STORE_AGREEMENT, "aws", "a1", "3000", "status", "RENEWED", "license", "");
    OK(0, STORE_AGREEMENT, "aws", "a1", "3000", "status", "RENEWED", "license", "");
    IS("status", "RENEWED");
    IS("license", "l1");
    IS("at", "3000");
    OK(0, STORE_AGREEMENT, "aws", "a1", "0");
    IS("status", "RENEWED");
    IS("at.status", "");
    OK(0, STORE_AGREEMENT, "aws", "none", "0");
    IS("status", "");
    REFUSED(-EINVAL, 0, STORE_AGREEMENT, "aws", "a1", "1", "odd");
    REFUSED(-EINVAL, 0, STORE_AGREEMENT, "aws", "a1", "1", "at.x", "y");
}

static void accounts_and_events(void **state)
{
    (void)state;
    register_order(O1);
    OK(0, STORE_ACCOUNT_ADD, "aws", "pc", "1234", O1);
    IS("added", "1");
    OK(0, STORE_ACCOUNT_ADD, "aws", "pc", "1234", O1);
    IS("added", "0");
    OK(0, STORE_ACCOUNT_ADD, "aws", "pc", "1234", FAR);
    REFUSED(-EINVAL, 0, STORE_ACCOUNT_ADD, "aws", "pc", "1234", "x");
    OK(0, STORE_ACCOUNT_GET, "aws", "pc", "1234");
    assert_int_equal(fx.rows->n, 2);
    OK(0, STORE_ACCOUNT_GET, "aws", "pc", "none");
    assert_int_equal(fx.rows->n, 0);
    OK(0, STORE_EVENT_PUT, "e1", "d1", "aws", "saas", "t", "purchased", "{}", "raw", "5");
    IS("dup", "0");
    OK(0, STORE_EVENT_PUT, "e2", "d1", "aws", "saas", "t", "purchased", "{}", "raw", "5");
    IS("dup", "1");
    IS("id", "e1");
    OK(0, STORE_EVENT_GET, "e1");
    IS("raw", "raw");
    REFUSED(-ENOENT, 0, STORE_EVENT_GET, "e2");
    REFUSED(-EEXIST, 0, STORE_EVENT_PUT, "e1", "d2", "aws", "saas", "t", "k", "{}", "", "5");
    assert_true(claim("market"));
    assert_string_equal(task, "event:e1");
    assert_false(claim("market"));
}

static void capabilities_can_be_added(void **state)
{
    (void)state;
    register_order(O1);
    OK(0, STORE_CAP_ADD, O1, "c7", "5000");
    OK(0, STORE_CAP_ADD, O1, "c7", "5000");
    OK(0, STORE_STATUS, "c7");
    UPSERT(O2, "1", "plan", "x");
    REFUSED(-EEXIST, 0, STORE_CAP_ADD, O2, "c7", "5000");
    REFUSED(-ENOENT, 0, STORE_CAP_ADD, O3, "c8", "5000");
}

static void init_checks_what_is_there(void **state)
{
    (void)state;
    OK(0, STORE_INIT, "1", "test", "1");
    IS("created", "0");
    OK(0, STORE_INIT, "1", "", "1");
    IS("installation", "test");
    REFUSED(-EEXIST, 0, STORE_INIT, "2", "test", "1");
    REFUSED(-EEXIST, 0, STORE_INIT, "1", "other", "1");
    REFUSED(-EINVAL, 0, STORE_INIT, "1", "test", "2");
    REFUSED(-EINVAL, 0, STORE_INIT, "0", "test", "1");
    RAW("HSET", "{p0}:meta", "schema", "0");
    REFUSED(-EAGAIN, 0, STORE_READY);
    REFUSED(-EEXIST, 0, STORE_INIT, "1", "test", "1");
    RAW("FLUSHALL");
    REFUSED(-EAGAIN, 0, STORE_LAND, "r1", "aws", "saas", "t", "1", "");
    assert_non_null(strstr(store_trouble(fx.store), "not initialised"));
    assert_string_equal(RAW("DBSIZE"), "0");
    OK(0, STORE_INIT, "1", "test", "1");
    OK(0, STORE_READY);
    IS("worker_age_ms", "-1");
    IS("shards", "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_a_poll_reads_stands_first),
        T(facts_arrive_in_any_order),
        T(what_an_upsert_may_not_say),
        T(what_matters_wakes_the_work_once_registered),
        T(a_form_waits_for_its_purchase),
        T(a_form_whose_order_is_not_there_yet_is_carried),
        T(a_second_registration_only_gets_a_capability),
        T(refusals_of_registrations),
        T(renewals_lead_to_the_first_order),
        T(an_order_without_tenant_merges),
        T(agreements_merge_by_event_time),
        T(accounts_and_events),
        T(capabilities_can_be_added),
        T(init_checks_what_is_there),
    };

    if (crypto_init())
        return 1;
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
