/*
 * share/redis/users.acl: each program's user does what its program must do, through the real
 * scripts, and nothing else.
 */
#include "store_test.h"

#include "base/hash.h"
#include "base/id.h"

#define ORDER "o0-aaaaaaaaaaaaaaaaaaaaaaaaaa"

static char acl_path[128];

/* The shipped file, with an administrator for this test. */
static void write_acl(void)
{
    FILE *in = fopen("share/redis/users.acl", "r"), *out;
    char line[8192];

    assert_non_null(in);
    snprintf(fx.redis.dir, sizeof(fx.redis.dir), "/tmp/lmacl.XXXXXX");
    assert_non_null(mkdtemp(fx.redis.dir));
    snprintf(fx.redis.socket, sizeof(fx.redis.socket), "%s/redis.sock", fx.redis.dir);
    snprintf(acl_path, sizeof(acl_path), "%s/users.acl", fx.redis.dir);
    out = fopen(acl_path, "w");
    assert_non_null(out);
    while (fgets(line, sizeof(line), in))
        fputs(line, out);
    fputs("user admin on >admin ~* &* +@all\n", out);
    fclose(in);
    fclose(out);
}

static int acl_setup(void **state)
{
    static const char *const users[] = {"front", "worker", "cli"};
    char path[128], password[16];

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    write_acl();
    fx.redis.options[0] = "--aclfile";
    fx.redis.options[1] = acl_path;
    fx.redis.options[2] = "--appendonly";
    fx.redis.options[3] = "yes";
    fx.redis.options[4] = "--appendfsync";
    fx.redis.options[5] = "always";
    fx.redis_user = "admin";
    redis_start(&fx.redis);
    for (size_t i = 0; i < 3; i++) {
        FILE *f;

        snprintf(password, sizeof(password), ">%s-pw", users[i]);
        RAW("ACL", "SETUSER", users[i], "resetpass", password);
        snprintf(path, sizeof(path), "%s/%s", fx.redis.dir, users[i]);
        f = fopen(path, "w");
        assert_non_null(f);
        fputs(password + 1, f);
        fclose(f);
        chmod(path, 0600);
    }
    return 0;
}

static void open_as(enum store_user user)
{
    static char front[128], worker[128], cli[128];

    snprintf(front, sizeof(front), "%s/front", fx.redis.dir);
    snprintf(worker, sizeof(worker), "%s/worker", fx.redis.dir);
    snprintf(cli, sizeof(cli), "%s/cli", fx.redis.dir);
    fx.cfg = (struct cfg_redis){.socket = fx.redis.socket,
                                .front_user = "front",
                                .front_password_file = front,
                                .worker_user = "worker",
                                .worker_password_file = worker,
                                .cli_user = "cli",
                                .cli_password_file = cli,
                                .shards = 1,
                                .connect_ms = 20000,
                                .command_ms = 20000};
    loop_begin();
    assert_int_equal(store_open(&fx.loop, &fx.cfg, user, &fx.store), 0);
}

static void the_front_can_do_its_part(void **state)
{
    static const char *const names[] = {"ver", "fulfilment"};

    (void)state;
    RAW("FLUSHALL");
    open_as(STORE_WORKER);
    OK(0, STORE_INIT, "1", "test", "1");
    OK(0, STORE_ORDER_UPSERT, ORDER, "1", "granted", "1");
    OK(0, STORE_OPERATE, ORDER, "suspend", "jo", ""); /* a fulfil task that was done before */
    assert_true(claim("deploy"));
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    RAW("SADD", "{p0}:slots", "7");
    store_end();
    open_as(STORE_FRONT);
    OK(0, STORE_READY);
    OK(0, STORE_LAND, "r1", "aws", "saas", "t", "1000", "");
    OK(0, STORE_LAND, "r2", "aws", "saas", "t", "1000", "");
    OK(0, STORE_REG_GET, "r1");
    OK(0, STORE_SUBMIT, "r2", "c2", "1000000", "{}", "a@b.example", "60000");
    store_end();
    open_as(STORE_WORKER);
    assert_true(claim("market"));
    OK(0, STORE_REG_RESOLVED, task, token, "r1", ORDER, "0");
    store_end();
    open_as(STORE_FRONT);
    OK(0, STORE_REG_GET, "r1");
    OK(0, STORE_SUBMIT, "r1", "c1", "1000000", "{}", "a@b.example", "60000");
    IS("placed", "1");
    OK(0, STORE_STATUS, "c1");
    OK(0, STORE_STATUS, "c2");
    OK(0, STORE_LAND, "r3", "azure", "saas", "t", "3600000", "", "1");
    OK(0, STORE_SIGN_IN, "r3", "sealed");
    OK(0, STORE_CAP_ADD, ORDER, "c3", "1000000");
    OK(0, STORE_EVENT_PUT, "e9", "d9", "azure", "saas", "Renew", "", "", "{}", "5");
    IS("dup", "0");
    OK(0, STORE_EVENT_PUT, "e9", "d9", "azure", "saas", "Renew", "", "", "{}", "5");
    IS("dup", "1");
    REFUSED(-ENOENT, 0, STORE_KEYS_GET, "azure", "saas");
    OK(0, STORE_KEYS_WANT, "azure", "saas", "3600000");
    IS("wanted", "1");
    store_end();
    open_as(STORE_WORKER);
    OK(0, STORE_ORDER_UPSERT, ORDER, "2", "plan", "x");
    while (claim("market") && strcmp(task, "resolve:r3") != 0)
        OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    OK(0, STORE_REG_RESOLVED, task, token, "r3", ORDER, "0");
    store_end();
    open_as(STORE_FRONT);
    OK(0, STORE_CLAIM, "r3", "c4", "1000000");
    fx.done = false;
    store_order_fields(fx.store, STR(ORDER), names, 2, on_answer, &fx);
    assert_int_equal(finish_call(), 0);
    fx.done = false;
    store_capability(fx.store, 0, STR("c4"), on_answer, &fx);
    assert_int_equal(finish_call(), 0);
    store_end();
}

static void the_front_can_do_nothing_else(void **state)
{
    static const enum store_script others[] = {
        STORE_ORDER_UPSERT, STORE_ORDER_MERGE, STORE_AGREEMENT, STORE_ACCOUNT_ADD,
        STORE_ACCOUNT_GET,  STORE_KEYS_PUT,    STORE_EVENT_GET, STORE_TASK_CLAIM,
        STORE_ORDERS,       STORE_ORDER_GET,   STORE_LOG,       STORE_BEAT,
        STORE_SWEEP,        STORE_INVARIANTS,  STORE_RESYNC,    STORE_STATS,
    };

    (void)state;
    RAW("HSET", "{p0}:e:e1", "id", "e1");
    RAW("HSET", "{p0}:a:aws:a1", "status", "x");
    open_as(STORE_FRONT);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        const char *args[] = {ORDER, "1", "10", "1", "market", "market", "t", "k", "5", NULL};

        if (others[i] == STORE_EVENT_GET)
            args[0] = "e1";
        if (others[i] == STORE_ORDERS)
            args[0] = "";
        if (others[i] == STORE_SWEEP || others[i] == STORE_INVARIANTS || others[i] == STORE_RESYNC)
            args[0] = "0";
        if (others[i] == STORE_BEAT)
            args[2] = "10";
        assert_int_not_equal(call_args(0, others[i], args), 0);
    }
    store_end();
}

static void raw_commands(void **state)
{
    static const struct {
        const char *user;
        bool may;
        const char *argv[6];
    } table[] = {
        {"front", true, {"PING"}},
        {"front", true, {"HMGET", "{p0}:o:x", "ver"}},
        {"front", false, {"HMGET", "{p0}:e:x", "json"}},
        {"front", false, {"HGETALL", "{p0}:a:aws:x"}},
        {"front", false, {"SMEMBERS", "{p0}:acct:aws:x:y"}},
        {"front", false, {"SET", "{p0}:alias:x", "y"}},
        {"front", true, {"HGET", "{p0}:keys:azure/saas", "ttl"}},
        {"front", false, {"HSET", "{p0}:keys:azure/saas", "keys", "{}"}},
        {"front", false, {"DEL", "{p0}:keys:azure/saas"}},
        {"front", false, {"HGETALL", "{p0}:e:e1"}},
        {"front", false, {"ZRANGE", "{p0}:orders", "0", "-1"}},
        {"front", false, {"HGET", "other", "x"}},
        {"front", false, {"EVAL", "return redis.call('KEYS','*')", "0"}},
        {"front", false, {"EVAL", "return redis.call('HGET','{p0}:e:e1','id')", "0"}},
        {"front", false, {"EVAL", "return redis.call('XRANGE','{p0}:h:x','-','+')", "0"}},
        {"front", false, {"BZPOPMIN", "{p0}:wake:market", "0.1"}},
        {"front", false, {"SCAN", "0"}},
        {"front", false, {"KEYS", "*"}},
        {"front", false, {"INFO"}},
        {"front", false, {"CONFIG", "GET", "appendonly"}},
        {"front", false, {"SCRIPT", "FLUSH"}},
        {"front", false, {"FUNCTION", "LIST"}},
        {"front", false, {"CLIENT", "LIST"}},
        {"front", false, {"SUBSCRIBE", "x"}},
        {"front", false, {"PUBLISH", "x", "y"}},
        {"front", false, {"DUMP", "{p0}:o:x"}},
        {"front", false, {"RENAME", "{p0}:o:x", "{p0}:o:y"}},
        {"front", false, {"MULTI"}},
        {"worker", true, {"CONFIG", "GET", "appendfsync"}},
        {"worker", true, {"INFO"}},
        {"worker", true, {"BZPOPMIN", "{p0}:wake:none", "0.01"}},
        {"worker", false, {"CONFIG", "SET", "appendonly", "no"}},
        {"worker", false, {"HGET", "other", "x"}},
        {"worker", false, {"KEYS", "*"}},
        {"cli", true, {"INFO"}},
        {"cli", false, {"BZPOPMIN", "{p0}:wake:market", "0.1"}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        size_t n = 0;
        const char *answer;

        while (n < 6 && table[i].argv[n])
            n++;
        fx.redis_user = table[i].user;
        answer = redis_raw(table[i].argv, n);
        if ((strstr(answer, "NOPERM") || strstr(answer, " can't ")) == table[i].may)
            fail_msg("%s %s %s: %s", table[i].user, table[i].argv[0],
                     table[i].argv[1] ? table[i].argv[1] : "", answer);
    }
    fx.redis_user = "admin";
}

static void nobody_may(void **state)
{
    static const char *const nobody[][3] = {
        {"FLUSHALL"},
        {"FLUSHDB"},
        {"SHUTDOWN"},
        {"MONITOR"},
        {"SAVE"},
        {"BGREWRITEAOF"},
        {"RANDOMKEY"},
        {"KEYS", "*"},
        {"ACL", "LIST"},
        {"MODULE", "LIST"},
        {"CLUSTER", "INFO"},
        {"SWAPDB", "0", "1"},
        {"REPLICAOF", "no", "one"},
        {"CONFIG", "REWRITE"},
        {"FUNCTION", "FLUSH"},
    };
    static const char *const users[] = {"front", "worker", "cli"};

    (void)state;
    for (size_t u = 0; u < 3; u++)
        for (size_t i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
            size_t n = nobody[i][2] ? 3 : nobody[i][1] ? 2 : 1;

            fx.redis_user = users[u];
            assert_non_null(strstr(redis_raw(nobody[i], n), "NOPERM"));
        }
    fx.redis_user = NULL;
    assert_non_null(strstr(RAW("PING"), "NOAUTH"));
    fx.redis_user = "admin";
}

/* Every script, as far as it can be reached in one pass, by worker and cli. */
static void worker_and_cli_can_do_their_part(void **state)
{
    (void)state;
    RAW("FLUSHALL");
    open_as(STORE_WORKER);
    OK(0, STORE_INIT, "1", "test", "1");
    OK(0, STORE_BEAT, "w", "market,deploy", "1000000");
    OK(0, STORE_KEYS_WANT, "gcp", "p", "3600000");
    assert_true(claim("market"));
    OK(0, STORE_KEYS_PUT, task, token, "gcp", "p", "{}", "1000000");
    OK(0, STORE_KEYS_GET, "gcp", "p");
    OK(0, STORE_EVENT_PUT, "e1", "d1", "aws", "p", "t", "k", "{}", "", "5");
    OK(0, STORE_EVENT_GET, "e1");
    OK(0, STORE_AGREEMENT, "aws", "a", "5", "status", "x");
    OK(0, STORE_ACCOUNT_ADD, "aws", "p", "a", ORDER);
    OK(0, STORE_ACCOUNT_GET, "aws", "p", "a");
    OK(0, STORE_ORDER_UPSERT, ORDER, "1", "granted", "1");
    OK(0, STORE_ORDER_PLACE, ORDER, "c1", "1000000", "{}", "a@b", "1000");
    OK(0, STORE_ORDER_UPSERT, "o0-other", "1", "plan", "x");
    OK(0, STORE_ORDER_MERGE, "o0-other", ORDER);
    OK(0, STORE_ORDER_ALIAS, "o0-third", ORDER);
    OK(0, STORE_ORDER_FIND, "o0-third");
    OK(0, STORE_CAP_ADD, ORDER, "c2", "1000000");
    assert_true(claim("deploy"));
    OK(0, STORE_FULFIL_LOAD, task, token, ORDER);
    OK(0, STORE_TASK_RENEW, "1000", task, token);
    OK(0, STORE_TASK_STEP, task, token, "x", "y");
    OK(0, STORE_ORDER_WRITE, task, token, ORDER, "o.fulfilment", "DELETING");
    OK(0, STORE_ORDER_WRITE, task, token, ORDER, "o.fulfilment", "CLOSED", "t.wiped", "1");
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    OK(0, STORE_SWEEP, "0", "10");
    OK(0, STORE_RESYNC, "0", "10", "10");
    OK(0, STORE_ORDER_UPSERT, "o0-four", "1", "granted", "1");
    store_end();
    open_as(STORE_CLI);
    OK(0, STORE_READY);
    OK(0, STORE_ORDERS, "", "10");
    OK(0, STORE_ORDER_GET, ORDER);
    OK(0, STORE_LOG, ORDER, "", "10");
    OK(0, STORE_STATS);
    OK(0, STORE_OPERATE, "o0-four", "suspend", "jo", "why");
    no_violations(1);
    fx.done = false;
    store_server_info(fx.store, on_answer, &fx);
    assert_int_equal(finish_call(), 0);
    IS("appendfsync", "always");
    store_end();
}

/* Redis replays its file as the user default: it must be off, but not without permissions. */
static void a_restart_replays_what_scripts_wrote(void **state)
{
    char keys[32];

    (void)state;
    RAW("ACL", "SAVE");
    snprintf(keys, sizeof(keys), "%s", RAW("DBSIZE"));
    assert_true(number(keys) > 10);
    for (int i = 0; i < 2; i++) {
        redis_kill(&fx.redis, SIGKILL);
        redis_start(&fx.redis);
        for (int j = 0; j < 6000 && strncmp(RAW("PING"), "LOADING", 7) == 0; j++)
            usleep(10000);
        assert_string_equal(RAW("DBSIZE"), keys);
    }
    open_as(STORE_CLI);
    OK(0, STORE_ORDER_GET, ORDER);
    IS("o.fulfilment", "CLOSED");
    no_violations(1);
    store_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_front_can_do_its_part),
        cmocka_unit_test(the_front_can_do_nothing_else),
        cmocka_unit_test(raw_commands),
        cmocka_unit_test(nobody_may),
        cmocka_unit_test(worker_and_cli_can_do_their_part),
        cmocka_unit_test(a_restart_replays_what_scripts_wrote),
    };

    if (crypto_init())
        return 1;
    if (access("share/redis/users.acl", R_OK)) {
        print_message("skipped: share/redis/users.acl is not below the current directory\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, acl_setup, group_teardown);
}
