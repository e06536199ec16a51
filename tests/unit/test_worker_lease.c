/*
 * Leases of thousands of tasks at once: all of them are renewed in time, and only those that
 * somebody else took over are lost.
 */
#include "worker_rig.h"

#include <unistd.h>

#include "worker/task.h"

enum { TASKS = 4000, TAKEN = 3, LEASE_MS = 15000, TIMES_MAX = 100 };

static struct held {
    struct lease *lease;
    char id[24];
} held[TASKS];
static struct task some_task;
static unsigned lost, lease_ms;

static void on_lost(uv_async_t *a)
{
    (void)a;
}

static void reaped(struct task *t)
{
    (void)t;
    lost++;
}

/* As sched does it: the lease is counted from before the claim is sent. */
static size_t claim_from(size_t n)
{
    uint64_t sent = clock_mono_ms();
    char seed[24], lease[24];

    snprintf(seed, sizeof(seed), "seed:%zu", n);
    snprintf(lease, sizeof(lease), "%u", lease_ms);
    OK(0, STORE_TASK_CLAIM, "w", seed, lease, "32", "5", "notify");
    for (size_t i = 1; i < fx.rows->n; i++, n++) {
        struct str id = store_row_get(&fx.rows->row[i], "id");
        struct str proof = store_row_get(&fx.rows->row[i], "token");

        assert_int_equal(str_copy(id, held[n].id, sizeof(held[n].id)), 0);
        held[n].lease = lease_add(rig.leases, 0, id, proof, sent + lease_ms, &some_task);
        assert_non_null(held[n].lease);
    }
    return n;
}

/* Longer where everything is slower (valgrind): the test is of who is renewed, not of how fast. */
static unsigned longer(unsigned ms)
{
    uint64_t times;

    return str_u64(str_of(getenv("LASTMILE_TIMES")), TIMES_MAX, &times) ? ms : ms * (unsigned)times;
}

static void hold_all(void)
{
    size_t n = 0;

    for (size_t i = 0; i < TASKS; i++) {
        char id[24];

        snprintf(id, sizeof(id), "mail:%zu", i);
        OK(0, STORE_TASK_ADD, id, "mail", "notify", "o", "0", "");
    }
    /* Last, so that claiming does not take long beside a lease. */
    assert_int_equal(lease_open(&rig, lease_ms, &rig.leases), 0);
    while (n < TASKS)
        n = claim_from(n);
}

static void open_rig(void)
{
    struct buf errors, text;

    memset(&rig, 0, sizeof(rig));
    lost = 0;
    lease_ms = longer(LEASE_MS);
    buf_init(&errors, 65536);
    buf_init(&text, 65536);
    rig.loop = &fx.loop;
    rig.store = fx.store;
    rig.now = calloc(1, sizeof(*rig.now));
    assert_non_null(rig.now);
    buf_fmt(&text, "redis: {socket: %s}\n%s", fx.redis.socket, azure);
    assert_int_equal(config_parse("test", buf_view(&text), &rig.now->cfg, &errors), 0);
    buf_free(&errors);
    buf_free(&text);
    uv_async_init(&fx.loop, &rig.lost, on_lost);
}

static void close_rig(void)
{
    lease_close(&rig.leases);
    uv_close((uv_handle_t *)&rig.lost, NULL);
    store_end();
    config_free(&rig.now->cfg);
    free(rig.now);
}

static void all_are_renewed(void **state)
{
    char since[24];
    unsigned mine = TASKS - TAKEN;

    (void)state;
    open_rig();
    hold_all();
    /* Another worker has these by now. */
    for (size_t i = 0; i < TAKEN; i++) {
        char key[64];

        snprintf(key, sizeof(key), "{p0}:k:%s", held[i * 1000].id);
        RAW("HSET", key, "token", "another");
    }
    /* Every lease in Redis ends later than the first ones given, and later than any claim said. */
    snprintf(since, sizeof(since), "(%lld", (long long)(clock_wall_ms() + lease_ms));
    for (int i = 0; i < WAIT_STEPS && lost < TASKS / 2; i++) {
        if (number(RAW("ZCOUNT", "{p0}:lease", since, "+inf")) == mine && lost == TAKEN)
            break;
        lease_reap(rig.leases, reaped);
        uv_run(&fx.loop, UV_RUN_ONCE);
    }
    assert_int_equal(lost, TAKEN);
    assert_int_equal(number(RAW("ZCOUNT", "{p0}:lease", since, "+inf")), mine);
    for (size_t i = 0; i < TASKS; i++)
        lease_remove(rig.leases, &held[i].lease);
    close_rig();
}

/* A task ends while its renewal is under way and is claimed again: the answer is about the lease
 * that is gone. */
static void an_answer_is_for_the_lease_that_asked(void **state)
{
    struct str id = STR("mail:0");
    struct lease *l;
    uint64_t until;

    (void)state;
    open_rig();
    OK(0, STORE_TASK_ADD, "mail:0", "mail", "notify", "o", "0", "");
    OK(0, STORE_TASK_CLAIM, "w", "second", "15000", "1", "5", "notify");
    assert_int_equal(fx.rows->n, 2);
    assert_int_equal(lease_open(&rig, LEASE_MS, &rig.leases), 0);
    RAW("ZADD", "{p0}:lease", "9000000000000", "mail:0");
    l = lease_add(rig.leases, 0, id, STR("second:1"), clock_mono_ms() + LEASE_MS / 2, &some_task);
    assert_non_null(l);
    for (int i = 0; i < WAIT_STEPS; i++) { /* the thread is connected once it has renewed */
        if (strcmp(RAW("ZSCORE", "{p0}:lease", "mail:0"), "9000000000000") != 0)
            break;
        uv_run(&fx.loop, UV_RUN_ONCE);
    }
    lease_remove(rig.leases, &l);
    RAW("CLIENT", "PAUSE", "800", "ALL");
    l = lease_add(rig.leases, 0, id, STR("first:1"), clock_mono_ms() + LEASE_MS / 2, &some_task);
    assert_non_null(l);
    usleep(500 * 1000); /* the renewal goes out, and waits in Redis */
    lease_remove(rig.leases, &l);
    l = lease_add(rig.leases, 0, id, STR("second:1"), clock_mono_ms() + LEASE_MS, &some_task);
    assert_non_null(l);
    until = clock_mono_ms() + 5000;
    while (clock_mono_ms() < until && lost == 0) {
        lease_reap(rig.leases, reaped);
        uv_run(&fx.loop, UV_RUN_ONCE);
    }
    assert_int_equal(lost, 0);
    lease_remove(rig.leases, &l);
    close_rig();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(all_are_renewed, fresh),
        cmocka_unit_test_setup(an_answer_is_for_the_lease_that_asked, fresh),
    };

    return cmocka_run_group_tests_name("worker: leases", tests, group_setup, group_teardown);
}
