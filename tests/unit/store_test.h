/*
 * store_test: a redis-server of its own (unix socket, no port, scratch directory) and synchronous
 * calls, for the store's unit tests. Include once per test program.
 */
#ifndef LM_STORE_TEST_H
#define LM_STORE_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "store/reply.h"
#include "store/store.h"
#include "store/store_internal.h"

#define UNUSED __attribute__((unused))

struct redis_server {
    char dir[64], socket[96];
    const char *options[16]; /* NULL-terminated: more arguments of redis-server */
    pid_t pid;
};

struct fixture {
    struct redis_server redis;
    const char *redis_user; /* of RAW(); its password is "<user>-pw", of admin "admin"; or NULL */
    struct cfg_redis cfg;
    uv_loop_t loop;
    uv_timer_t beat; /* so that a pass of the loop always ends */
    struct store *store;
    struct store_rows *rows; /* of the last answer */
    int rc;
    bool done;
};

static struct fixture fx;

static UNUSED int64_t number(const char *text)
{
    int64_t v;

    assert_int_equal(str_i64(str_of(text), &v), 0);
    return v;
}

static UNUSED int connect_unix(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
        return fd;
    close(fd);
    return -1;
}

static UNUSED void redis_start(struct redis_server *r)
{
    const char *argv[32] = {"redis-server", "--port", "0", "--unixsocket", NULL,      "--dir",
                            NULL,           "--save", "",  "--loglevel",   "warning", "--logfile",
                            "log"};
    size_t n = 13;

    if (!r->dir[0]) {
        const char *tmp = getenv("TMPDIR");

        snprintf(r->dir, sizeof(r->dir), "%s/lmstore.XXXXXX", tmp && *tmp ? tmp : "/tmp");
        assert_non_null(mkdtemp(r->dir));
        snprintf(r->socket, sizeof(r->socket), "%s/redis.sock", r->dir);
    }
    argv[4] = r->socket;
    argv[6] = r->dir;
    for (size_t i = 0; r->options[i]; i++)
        argv[n++] = r->options[i];
    argv[n] = NULL;
    unlink(r->socket);
    r->pid = fork();
    assert_true(r->pid >= 0);
    if (r->pid == 0) {
        int null = open("/dev/null", O_RDWR);

        dup2(null, 0);
        dup2(null, 1);
        execvp(argv[0], (char *const *)(void *)argv);
        _exit(127);
    }
    for (int i = 0; i < 6000; i++) {
        int fd = connect_unix(r->socket);

        if (fd >= 0) {
            close(fd);
            return;
        }
        assert_int_equal(waitpid(r->pid, NULL, WNOHANG), 0);
        usleep(10000);
    }
    fail_msg("redis-server does not answer");
}

static UNUSED void redis_kill(struct redis_server *r, int sig)
{
    if (r->pid <= 0)
        return;
    kill(r->pid, SIGCONT);
    kill(r->pid, sig);
    waitpid(r->pid, NULL, 0);
    r->pid = 0;
}

static UNUSED void redis_wipe(struct redis_server *r)
{
    char cmd[3][160];

    redis_kill(r, SIGKILL);
    snprintf(cmd[0], sizeof(cmd[0]), "%s", r->dir);
    if (fork() == 0) {
        execlp("rm", "rm", "-rf", "--", r->dir, (char *)NULL);
        _exit(127);
    }
    wait(NULL);
    r->dir[0] = '\0';
}

/* redis-cli for what no script of ours does; the answer's first line. */
static UNUSED const char *redis_raw(const char *const *argv, size_t n)
{
    static char line[4096];
    int fd = connect_unix(fx.redis.socket);
    struct reply_reader *reader;
    const struct reply *reply;
    struct buf b;
    int skip = 0;

    assert_true(fd >= 0);
    assert_int_equal(reply_reader_new(&reader), 0);
    buf_init(&b, 1 << 20);
    if (fx.redis_user) {
        char password[32];

        snprintf(password, sizeof(password), "%s%s", fx.redis_user,
                 strcmp(fx.redis_user, "admin") ? "-pw" : "");
        redis_array(&b, 3);
        redis_bulk(&b, STR("AUTH"));
        redis_bulk(&b, str_of(fx.redis_user));
        redis_bulk(&b, str_of(password));
        skip = 1;
    }
    redis_array(&b, n);
    for (size_t i = 0; i < n; i++)
        redis_bulk(&b, str_of(argv[i]));
    assert_int_equal(write(fd, b.p, b.len), (ssize_t)b.len);
    buf_free(&b);
    for (;;) {
        char in[4096];
        ssize_t got;

        while (skip >= 0 && reply_next(reader, &reply) == 1)
            skip--;
        if (skip < 0)
            break;
        got = read(fd, in, sizeof(in));
        assert_true(got > 0);
        reply_feed(reader, in, (size_t)got);
    }
    if (reply->type == REPLY_INT)
        snprintf(line, sizeof(line), "%lld", (long long)reply->i);
    else if (reply->type == REPLY_ARRAY)
        snprintf(line, sizeof(line), "%zu", reply->n);
    else
        snprintf(line, sizeof(line), "%.*s", STR_FMT(reply->s));
    reply_reader_free(&reader);
    close(fd);
    return line;
}
#define RAW(...)                                                                                   \
    redis_raw((const char *const[]){__VA_ARGS__},                                                  \
              sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static UNUSED void on_answer(void *arg, int rc, const struct store_rows *rows)
{
    struct fixture *f = arg;

    assert_false(f->done);
    free(f->rows);
    f->rows = rows ? rows_copy(rows) : NULL;
    f->rc = rc;
    f->done = true;
}

static UNUSED int finish_call(void)
{
    while (!fx.done)
        uv_run(&fx.loop, UV_RUN_ONCE);
    return fx.rc;
}

static UNUSED int callv(unsigned shard, enum store_script script, const struct str *args, size_t n)
{
    fx.done = false;
    store_call(fx.store, shard, script, args, n, on_answer, &fx);
    assert_false(fx.done);
    return finish_call();
}

static UNUSED int call_args(unsigned shard, enum store_script script, const char *const *argv)
{
    struct str args[512];
    size_t n = 0;

    for (; argv[n]; n++)
        args[n] = str_of(argv[n]);
    return callv(shard, script, args, n);
}
#define CALL(shard, script, ...)                                                                   \
    call_args(shard, script, (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})
#define OK(...)          assert_int_equal(CALL(__VA_ARGS__), 0)
#define REFUSED(rc, ...) assert_int_equal(CALL(__VA_ARGS__), rc)

/* A field of row i of the last answer as C string; "" when absent. */
static UNUSED const char *field_of(size_t i, const char *name)
{
    static char out[8][8192];
    static unsigned next;
    char *p = out[next++ % 8];

    if (!fx.rows || i >= fx.rows->n)
        return "";
    assert_int_equal(str_copy(store_row_get(&fx.rows->row[i], name), p, 8192), 0);
    return p;
}
static UNUSED const char *field(const char *name)
{
    return field_of(0, name);
}
#define IS(name, value)        assert_string_equal(field(name), value)
#define ROW_IS(i, name, value) assert_string_equal(field_of(i, name), value)

static UNUSED void on_beat(uv_timer_t *t)
{
    (void)t;
}

static UNUSED void loop_begin(void)
{
    assert_int_equal(uv_loop_init(&fx.loop), 0);
    uv_timer_init(&fx.loop, &fx.beat);
    uv_timer_start(&fx.beat, on_beat, 5, 5);
}

static UNUSED void loop_end(void)
{
    uv_close((uv_handle_t *)&fx.beat, NULL);
    uv_run(&fx.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fx.loop), 0);
}

static UNUSED void store_begin(unsigned shards)
{
    char n[8];

    fx.cfg = (struct cfg_redis){.socket = fx.redis.socket,
                                .host = "",
                                .user = "",
                                .password_file = "",
                                .front_user = "",
                                .front_password_file = "",
                                .worker_user = "",
                                .worker_password_file = "",
                                .cli_user = "",
                                .cli_password_file = "",
                                .shards = shards,
                                .connect_ms = 20000,
                                .command_ms = 20000,
                                .wait_ms = 500};
    loop_begin();
    assert_int_equal(store_open(&fx.loop, &fx.cfg, STORE_WORKER, &fx.store), 0);
    snprintf(n, sizeof(n), "%u", shards);
    for (unsigned i = 0; i < shards; i++)
        OK(i, STORE_INIT, n, "test", "1");
}

static UNUSED void store_end(void)
{
    store_close(&fx.store);
    loop_end();
    free(fx.rows);
    fx.rows = NULL;
}

/* cmocka fixtures: one server per group, an empty store of fx_shards per test, invariants after. */
static unsigned fx_shards = 1;

static UNUSED int group_setup(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    redis_start(&fx.redis);
    return 0;
}

static UNUSED int group_teardown(void **state)
{
    (void)state;
    redis_wipe(&fx.redis);
    return 0;
}

static UNUSED int fresh(void **state)
{
    (void)state;
    RAW("FLUSHALL");
    store_begin(fx_shards);
    return 0;
}

static char task[160], token[80];

/* Claims one task of a role; false when nothing is due. */
static UNUSED bool claim_as(unsigned shard, const char *worker, const char *role)
{
    static unsigned seed;
    char text[16];

    snprintf(text, sizeof(text), "seed%u", ++seed);
    OK(shard, STORE_TASK_CLAIM, worker, text, "30000", "1", "2", role);
    if (fx.rows->n < 2)
        return false;
    snprintf(task, sizeof(task), "%s", field_of(1, "id"));
    snprintf(token, sizeof(token), "%s", field_of(1, "token"));
    return true;
}

static UNUSED bool claim(const char *role)
{
    return claim_as(0, "w1", role);
}

static UNUSED void no_violations(unsigned shards)
{
    for (unsigned i = 0; i < shards; i++) {
        char cursor[64] = "0";

        do {
            OK(i, STORE_INVARIANTS, cursor, "100");
            for (size_t j = 1; j < fx.rows->n; j++)
                print_message("%s %s %s\n", field_of(j, "inv"), field_of(j, "key"),
                              field_of(j, "text"));
            assert_int_equal(fx.rows->n, 1);
            snprintf(cursor, sizeof(cursor), "%s", field("cursor"));
        } while (strcmp(cursor, "0") != 0);
    }
}

static UNUSED int done(void **state)
{
    (void)state;
    no_violations(fx_shards);
    store_end();
    return 0;
}

/* For tests that leave the keys broken on purpose. */
static UNUSED int done_broken(void **state)
{
    (void)state;
    store_end();
    return 0;
}

#define T(f)        cmocka_unit_test_setup_teardown(f, fresh, done)
#define T_BROKEN(f) cmocka_unit_test_setup_teardown(f, fresh, done_broken)

#endif
