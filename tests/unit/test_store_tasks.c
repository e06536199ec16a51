/* The queue: claim, lease, fence, finish, again, poison, repairs. */
#include "store_test.h"

#include "base/hash.h"

#define ORDER "o0-aaaaaaaaaaaaaaaaaaaaaaaaaa"

static void add(const char *id, const char *delay)
{
    OK(0, STORE_TASK_ADD, id, "event", "market", "subject", delay, "");
}

static const char *zscore(const char *key, const char *member)
{
    return RAW("ZSCORE", key, member);
}

/* As if the lease had run out. */
static void expire(const char *id)
{
    RAW("ZADD", "{p0}:lease", "1", id);
}

static void a_task_runs_once(void **state)
{
    (void)state;
    add("t1", "0");
    IS("state", "queued");
    assert_true(claim("market"));
    assert_string_equal(task, "t1");
    ROW_IS(1, "fence", "1");
    ROW_IS(1, "owner", "w1");
    ROW_IS(1, "subject", "subject");
    assert_false(claim("market"));
    assert_false(claim("deploy"));
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    IS("state", "done");
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    IS("repeat", "1");
    assert_false(claim("market"));
    assert_string_equal(RAW("SCARD", "{p0}:live"), "0");
    assert_true(number(RAW("PTTL", "{p0}:k:t1")) > 6 * 86400 * 1000L);
}

static void adding_a_queued_task_only_lowers_its_due_time(void **state)
{
    char due[32];

    (void)state;
    add("t1", "50000");
    snprintf(due, sizeof(due), "%s", zscore("{p0}:ready:market", "t1"));
    add("t1", "90000");
    IS("changed", "0");
    assert_string_equal(zscore("{p0}:ready:market", "t1"), due);
    add("t1", "0");
    IS("changed", "1");
    assert_string_not_equal(zscore("{p0}:ready:market", "t1"), due);
    assert_true(claim("market"));
}

static void adding_a_running_task_makes_it_run_again(void **state)
{
    static const char *const how[] = {"done", "wait", "retry", "dead"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        add("t1", "0");
        assert_true(claim("market"));
        add("t1", "0");
        IS("state", "running");
        OK(0, STORE_TASK_FINISH, task, token, how[i], "100000", "RETRY", "text");
        IS("state", "queued");
        assert_true(claim("market"));
        OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
        IS("state", "done");
    }
}

static void a_done_task_comes_anew_without_steps_and_with_its_fence(void **state)
{
    (void)state;
    add("t1", "0");
    assert_true(claim("market"));
    OK(0, STORE_TASK_STEP, task, token, "create", "intent", "s.other", "x");
    IS("changed", "2");
    OK(0, STORE_TASK_STEP, task, token, "create", "intent", "other", "");
    IS("changed", "1");
    OK(0, STORE_TASK_FINISH, task, token, "retry", "0", "RETRY", "text");
    assert_true(claim("market"));
    ROW_IS(1, "tries", "1");
    ROW_IS(1, "s.create", "intent");
    ROW_IS(1, "class", "RETRY");
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    add("t1", "0");
    assert_true(claim("market"));
    ROW_IS(1, "s.create", "");
    ROW_IS(1, "tries", "0");
    ROW_IS(1, "fence", "3");
    assert_string_equal(RAW("PTTL", "{p0}:k:t1"), "-1");
}

static void mail_goes_out_once(void **state)
{
    (void)state;
    OK(0, STORE_TASK_ADD, "mail:" ORDER ":ready", "mail", "notify", ORDER, "0", "ready");
    assert_true(claim("notify"));
    ROW_IS(1, "data", "ready");
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    OK(0, STORE_TASK_ADD, "mail:" ORDER ":ready", "mail", "notify", ORDER, "0", "ready");
    IS("state", "done");
    IS("changed", "0");
    assert_false(claim("notify"));
}

/* Of one role, after one class of failure; what waits for another reason, or runs, is left alone.
 */
static void what_was_mended_is_due_now(void **state)
{
    static const struct {
        const char *id, *how, *class, *due;
    } t[] = {{"t1", "retry", "CONFIG", "0"},
             {"t2", "retry", "config", "0"},
             {"t3", "retry", "RETRY", NULL},
             {"t4", "wait", "", NULL}};
    char was[4][32];

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        add(t[i].id, "0");
        assert_true(claim("market"));
        OK(0, STORE_TASK_FINISH, task, token, t[i].how, "600000", t[i].class, "text");
        snprintf(was[i], sizeof(was[i]), "%s", zscore("{p0}:ready:market", t[i].id));
    }
    add("t5", "0");
    assert_true(claim("market"));
    OK(0, STORE_HASTEN, "0", "100", "deploy", "config");
    IS("hastened", "0");
    OK(0, STORE_HASTEN, "0", "100", "market", "config");
    IS("cursor", "0");
    IS("hastened", "2");
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(strcmp(zscore("{p0}:ready:market", t[i].id), was[i]) == 0, !t[i].due);
    assert_true(claim("market"));
    assert_true(claim("market"));
    assert_string_equal(task, "t2");
    assert_false(claim("market"));
    OK(0, STORE_HASTEN, "0", "100", "market", "config"); /* they run */
    IS("hastened", "0");
    assert_int_equal(CALL(0, STORE_HASTEN, "x", "100", "market", "config"), -EINVAL);
    assert_int_equal(CALL(0, STORE_HASTEN, "0", "100", "nobody", "config"), -EINVAL);
}

static void waiting_is_not_a_try(void **state)
{
    (void)state;
    add("t1", "0");
    assert_true(claim("market"));
    OK(0, STORE_TASK_FINISH, task, token, "wait", "60000", "", "");
    IS("state", "queued");
    OK(0, STORE_TASK_FINISH, task, token, "wait", "60000", "", "");
    IS("repeat", "1");
    assert_false(claim("market"));
    assert_int_not_equal(number(field("next_ms")), -1);
    assert_in_range(number(field("next_ms")), 1, 60000);
    assert_string_equal(RAW("HGET", "{p0}:k:t1", "tries"), "0");
}

/* Finishes the task at hand and asks for the next one of the roles. */
#define FINISH_FOR(how, ...)                                                                       \
    OK(0, STORE_TASK_FINISH, task, token, how, "60000", "", "", "w1", "ride", "30000", __VA_ARGS__)

static void a_finish_brings_the_next_task(void **state)
{
    char first[200];

    (void)state;
    add("t1", "0");
    add("t2", "0");
    add("t3", "0");
    assert_true(claim("market"));
    snprintf(first, sizeof(first), "{p0}:k:%s", task);
    FINISH_FOR("done", "deploy", "market");
    IS("state", "done");
    IS("next_ms", "");
    ROW_IS(1, "state", "running");
    ROW_IS(1, "token", "ride:1");
    ROW_IS(1, "fence", "1");
    ROW_IS(1, "owner", "w1");
    assert_string_equal(RAW("HGET", first, "state"), "done");
    assert_string_equal(RAW("ZCARD", "{p0}:lease"), "1");
    assert_string_equal(RAW("ZCARD", "{p0}:ready:market"), "1");
    FINISH_FOR("done", "market"); /* the answer was lost */
    IS("repeat", "1");
    ROW_IS(1, "token", "ride:1");
    ROW_IS(1, "fence", "1");
    assert_string_equal(RAW("ZCARD", "{p0}:ready:market"), "1");
}

static void a_finish_without_a_next_task_tells_when_to_come_again(void **state)
{
    (void)state;
    add("t1", "0");
    add("t2", "50000");
    assert_true(claim("market"));
    FINISH_FOR("wait", "market");
    IS("state", "queued");
    assert_in_range(number(field("next_ms")), 1, 50000);
    ROW_IS(1, "id", "");
}

static void a_finish_that_is_refused_takes_nothing(void **state)
{
    (void)state;
    add("t1", "0");
    add("t2", "0");
    REFUSED(-ESTALE, 0, STORE_TASK_FINISH, "t1", "x", "done", "0", "", "", "w1", "ride", "30000",
            "market");
    REFUSED(-EINVAL, 0, STORE_TASK_FINISH, "t1", "x", "done", "0", "", "", "w1", "ride", "30000");
    REFUSED(-EINVAL, 0, STORE_TASK_FINISH, "t1", "x", "done", "0", "", "", "w1", "ride", "30000",
            "cook");
    assert_string_equal(RAW("ZCARD", "{p0}:ready:market"), "2");
}

static void only_the_token_counts(void **state)
{
    char old[80];

    (void)state;
    add("t1", "0");
    assert_true(claim("market"));
    snprintf(old, sizeof(old), "%s", token);
    OK(0, STORE_TASK_RENEW, "30000", "t1", token, "t2", "x");
    ROW_IS(0, "state", "ok");
    ROW_IS(1, "state", "lost");
    expire("t1");
    assert_true(claim_as(0, "w2", "market"));
    assert_string_equal(task, "t1");
    ROW_IS(0, "recovered", "1");
    ROW_IS(1, "fence", "2");
    ROW_IS(1, "crashes", "1");
    REFUSED(-ESTALE, 0, STORE_TASK_FINISH, "t1", old, "done", "0", "", "");
    REFUSED(-ESTALE, 0, STORE_TASK_STEP, "t1", old, "a", "b");
    REFUSED(-ESTALE, 0, STORE_TASK_STEP, "t1", "", "a", "b");
    REFUSED(-ESTALE, 0, STORE_TASK_STEP, "none", "", "a", "b");
    REFUSED(-ESTALE, 0, STORE_FULFIL_LOAD, "t1", old, ORDER);
    REFUSED(-ESTALE, 0, STORE_ORDER_WRITE, "t1", old, ORDER, "o.note", "x");
    REFUSED(-ESTALE, 0, STORE_REG_LOAD, "t1", old, "r");
    REFUSED(-ESTALE, 0, STORE_REG_RESOLVED, "t1", old, "r", ORDER, "0");
    REFUSED(-ESTALE, 0, STORE_REG_REFUSED, "t1", old, "r", "code", "1");
    REFUSED(-ESTALE, 0, STORE_REG_PLACED, "t1", old, "r");
    OK(0, STORE_TASK_RENEW, "30000", "t1", old);
    ROW_IS(0, "state", "lost");
    OK(0, STORE_TASK_RENEW, "30000", "t1", token);
    ROW_IS(0, "state", "ok");
}

static void a_task_that_kills_its_worker_is_parked(void **state)
{
    (void)state;
    add("t1", "0");
    for (int i = 0; i < 3; i++) {
        assert_true(claim("market"));
        expire("t1");
    }
    assert_false(claim("market"));
    IS("parked", "1");
    assert_string_equal(RAW("HGET", "{p0}:k:t1", "state"), "dead");
    assert_string_equal(RAW("HGET", "{p0}:k:t1", "class"), "POISON");
    assert_string_equal(RAW("ZCARD", "{p0}:dead"), "1");
    no_violations(1);
    add("t1", "0"); /* something changed: it gets another chance */
    assert_true(claim("market"));
    ROW_IS(1, "crashes", "0");
    ROW_IS(1, "fence", "4");
    assert_string_equal(RAW("ZCARD", "{p0}:dead"), "0");
}

static void crashes_are_counted_in_a_row(void **state)
{
    (void)state;
    add("t1", "0");
    for (int i = 0; i < 6; i++) {
        assert_true(claim("market"));
        expire("t1");
        assert_true(claim("market"));
        ROW_IS(1, "crashes", "1");
        OK(0, STORE_TASK_FINISH, task, token, "wait", "0", "", "");
    }
}

static void roles_share_a_claim(void **state)
{
    char id[16];
    int market = 0, deploy = 0;

    (void)state;
    for (int i = 0; i < 20; i++) {
        snprintf(id, sizeof(id), "m%d", i);
        OK(0, STORE_TASK_ADD, id, "event", "market", "", "0", "");
    }
    for (int i = 0; i < 3; i++) {
        snprintf(id, sizeof(id), "d%d", i);
        OK(0, STORE_TASK_ADD, id, "fulfil", "deploy", "", "0", "");
    }
    RAW("DEL", "{p0}:wake:market");
    OK(0, STORE_TASK_CLAIM, "w", "s", "30000", "10", "5", "market", "deploy");
    assert_int_equal(fx.rows->n, 11);
    for (size_t i = 1; i < fx.rows->n; i++) {
        market += strcmp(field_of(i, "role"), "market") == 0;
        deploy += strcmp(field_of(i, "role"), "deploy") == 0;
    }
    assert_int_equal(market, 7);
    assert_int_equal(deploy, 3);
    IS("next_ms", "0");
    assert_string_equal(RAW("ZCARD", "{p0}:wake:market"), "1");
    OK(0, STORE_TASK_CLAIM, "w", "s2", "30000", "100", "5", "market", "deploy", "notify");
    assert_int_equal(fx.rows->n, 14);
    assert_in_range(number(field("next_ms")), 1, 30000);
}

static void leases_come_back_twenty_at_a_time(void **state)
{
    char id[16];

    (void)state;
    for (int i = 0; i < 30; i++) {
        snprintf(id, sizeof(id), "m%d", i);
        OK(0, STORE_TASK_ADD, id, "event", "market", "", "0", "");
    }
    OK(0, STORE_TASK_CLAIM, "w", "s", "30000", "30", "5", "market");
    for (int i = 0; i < 30; i++) {
        snprintf(id, sizeof(id), "m%d", i);
        expire(id);
    }
    OK(0, STORE_TASK_CLAIM, "w", "s2", "30000", "30", "5", "market");
    IS("recovered", "20");
    IS("next_ms", "0");
    assert_int_equal(fx.rows->n, 21);
    OK(0, STORE_TASK_CLAIM, "w", "s3", "30000", "30", "5", "market");
    IS("recovered", "10");
}

static void bad_arguments_are_refused(void **state)
{
    (void)state;
    REFUSED(-EINVAL, 0, STORE_TASK_ADD, "t", "k", "nobody", "s", "0", "");
    REFUSED(-EINVAL, 0, STORE_TASK_ADD, "t", "k", "market deploy", "s", "0", "");
    REFUSED(-EINVAL, 0, STORE_TASK_ADD, "t", "k", "market", "s", "-1", "");
    REFUSED(-EINVAL, 0, STORE_TASK_ADD, "", "k", "market", "s", "0", "");
    REFUSED(-EINVAL, 0, STORE_TASK_CLAIM, "w", "s", "30000", "1", "5");
    REFUSED(-EINVAL, 0, STORE_TASK_CLAIM, "w", "s", "0", "1", "5", "market");
    REFUSED(-EINVAL, 0, STORE_TASK_FINISH, "t", "x", "perhaps", "0", "", "");
    REFUSED(-EINVAL, 0, STORE_TASK_RENEW, "30000", "t");
    REFUSED(-EINVAL, 7, STORE_READY);
}

static void ghosts_are_not_run(void **state)
{
    (void)state;
    add("t1", "0");
    RAW("DEL", "{p0}:k:t1");
    assert_false(claim("market"));
    assert_string_equal(RAW("ZCARD", "{p0}:ready:market"), "0");
    add("t2", "0");
    assert_true(claim("market"));
    RAW("DEL", "{p0}:k:t2");
    expire("t2");
    assert_false(claim("market"));
    RAW("SREM", "{p0}:live", "t2");
}

static void time_never_goes_back_and_never_freezes(void **state)
{
    char ahead[32], first[32];

    (void)state;
    add("t1", "0");
    snprintf(ahead, sizeof(ahead), "%lld", (long long)clock_wall_ms() + 3600000);
    RAW("HSET", "{p0}:meta", "now", ahead); /* the clock was an hour ahead and was set back */
    OK(0, STORE_BEAT, "w", "market", "1000");
    snprintf(first, sizeof(first), "%s", field("now"));
    assert_true(number(first) >= number(ahead));
    for (int i = 0; i < 200; i++) {
        usleep(1000);
        OK(0, STORE_BEAT, "w", "market", "1000");
        assert_true(number(field("now")) >= number(first));
    }
    assert_in_range(number(field("now")) - number(first), 90, 60000);
    OK(0, STORE_READY);
    assert_in_range(number(field("market_age_ms")), 0, 60000);
    IS("deploy_age_ms", "-1");
}

static void a_wrong_type_stops_a_script_before_its_first_write(void **state)
{
    static const char *const keys[] = {"{p0}:ready:market", "{p0}:wake:market", "{p0}:live"};

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        RAW("FLUSHALL");
        OK(0, STORE_INIT, "1", "test", "1");
        RAW("SET", keys[i], "x");
        REFUSED(-EPROTO, 0, STORE_TASK_ADD, "t", "k", "market", "s", "0", "");
        REFUSED(-EPROTO, 0, STORE_LAND, "r", "aws", "p", "tok", "1000", "");
        REFUSED(-EPROTO, 0, STORE_EVENT_PUT, "e", "d", "aws", "p", "t", "k", "{}", "", "1");
        assert_string_equal(RAW("DBSIZE"), "2");
        assert_string_equal(RAW("HLEN", "{p0}:meta"), "5");
    }
    RAW("FLUSHALL");
}

static void parked_work_on_an_order_makes_it_stuck(void **state)
{
    (void)state;
    OK(0, STORE_ORDER_UPSERT, ORDER, "1", "granted", "1");
    OK(0, STORE_ORDER_PLACE, ORDER, "cap", "100000", "{}", "a@b", "100000");
    assert_true(claim("deploy"));
    OK(0, STORE_ORDER_WRITE, task, token, ORDER, "o.fulfilment", "IDENTIFIED");
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    IS("state", "queued"); /* it still needs work: not done */
    RAW("ZADD", "{p0}:ready:deploy", "1", "fulfil:" ORDER);
    assert_true(claim("deploy"));
    OK(0, STORE_TASK_FINISH, task, token, "dead", "0", "AUTH", "no such role");
    OK(0, STORE_ORDER_GET, ORDER);
    IS("o.fulfilment", "STUCK");
    IS("o.class", "AUTH");
    no_violations(1);
    OK(0, STORE_OPERATE, ORDER, "retry", "jo", "fixed the role");
    IS("rearmed", "1");
    OK(0, STORE_OPERATE, ORDER, "retry", "jo", "fixed the role");
    IS("changed", "0");
    assert_true(claim("deploy"));
    for (int i = 0; i < 3; i++) {
        expire(task);
        if (i < 2)
            assert_true(claim("deploy"));
    }
    OK(0, STORE_ORDER_WRITE, task, token, ORDER, "o.fulfilment", "PROVISIONING");
    assert_false(claim("deploy"));
    OK(0, STORE_ORDER_GET, ORDER);
    IS("o.fulfilment", "STUCK");
    IS("o.class", "POISON");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_task_runs_once),
        T(adding_a_queued_task_only_lowers_its_due_time),
        T(adding_a_running_task_makes_it_run_again),
        T(a_done_task_comes_anew_without_steps_and_with_its_fence),
        T(mail_goes_out_once),
        T(a_finish_brings_the_next_task),
        T(a_finish_without_a_next_task_tells_when_to_come_again),
        T(a_finish_that_is_refused_takes_nothing),
        T(a_finish_brings_the_next_task),
        T(a_finish_without_a_next_task_tells_when_to_come_again),
        T(a_finish_that_is_refused_takes_nothing),
        T(what_was_mended_is_due_now),
        T(waiting_is_not_a_try),
        T(only_the_token_counts),
        T(a_task_that_kills_its_worker_is_parked),
        T(crashes_are_counted_in_a_row),
        T(roles_share_a_claim),
        T(leases_come_back_twenty_at_a_time),
        T(bad_arguments_are_refused),
        T(ghosts_are_not_run),
        T(time_never_goes_back_and_never_freezes),
        T_BROKEN(a_wrong_type_stops_a_script_before_its_first_write),
        T(parked_work_on_an_order_makes_it_stuck),
    };

    if (crypto_init())
        return 1;
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
