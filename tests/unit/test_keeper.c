/* The keeper's parts by themselves; the keeper as a whole is tested through test_engine_process. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
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

#include "base/file.h"
#include "base/proc.h"
#include "keeper/archive.h"
#include "keeper/cgroup.h"
#include "keeper/cleanup.h"
#include "keeper/keeper.h"
#include "keeper/limits.h"
#include "keeper/logfile.h"
#include "keeper/order.h"
#include "keeper/probe.h"
#include "keeper/record.h"
#include "keeper/spec.h"
#include "keeper/tree.h"

static char dir[256];

static int setup(void **state)
{
    const char *tmp = getenv("TMPDIR");

    (void)state;
    assert_int_equal(crypto_init(), 0);
    snprintf(dir, sizeof(dir), "%s/lastmile-XXXXXX", tmp ? tmp : "/tmp");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return tree_remove(dir);
}

static const char *in_dir(const char *name)
{
    static char path[32][512];
    static unsigned n;

    n = (n + 1) % 32;
    snprintf(path[n], sizeof(path[n]), "%s/%s", dir, name);
    return path[n];
}

static int parse(const char *text, struct spec **out)
{
    const char *why;
    cJSON *o = NULL;
    int rc;

    assert_int_equal(json_parse(str_of(text), SPEC_MAX, &o), 0);
    rc = spec_parse(o, out, &why);
    cJSON_Delete(o);
    return rc;
}

static void test_spec(void **state)
{
    struct spec *a, *b;

    (void)state;
    assert_int_equal(
        parse("{\"generation\":3,\"spec_sha256\":\"x\",\"run\":{\"command\":[\"/bin/p\","
              "\"-v\"],\"environment\":[\"A=1\",\"B=x=y\"],\"limits\":{\"pids\":4}}}",
              &a),
        0);
    assert_int_equal(a->generation, 3);
    assert_string_equal(a->argv[1], "-v");
    assert_null(a->argv[2]);
    assert_int_equal(a->nenv, 2);
    assert_int_equal(a->limits.pids, 4);
    assert_string_equal(a->health_path, "/healthz");
    /* Another generation of the same run needs no restart. */
    assert_int_equal(
        parse("{\"generation\":4,\"spec_sha256\":\"y\",\"run\":{\"command\":[\"/bin/p\","
              "\"-v\"],\"environment\":[\"A=1\",\"B=x=y\"],\"limits\":{\"pids\":4}}}",
              &b),
        0);
    assert_true(spec_same(a, b));
    assert_false(spec_same(a, NULL));
    assert_true(spec_same(NULL, NULL));
    spec_unref(&a);
    spec_unref(&b);
}

static void test_spec_refuses(void **state)
{
    static const char *const bad[] = {
        "{}",
        "{\"run\":{}}",
        "{\"run\":{\"command\":[]}}",
        "{\"run\":{\"command\":[\"relative\"]}}",
        "{\"run\":{\"command\":[1]}}",
        "{\"run\":{\"command\":[\"/p\",\"a\\u0001b\"]}}",
        "{\"run\":{\"command\":[\"/p\"],\"environment\":[\"NOVALUE\"]}}",
        "{\"run\":{\"command\":[\"/p\"],\"environment\":[\"=x\"]}}",
        "{\"run\":{\"command\":[\"/p\"],\"environment\":[\"A B=x\"]}}",
        "{\"run\":{\"command\":[\"/p\"],\"environment\":[\"A=x\\ny\"]}}",
        "{\"run\":{\"command\":[\"/p\"],\"environment\":[\"LISTEN_FDS=2\"]}}",
        "{\"run\":{\"command\":[\"/p\"],\"environment\":[\"TENANT_SOCKET=/x\"]}}",
        "{\"run\":{\"command\":[\"/p\"],\"health_path\":\"x\"}}",
        "{\"run\":{\"command\":[\"/p\"],\"health_path\":\"/ HTTP/1.1\"}}",
        "{\"run\":{\"command\":[\"/p\"],\"drain_ms\":-1}}",
        "{\"run\":{\"command\":[\"/p\"],\"limits\":{\"memory\":\"much\"}}}",
        "{\"generation\":-1,\"run\":{\"command\":[\"/p\"]}}",
    };
    struct spec *s;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (parse(bad[i], &s) != -EINVAL)
            fail_msg("%s", bad[i]);
        assert_null(s);
    }
}

static void touch(const char *path)
{
    assert_int_equal(file_write_atomic(path, STR("x"), 0600), 0);
}

static void test_tree(void **state)
{
    const char *root = in_dir("tree"), *precious = in_dir("precious");
    struct stat st;
    int fd, sub;

    (void)state;
    assert_int_equal(tree_remove(in_dir("missing")), 0);
    assert_int_equal(mkdir(precious, 0700), 0);
    touch(in_dir("precious/file"));
    assert_int_equal(mkdir(root, 0700), 0);
    assert_int_equal(symlink(precious, in_dir("tree/link")), 0);
    assert_int_equal(mkdir(in_dir("tree/locked"), 0700), 0);
    touch(in_dir("tree/locked/file"));
    assert_int_equal(chmod(in_dir("tree/locked"), 0), 0);
    assert_int_equal(mkfifo(in_dir("tree/fifo"), 0600), 0);
    /* Deeper than any path name, any recursion and any number of descriptors. */
    fd = open(root, O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(mkdirat(fd, "deep", 0700), 0);
        sub = openat(fd, "deep", O_RDONLY | O_DIRECTORY);
        assert_true(sub >= 0);
        close(fd);
        fd = sub;
    }
    close(fd);
    assert_int_equal(tree_remove(root), 0);
    assert_int_equal(lstat(root, &st), -1);
    assert_int_equal(stat(in_dir("precious/file"), &st), 0);
    /* A link in the place of the directory itself is removed, not followed. */
    assert_int_equal(symlink(precious, root), 0);
    assert_int_equal(tree_remove(root), 0);
    assert_int_equal(stat(in_dir("precious/file"), &st), 0);
}

static void test_archive(void **state)
{
    const char *data = in_dir("adata");
    char dest[PATH_MAX];
    struct stat st;

    (void)state;
    snprintf(dest, sizeof(dest), "%s", in_dir("arch"));
    assert_int_equal(archive_make(data, dest, "t.tar.gz"), 0); /* no data, no archive */
    assert_int_equal(stat(in_dir("arch/t.tar.gz"), &st), -1);
    assert_int_equal(mkdir(data, 0700), 0);
    touch(in_dir("adata/file"));
    touch(in_dir("arch/.t.tar.gz.part")); /* of an attempt that died */
    assert_int_equal(archive_make(data, dest, "t.tar.gz"), 0);
    assert_int_equal(stat(in_dir("arch/t.tar.gz"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(access(in_dir("arch/.t.tar.gz.part"), F_OK), -1);
    /* The second time nothing is written, whatever the data look like by now. */
    assert_int_equal(unlink(in_dir("adata/file")), 0);
    assert_int_equal(truncate(in_dir("arch/t.tar.gz"), 3), 0);
    assert_int_equal(archive_make(data, dest, "t.tar.gz"), 0);
    assert_int_equal(stat(in_dir("arch/t.tar.gz"), &st), 0);
    assert_int_equal(st.st_size, 3);
}

static void test_logfile(void **state)
{
    char block[65536];
    struct stat st;
    int fd = logfile_open(dir, "log");

    (void)state;
    assert_true(fd >= 0);
    memset(block, 'a', sizeof(block));
    for (int i = 0; i < 16; i++)
        assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
    logfile_trim(dir, "log", fd);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, LOGFILE_MAX);
    memset(block, 'b', sizeof(block));
    for (int i = 0; i < 4; i++)
        assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
    logfile_trim(dir, "log", fd);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(stat(in_dir("log.1"), &st), 0);
    assert_int_equal(st.st_size, LOGFILE_MAX);
    assert_int_equal(write(fd, "c", 1), 1); /* appended at the new end, no hole */
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, 1);
    close(fd);
}

static void put(const char *name, const char *text)
{
    assert_int_equal(file_write_atomic(in_dir(name), str_of(text), 0600), 0);
}

static void expect_file(const char *name, const char *text)
{
    struct buf b;

    buf_init(&b, 4096);
    assert_int_equal(file_read(in_dir(name), &b), 0);
    assert_true(str_starts(buf_view(&b), str_of(text)));
    buf_free(&b);
}

/* A directory that looks like cgroup v2: what is written where, on any host. */
static void test_cgroup_v2(void **state)
{
    static const char *const levels[] = {"cg", "cg/lastmile", "cg/lastmile/t0-x",
                                         "cg/lastmile/t0-x/i7"};
    static const char *const files[] = {"memory.max", "memory.swap.max", "cpu.max", "pids.max",
                                        "cgroup.procs"};
    const struct spec_limits want = {1 << 20, 150, 9, 0};
    char text[LIMITS_TEXT], name[256], root[PATH_MAX];
    struct limits l;

    (void)state;
    snprintf(root, sizeof(root), "%s", in_dir("cg"));
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(mkdir(in_dir(levels[i]), 0700), 0);
        snprintf(name, sizeof(name), "%s/cgroup.subtree_control", levels[i]);
        put(name, "");
    }
    put("cg/cgroup.controllers", "cpuset cpu io memory pids\n");
    for (size_t i = 0; i < 5; i++) {
        snprintf(name, sizeof(name), "cg/lastmile/t0-x/i7/%s", files[i]);
        put(name, "");
    }
    limits_prepare(root, "t0-x", 7, true, &want, &l);
    limits_text(&l, text);
    limits_close(&l);
    assert_string_equal(text, "cgroup-v2");
    expect_file("cg/lastmile/t0-x/i7/memory.max", "1048576");
    expect_file("cg/lastmile/t0-x/i7/cpu.max", "150000 100000");
    expect_file("cg/lastmile/t0-x/i7/pids.max", "9");
    expect_file("cg/lastmile/t0-x/cgroup.subtree_control", "+");
    /* A controller that is not delegated: that one alone degrades, and says so. */
    put("cg/cgroup.controllers", "memory pids\n");
    limits_prepare(root, "t0-x", 7, true, &want, &l);
    limits_text(&l, text);
    limits_close(&l);
    assert_string_equal(text, "cgroup-v2: cpu not limited (no cgroup: No such file or directory)");
}

static void test_limits_words(void **state)
{
    const struct spec_limits none = {0, 0, 0, 0}, want = {1 << 20, 0, 9, 0};
    char text[LIMITS_TEXT];
    struct limits l;

    (void)state;
    limits_prepare("none", "t0-x", 1, true, &none, &l);
    limits_text(&l, text);
    assert_string_equal(text, "none asked for");
    limits_prepare("none", "t0-x", 1, true, &want, &l);
    limits_text(&l, text);
    assert_string_equal(text,
                        "rlimits: memory by rlimit (cgroups are switched off), pids by rlimit "
                        "(cgroups are switched off)");
    /* Under a shared uid RLIMIT_NPROC would count everybody's processes. */
    limits_prepare("none", "t0-x", 1, false, &want, &l);
    limits_text(&l, text);
    assert_string_equal(text,
                        "rlimits: memory by rlimit (cgroups are switched off), pids not limited "
                        "(cgroups are switched off)");
}

static int listen_at(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_int_equal(str_copy(str_of(path), sa.sun_path, sizeof(sa.sun_path)), 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

/* One probe against an answer that arrives byte by byte. */
static enum probe_result probe_answer(int listener, const char *path, const char *answer)
{
    struct probe p = {.state = PROBE_IDLE, .fd = -1};
    enum probe_result r = probe_start(&p, path, "/healthz");
    char req[512];
    int fd = accept(listener, NULL, NULL);
    ssize_t n = recv(fd, req, sizeof(req) - 1, 0);

    assert_true(n > 0);
    req[n] = '\0';
    assert_true(str_starts(str_of(req), STR("GET /healthz HTTP/1.1\r\n")));
    for (; *answer && r == PROBE_PENDING; answer++) {
        assert_int_equal(send(fd, answer, 1, MSG_NOSIGNAL), 1);
        r = probe_io(&p);
    }
    close(fd);
    if (r == PROBE_PENDING)
        r = probe_io(&p);
    assert_int_equal(p.state, PROBE_IDLE);
    return r;
}

static void test_probe(void **state)
{
    const char *path = in_dir("probe.sock");
    struct probe p = {.state = PROBE_IDLE, .fd = -1};
    int fd;

    (void)state;
    assert_int_equal(probe_start(&p, path, "/healthz"), PROBE_BAD);
    fd = listen_at(path);
    assert_int_equal(probe_answer(fd, path, "HTTP/1.1 200 OK\r\n"), PROBE_OK);
    assert_int_equal(probe_answer(fd, path, "HTTP/1.0 200\r\n"), PROBE_OK);
    assert_int_equal(probe_answer(fd, path, "HTTP/1.1 503 No\r\n"), PROBE_BAD);
    assert_int_equal(probe_answer(fd, path, "HTTP/1.1 2000 \r\n"), PROBE_BAD);
    assert_int_equal(probe_answer(fd, path, "HTTP/2.0 200 \r\n"), PROBE_BAD);
    assert_int_equal(probe_answer(fd, path, "HTTP/1.1 2"), PROBE_BAD);
    assert_int_equal(probe_answer(fd, path, "220 smtp ready\r\n"), PROBE_BAD);
    close(fd);
}

static void test_proc(void **state)
{
    char boot[PROC_BOOT_ID];
    uint64_t start;
    pid_t pid;
    int fd;

    (void)state;
    assert_int_equal(proc_boot_id(boot), 0);
    assert_int_equal(strlen(boot), 36);
    assert_int_equal(proc_starttime(getpid(), &start), 0);
    if (proc_pidfd(getpid()) == -ENOSYS) {
        print_message("skipped: no pidfd_open here (an old valgrind)\n");
        skip();
    }
    fd = proc_open(getpid(), start);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(proc_open(getpid(), start + 1), -ESRCH);
    pid = fork();
    if (pid == 0)
        _exit(0);
    /* A zombie is nobody. */
    for (int i = 0; i < 6000 && proc_starttime(pid, &start) == 0; i++)
        usleep(10000);
    assert_int_equal(proc_starttime(pid, &start), -ESRCH);
    waitpid(pid, NULL, 0);
}

static void keeper_init(struct keeper *k)
{
    memset(k, 0, sizeof(*k));
    for (size_t i = 0; i < KEEPER_INSTS; i++)
        k->inst[i].pidfd = k->inst[i].probe.fd = -1;
    k->o = (struct keeper_opts){.run = dir,
                                .data = dir,
                                .record = in_dir("record.json"),
                                .archive_dir = "",
                                .tenant = "t0-x",
                                .cgroup_root = "none"};
}

static void keeper_drop(struct keeper *k)
{
    spec_unref(&k->want);
    spec_unref(&k->good);
}

static void order(struct keeper *k, const char *line, const char *code)
{
    cJSON *o = NULL;
    struct buf out;

    buf_init(&out, 16384);
    order_take(k, str_of(line), &out);
    assert_true(out.len > 0 && out.p[out.len - 1] == '\n');
    assert_int_equal(json_parse(str_sub(buf_view(&out), 0, out.len - 1), 16384, &o), 0);
    if (!str_is(json_str(o, "code"), code))
        fail_msg("%s: %s", line, buf_cstr(&out));
    assert_int_equal(json_bool(o, "ok", false), code[0] == '\0');
    cJSON_Delete(o);
    buf_free(&out);
}

#define SPEC(gen)                                                                                  \
    "\"spec\":{\"generation\":" #gen ",\"spec_sha256\":\"s" #gen                                   \
    "\",\"run\":{\"command\":[\"/bin/p" #gen "\"]}}"

/* What could not be archived is not wiped. */
static void test_no_wipe_without_an_archive(void **state)
{
    char data[512], bad[512], good[512];
    const char *what = "";
    struct keeper k;

    (void)state;
    snprintf(data, sizeof(data), "%s", in_dir("wdata"));
    snprintf(bad, sizeof(bad), "%s", in_dir("wfile/archive"));
    snprintf(good, sizeof(good), "%s", in_dir("warch"));
    assert_int_equal(mkdir(data, 0700), 0);
    touch(in_dir("wdata/file"));
    touch(in_dir("wfile"));
    keeper_init(&k);
    k.o.data = data;
    k.o.archive_dir = bad;
    snprintf(k.archive, sizeof(k.archive), "t.tar.gz");
    assert_int_not_equal(cleanup_work(&k, &what), 0);
    assert_string_equal(what, "archive");
    assert_int_equal(access(in_dir("wdata/file"), F_OK), 0);
    /* tar says that it failed: half an archive is none. */
    k.o.archive_dir = good;
    k.o.data = in_dir("wfile");
    assert_int_not_equal(cleanup_work(&k, &what), 0);
    assert_int_equal(access(in_dir("wfile"), F_OK), 0);
    assert_int_equal(access(in_dir("warch/t.tar.gz"), F_OK), -1);
    k.o.data = data;
    assert_int_equal(cleanup_work(&k, &what), 0);
    assert_int_equal(access(data, F_OK), -1);
    assert_int_equal(access(in_dir("warch/t.tar.gz"), F_OK), 0);
    keeper_drop(&k);
}

static void test_orders(void **state)
{
    struct keeper k, again;

    (void)state;
    keeper_init(&k);
    order(&k, "", "bad_request");
    order(&k, "{\"cmd\":\"reboot\"}", "bad_request");
    order(&k, "{\"cmd\":\"status\"}", "");
    order(&k, "{\"cmd\":\"resume\",\"fence\":1}", "no_spec");
    order(&k, "{\"cmd\":\"apply\"," SPEC(1) "}", "bad_request");
    order(&k, "{\"cmd\":\"apply\",\"fence\":5," SPEC(2) "}", "");
    order(&k, "{\"cmd\":\"apply\",\"fence\":4," SPEC(3) "}", "stale_fence");
    order(&k, "{\"cmd\":\"apply\",\"fence\":6," SPEC(1) "}", "stale_generation");
    order(&k, "{\"cmd\":\"apply\",\"fence\":6,\"spec\":{}}", "bad_request");
    order(&k, "{\"cmd\":\"suspend\",\"fence\":6}", "");
    assert_int_equal(k.want->generation, 2);
    /* All of it is on disk by the time it is answered. */
    keeper_init(&again);
    assert_int_equal(record_read(&again), 0);
    assert_int_equal(again.fence, 6);
    assert_int_equal(again.desired, DESIRED_SUSPENDED);
    assert_true(spec_same(again.want, k.want));
    order(&again, "{\"cmd\":\"apply\",\"fence\":5," SPEC(3) "}", "stale_fence");
    order(&again, "{\"cmd\":\"delete\",\"fence\":7}", "");
    order(&again, "{\"cmd\":\"apply\",\"fence\":8," SPEC(3) "}", "deleting");
    order(&again, "{\"cmd\":\"delete\",\"fence\":8}", "");
    keeper_drop(&k);
    keeper_drop(&again);
}

static void test_order_that_cannot_be_recorded(void **state)
{
    struct keeper k;

    (void)state;
    keeper_init(&k);
    k.o.record = in_dir("nowhere/record.json");
    order(&k, "{\"cmd\":\"apply\",\"fence\":5," SPEC(2) "}", "storage");
    assert_null(k.want);
    assert_int_equal(k.fence, 0);
    keeper_drop(&k);
}

static void test_record_of_another(void **state)
{
    struct keeper k;

    (void)state;
    keeper_init(&k);
    assert_int_equal(unlink(k.o.record), 0);
    assert_int_equal(record_read(&k), -ENOENT);
    put("record.json", "{\"tenant\":\"t0-y\",\"desired\":\"running\",\"fence\":1}");
    assert_int_equal(record_read(&k), -EBADMSG);
    put("record.json", "{\"tenant\":\"t0-x\",\"desired\":\"running\",\"fence\":1,"
                       "\"archive\":\"../../x\"}");
    assert_int_equal(record_read(&k), -EBADMSG);
    put("record.json", "{\"tenant\":");
    assert_int_equal(record_read(&k), -EINVAL);
    keeper_drop(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec),
        cmocka_unit_test(test_spec_refuses),
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_archive),
        cmocka_unit_test(test_logfile),
        cmocka_unit_test(test_cgroup_v2),
        cmocka_unit_test(test_limits_words),
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_proc),
        cmocka_unit_test(test_no_wipe_without_an_archive),
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_order_that_cannot_be_recorded),
        cmocka_unit_test(test_record_of_another),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
