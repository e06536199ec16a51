/*
 * Death of the caller before and after every call of a purchase, and of Redis under load: the flow
 * is simply made again, and there is one tenant, one mail, one of everything; what was
 * acknowledged under appendfsync always is there.
 */
#include "store_test.h"

#include "base/crash.h"
#include "base/hash.h"
#include "base/id.h"
#include "base/rand.h"

static char order[ID_ORDER];

/* Claims exactly that task, taking over from a worker that died with it. */
static void take(const char *want, const char *role)
{
    char key[200];

    snprintf(key, sizeof(key), "{p0}:k:%s", want);
    if (strcmp(RAW("HGET", key, "state"), "running") == 0) {
        RAW("ZADD", "{p0}:lease", "1", want);
        OK(0, STORE_TASK_CLAIM, "w", "s", "30000", "0", "5", role);
    }
    snprintf(key, sizeof(key), "{p0}:ready:%s", role);
    RAW("ZADD", key, "XX", "1", want);
    assert_true(claim(role));
    assert_string_equal(task, want);
}

static bool is_done(const char *id)
{
    char key[200];

    snprintf(key, sizeof(key), "{p0}:k:%s", id);
    return strcmp(RAW("HGET", key, "state"), "done") == 0;
}

static void work(const char *id)
{
    take(id, "deploy");
    OK(0, STORE_FULFIL_LOAD, task, token, order);
    if (strcmp(field("o.fulfilment"), "RECEIVED") == 0)
        OK(0, STORE_ORDER_WRITE, task, token, order, "o.fulfilment", "IDENTIFIED");
    OK(0, STORE_TASK_RENEW, "30000", task, token);
    OK(0, STORE_TASK_STEP, task, token, "create", "done");
    OK(0, STORE_FULFIL_LOAD, task, token, order);
    if (strcmp(field("o.fulfilment"), "IDENTIFIED") == 0)
        OK(0, STORE_ORDER_WRITE, task, token, order, "o.fulfilment", "READY", "o.endpoint",
           "http:", "t.state", "running", "+mail", "ready");
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
}

/* A purchase from landing to ready, made so that it can be made again from any point. */
static void purchase(void)
{
    char fulfil[64];

    snprintf(fulfil, sizeof(fulfil), "fulfil:%s", order);
    OK(0, STORE_LAND, "r1", "aws", "saas", "t", "3600000", "{}");
    OK(0, STORE_EVENT_PUT, "e1", "d1", "aws", "saas", "t", "purchased", "{}", "", "5");
    OK(0, STORE_AGREEMENT, "aws", "a1", "5", "license", "l-1");
    OK(0, STORE_ACCOUNT_ADD, "aws", "pc", "1234", order);
    if (!is_done("event:e1")) {
        take("event:e1", "market");
        OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    }
    if (!is_done("resolve:r1")) {
        take("resolve:r1", "market");
        OK(0, STORE_ORDER_UPSERT, order, "10", "granted", "1", "plan", "starter");
        OK(0, STORE_REG_RESOLVED, task, token, "r1", order, "0");
        OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    }
    OK(0, STORE_SUBMIT, "r1", "c1", "1000000", "{}", "a@b.example", "60000");
    if (!is_done(fulfil))
        work(fulfil);
}

static void ended_well(void)
{
    assert_string_equal(RAW("HGET", "{p0}:meta", "slot"), "1");
    OK(0, STORE_STATUS, "c1");
    IS("fulfilment", "READY");
    OK(0, STORE_ORDER_GET, order);
    IS("t.slot", "0");
    assert_int_equal(fx.rows->n, 5); /* fulfil, late, mail registered, mail ready */
    OK(0, STORE_LOG, order, "", "100");
    assert_int_equal(fx.rows->n, 4); /* created, registered, identified, ready: no entry twice */
    OK(0, STORE_STATS);
    IS("orders", "1");
    IS("state:ACTIVE/READY", "1");
    IS("live", "3");
    no_violations(1);
}

static void die_at(const char *point)
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        setenv("LASTMILE_CRASH", point, 1);
        crash_init();
        store_begin(1);
        purchase();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void dying_at_every_call_changes_nothing(void **state)
{
    static const enum store_script calls[] = {
        STORE_LAND,         STORE_EVENT_PUT,    STORE_AGREEMENT, STORE_ACCOUNT_ADD,
        STORE_ORDER_UPSERT, STORE_REG_RESOLVED, STORE_SUBMIT,    STORE_FULFIL_LOAD,
        STORE_TASK_RENEW,   STORE_TASK_STEP,
    };
    static const struct {
        enum store_script script;
        int times;
    } often[] = {{STORE_TASK_CLAIM, 3}, {STORE_TASK_FINISH, 3}, {STORE_ORDER_WRITE, 2}};
    char point[80];

    (void)state;
    RAW("CONFIG", "SET", "appendfsync", "no"); /* Redis lives on: nothing is to be read back */
    id_order(STR("aws"), STR("l-1"), 0, order);
    for (int after = 0; after < 2; after++) {
        for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
            RAW("FLUSHALL");
            snprintf(point, sizeof(point), "store.%s.%s", store_script_name(calls[i]),
                     after ? "after" : "before");
            die_at(point);
            OK(0, STORE_INIT, "1", "test", "1");
            purchase();
            ended_well();
            purchase();
            ended_well();
        }
        for (size_t i = 0; i < sizeof(often) / sizeof(often[0]); i++)
            for (int n = 1; n <= often[i].times; n++) {
                RAW("FLUSHALL");
                snprintf(point, sizeof(point), "store.%s.%s:%d", store_script_name(often[i].script),
                         after ? "after" : "before", n);
                die_at(point);
                OK(0, STORE_INIT, "1", "test", "1");
                purchase();
                ended_well();
            }
    }
}

enum { RUNS = 6, FLIGHT = 32 };

static struct {
    char acked[200000];
    unsigned next, flying, lost;
    bool stop;
} ledger;

static void on_land(void *arg, int rc, const struct store_rows *rows)
{
    unsigned n = (unsigned)(uintptr_t)arg;

    (void)rows;
    assert_true(rc == 0 || rc == -EAGAIN);
    if (rc == 0)
        ledger.acked[n] = 1;
    else
        ledger.lost++;
    ledger.flying--;
}

static void land_more(void)
{
    while (!ledger.stop && ledger.flying < FLIGHT && ledger.next < sizeof(ledger.acked)) {
        char id[16];
        struct str args[6] = {STR(""), STR("aws"), STR("saas"), STR("t"), STR("1000"), STR("")};

        snprintf(id, sizeof(id), "n%u", ledger.next);
        args[0] = str_of(id);
        store_call(fx.store, 0, STORE_LAND, args, 6, on_land, (void *)(uintptr_t)ledger.next++);
        ledger.flying++;
    }
}

/* Calls that Redis is certain not to answer any more: whether a kill meets others is luck. */
static void leave_some_unanswered(void)
{
    kill(fx.redis.pid, SIGSTOP);
    for (int i = 0; i < 3; i++)
        uv_run(&fx.loop, UV_RUN_NOWAIT);
    land_more();
    uv_run(&fx.loop, UV_RUN_NOWAIT);
    kill(fx.redis.pid, SIGKILL); /* before anybody lets it go on */
}

static void what_was_acknowledged_survives_kill_9(void **state)
{
    unsigned acked = 0;

    (void)state;
    RAW("CONFIG", "SET", "appendfsync", "always");
    for (int run = 0; run < RUNS; run++) {
        unsigned goal = ledger.next + 300 + (unsigned)rand_below(700);

        ledger.stop = false;
        while (ledger.next < goal) {
            land_more();
            uv_run(&fx.loop, UV_RUN_ONCE);
        }
        if (run == 0)
            leave_some_unanswered();
        redis_kill(&fx.redis, SIGKILL);
        ledger.stop = true;
        while (ledger.flying)
            uv_run(&fx.loop, UV_RUN_ONCE);
        redis_start(&fx.redis);
        for (int i = 0; i < 6000 && CALL(0, STORE_READY); i++)
            usleep(10000);
        OK(0, STORE_READY);
    }
    for (unsigned i = 0; i < ledger.next; i++) {
        char id[16];

        snprintf(id, sizeof(id), "n%u", i);
        if (!ledger.acked[i])
            continue;
        OK(0, STORE_REG_GET, id);
        acked++;
    }
    assert_true(acked > 1000);
    assert_true(ledger.lost > 0);
    print_message("%u acknowledged, %u unknown\n", acked, ledger.lost);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(dying_at_every_call_changes_nothing),
        T(what_was_acknowledged_survives_kill_9),
    };

    if (crypto_init())
        return 1;
    fx.redis.options[0] = "--appendonly";
    fx.redis.options[1] = "yes";
    fx.redis.options[2] = "--appendfsync";
    fx.redis.options[3] = "always";
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
