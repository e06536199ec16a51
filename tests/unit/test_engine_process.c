#include <dirent.h>
#include <fcntl.h>

#include "base/crash.h"
#include "engine_rig.h"

static const char spec1[] = "{\"plan\":\"starter\",\"limits\":{\"memory\":100663296,\"cpu_pct\":50,"
                            "\"pids\":40},\"parameters\":{\"version\":\"1.0\"},"
                            "\"buyer\":{\"company\":\"Zo\\u00eb & <Sons>\"}}";
static const char spec2[] = "{\"plan\":\"starter\",\"limits\":{\"memory\":100663296},"
                            "\"parameters\":{\"version\":\"2.0\"}}";

static int setup(void **state)
{
    struct rig *g = calloc(1, sizeof(*g));
    char demo[PATH_MAX];

    rig_open(g, "process");
    rig_beside("lastmile-demo-tenant", demo);
    if (access(demo, X_OK) || access(g->keeper, X_OK)) {
        print_message("lastmile-keeper and lastmile-demo-tenant are not built\n");
        return -1;
    }
    rig_copy(demo, g->program);
    rig_spec(g, 1, spec1);
    *state = g;
    return 0;
}

static int teardown(void **state)
{
    struct rig *g = *state;

    unsetenv("LASTMILE_CRASH");
    g->fence += 100;
    rig_until(g, ENGINE_DELETE);
    rig_close(g);
    free(g);
    return 0;
}

static unsigned programs(const struct rig *g)
{
    DIR *d = opendir("/proc");
    struct dirent *e;
    unsigned n = 0;

    assert_non_null(d);
    while ((e = readdir(d)) != NULL) {
        char link[300], exe[PATH_MAX];
        ssize_t len;

        snprintf(link, sizeof(link), "/proc/%s/exe", e->d_name);
        len = readlink(link, exe, sizeof(exe) - 1);
        if (len <= 0)
            continue;
        exe[len] = '\0';
        if (strcmp(exe, g->program) == 0)
            n++;
    }
    closedir(d);
    return n;
}

static unsigned archives(const struct rig *g)
{
    DIR *d = opendir(g->archive);
    struct dirent *e;
    unsigned n = 0;

    while (d && (e = readdir(d)) != NULL)
        n += str_starts(str_of(e->d_name), str_of(g->tenant)) &&
             str_ends(str_of(e->d_name), STR(".tar.gz"));
    if (d)
        closedir(d);
    return n;
}

static void test_create(void **state)
{
    struct rig *g = *state;
    char v[256], want[256];

    rig_expect(g, ENGINE_OBSERVE, ENGINE_ABSENT);
    rig_expect(g, ENGINE_VALIDATE, ENGINE_DONE);
    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    assert_true(g->progress > 0);
    rig_field(str_of(g->outputs), "endpoint", v);
    snprintf(want, sizeof(want), "http://%s.localhost:8080/", g->tenant);
    assert_string_equal(v, want);
    rig_field(str_of(g->outputs), "isolation", v);
    assert_string_equal(v, geteuid() == 0 ? "own-uid" : "shared-uid");
    rig_field(str_of(g->outputs), "limits", v);
    print_message("limits: %s\n", v);
    assert_string_equal(g->observed, g->sha);
    rig_info(g, "version", v);
    assert_string_equal(v, "1.0");
    rig_info(g, "company", v);
    assert_string_equal(v, "Zo\xc3\xab & <Sons>");
    assert_int_equal(programs(g), 1);
    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    rig_expect(g, ENGINE_OBSERVE, ENGINE_DONE);
    assert_string_equal(g->observed, g->sha);
    assert_int_equal(programs(g), 1);
}

static void test_update_keeps_data(void **state)
{
    struct rig *g = *state;
    struct buf b;
    char v[256];
    uint64_t end = clock_mono_ms() + 60000;

    buf_init(&b, 65536);
    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    assert_int_equal(rig_http(g, "POST", "/count", &b), 0);
    assert_int_equal(rig_http(g, "POST", "/count", &b), 0);
    rig_spec(g, 2, spec2);
    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    assert_string_equal(g->observed, g->sha);
    rig_info(g, "version", v);
    assert_string_equal(v, "2.0");
    rig_info(g, "count", v);
    assert_string_equal(v, "2");
    while (programs(g) != 1 && clock_mono_ms() < end)
        usleep(20000);
    assert_int_equal(programs(g), 1);
    buf_free(&b);
}

static void test_failed_update_rolls_back(void **state)
{
    struct rig *g = *state;
    char good[HASH_HEX], v[256];

    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    memcpy(good, g->sha, sizeof(good));
    g->t.health_timeout_ms = 600;
    g->env[0] = "DEMO_FAIL_HEALTH=1";
    rig_spec(g, 2, spec2);
    rig_expect_fail(g, ENGINE_APPLY, CLASS_INVALID, "update_failed");
    assert_string_equal(g->observed, good);
    rig_expect_fail(g, ENGINE_OBSERVE, CLASS_INVALID, "update_failed");
    rig_info(g, "version", v);
    assert_string_equal(v, "1.0");
    /* The worker goes back to the old wish: nothing is wrong any more. */
    memcpy(g->sha, good, sizeof(good));
    rig_expect(g, ENGINE_OBSERVE, ENGINE_DONE);
    /* A later good generation goes through. */
    g->env[0] = NULL;
    g->t.health_timeout_ms = 20000;
    rig_spec(g, 3, spec2);
    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    rig_info(g, "version", v);
    assert_string_equal(v, "2.0");
}

/* What was rolled back to is also what comes back: after its program died, and after all died. */
static void test_rolled_back_comes_back(void **state)
{
    struct rig *g = *state;
    char v[256], before[256];

    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    g->t.health_timeout_ms = 600;
    g->env[0] = "DEMO_FAIL_HEALTH=1";
    rig_spec(g, 2, spec2);
    rig_expect_fail(g, ENGINE_APPLY, CLASS_INVALID, "update_failed");
    for (int all = 0; all < 2; all++) {
        uint64_t end = clock_mono_ms() + 60000;
        pid_t program = rig_pid(g, "pid");
        struct buf b;

        if (all)
            rig_kill(rig_pid(g, "keeper_pid"));
        rig_kill(program);
        if (all)
            rig_expect_fail(g, ENGINE_APPLY, CLASS_INVALID, "update_failed");
        buf_init(&b, 65536);
        while (rig_http(g, "GET", "/info.json", &b) && clock_mono_ms() < end)
            usleep(20000);
        buf_free(&b);
        rig_info(g, "version", v);
        assert_string_equal(v, "1.0");
    }
    /* What failed is not tried again and again. */
    rig_state(g, "seq", before);
    usleep(1500000);
    rig_state(g, "seq", v);
    assert_string_equal(v, before);
}

static void test_failed_create(void **state)
{
    struct rig *g = *state;

    g->argv[0] = "/bin/false";
    rig_expect_fail(g, ENGINE_APPLY, CLASS_INVALID, "start_failed");
    if (!strstr(g->detail, "status 1"))
        fail_msg("%s", g->detail);
    g->argv[0] = "/nonexistent/program";
    rig_expect_fail(g, ENGINE_APPLY, CLASS_INVALID, "invalid_spec");
    rig_expect_fail(g, ENGINE_VALIDATE, CLASS_INVALID, "invalid_spec");
    g->argv[0] = g->program;
    g->generation = 2;
    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
}

static void test_keeper_killed(void **state)
{
    struct rig *g = *state;
    pid_t program;
    char v[256];

    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    program = rig_pid(g, "pid");
    rig_kill(rig_pid(g, "keeper_pid"));
    rig_info(g, "version", v); /* the program does not notice */
    rig_expect_fail(g, ENGINE_OBSERVE, CLASS_GONE_EXTERNALLY, "keeper_gone");
    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    assert_int_equal(rig_pid(g, "pid"), program);
    assert_int_equal(programs(g), 1);
    /* Adopted, it can be updated like any other. */
    rig_spec(g, 2, spec2);
    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    rig_info(g, "version", v);
    assert_string_equal(v, "2.0");
}

static void test_both_killed(void **state)
{
    struct rig *g = *state;
    pid_t program;

    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    program = rig_pid(g, "pid");
    rig_kill(rig_pid(g, "keeper_pid"));
    rig_kill(program);
    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    assert_int_not_equal(rig_pid(g, "pid"), program);
    assert_int_equal(programs(g), 1);
}

static void test_program_killed(void **state)
{
    struct rig *g = *state;
    uint64_t end = clock_mono_ms() + 60000;
    pid_t program;
    char v[256];

    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    program = rig_pid(g, "pid");
    kill(program, SIGKILL);
    while ((rig_pid(g, "pid") == program || rig_verb(g, ENGINE_OBSERVE) != ENGINE_DONE) &&
           clock_mono_ms() < end)
        usleep(20000);
    rig_state(g, "restarts", v);
    assert_string_equal(v, "1");
    rig_info(g, "version", v);
}

static void test_suspend_resume(void **state)
{
    struct rig *g = *state;
    struct buf b;
    char v[256];

    buf_init(&b, 65536);
    rig_expect_fail(g, ENGINE_SUSPEND, CLASS_GONE_EXTERNALLY, "no_spec");
    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    rig_expect(g, ENGINE_SUSPEND, ENGINE_DONE);
    assert_true(g->r.suspended);
    assert_true(rig_http(g, "GET", "/", &b) < 0);
    assert_int_equal(programs(g), 0);
    rig_expect(g, ENGINE_OBSERVE, ENGINE_DONE);
    assert_true(g->r.suspended);
    /* No keeper: still suspended, and nobody is started to say so. */
    rig_kill(rig_pid(g, "keeper_pid"));
    rig_expect(g, ENGINE_OBSERVE, ENGINE_DONE);
    assert_true(g->r.suspended);
    rig_expect(g, ENGINE_SUSPEND, ENGINE_DONE);
    /* An update while suspended is kept for later. */
    rig_spec(g, 2, spec2);
    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    assert_true(g->r.suspended);
    assert_int_equal(programs(g), 0);
    rig_expect(g, ENGINE_RESUME, ENGINE_DONE);
    assert_false(g->r.suspended);
    rig_info(g, "version", v);
    assert_string_equal(v, "2.0");
    buf_free(&b);
}

static void test_fence(void **state)
{
    struct rig *g = *state;
    char v[256];

    g->fence = 7;
    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    g->fence = 6;
    rig_spec(g, 2, spec2);
    rig_expect_fail(g, ENGINE_APPLY, CLASS_RETRY, "stale_fence");
    rig_expect_fail(g, ENGINE_SUSPEND, CLASS_RETRY, "stale_fence");
    rig_expect_fail(g, ENGINE_DELETE, CLASS_RETRY, "stale_fence");
    /* The fence outlives the keeper. */
    rig_kill(rig_pid(g, "keeper_pid"));
    rig_expect_fail(g, ENGINE_APPLY, CLASS_RETRY, "stale_fence");
    rig_info(g, "version", v);
    assert_string_equal(v, "1.0");
    g->fence = 8;
    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    g->generation = 1;
    rig_expect_fail(g, ENGINE_APPLY, CLASS_RETRY, "stale_generation");
}

static void test_delete(void **state)
{
    struct rig *g = *state;
    struct buf b;
    char path[512], link[600];
    struct stat st;

    buf_init(&b, 65536);
    rig_expect(g, ENGINE_DELETE, ENGINE_ABSENT);
    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    assert_int_equal(rig_http(g, "POST", "/count", &b), 0);
    /* What lies behind a tenant's symbolic link is not ours to delete. */
    snprintf(path, sizeof(path), "%s/precious", g->dir);
    assert_int_equal(file_write_atomic(path, STR("x"), 0644), 0);
    snprintf(link, sizeof(link), "%s/%s/link", g->data, g->tenant);
    assert_int_equal(symlink(g->dir, link), 0);
    rig_expect(g, ENGINE_DELETE, ENGINE_ABSENT);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(archives(g), 1);
    assert_int_equal(programs(g), 0);
    snprintf(path, sizeof(path), "%s/%s", g->data, g->tenant);
    assert_int_equal(lstat(path, &st), -1);
    snprintf(path, sizeof(path), "%s/%s", g->run, g->tenant);
    assert_int_equal(lstat(path, &st), -1);
    rig_expect(g, ENGINE_DELETE, ENGINE_ABSENT);
    assert_int_equal(archives(g), 1);
    rig_expect(g, ENGINE_OBSERVE, ENGINE_ABSENT);
    buf_free(&b);
}

/* A keeper, or what it forked, says in its log where it dies. */
static bool died_at(const struct rig *g, const char *point)
{
    char path[512], line[128];
    struct buf b;
    bool yes;

    snprintf(path, sizeof(path), "%s/%s/keeper.log", g->run, g->tenant);
    snprintf(line, sizeof(line), "died at %s\n", point);
    buf_init(&b, 1u << 20);
    yes = file_read(path, &b) == 0 && strstr(buf_cstr(&b), line) != NULL;
    buf_free(&b);
    return yes;
}

static void crash_apply(struct rig *g, const char *point)
{
    setenv("LASTMILE_CRASH", point, 1);
    /* Every keeper dies there; only after the switch is there nothing left to die of. */
    if (strcmp(point, "keeper.after_switch") == 0)
        rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    else
        rig_expect_fail(g, ENGINE_APPLY, CLASS_RETRY, "keeper_unavailable");
    unsetenv("LASTMILE_CRASH");
    assert_true(died_at(g, point));
}

/* Kill the keeper at a named place of a create; what comes after must end with one program. */
static void crash_create(struct rig *g, const char *point)
{
    char v[256];

    crash_apply(g, point);
    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    rig_info(g, "version", v);
    for (int i = 0; i < 3000 && programs(g) != 1; i++)
        usleep(20000);
    assert_int_equal(programs(g), 1);
}

static void test_crash_points_create(void **state)
{
    static const char *const points[] = {"keeper.before_spawn", "keeper.before_go",
                                         "keeper.after_spawn", "keeper.before_switch",
                                         "keeper.after_switch"};
    struct rig *g = *state;

    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        print_message("%s\n", points[i]);
        crash_create(g, points[i]);
        g->fence++;
        rig_expect(g, ENGINE_DELETE, ENGINE_ABSENT);
        assert_int_equal(programs(g), 0);
        assert_int_equal(archives(g), i + 1);
    }
}

static void crash_update(struct rig *g, const char *point, uint64_t generation, const char *spec)
{
    rig_spec(g, generation, spec);
    /* The running keeper has no crash point: end it, so that its successor gets one. */
    rig_kill(rig_pid(g, "keeper_pid"));
    crash_apply(g, point);
    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    assert_string_equal(g->observed, g->sha);
    for (int i = 0; i < 3000 && programs(g) != 1; i++)
        usleep(20000);
    assert_int_equal(programs(g), 1);
}

static void test_crash_points_update(void **state)
{
    static const char *const points[] = {"keeper.before_spawn", "keeper.before_go",
                                         "keeper.after_spawn", "keeper.before_switch",
                                         "keeper.after_switch"};
    struct rig *g = *state;
    struct buf b;
    char v[256];

    buf_init(&b, 65536);
    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    assert_int_equal(rig_http(g, "POST", "/count", &b), 0);
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        print_message("%s\n", points[i]);
        crash_update(g, points[i], i + 2, i % 2 ? spec1 : spec2);
        rig_info(g, "version", v);
        assert_string_equal(v, i % 2 ? "1.0" : "2.0");
        rig_info(g, "count", v);
        assert_string_equal(v, "1");
    }
    buf_free(&b);
}

static void test_crash_points_delete(void **state)
{
    static const char *const points[] = {"archive.before_rename", "archive.after_rename"};
    struct rig *g = *state;

    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        uint64_t end = clock_mono_ms() + 60000;

        print_message("%s\n", points[i]);
        rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
        rig_kill(rig_pid(g, "keeper_pid"));
        setenv("LASTMILE_CRASH", points[i], 1);
        rig_verb(g, ENGINE_DELETE);
        unsetenv("LASTMILE_CRASH");
        while (!died_at(g, points[i]) && clock_mono_ms() < end)
            usleep(10000);
        assert_true(died_at(g, points[i]));
        /* The child died; its keeper would try again. Take that away as well. */
        rig_kill(rig_pid(g, "keeper_pid"));
        rig_expect(g, ENGINE_DELETE, ENGINE_ABSENT);
        assert_int_equal(archives(g), i + 1);
    }
}

/* The worker dies around the start of a keeper; its successor finds one tenant, or none. */
static void test_crash_points_worker(void **state)
{
    static const char *const points[] = {"engine.before_keeper", "engine.after_keeper"};
    struct rig *g = *state;
    int status;

    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        pid_t worker = fork();

        if (worker == 0) {
            setenv("LASTMILE_CRASH", points[i], 1);
            crash_init();
            uv_loop_fork(&g->loop);
            rig_verb(g, ENGINE_APPLY);
            _exit(0);
        }
        assert_int_equal(waitpid(worker, &status, 0), worker);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        g->fence++;
        rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
        assert_int_equal(programs(g), 1);
        rig_expect(g, ENGINE_DELETE, ENGINE_ABSENT);
        assert_int_equal(programs(g), 0);
    }
}

static void test_bad_calls(void **state)
{
    struct rig *g = *state;
    char was[32];

    memcpy(was, g->tenant, sizeof(was));
    snprintf(g->tenant, sizeof(g->tenant), "../x");
    rig_expect_fail(g, ENGINE_APPLY, CLASS_INVALID, "invalid_spec");
    snprintf(g->tenant, sizeof(g->tenant), "exec");
    rig_expect_fail(g, ENGINE_OBSERVE, CLASS_INVALID, "invalid_spec");
    memcpy(g->tenant, was, sizeof(was));
    rig_spec(g, 1, "{\"plan\":\"x\",\"buyer\":{\"company\":\"a\\u202eb\"}}");
    rig_verb(g, ENGINE_APPLY);
    assert_int_equal(g->r.status, ENGINE_FAIL);
    assert_int_equal(g->r.cls, CLASS_INVALID);
    rig_spec(g, 1, "[1]");
    rig_expect_fail(g, ENGINE_APPLY, CLASS_INVALID, "invalid_spec");
    rig_spec(g, 1, spec1);
}

static void test_cancel(void **state)
{
    struct rig *g = *state;
    struct engine_op *op = rig_start(g, ENGINE_APPLY);

    g->ops->cancel(op);
    while (!g->done)
        uv_run(&g->loop, UV_RUN_ONCE);
    assert_int_equal(g->r.status, ENGINE_FAIL);
    assert_string_equal(g->code, "cancelled");
    while (uv_run(&g->loop, UV_RUN_NOWAIT))
        continue;
    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest old_valgrind[] = {cmocka_unit_test(rig_needs_pidfd)};
    const struct CMUnitTest tests[] = {
        T(test_create),
        T(test_update_keeps_data),
        T(test_failed_update_rolls_back),
        T(test_rolled_back_comes_back),
        T(test_failed_create),
        T(test_keeper_killed),
        T(test_both_killed),
        T(test_program_killed),
        T(test_suspend_resume),
        T(test_fence),
        T(test_delete),
        T(test_crash_points_create),
        T(test_crash_points_update),
        T(test_crash_points_delete),
        T(test_crash_points_worker),
        T(test_bad_calls),
        T(test_cancel),
    };

    if (rig_lacks_pidfd())
        return cmocka_run_group_tests(old_valgrind, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
