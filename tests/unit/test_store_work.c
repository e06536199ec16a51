/* order_write, operators, upkeep: transitions, repairs, the checker and the lists. */
#include "store_test.h"

#include "base/hash.h"
#include "base/id.h"
#include "store/state.h"

#define O1         "o0-aaaaaaaaaaaaaaaaaaaaaaaaaa"
#define WRITE(...) OK(0, STORE_ORDER_WRITE, task, token, O1, __VA_ARGS__)

static char tenant[ID_TENANT];

static void begin(void)
{
    id_tenant(STR(O1), tenant);
    OK(0, STORE_ORDER_UPSERT, O1, "1000", "granted", "1", "plan", "starter");
    OK(0, STORE_ORDER_PLACE, O1, "cap", "1000000", "{\"n\":1}", "a@b.example", "60000");
    assert_true(claim("deploy"));
}

static const char *order_field(const char *name)
{
    OK(0, STORE_ORDER_GET, O1);
    return field(name);
}

static void one_write_does_it_all(void **state)
{
    (void)state;
    begin();
    WRITE("o.fulfilment", "IDENTIFIED", "o.step", "2", "t.generation", "1", "t.spec", "{}",
          "s.create", "intent", "log.type", "work.begins", "log.text", "text", "log.data", "{}",
          "+mail", "welcome", "+task", "refresh market 5000");
    IS("ver", "3");
    IS("repeat", "0");
    WRITE("o.fulfilment", "IDENTIFIED", "o.step", "2", "t.generation", "1", "t.spec", "{}",
          "s.create", "intent", "log.type", "work.begins", "log.text", "text", "log.data", "{}",
          "+mail", "welcome", "+task", "refresh market 5000");
    IS("ver", "3");
    IS("repeat", "1");
    WRITE("o.detail", "private");
    IS("ver", "3");
    WRITE("o.note", "public");
    IS("ver", "4");
    OK(0, STORE_FULFIL_LOAD, task, token, O1);
    IS("o.fulfilment", "IDENTIFIED");
    IS("t.generation", "1");
    IS("s.create", "intent");
    IS("k.fence", "1");
    assert_true(strlen(field("o.at_confirmed")) == 13);
    WRITE("o.note", "", "s.create", "");
    OK(0, STORE_FULFIL_LOAD, task, token, O1);
    IS("o.note", "");
    IS("s.create", "");
    OK(0, STORE_LOG, O1, "", "10");
    assert_int_equal(fx.rows->n, 3);
    ROW_IS(2, "type", "work.begins");
    ROW_IS(2, "text", "text");
    ROW_IS(2, "ver", "3");
    OK(0, STORE_ORDER_GET, O1);
    assert_int_equal(fx.rows->n, 6); /* fulfil, late, mail x2, refresh */
    for (size_t i = 1; i < fx.rows->n; i++)
        ROW_IS(i, "token", "");
}

static void what_is_illegal_is_not_written(void **state)
{
    static const char *const fixed[] = {"o.id",   "o.ver",  "o.tenant", "o.registered",
                                        "o.want", "t.slot", "t.order",  "x.y",
                                        "note",   "+else",  "log.else"};

    (void)state;
    begin();
    REFUSED(-EPERM, 0, STORE_ORDER_WRITE, task, token, O1, "o.fulfilment", "UPDATING", "o.note",
            "x");
    REFUSED(-EPERM, 0, STORE_ORDER_WRITE, task, token, O1, "o.fulfilment", "NONSENSE");
    REFUSED(-EPERM, 0, STORE_ORDER_WRITE, task, token, O1, "o.fulfilment", "READY FAILED");
    REFUSED(-EPERM, 0, STORE_ORDER_WRITE, task, token, O1, "o.contract", "PENDING");
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        REFUSED(-EINVAL, 0, STORE_ORDER_WRITE, task, token, O1, fixed[i], "x");
    REFUSED(-EINVAL, 0, STORE_ORDER_WRITE, task, token, O1, "o.note");
    REFUSED(-EINVAL, 0, STORE_ORDER_WRITE, task, token, O1, "+task", "refresh nobody 1");
    REFUSED(-EINVAL, 0, STORE_ORDER_WRITE, task, token, O1, "+task", "refresh market");
    WRITE("t.generation", "2");
    REFUSED(-EPERM, 0, STORE_ORDER_WRITE, task, token, O1, "t.generation", "1");
    REFUSED(-EPERM, 0, STORE_ORDER_WRITE, task, token, "o0-other", "o.note", "x");
    REFUSED(-ENOENT, 0, STORE_FULFIL_LOAD, task, token, "o0-other");
    assert_string_equal(order_field("o.note"), "");
    assert_string_equal(order_field("o.fulfilment"), "RECEIVED");
}

static void every_transition_is_as_the_table_says(void **state)
{
    char key[] = "{p0}:o:" O1;

    (void)state;
    begin();
    for (int from = FULFIL_RECEIVED; from <= FULFIL_CLOSED; from++)
        for (int to = FULFIL_RECEIVED; to <= FULFIL_CLOSED; to++) {
            int want = from == to || fulfilment_legal((enum fulfilment)from, (enum fulfilment)to)
                           ? 0
                           : -EPERM;

            RAW("HSET", key, "fulfilment", fulfilment_name((enum fulfilment)from));
            RAW("HDEL", "{p0}:k:fulfil:" O1, "wsum");
            REFUSED(want, 0, STORE_ORDER_WRITE, task, token, O1, "o.fulfilment",
                    fulfilment_name((enum fulfilment)to));
        }
    RAW("HSET", key, "fulfilment", "RECEIVED");
    for (int from = CONTRACT_PENDING; from <= CONTRACT_EXPIRED; from++)
        for (int to = CONTRACT_PENDING; to <= CONTRACT_EXPIRED; to++) {
            int want =
                from == to || contract_legal((enum contract)from, (enum contract)to) ? 0 : -EPERM;

            RAW("HSET", key, "contract", contract_name((enum contract)from));
            RAW("HDEL", "{p0}:k:fulfil:" O1, "wsum");
            REFUSED(want, 0, STORE_ORDER_WRITE, task, token, O1, "o.contract",
                    contract_name((enum contract)to));
            RAW("HSET", key, "contract", contract_name((enum contract)from));
            REFUSED(want, 0, STORE_ORDER_UPSERT, O1, "5000", "contract",
                    contract_name((enum contract)to));
        }
}

static void a_wiped_tenant_gives_its_slot_back_once(void **state)
{
    (void)state;
    begin();
    WRITE("o.fulfilment", "DELETING");
    WRITE("o.fulfilment", "CLOSED");
    assert_string_equal(RAW("SCARD", "{p0}:slots"), "0");
    WRITE("t.wiped", "1");
    WRITE("t.wiped", "1", "t.state", "gone");
    assert_string_equal(RAW("SMEMBERS", "{p0}:slots"), "1");
    OK(0, STORE_ORDER_UPSERT, "o0-next", "1", "granted", "1");
    OK(0, STORE_ORDER_PLACE, "o0-next", "cap2", "1000", "{}", "", "1000");
    OK(0, STORE_ORDER_GET, "o0-next");
    IS("t.slot", "0");
    assert_string_equal(RAW("SCARD", "{p0}:slots"), "0");
    WRITE("t.wiped", "1", "t.state", "gone for good");
    assert_string_equal(RAW("SCARD", "{p0}:slots"), "0");
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    REFUSED(-EPERM, 0, STORE_OPERATE, O1, "retry", "jo", "");
}

static void operators_wish_and_delete_wins(void **state)
{
    (void)state;
    begin();
    OK(0, STORE_OPERATE, O1, "suspend", "jo \"x\"\n", "abuse <b>");
    IS("changed", "1");
    IS("want", "suspended");
    OK(0, STORE_OPERATE, O1, "suspend", "jo", "abuse");
    IS("changed", "0");
    OK(0, STORE_OPERATE, O1, "resume", "jo", "");
    IS("want", "");
    OK(0, STORE_OPERATE, O1, "cancel", "jo", "wrong plan");
    IS("hold", "cancelled");
    OK(0, STORE_TASK_RENEW, "30000", task, token);
    IS("state", "ok");
    IS("cancel", "1");
    OK(0, STORE_OPERATE, O1, "retry", "jo", "");
    IS("hold", "");
    OK(0, STORE_TASK_RENEW, "30000", task, token);
    IS("cancel", "0");
    OK(0, STORE_OPERATE, O1, "delete", "jo", "gone");
    IS("want", "deleted");
    REFUSED(-EPERM, 0, STORE_OPERATE, O1, "suspend", "jo", "");
    REFUSED(-EPERM, 0, STORE_OPERATE, O1, "resume", "jo", "");
    REFUSED(-EPERM, 0, STORE_OPERATE, O1, "cancel", "jo", "");
    REFUSED(-EINVAL, 0, STORE_OPERATE, O1, "explode", "jo", "");
    REFUSED(-EINVAL, 0, STORE_OPERATE, O1, "retry cancel", "jo", "");
    REFUSED(-EINVAL, 0, STORE_OPERATE, O1, "retry", "", "");
    REFUSED(-ENOENT, 0, STORE_OPERATE, "o0-none", "retry", "jo", "");
    OK(0, STORE_LOG, O1, "", "100");
    assert_int_equal(fx.rows->n, 7);
    ROW_IS(2, "text", "abuse <b>");
    ROW_IS(2, "data", "{\"actor\":\"jo \\\"x\\\"\\n\"}");
    ROW_IS(6, "type", "operator.delete");
    WRITE("o.pct", "50");
    IS("want", "deleted");
    IS("again", "1");
}

static void lists_and_timeline_page(void **state)
{
    char id[40], after[80] = "", seen[25][40];
    size_t n = 0;

    (void)state;
    for (int i = 0; i < 25; i++) {
        snprintf(id, sizeof(id), "o0-order%02d", i);
        OK(0, STORE_ORDER_UPSERT, id, "1", "plan", "p");
        RAW("ZADD", "{p0}:orders", i < 20 ? "500" : "900", id);
    }
    for (;;) {
        OK(0, STORE_ORDERS, after, "7");
        if (fx.rows->n == 0)
            break;
        for (size_t i = 0; i < fx.rows->n; i++) {
            assert_true(n < 25);
            snprintf(seen[n], sizeof(seen[n]), "%s", field_of(i, "id"));
            for (size_t j = 0; j < n; j++)
                assert_string_not_equal(seen[n], seen[j]);
            n++;
        }
        snprintf(after, sizeof(after), "%s", field_of(fx.rows->n - 1, "after"));
    }
    assert_int_equal(n, 25);
    assert_string_equal(seen[0], "o0-order24");
    REFUSED(-EINVAL, 0, STORE_ORDERS, "junk", "7");
    REFUSED(-EINVAL, 0, STORE_ORDERS, "", "0");
    REFUSED(-EINVAL, 0, STORE_LOG, "o0-order01", "junk", "5");
    REFUSED(-ENOENT, 0, STORE_LOG, "o0-none", "", "5");
    OK(0, STORE_LOG, "o0-order01", "", "5");
    OK(0, STORE_LOG, "o0-order01", field("id"), "5");
    assert_int_equal(fx.rows->n, 0);
}

static int violations(void)
{
    char cursor[64] = "0";
    int n = 0;

    do {
        OK(0, STORE_INVARIANTS, cursor, "10");
        n += (int)fx.rows->n - 1;
        snprintf(cursor, sizeof(cursor), "%s", field("cursor"));
    } while (strcmp(cursor, "0") != 0);
    return n;
}

static int sweep(void)
{
    char cursor[64] = "0";
    int n = 0;

    do {
        OK(0, STORE_SWEEP, cursor, "10");
        n += number(field("repaired"));
        snprintf(cursor, sizeof(cursor), "%s", field("cursor"));
    } while (strcmp(cursor, "0") != 0);
    return n;
}

static void what_is_broken_is_seen_and_repaired(void **state)
{
    static const struct {
        const char *argv[6];
        size_t n;
    } hands[] = {
        {{"ZREM", "{p0}:lease", "fulfil:" O1}, 3},
        {{"ZADD", "{p0}:ready:deploy", "1", "fulfil:" O1}, 4},
        {{"SREM", "{p0}:live", "fulfil:" O1}, 3},
        {{"DEL", "{p0}:k:fulfil:" O1}, 2},
        {{"HSET", "{p0}:k:fulfil:" O1, "state", "done"}, 4},
        {{"DEL", "{p0}:live"}, 2},
        {{"DEL", "{p0}:lease"}, 2},
        {{"SADD", "{p0}:live", "ghost"}, 3},
        {{"ZADD", "{p0}:orders", "1", "o0-ghost"}, 4},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(hands) / sizeof(hands[0]); i++) {
        RAW("FLUSHALL");
        OK(0, STORE_INIT, "1", "test", "1");
        begin();
        WRITE("o.fulfilment", "IDENTIFIED");
        assert_int_equal(violations(), 0);
        assert_int_equal(sweep(), 0);
        redis_raw(hands[i].argv, hands[i].n);
        assert_true(violations() > 0);
        assert_true(sweep() > 0);
        assert_int_equal(violations(), 0);
        assert_int_equal(sweep(), 0);
    }
}

static void what_cannot_be_repaired_is_seen(void **state)
{
    (void)state;
    begin();
    WRITE("o.fulfilment", "IDENTIFIED");
    RAW("HSET", "{p0}:k:fulfil:" O1, "fence", "0");
    assert_int_equal(violations(), 1);
    RAW("HSET", "{p0}:k:fulfil:" O1, "fence", "1");
    RAW("HSET", "{p0}:o:" O1, "ver", "1");
    assert_int_equal(violations(), 1);
    RAW("HSET", "{p0}:o:" O1, "ver", "9");
    RAW("SADD", "{p0}:slots", "0");
    assert_int_equal(violations(), 1);
    RAW("DEL", "{p0}:slots");
    RAW("HDEL", "{p0}:o:" O1, "tenant");
    assert_int_equal(violations(), 1);
    RAW("HSET", "{p0}:o:" O1, "tenant", "t0-other");
    assert_int_equal(violations(), 1);
    RAW("HSET", "{p0}:o:" O1, "tenant", tenant);
    RAW("HDEL", "{p0}:k:fulfil:" O1, "token");
    assert_int_equal(violations(), 1);
}

static void resync_visits_what_sleeps(void **state)
{
    (void)state;
    begin();
    OK(0, STORE_RESYNC, "0", "100", "0");
    IS("added", "0");
    WRITE("o.fulfilment", "IDENTIFIED");
    WRITE("o.fulfilment", "READY", "o.endpoint", "http://x");
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    OK(0, STORE_RESYNC, "0", "100", "0");
    IS("added", "1");
    IS("cursor", "0");
    OK(0, STORE_RESYNC, "0", "100", "0");
    IS("added", "0");
    assert_true(claim("deploy"));
    OK(0, STORE_TASK_FINISH, task, token, "dead", "0", "AUTH", "");
    OK(0, STORE_RESYNC, "0", "100", "0");
    IS("added", "0");
    REFUSED(-EINVAL, 0, STORE_RESYNC, "x", "100", "0");
    REFUSED(-EINVAL, 0, STORE_SWEEP, "x", "100");
    REFUSED(-EINVAL, 0, STORE_INVARIANTS, "x:1", "100");
}

static void the_fence_outlives_the_record(void **state)
{
    (void)state;
    begin();
    WRITE("o.fulfilment", "IDENTIFIED");
    WRITE("o.fulfilment", "READY");
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    RAW("DEL", "{p0}:k:fulfil:" O1); /* seven days later */
    OK(0, STORE_ORDER_UPSERT, O1, "2000", "quantity", "3");
    assert_true(claim("deploy"));
    ROW_IS(1, "fence", "2");
}

static void numbers_for_operators(void **state)
{
    (void)state;
    begin();
    OK(0, STORE_STATS);
    IS("orders", "1");
    IS("lease", "1");
    IS("ready_notify", "2");
    IS("due_notify", "1");
    IS("state:ACTIVE/RECEIVED", "1");
    WRITE("o.fulfilment", "IDENTIFIED");
    WRITE("o.contract", "SUSPENDED");
    OK(0, STORE_STATS);
    IS("state:ACTIVE/RECEIVED", "");
    IS("state:SUSPENDED/IDENTIFIED", "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(one_write_does_it_all),
        T(what_is_illegal_is_not_written),
        T_BROKEN(every_transition_is_as_the_table_says),
        T(a_wiped_tenant_gives_its_slot_back_once),
        T(operators_wish_and_delete_wins),
        T(lists_and_timeline_page),
        T(what_is_broken_is_seen_and_repaired),
        T_BROKEN(what_cannot_be_repaired_is_seen),
        T(resync_visits_what_sleeps),
        T(the_fence_outlives_the_record),
        T(numbers_for_operators),
    };

    if (crypto_init())
        return 1;
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
