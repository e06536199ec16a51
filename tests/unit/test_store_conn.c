/* The connection against a real Redis: restarts, lost scripts, waits, logins, durability. */
#include "store_test.h"

#include <sys/stat.h>

#include "base/hash.h"
#include "base/id.h"

static void a_flushed_script_is_sent_again(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        RAW("SCRIPT", "FLUSH");
        OK(0, STORE_LAND, "r1", "aws", "saas", "t", "1000", "");
        OK(0, STORE_REG_GET, "r1");
    }
}

static void a_killed_connection_comes_back(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        int rc;

        RAW("CLIENT", "KILL", "TYPE", "normal");
        rc = CALL(0, STORE_READY);
        assert_true(rc == 0 || rc == -EAGAIN);
        assert_int_equal(CALL(0, STORE_READY), 0);
    }
}

static void calls_wait_out_a_restart(void **state)
{
    (void)state;
    OK(0, STORE_READY);
    redis_kill(&fx.redis, SIGKILL);
    assert_int_equal(CALL(0, STORE_READY), -EAGAIN);
    redis_start(&fx.redis);
    assert_int_equal(CALL(0, STORE_INIT, "1", "test", "1"), 0);
}

static bool serves_soon(void)
{
    for (int i = 0; i < 6000; i++) {
        if (CALL(0, STORE_READY) == 0)
            return true;
        usleep(10000);
    }
    return false;
}

static void closed(struct store *patient)
{
    store_close(&fx.store);
    fx.store = patient;
    uv_run(&fx.loop, UV_RUN_NOWAIT);
    uv_run(&fx.loop, UV_RUN_NOWAIT);
}

static void a_stopped_server_is_left_in_time(void **state)
{
    struct store *patient = fx.store;
    struct cfg_redis cfg = fx.cfg;
    uint64_t start;

    (void)state;
    cfg.connect_ms = 300;
    cfg.command_ms = 200;
    assert_int_equal(store_open(&fx.loop, &cfg, STORE_WORKER, &fx.store), 0);
    assert_true(serves_soon());
    start = clock_mono_ms();
    kill(fx.redis.pid, SIGSTOP);
    REFUSED(-EAGAIN, 0, STORE_READY);
    REFUSED(-EAGAIN, 0, STORE_READY);
    assert_true(clock_mono_ms() - start < 60000);
    REFUSED(-EAGAIN, 0, STORE_READY);
    kill(fx.redis.pid, SIGCONT);
    assert_true(serves_soon());
    closed(patient);
    OK(0, STORE_READY);
}

/* This process was stopped, or its machine: Redis was in time, and what it said lies there. */
static void an_answer_that_has_come_is_no_late_one(void **state)
{
    struct store *patient = fx.store;
    struct cfg_redis cfg = fx.cfg;

    (void)state;
    cfg.command_ms = 200;
    assert_int_equal(store_open(&fx.loop, &cfg, STORE_WORKER, &fx.store), 0);
    assert_true(serves_soon());
    kill(fx.redis.pid, SIGSTOP);
    fx.done = false;
    store_call(fx.store, 0, STORE_READY, NULL, 0, on_answer, &fx);
    for (int i = 0; i < 3; i++)
        uv_run(&fx.loop, UV_RUN_NOWAIT);
    kill(fx.redis.pid, SIGCONT);
    RAW("PING");
    usleep(300000);
    assert_false(fx.done);
    assert_int_equal(finish_call(), 0);
    closed(patient);
}

static void order_fields_are_one_read(void **state)
{
    static const char *const names[] = {"ver", "fulfilment", "endpoint"};
    char order[ID_ORDER];

    (void)state;
    id_order(STR("aws"), STR("x"), 0, order);
    OK(0, STORE_ORDER_UPSERT, order, "1", "plan", "p");
    fx.done = false;
    store_order_fields(fx.store, str_of(order), names, 3, on_answer, &fx);
    assert_false(fx.done);
    assert_int_equal(finish_call(), 0);
    IS("fulfilment", "RECEIVED");
    IS("ver", "1");
    IS("endpoint", "");
    id_order(STR("aws"), STR("y"), 0, order);
    fx.done = false;
    store_order_fields(fx.store, str_of(order), names, 3, on_answer, &fx);
    assert_int_equal(finish_call(), -ENOENT);
    fx.done = false;
    store_order_fields(fx.store, STR("nonsense"), names, 3, on_answer, &fx);
    assert_false(fx.done);
    assert_int_equal(finish_call(), -ENOENT);
}

static void a_capability_is_one_read(void **state)
{
    char order[ID_ORDER];

    (void)state;
    id_order(STR("aws"), STR("x"), 0, order);
    OK(0, STORE_ORDER_UPSERT, order, "1", "plan", "p");
    OK(0, STORE_CAP_ADD, order, "c1", "1000000");
    fx.done = false;
    store_capability(fx.store, 0, STR("c1"), on_answer, &fx);
    assert_int_equal(finish_call(), 0);
    IS("order", order);
    fx.done = false;
    store_capability(fx.store, 0, STR("c2"), on_answer, &fx);
    assert_int_equal(finish_call(), -ENOENT);
    fx.done = false;
    store_capability(fx.store, 200, STR("c1"), on_answer, &fx);
    assert_false(fx.done);
    assert_int_equal(finish_call(), -ENOENT);
}

static int woken;

static void on_wake(void *arg, int rc, const struct store_rows *rows)
{
    (void)rows;
    assert_ptr_equal(arg, &woken);
    woken = rc ? rc : 1;
}

static int wait_done(void)
{
    while (!woken)
        uv_run(&fx.loop, UV_RUN_ONCE);
    return woken;
}

static void a_wait_ends_when_a_task_comes(void **state)
{
    static const char *const roles[] = {"market", "deploy"};

    (void)state;
    woken = 0;
    store_wait(fx.store, 0, roles, 2, 100, on_wake, &woken);
    assert_int_equal(wait_done(), -ETIMEDOUT);
    woken = 0;
    store_wait(fx.store, 0, roles, 2, 20000, on_wake, &woken);
    OK(0, STORE_TASK_ADD, "t1", "k", "deploy", "", "0", "");
    assert_int_equal(wait_done(), 1);
    woken = 0;
    OK(0, STORE_TASK_ADD, "t2", "k", "notify", "", "0", "");
    store_wait(fx.store, 0, roles, 2, 100, on_wake, &woken);
    assert_int_equal(wait_done(), -ETIMEDOUT);
    woken = 0;
    store_wait(fx.store, 5, roles, 2, 100, on_wake, &woken);
    assert_int_equal(woken, 0);
    assert_int_equal(wait_done(), -EINVAL);
    woken = 0;
    store_wait(fx.store, 0, roles, 2, 20000, on_wake, &woken);
    OK(0, STORE_READY);
    RAW("CLIENT", "KILL", "TYPE", "normal");
    assert_int_equal(wait_done(), -EAGAIN);
    woken = 0;
    store_wait(fx.store, 0, roles, 2, 20000, on_wake, &woken); /* pending at store_close() */
}

static int check(enum cfg_durability d)
{
    char why[200];
    int rc;

    fx.done = false;
    store_server_info(fx.store, on_answer, &fx);
    assert_int_equal(finish_call(), 0);
    rc = store_check(fx.rows->row, d, why, sizeof(why));
    assert_int_equal(why[0] == '\0', rc == 0);
    return rc;
}

static void durability_is_looked_at(void **state)
{
    (void)state;
    RAW("CONFIG", "SET", "appendonly", "no");
    assert_int_equal(check(CFG_DUR_ALWAYS), -1);
    assert_int_equal(check(CFG_DUR_EVERYSEC), -1);
    assert_int_equal(check(CFG_DUR_ANY), 0);
    RAW("CONFIG", "SET", "appendonly", "yes");
    RAW("CONFIG", "SET", "appendfsync", "everysec");
    assert_int_equal(check(CFG_DUR_ALWAYS), -1);
    assert_int_equal(check(CFG_DUR_EVERYSEC), 0);
    RAW("CONFIG", "SET", "appendfsync", "always");
    assert_int_equal(check(CFG_DUR_ALWAYS), 0);
    RAW("CONFIG", "SET", "appendfsync", "no");
    assert_int_equal(check(CFG_DUR_EVERYSEC), -1);
    RAW("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
    assert_int_equal(check(CFG_DUR_ANY), -1);
    RAW("CONFIG", "SET", "maxmemory-policy", "noeviction");
    RAW("CONFIG", "SET", "appendfsync", "always");
    IS("role", "master");
}

static void a_full_server_writes_nothing_half(void **state)
{
    (void)state;
    OK(0, STORE_LAND, "r0", "aws", "saas", "t", "1000", "");
    RAW("CONFIG", "SET", "maxmemory", "1");
    REFUSED(-EAGAIN, 0, STORE_LAND, "r1", "aws", "saas", "t", "1000", "");
    OK(0, STORE_REG_GET, "r0");
    RAW("CONFIG", "SET", "maxmemory", "0");
    REFUSED(-ENOENT, 0, STORE_REG_GET, "r1");
    OK(0, STORE_LAND, "r1", "aws", "saas", "t", "1000", "");
}

static void too_few_replicas_are_told(void **state)
{
    (void)state;
    fx.cfg.wait_replicas = 1;
    fx.cfg.wait_ms = 50;
    REFUSED(-EAGAIN, 0, STORE_LAND, "r1", "aws", "saas", "t", "1000", "");
    OK(0, STORE_REG_GET, "r1");
    REFUSED(-ENOENT, 0, STORE_REG_GET, "r2");
    RAW("SCRIPT", "FLUSH");
    REFUSED(-EAGAIN, 0, STORE_LAND, "r2", "aws", "saas", "t", "1000", "");
    OK(0, STORE_REG_GET, "r2");
    REFUSED(-EEXIST, 0, STORE_LAND, "r2", "aws", "saas", "u", "1000", "");
}

static void big_arguments_pass_and_too_big_ones_do_not(void **state)
{
    char *big = malloc(6u << 20);
    struct str args[6];

    (void)state;
    memset(big, 'x', 6u << 20);
    args[0] = STR("r1");
    args[1] = STR("aws");
    args[2] = STR("saas");
    args[3] = str_make(big, 3u << 20);
    args[4] = STR("1000");
    args[5] = STR("{\"a\":\"\r\n\0$5\r\n\"}");
    assert_int_equal(callv(0, STORE_LAND, args, 6), 0);
    args[3] = str_make(big, 6u << 20);
    assert_int_equal(callv(0, STORE_LAND, args, 6), -EMSGSIZE);
    free(big);
    RAW("DEL", "{p0}:r:r1");
}

static unsigned submitted, placed_first;

static void on_submit(void *arg, int rc, const struct store_rows *rows)
{
    (void)arg;
    assert_int_equal(rc, 0);
    assert_true(str_is(store_get(rows, "placed"), "1"));
    placed_first += str_is(store_get(rows, "repeat"), "0");
    submitted++;
}

static void one_thousand_submits_are_one_tenant(void **state)
{
    enum { N = 1000, CONNS = 5 };
    struct store *conn[CONNS];
    struct str args[6] = {STR("r1"), STR("cap"),         STR("1000000"),
                          STR("{}"), STR("a@b.example"), STR("60000")};
    char order[ID_ORDER];

    (void)state;
    id_order(STR("aws"), STR("l-1"), 0, order);
    OK(0, STORE_ORDER_UPSERT, order, "1", "granted", "1");
    OK(0, STORE_LAND, "r1", "aws", "saas", "t", "1000", "");
    assert_true(claim("market"));
    OK(0, STORE_REG_RESOLVED, task, token, "r1", order, "0");
    for (int i = 0; i < CONNS; i++)
        assert_int_equal(store_open(&fx.loop, &fx.cfg, STORE_FRONT, &conn[i]), 0);
    for (int i = 0; i < N; i++)
        store_call(conn[i % CONNS], 0, STORE_SUBMIT, args, 6, on_submit, NULL);
    while (submitted < N)
        uv_run(&fx.loop, UV_RUN_ONCE);
    assert_int_equal(placed_first, 1);
    for (int i = 0; i < CONNS; i++)
        store_close(&conn[i]);
    assert_string_equal(RAW("HGET", "{p0}:meta", "slot"), "1");
    OK(0, STORE_LOG, order, "", "100");
    assert_int_equal(fx.rows->n, 2);
    OK(0, STORE_ORDER_GET, order);
    assert_int_equal(fx.rows->n, 4);
}

static void logins_are_used(void **state)
{
    struct cfg_redis cfg = fx.cfg;
    struct store *s, *keep = fx.store;
    char path[128];
    FILE *f;

    (void)state;
    snprintf(path, sizeof(path), "%s/secret", fx.redis.dir);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs("right horse\n", f);
    fclose(f);
    cfg.front_user = "shop";
    cfg.front_password_file = path;
    chmod(path, 0644);
    assert_int_equal(store_open(&fx.loop, &cfg, STORE_FRONT, &s), -EPERM);
    chmod(path, 0600);
    RAW("ACL", "SETUSER", "shop", "reset", "on", ">right horse", "~*", "+@all");
    assert_int_equal(store_open(&fx.loop, &cfg, STORE_FRONT, &s), 0);
    fx.store = s;
    OK(0, STORE_READY);
    assert_true(store_connected(s));
    store_close(&s);
    RAW("ACL", "SETUSER", "shop", "resetpass", ">wrong horse");
    cfg.connect_ms = 500;
    assert_int_equal(store_open(&fx.loop, &cfg, STORE_FRONT, &s), 0);
    fx.store = s;
    for (int i = 0; i < 100 && !strstr(store_trouble(s), "WRONGPASS"); i++)
        REFUSED(-EAGAIN, 0, STORE_READY);
    assert_non_null(strstr(store_trouble(s), "WRONGPASS"));
    store_close(&s);
    cfg.front_password_file = "/nonexistent";
    assert_int_equal(store_open(&fx.loop, &cfg, STORE_FRONT, &s), -ENOENT);
    cfg.shards = 0;
    assert_int_equal(store_open(&fx.loop, &cfg, STORE_FRONT, &s), -EINVAL);
    fx.store = keep;
    RAW("ACL", "DELUSER", "shop");
    uv_run(&fx.loop, UV_RUN_NOWAIT);
    uv_run(&fx.loop, UV_RUN_NOWAIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_flushed_script_is_sent_again),
        T(a_killed_connection_comes_back),
        T(calls_wait_out_a_restart),
        T(a_stopped_server_is_left_in_time),
        T(an_answer_that_has_come_is_no_late_one),
        T(order_fields_are_one_read),
        T(a_capability_is_one_read),
        T(a_wait_ends_when_a_task_comes),
        T(durability_is_looked_at),
        T(a_full_server_writes_nothing_half),
        T(too_few_replicas_are_told),
        T(big_arguments_pass_and_too_big_ones_do_not),
        T(one_thousand_submits_are_one_tenant),
        T(logins_are_used),
    };

    if (crypto_init())
        return 1;
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
