/*
 * engine_rig: an engine on a private loop with scratch directories, and verbs as plain calls.
 * Programs are taken from the build directory beside the tests.
 */
#ifndef LM_ENGINE_RIG_H
#define LM_ENGINE_RIG_H

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/rand.h"
#include "config/config.h"
#include "deploy/engine.h"

struct rig {
    uv_loop_t loop;
    struct engine *engine;
    const struct engine_ops *ops;
    struct config cfg;
    struct cfg_template t;
    const char *argv[8];
    const char *env[8];
    char dir[256], run[300], data[300], archive[300], keeper[PATH_MAX], program[300];
    char tenant[32], spec[1024], sha[HASH_HEX];
    uint64_t generation, fence;
    uint32_t slot;
    /* last result, copied */
    struct engine_result r;
    char outputs[4096], code[64], detail[4096], observed[HASH_HEX];
    bool done;
    unsigned progress;
    char external_id[128];
};

static inline void rig_beside(const char *name, char out[PATH_MAX])
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    struct str path = str_make(self, n > 0 ? (size_t)n : 0);

    for (int i = 0; i < 2; i++) {
        ptrdiff_t at = str_rchr(path, '/');

        path.n = at > 0 ? (size_t)at : 0;
    }
    assert_true(snprintf(out, PATH_MAX, "%.*s/%s", STR_FMT(path), name) < PATH_MAX);
}

static inline void rig_copy(const char *from, const char *to)
{
    struct buf b;

    buf_init(&b, 64u << 20);
    assert_int_equal(file_read(from, &b), 0);
    assert_int_equal(file_write_atomic(to, buf_view(&b), 0755), 0);
    buf_free(&b);
}

static inline void rig_spec(struct rig *g, uint64_t generation, const char *json)
{
    g->generation = generation;
    assert_int_equal(str_copy(str_of(json), g->spec, sizeof(g->spec)), 0);
    hash_sha256_hex(str_of(json), g->sha);
}

static inline void rig_dirs(struct rig *g)
{
    const char *tmp = getenv("TMPDIR");
    char hex[17];

    snprintf(g->dir, sizeof(g->dir), "%s/lastmile-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(g->dir));
    assert_int_equal(chmod(g->dir, 0711), 0); /* the tenant's uid walks through */
    snprintf(g->run, sizeof(g->run), "%s/run", g->dir);
    snprintf(g->data, sizeof(g->data), "%s/data", g->dir);
    snprintf(g->archive, sizeof(g->archive), "%s/archive", g->dir);
    snprintf(g->program, sizeof(g->program), "%s/program", g->dir);
    rand_hex(hex, 8);
    snprintf(g->tenant, sizeof(g->tenant), "t0-%s", hex);
    g->slot = (uint32_t)rand_below(60000);
}

static inline void rig_open(struct rig *g, const char *engine)
{
    const char *err = "";

    assert_int_equal(crypto_init(), 0);
    signal(SIGPIPE, SIG_IGN);
    rig_dirs(g);
    rig_beside("lastmile-keeper", g->keeper);
    assert_int_equal(uv_loop_init(&g->loop), 0);
    g->cfg.deploy = (struct cfg_deploy){.run_dir = g->run,
                                        .data_dir = g->data,
                                        .archive_dir = g->archive,
                                        .keeper = g->keeper,
                                        .uid_base = 300000,
                                        .endpoint = "http://{tenant}.localhost:8080/",
                                        .probe_url = "",
                                        .cgroup_root = ""};
    g->argv[0] = g->program;
    g->t = (struct cfg_template){.name = "t",
                                 .engine = engine,
                                 .command = g->argv,
                                 .environment = g->env,
                                 .health_path = "/healthz",
                                 .health_timeout_ms = 20000,
                                 .deadline_ms = 60000,
                                 .drain_ms = 50,
                                 .endpoint = ""};
    g->ops = engine_find(engine);
    assert_non_null(g->ops);
    assert_int_equal(g->ops->open(&g->loop, &g->cfg, &g->engine, &err), 0);
    g->fence = 1;
}

static inline void rig_on_progress(void *arg, int pct, const char *message)
{
    struct rig *g = arg;

    (void)pct;
    assert_non_null(message);
    g->progress++;
}

static inline void rig_on_external(void *arg, const char *id)
{
    struct rig *g = arg;

    assert_int_equal(str_copy(str_of(id), g->external_id, sizeof(g->external_id)), 0);
}

static inline void rig_on_done(void *arg, const struct engine_result *r)
{
    struct rig *g = arg;

    assert_false(g->done);
    g->done = true;
    g->r = *r;
    assert_int_equal(str_copy(str_of(r->outputs), g->outputs, sizeof(g->outputs)), 0);
    assert_int_equal(str_copy(str_of(r->code), g->code, sizeof(g->code)), 0);
    assert_int_equal(str_copy(str_of(r->detail), g->detail, sizeof(g->detail)), 0);
    assert_int_equal(str_copy(str_of(r->observed_sha256), g->observed, sizeof(g->observed)), 0);
}

static inline struct engine_op *rig_start(struct rig *g, enum engine_verb verb)
{
    struct engine_call call = {.verb = verb,
                               .tenant = g->tenant,
                               .order = "o0-test",
                               .channel = "aws",
                               .plan = "starter",
                               .region = "",
                               .generation = g->generation,
                               .spec = g->spec,
                               .spec_sha256 = g->sha,
                               .op_id = "op",
                               .fence = g->fence,
                               .deadline_ms = 60000,
                               .external_id = g->external_id,
                               .outputs = "",
                               .slot = g->slot,
                               .template = &g->t};
    struct engine_events ev = {rig_on_progress, rig_on_external, rig_on_done, g};

    g->done = false;
    return g->ops->start(g->engine, &call, &ev);
}

static inline enum engine_status rig_verb(struct rig *g, enum engine_verb verb)
{
    assert_non_null(rig_start(g, verb));
    while (!g->done)
        assert_true(uv_run(&g->loop, UV_RUN_ONCE) != 0 || g->done);
    while (uv_run(&g->loop, UV_RUN_NOWAIT))
        continue;
    return g->r.status;
}

/* The verb, then observe (or the verb again for a delete) until it is not PENDING any more. */
static inline enum engine_status rig_until(struct rig *g, enum engine_verb verb)
{
    uint64_t end = clock_mono_ms() + 90000;

    rig_verb(g, verb);
    while (g->r.status == ENGINE_PENDING) {
        assert_true(clock_mono_ms() < end);
        usleep(20000);
        rig_verb(g, verb == ENGINE_DELETE ? verb : ENGINE_OBSERVE);
    }
    return g->r.status;
}

static inline void rig_expect(struct rig *g, enum engine_verb verb, enum engine_status status)
{
    if (rig_until(g, verb) != status)
        fail_msg("%d: status %d class %s code %s: %s", (int)verb, (int)g->r.status,
                 engine_class_name(g->r.cls), g->code, g->detail);
}

static inline void rig_expect_fail(struct rig *g, enum engine_verb verb, enum engine_class cls,
                                   const char *code)
{
    rig_expect(g, verb, ENGINE_FAIL);
    assert_string_equal(engine_class_name(g->r.cls), engine_class_name(cls));
    assert_string_equal(g->code, code);
}

/* One request over app.sock; the body, or -errno. */
static inline int rig_http(struct rig *g, const char *method, const char *path, struct buf *body)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    struct timeval limit = {60, 0};
    char text[4096];
    struct buf all;
    const char *at;
    ssize_t n;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc = 0;

    buf_init(&all, 1u << 20);
    snprintf(text, sizeof(text), "%s/%s/app.sock", g->run, g->tenant);
    assert_int_equal(str_copy(str_of(text), sa.sun_path, sizeof(sa.sun_path)), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)))
        rc = -errno;
    snprintf(text, sizeof(text), "%s %s HTTP/1.0\r\nHost: x\r\nContent-Length: 0\r\n\r\n", method,
             path);
    if (rc == 0 && send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
        rc = -errno;
    while (rc == 0 && (n = recv(fd, text, sizeof(text), 0)) > 0)
        buf_add(&all, text, (size_t)n);
    close(fd);
    at = strstr(buf_cstr(&all), "\r\n\r\n");
    if (rc == 0 && at == NULL)
        rc = -EPIPE;
    if (rc == 0)
        buf_cat(body, at + 4);
    buf_free(&all);
    return rc;
}

/* A field of the demo tenant's /info.json, or of state.json. */
static inline void rig_field(struct str json, const char *key, char out[256])
{
    cJSON *root = NULL;
    const cJSON *v;

    assert_int_equal(json_parse(json, 1u << 20, &root), 0);
    v = json_get(root, key);
    assert_non_null(v);
    if (cJSON_IsNumber(v))
        snprintf(out, 256, "%lld", (long long)v->valuedouble);
    else
        assert_int_equal(str_copy(str_of(v->valuestring), out, 256), 0);
    cJSON_Delete(root);
}

static inline void rig_info(struct rig *g, const char *key, char out[256])
{
    struct buf b;

    buf_init(&b, 1u << 20);
    assert_int_equal(rig_http(g, "GET", "/info.json", &b), 0);
    rig_field(buf_view(&b), key, out);
    buf_free(&b);
}

static inline void rig_state(struct rig *g, const char *key, char out[256])
{
    char path[512];
    struct buf b;

    snprintf(path, sizeof(path), "%s/%s/state.json", g->run, g->tenant);
    buf_init(&b, 1u << 20);
    assert_int_equal(file_read(path, &b), 0);
    rig_field(buf_view(&b), key, out);
    buf_free(&b);
}

static inline pid_t rig_pid(struct rig *g, const char *key)
{
    char text[256];
    uint64_t pid;

    rig_state(g, key, text);
    assert_int_equal(str_u64(str_of(text), INT_MAX, &pid), 0);
    return (pid_t)pid;
}

/* Kills it and waits until it is dead: with a busy machine that takes its time. A zombie is dead,
 * whoever may reap it. */
static inline void rig_kill(pid_t pid)
{
    uint64_t end = clock_mono_ms() + 60000;
    char path[64];
    struct buf b;
    bool dead = false;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    kill(pid, SIGKILL);
    buf_init(&b, 4096);
    while (!dead) {
        const char *at;

        assert_true(clock_mono_ms() < end);
        buf_reset(&b);
        if (file_read(path, &b))
            break;
        at = strrchr(buf_cstr(&b), ')');
        dead = at && (at[2] == 'Z' || at[2] == 'X');
        if (!dead)
            usleep(5000);
    }
    buf_free(&b);
}

static inline void rig_close(struct rig *g)
{
    const char *const argv[] = {"rm", "-rf", g->dir, NULL};
    pid_t pid;

    g->ops->close(g->engine);
    assert_int_equal(uv_loop_close(&g->loop), 0);
    pid = fork();
    if (pid == 0) {
        execv("/bin/rm", (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
}

/* valgrind before 3.21 has no pidfd_open, and without it no keeper can be watched. */
static inline void rig_needs_pidfd(void **state)
{
    (void)state;
    print_message("skipped: no pidfd_open here (an old valgrind)\n");
    skip();
}

static inline bool rig_lacks_pidfd(void)
{
    int fd = proc_pidfd(getpid());

    if (fd >= 0)
        close(fd);
    return fd == -ENOSYS;
}

#endif
