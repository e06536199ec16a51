#include <dirent.h>
#include <malloc.h>
#include <pthread.h>

#include "deploy/exec_int.h"
#include "engine_rig.h"

static const char spec[] = "{\"plan\":\"starter\",\"buyer\":{\"company\":\"\\\"$(reboot) `x`\"}}";

/* -- the lines and the verdict alone -- */

struct said {
    struct exec_said s;
    struct engine_result r;
};

static void said_open(struct said *x)
{
    memset(x, 0, sizeof(*x));
    exec_said_init(&x->s);
}

static enum exec_line say(struct said *x, const char *line)
{
    return exec_line(&x->s, str_of(line));
}

static void verdict(struct said *x, int status)
{
    const struct exec_end end = {.status = status, .errors = STR(" why \n")};

    exec_verdict(&x->s, &end, &x->r);
}

static void said_close(struct said *x)
{
    exec_said_free(&x->s);
}

static void test_lines(void **state)
{
    struct said x;

    (void)state;
    said_open(&x);
    assert_int_equal(say(&x, "{\"type\":\"progress\",\"pct\":40,\"message\":\"half\"}"),
                     EXEC_LINE_PROGRESS);
    assert_int_equal(x.s.pct, 40);
    assert_string_equal(x.s.message, "half");
    assert_int_equal(say(&x, "{\"type\":\"progress\",\"pct\":400,\"message\":\"a\\u0007b\"}"),
                     EXEC_LINE_PROGRESS);
    assert_int_equal(x.s.pct, -1);
    assert_string_equal(x.s.message, "");
    assert_int_equal(say(&x, "{\"type\":\"external_id\",\"value\":\"stack/1\"}"), EXEC_LINE_ID);
    assert_string_equal(x.s.id, "stack/1");
    assert_int_equal(say(&x, "{\"type\":\"of later\"}"), EXEC_LINE_OTHER);
    assert_int_equal(say(&x, "  "), EXEC_LINE_OTHER);
    assert_false(x.s.bad);
    assert_int_equal(say(&x, "Hello"), EXEC_LINE_BAD);
    assert_int_equal(say(&x, "{\"type\":\"external_id\"}"), EXEC_LINE_BAD);
    assert_int_equal(say(&x, "{\"type\":\"result\",\"status\":\"great\"}"), EXEC_LINE_BAD);
    assert_int_equal(say(&x, "{\"type\":\"result\",\"type\":\"result\",\"status\":\"done\"}"),
                     EXEC_LINE_BAD);
    assert_true(x.s.bad);
    verdict(&x, 0);
    assert_string_equal(x.r.code, "bad_output");
    said_close(&x);
}

static void test_results(void **state)
{
    struct said x;

    (void)state;
    said_open(&x);
    say(&x, "{\"type\":\"result\",\"status\":\"done\",\"outputs\":{\"endpoint\":\"https://x/\"},"
            "\"observed_sha256\":\"abc\",\"suspended\":true}");
    verdict(&x, 0);
    assert_int_equal(x.r.status, ENGINE_DONE);
    assert_string_equal(x.r.outputs, "{\"endpoint\":\"https://x/\"}");
    assert_string_equal(x.r.observed_sha256, "abc");
    assert_true(x.r.suspended);
    say(&x, "{\"type\":\"result\",\"status\":\"pending\",\"poll_after_ms\":2500,\"pct\":30}");
    verdict(&x, 0);
    assert_int_equal(x.r.status, ENGINE_PENDING);
    assert_int_equal(x.r.poll_after_ms, 2500);
    assert_int_equal(x.r.pct, 30);
    say(&x, "{\"type\":\"result\",\"status\":\"absent\"}");
    verdict(&x, 0);
    assert_int_equal(x.r.status, ENGINE_ABSENT);
    say(&x,
        "{\"type\":\"result\",\"status\":\"failed\",\"class\":\"WAIT_QUOTA\",\"code\":\"no_ips\"}");
    verdict(&x, 0);
    assert_int_equal(x.r.status, ENGINE_FAIL);
    assert_int_equal(x.r.cls, CLASS_WAIT_QUOTA);
    assert_string_equal(x.r.code, "no_ips");
    say(&x, "{\"type\":\"result\",\"status\":\"failed\",\"code\":\"<b>\"}");
    verdict(&x, 0);
    assert_int_equal(x.r.cls, CLASS_UNKNOWN_OUTCOME);
    assert_string_equal(x.r.code, "exec_failed");
    assert_string_equal(x.r.detail, "why");
    /* What nobody understands takes nothing back, and is nothing itself. */
    say(&x, "{\"type\":\"result\",\"status\":\"pending\",\"pct\":7}");
    assert_int_equal(say(&x, "{\"type\":\"result\",\"status\":\"great\"}"), EXEC_LINE_BAD);
    verdict(&x, 0);
    assert_int_equal(x.r.status, ENGINE_PENDING);
    assert_int_equal(x.r.pct, 7);
    said_close(&x);
}

static void test_statuses(void **state)
{
    static const struct {
        int status;
        enum engine_class cls;
    } rows[] = {{75, CLASS_RETRY},   {77, CLASS_AUTH},           {65, CLASS_INVALID},
                {78, CLASS_INVALID}, {1, CLASS_UNKNOWN_OUTCOME}, {127, CLASS_UNKNOWN_OUTCOME}};
    struct said x;

    (void)state;
    said_open(&x);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        verdict(&x, rows[i].status << 8);
        assert_int_equal(x.r.status, ENGINE_FAIL);
        assert_int_equal(x.r.cls, rows[i].cls);
        assert_string_equal(x.r.detail, "why");
    }
    verdict(&x, SIGKILL);
    assert_int_equal(x.r.cls, CLASS_UNKNOWN_OUTCOME);
    verdict(&x, 0);
    assert_string_equal(x.r.code, "no_result");
    /* A result does not make a bad ending good. */
    say(&x, "{\"type\":\"result\",\"status\":\"done\"}");
    verdict(&x, 1 << 8);
    assert_int_equal(x.r.cls, CLASS_UNKNOWN_OUTCOME);
    said_close(&x);
}

/* -- with real programs -- */

static int setup(void **state)
{
    struct rig *g = calloc(1, sizeof(*g));

    rig_open(g, "exec");
    rig_spec(g, 1, spec);
    *state = g;
    return 0;
}

static int teardown(void **state)
{
    struct rig *g = *state;

    rig_close(g);
    free(g);
    return 0;
}

static void script(struct rig *g, const char *body)
{
    struct buf b;

    buf_init(&b, 65536);
    buf_fmt(&b, "#!/bin/sh\n%s\n", body);
    assert_int_equal(file_write_atomic(g->program, buf_view(&b), 0755), 0);
    buf_free(&b);
}

static bool example(struct rig *g)
{
    /* The test runs from the top of the tree; elsewhere there is nothing to copy. */
    if (access("share/engines/example.sh", R_OK)) {
        print_message("share/engines/example.sh is not below the current directory\n");
        return false;
    }
    rig_copy("share/engines/example.sh", g->program);
    return true;
}

static void test_example(void **state)
{
    struct rig *g = *state;
    char v[256];

    if (!example(g))
        skip();
    rig_expect(g, ENGINE_VALIDATE, ENGINE_DONE);
    rig_expect(g, ENGINE_OBSERVE, ENGINE_ABSENT);
    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    assert_int_equal(g->progress, 3);
    assert_string_equal(str_sub(str_of(g->external_id), 0, 10).p, g->external_id);
    assert_true(str_starts(str_of(g->external_id), STR("directory:")));
    assert_string_equal(g->observed, g->sha);
    rig_field(str_of(g->outputs), "endpoint", v);
    assert_true(str_starts(str_of(v), STR("https://t0-")));
    rig_expect(g, ENGINE_SUSPEND, ENGINE_DONE);
    rig_expect(g, ENGINE_OBSERVE, ENGINE_DONE);
    assert_true(g->r.suspended);
    rig_expect(g, ENGINE_RESUME, ENGINE_DONE);
    assert_false(g->r.suspended);
    g->fence = 0;
    rig_expect_fail(g, ENGINE_APPLY, CLASS_RETRY, "stale_fence");
    rig_expect(g, ENGINE_DELETE, ENGINE_ABSENT);
    rig_expect(g, ENGINE_DELETE, ENGINE_ABSENT);
    rig_expect(g, ENGINE_OBSERVE, ENGINE_ABSENT);
}

static void test_request(void **state)
{
    struct rig *g = *state;
    const struct cfg_kv parameters[] = {{"size", "small"}};
    char path[600], v[256];
    struct buf b;

    g->t.parameters = parameters;
    g->t.nparameters = 1;
    g->t.endpoint = "https://{tenant}.x.example/";
    g->env[0] = "CLOUD=test";
    script(g, "cat > request.json; env > env.txt; ls /proc/$$/fd > fds.txt; pwd > pwd.txt\n"
              "echo \"{\\\"type\\\":\\\"result\\\",\\\"status\\\":\\\"done\\\"}\"");
    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    rig_field(str_of(g->outputs), "endpoint", v);
    assert_true(str_ends(str_of(v), STR(".x.example/")));
    buf_init(&b, 65536);
    snprintf(path, sizeof(path), "%s/exec/%s/request.json", g->data, g->tenant);
    assert_int_equal(file_read(path, &b), 0);
    rig_field(buf_view(&b), "tenant", v);
    assert_string_equal(v, g->tenant);
    rig_field(buf_view(&b), "verb", v);
    assert_string_equal(v, "apply");
    assert_non_null(strstr(buf_cstr(&b), "$(reboot)"));
    assert_non_null(strstr(buf_cstr(&b), "\"size\":\"small\""));
    buf_reset(&b);
    snprintf(path, sizeof(path), "%s/exec/%s/env.txt", g->data, g->tenant);
    assert_int_equal(file_read(path, &b), 0);
    assert_non_null(strstr(buf_cstr(&b), "CLOUD=test\n"));
    assert_null(strstr(buf_cstr(&b), "reboot"));
    assert_null(strstr(buf_cstr(&b), "TMPDIR"));
    buf_free(&b);
}

static void test_endings(void **state)
{
    struct rig *g = *state;

    script(g, "cat >/dev/null; echo sorry >&2; exit 75");
    rig_expect_fail(g, ENGINE_APPLY, CLASS_RETRY, "exec_retry");
    assert_string_equal(g->detail, "sorry");
    script(g, "exit 77");
    rig_expect_fail(g, ENGINE_APPLY, CLASS_AUTH, "exec_auth");
    script(g, "exit 0");
    rig_expect_fail(g, ENGINE_APPLY, CLASS_UNKNOWN_OUTCOME, "no_result");
    script(g, "kill -9 $$");
    rig_expect_fail(g, ENGINE_APPLY, CLASS_UNKNOWN_OUTCOME, "unknown_outcome");
    script(g, "head -c 200000 /dev/zero | tr '\\0' x; echo; echo '{\"type\":\"result\","
              "\"status\":\"done\"}'");
    rig_expect(g, ENGINE_APPLY, ENGINE_DONE); /* a line too long is dropped, not the result */
    script(g, "head -c 200000 /dev/zero | tr '\\0' x >&2; echo THE END >&2; exit 78");
    rig_expect_fail(g, ENGINE_APPLY, CLASS_INVALID, "exec_invalid");
    assert_true(strlen(g->detail) <= 4096 && strstr(g->detail, "THE END"));
    g->argv[0] = "/nonexistent/program";
    rig_expect_fail(g, ENGINE_APPLY, CLASS_RETRY, "exec_unavailable");
    g->argv[0] = "relative";
    rig_expect_fail(g, ENGINE_APPLY, CLASS_INVALID, "invalid_spec");
}

/* The id is handed up while the program still runs, not with the result. */
static void test_external_id_at_once(void **state)
{
    struct rig *g = *state;
    char go[600];

    snprintf(go, sizeof(go), "%s/go", g->dir);
    script(g, "cat >/dev/null\necho '{\"type\":\"external_id\",\"value\":\"vm-1\"}'\n"
              "while [ ! -e ../../../go ]; do sleep 0.02; done\n"
              "echo '{\"type\":\"result\",\"status\":\"done\"}'");
    assert_non_null(rig_start(g, ENGINE_APPLY));
    while (g->external_id[0] == '\0' && !g->done)
        uv_run(&g->loop, UV_RUN_ONCE);
    assert_false(g->done);
    assert_string_equal(g->external_id, "vm-1");
    assert_int_equal(file_write_atomic(go, STR("x"), 0600), 0);
    while (!g->done)
        uv_run(&g->loop, UV_RUN_ONCE);
    assert_int_equal(g->r.status, ENGINE_DONE);
    while (uv_run(&g->loop, UV_RUN_NOWAIT))
        continue;
}

static unsigned sleepers(const struct rig *g)
{
    DIR *d = opendir("/proc");
    struct dirent *e;
    unsigned n = 0;

    assert_non_null(d);
    while ((e = readdir(d)) != NULL) {
        char link[300], cwd[PATH_MAX];
        ssize_t len;

        snprintf(link, sizeof(link), "/proc/%s/cwd", e->d_name);
        len = readlink(link, cwd, sizeof(cwd) - 1);
        if (len > 0 && str_starts(str_make(cwd, (size_t)len), str_of(g->data)))
            n++;
    }
    closedir(d);
    return n;
}

static const char stubborn[] = "trap '' TERM\ncat >/dev/null\n"
                               "echo '{\"type\":\"progress\",\"pct\":1,\"message\":\"on\"}'\n"
                               "(trap '' TERM; while :; do sleep 0.05; done) &\n"
                               "while :; do sleep 0.05; done";

static void run_until_progress(struct rig *g)
{
    g->progress = 0;
    while (g->progress == 0 && !g->done)
        uv_run(&g->loop, UV_RUN_ONCE);
    assert_false(g->done);
    assert_true(sleepers(g) > 0);
}

static void run_to_end(struct rig *g, const char *code)
{
    uint64_t end = clock_mono_ms() + 60000;

    while (!g->done)
        uv_run(&g->loop, UV_RUN_ONCE);
    while (uv_run(&g->loop, UV_RUN_NOWAIT))
        continue;
    assert_int_equal(g->r.status, ENGINE_FAIL);
    assert_int_equal(g->r.cls, CLASS_UNKNOWN_OUTCOME);
    assert_string_equal(g->code, code);
    while (sleepers(g) && clock_mono_ms() < end)
        usleep(10000);
    assert_int_equal(sleepers(g), 0);
}

static void test_cancel_kills_the_group(void **state)
{
    struct rig *g = *state;
    const struct cfg_kv parameters[] = {{"term_grace_ms", "200"}};
    struct engine_op *op;

    g->t.parameters = parameters;
    g->t.nparameters = 1;
    script(g, stubborn);
    op = rig_start(g, ENGINE_APPLY);
    run_until_progress(g);
    g->ops->cancel(op);
    run_to_end(g, "cancelled");
}

static void test_deadline(void **state)
{
    struct rig *g = *state;
    const struct cfg_kv parameters[] = {{"term_grace_ms", "100"}};
    struct engine_call call = {.verb = ENGINE_APPLY,
                               .tenant = g->tenant,
                               .spec = spec,
                               .deadline_ms = 300,
                               .template = &g->t};
    struct engine_events ev = {rig_on_progress, rig_on_external, rig_on_done, g};

    g->t.parameters = parameters;
    g->t.nparameters = 1;
    script(g, stubborn);
    assert_non_null(g->ops->start(g->engine, &call, &ev));
    run_to_end(g, "deadline");
}

static void *abandon(void *arg)
{
    void **both = arg;
    struct rig *g = both[0];

    g->ops->abandon(both[1]);
    return NULL;
}

static void test_abandon_from_a_thread(void **state)
{
    struct rig *g = *state;
    void *both[2] = {g, NULL};
    pthread_t thread;

    script(g, stubborn);
    both[1] = rig_start(g, ENGINE_APPLY);
    run_until_progress(g);
    assert_int_equal(pthread_create(&thread, NULL, abandon, both), 0);
    pthread_join(thread, NULL);
    run_to_end(g, "abandoned");
    /* Before anything was started: nothing is. */
    both[1] = rig_start(g, ENGINE_APPLY);
    abandon(both);
    while (!g->done)
        uv_run(&g->loop, UV_RUN_ONCE);
    assert_string_equal(g->code, "abandoned");
    while (uv_run(&g->loop, UV_RUN_NOWAIT))
        continue;
    assert_int_equal(sleepers(g), 0);
}

/* A worker that dies leaves its program; the next one ends it before it starts its own. */
static void test_former_run(void **state)
{
    struct rig *g = *state;
    uint64_t end;
    pid_t worker;
    int status;

    script(g, stubborn);
    worker = fork();
    if (worker == 0) {
        uv_loop_fork(&g->loop);
        rig_start(g, ENGINE_APPLY);
        g->progress = 0;
        while (g->progress == 0)
            uv_run(&g->loop, UV_RUN_ONCE);
        _exit(0); /* without a word to the program */
    }
    assert_int_equal(waitpid(worker, &status, 0), worker);
    assert_int_equal(status, 0);
    assert_true(sleepers(g) > 0);
    script(g, "cat >/dev/null; echo '{\"type\":\"result\",\"status\":\"done\"}'");
    rig_expect_fail(g, ENGINE_APPLY, CLASS_RETRY, "former_run"); /* TERM, which it ignores */
    rig_expect_fail(g, ENGINE_APPLY, CLASS_RETRY, "former_run"); /* KILL */
    end = clock_mono_ms() + 60000;
    while (rig_verb(g, ENGINE_APPLY) == ENGINE_FAIL && clock_mono_ms() < end) {
        assert_string_equal(g->code, "former_run");
        usleep(10000);
    }
    assert_int_equal(g->r.status, ENGINE_DONE);
    assert_int_equal(sleepers(g), 0);
}

/* -- many at once -- */

enum { FLEET = 24, LINES = 200, SPEC_BYTES = 12000, EACH_MAX = 4096 };

struct fleet {
    struct engine_op *op[FLEET];
    unsigned progress, over;
};

static void fleet_progress(void *arg, int pct, const char *message)
{
    (void)pct;
    assert_int_equal(strlen(message), 250);
    ((struct fleet *)arg)->progress++;
}

static void fleet_done(void *arg, const struct engine_result *r)
{
    assert_int_equal(r->status, ENGINE_FAIL);
    ((struct fleet *)arg)->over++;
}

static void fleet_start(struct rig *g, struct fleet *f)
{
    const struct engine_events ev = {fleet_progress, NULL, fleet_done, f};
    struct buf large;

    buf_init(&large, 65536);
    buf_fmt(&large, "{\"plan\":\"%0*d\"}", SPEC_BYTES, 1);
    for (unsigned i = 0; i < FLEET; i++) {
        char tenant[16];
        const struct engine_call call = {.verb = ENGINE_APPLY,
                                         .tenant = tenant,
                                         .spec = buf_cstr(&large),
                                         .deadline_ms = 60000,
                                         .template = &g->t};

        snprintf(tenant, sizeof(tenant), "t0-fleet%u", i);
        f->op[i] = g->ops->start(g->engine, &call, &ev);
        assert_non_null(f->op[i]);
    }
    buf_free(&large);
}

/* A program that runs for an hour and talks all the time costs the worker as little as a silent
 * one: neither what it was asked for nor what it said is kept. */
static void test_memory_in_flight(void **state)
{
    struct rig *g = *state;
    struct fleet f = {0};
    int64_t before, each;

    script(g, "cat >/dev/null; i=0; m=$(printf %0250d 1)\n"
              "while [ $i -lt 200 ]; do i=$((i + 1))\n"
              "echo \"{\\\"type\\\":\\\"progress\\\",\\\"message\\\":\\\"$m\\\"}\"; done\n"
              "exec sleep 60");
    before = (int64_t)mallinfo2().uordblks;
    fleet_start(g, &f);
    while (f.progress < FLEET * LINES && f.over == 0)
        uv_run(&g->loop, UV_RUN_ONCE);
    assert_int_equal(f.over, 0);
    each = ((int64_t)mallinfo2().uordblks - before) / FLEET;
    for (unsigned i = 0; i < FLEET; i++)
        g->ops->cancel(f.op[i]);
    while (f.over < FLEET)
        uv_run(&g->loop, UV_RUN_ONCE);
    while (uv_run(&g->loop, UV_RUN_NOWAIT))
        continue;
    print_message("%lld bytes each\n", (long long)each);
    assert_true(each <= EACH_MAX);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest old_valgrind[] = {cmocka_unit_test(rig_needs_pidfd)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_statuses),
        T(test_example),
        T(test_request),
        T(test_endings),
        T(test_external_id_at_once),
        T(test_cancel_kills_the_group),
        T(test_deadline),
        T(test_abandon_from_a_thread),
        T(test_former_run),
        T(test_memory_in_flight),
    };

    if (rig_lacks_pidfd())
        return cmocka_run_group_tests(old_valgrind, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
