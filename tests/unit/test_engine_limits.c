/*
 * Limits as a tenant meets them: the test program is its own tenant. It forks and eats memory on
 * request and says how far it came.
 */
#include <sys/mman.h>

#include "engine_rig.h"

#define MEMORY (96 * 1024 * 1024)
#define PIDS   24

static const char spec[] = "{\"plan\":\"p\",\"limits\":{\"memory\":100663296,\"cpu_pct\":50,"
                           "\"pids\":24,\"disk\":1048576}}";

/* -- the tenant -- */

static unsigned fork_many(void)
{
    pid_t pids[256];
    unsigned n = 0;

    while (n < 256 && (pids[n] = fork()) >= 0) {
        if (pids[n] == 0) {
            pause();
            _exit(0);
        }
        n++;
    }
    for (unsigned i = 0; i < n; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], NULL, 0);
    }
    return n;
}

static unsigned eat(void)
{
    unsigned mib = 0;

    for (; mib < 400; mib++) {
        char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
            break;
        memset(p, 1, 1 << 20);
    }
    return mib;
}

static unsigned write_file(void)
{
    char chunk[65536] = {0};
    unsigned kib = 0;
    FILE *f = fopen("big", "w");

    signal(SIGXFSZ, SIG_IGN);
    while (f && kib < 4096 && fwrite(chunk, 1, sizeof(chunk), f) == sizeof(chunk) && !fflush(f))
        kib += 64;
    if (f)
        fclose(f);
    return kib;
}

static _Noreturn void tenant(void)
{
    for (;;) {
        int fd = accept(3, NULL, NULL);
        char req[1024], answer[256], body[64] = "ok";
        ssize_t n = recv(fd, req, sizeof(req) - 1, 0);

        if (n <= 0) {
            close(fd);
            continue;
        }
        req[n] = '\0';
        if (strncmp(req, "GET /fork ", 10) == 0)
            snprintf(body, sizeof(body), "%u", fork_many());
        if (strncmp(req, "GET /eat ", 9) == 0)
            snprintf(body, sizeof(body), "%u", eat());
        if (strncmp(req, "GET /write ", 11) == 0)
            snprintf(body, sizeof(body), "%u", write_file());
        snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                 strlen(body), body);
        (void)!send(fd, answer, strlen(answer), MSG_NOSIGNAL);
        close(fd);
    }
}

/* -- the tests -- */

static int setup(void **state)
{
    struct rig *g = calloc(1, sizeof(*g));

    rig_open(g, "process");
    if (access(g->keeper, X_OK)) {
        print_message("lastmile-keeper is not built\n");
        return -1;
    }
    rig_copy("/proc/self/exe", g->program);
    g->env[0] = "LIMITS_TENANT=1";
    rig_spec(g, 1, spec);
    *state = g;
    return 0;
}

static int teardown(void **state)
{
    struct rig *g = *state;

    g->fence += 100;
    rig_until(g, ENGINE_DELETE);
    rig_close(g);
    free(g);
    return 0;
}

/* The number in the body, or -1 when the connection broke. */
static int ask(struct rig *g, const char *path)
{
    struct buf b;
    uint64_t v;
    int rc;

    buf_init(&b, 4096);
    rc = rig_http(g, "GET", path, &b);
    if (rc == 0 && str_u64(str_trim(buf_view(&b)), 1000000, &v) == 0)
        rc = (int)v;
    else
        rc = -1;
    buf_free(&b);
    return rc;
}

static void wait_restart(struct rig *g)
{
    uint64_t end = clock_mono_ms() + 60000;
    char v[256];

    do {
        usleep(20000);
        rig_verb(g, ENGINE_OBSERVE);
        rig_state(g, "restarts", v);
        assert_true(clock_mono_ms() < end);
    } while (g->r.status != ENGINE_DONE || strcmp(v, "1") != 0);
}

static void test_cgroups(void **state)
{
    struct rig *g = *state;
    char v[256];

    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    rig_state(g, "limits", v);
    if (!str_starts(str_of(v), STR("cgroup"))) {
        print_message("skipped: no writable cgroups: %s\n", v);
        skip();
    }
    assert_true(ask(g, "/fork") < PIDS);
    assert_int_equal(ask(g, "/eat"), -1); /* ended by the kernel */
    wait_restart(g);
    rig_state(g, "error", v);
    assert_non_null(strstr(v, "signal 9"));
    assert_true(ask(g, "/fork") < PIDS);
    assert_in_range(ask(g, "/write"), 960, 1024);
}

static void test_rlimits(void **state)
{
    struct rig *g = *state;
    const char *err;
    char v[256];

#ifdef __SANITIZE_ADDRESS__
    /* The tenant is this very program, and its shadow memory is larger than any limit. */
    print_message("skipped: AddressSanitizer needs more address space than the limit leaves\n");
    skip();
#endif
    g->ops->close(g->engine);
    g->cfg.deploy.cgroup_root = "none";
    assert_int_equal(g->ops->open(&g->loop, &g->cfg, &g->engine, &err), 0);
    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    rig_state(g, "limits", v);
    print_message("%s\n", v);
    assert_true(str_starts(str_of(v), STR("rlimits: memory by rlimit (cgroups are switched off)")));
    assert_non_null(strstr(v, "cpu not limited"));
    rig_field(str_of(g->outputs), "limits", v);
    assert_true(str_starts(str_of(v), STR("rlimits: ")));
    assert_in_range(ask(g, "/eat"), 1, MEMORY / 1048576);
    if (geteuid() == 0)
        assert_true(ask(g, "/fork") < PIDS);
    assert_in_range(ask(g, "/write"), 960, 1024);
}

static void test_cgroup_goes_with_the_tenant(void **state)
{
    struct rig *g = *state;
    char path[512];

    rig_expect(g, ENGINE_APPLY, ENGINE_DONE);
    snprintf(path, sizeof(path), "/sys/fs/cgroup/pids/lastmile/%s", g->tenant);
    if (access(path, F_OK)) {
        print_message("skipped: no cgroup v1 at /sys/fs/cgroup/pids\n");
        skip();
    }
    rig_expect(g, ENGINE_DELETE, ENGINE_ABSENT);
    assert_int_not_equal(access(path, F_OK), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest old_valgrind[] = {cmocka_unit_test(rig_needs_pidfd)};
    const struct CMUnitTest tests[] = {
        T(test_cgroups),
        T(test_rlimits),
        T(test_cgroup_goes_with_the_tenant),
    };

    if (getenv("LIMITS_TENANT"))
        tenant();
    if (rig_lacks_pidfd())
        return cmocka_run_group_tests(old_valgrind, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
