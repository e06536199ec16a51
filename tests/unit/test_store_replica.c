/* A real master and a real replica: WAIT, an old master that answers READONLY, a busy server. */
#include "store_test.h"

#include "base/hash.h"
#include "base/rand.h"

static struct redis_server other;
static char port[8];

/* A free port of the loopback: replication needs one. As tests/e2e/stack_port.py does it: none that
 * the kernel gives to clients, and a name is held so that no test beside this one takes it. */
static void find_port(void)
{
    for (int i = 0; i < 1000; i++) {
        unsigned n = 12000 + (unsigned)rand_below(18000);
        struct sockaddr_in a = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)n),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        struct sockaddr_un name = {.sun_family = AF_UNIX};
        int len =
            snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "lastmile-test-port-%u", n);
        int held = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
            fd = socket(AF_INET, SOCK_STREAM, 0);
        bool good =
            bind(held, (struct sockaddr *)&name,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) == 0 &&
            bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0;

        close(fd);
        if (good) {
            snprintf(port, sizeof(port), "%u", n);
            return;
        }
        close(held);
    }
    fail_msg("no free port");
}

static const char *ask_replica(const char *const *argv, size_t n)
{
    struct redis_server keep = fx.redis;
    const char *answer;

    fx.redis = other;
    answer = redis_raw(argv, n);
    fx.redis = keep;
    return answer;
}
#define REPLICA(...)                                                                               \
    ask_replica((const char *const[]){__VA_ARGS__},                                                \
                sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static int pair_setup(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    find_port();
    fx.redis.options[0] = "--port";
    fx.redis.options[1] = port;
    fx.redis.options[2] = "--repl-diskless-sync-delay";
    fx.redis.options[3] = "0";
    fx.redis.options[4] = "--busy-reply-threshold";
    fx.redis.options[5] = "50";
    fx.redis.options[6] = "--bind";
    fx.redis.options[7] = "127.0.0.1";
    redis_start(&fx.redis);
    redis_start(&other);
    return 0;
}

static int pair_teardown(void **state)
{
    (void)state;
    redis_wipe(&fx.redis);
    redis_wipe(&other);
    return 0;
}

static void link_up(void)
{
    REPLICA("REPLICAOF", "127.0.0.1", port);
    for (int i = 0; i < 6000 && CALL(0, STORE_CAP_ADD, "o0-none", "c", "5") != -ENOENT; i++)
        usleep(10000);
    for (int i = 0; i < 6000 && strcmp(RAW("WAIT", "1", "50"), "1") != 0; i++)
        usleep(10000);
}

static void a_replica_in_step_is_waited_for(void **state)
{
    (void)state;
    link_up();
    fx.cfg.wait_replicas = 1;
    fx.cfg.wait_ms = 15000;
    for (int i = 0; i < 20; i++) {
        char id[24];

        snprintf(id, sizeof(id), "w%d", i);
        OK(0, STORE_LAND, id, "aws", "saas", "t", "1000", "");
        snprintf(id, sizeof(id), "{p0}:r:w%d", i);
        assert_string_equal(REPLICA("EXISTS", id), "1");
    }
    fx.cfg.wait_ms = 50;
    kill(other.pid, SIGSTOP);
    REFUSED(-EAGAIN, 0, STORE_LAND, "late", "aws", "saas", "t", "1000", "");
    kill(other.pid, SIGCONT);
    fx.cfg.wait_ms = 15000;
    OK(0, STORE_LAND, "late", "aws", "saas", "t", "1000", "");
    IS("repeat", "1");
}

static void an_old_master_is_trouble_until_it_is_master_again(void **state)
{
    (void)state;
    REPLICA("REPLICAOF", "NO", "ONE");
    OK(0, STORE_LAND, "r1", "aws", "saas", "t", "1000", "");
    RAW("REPLICAOF", "127.0.0.1", "1");
    REFUSED(-EAGAIN, 0, STORE_LAND, "r2", "aws", "saas", "t", "1000", "");
    assert_non_null(strstr(store_trouble(fx.store), "READONLY"));
    REFUSED(-EAGAIN, 0, STORE_LAND, "r2", "aws", "saas", "t", "1000", "");
    RAW("REPLICAOF", "NO", "ONE");
    OK(0, STORE_LAND, "r2", "aws", "saas", "t", "1000", "");
    IS("repeat", "");
}

static void too_few_replicas_stop_writes(void **state)
{
    (void)state;
    RAW("CONFIG", "SET", "min-replicas-to-write", "1");
    REFUSED(-EAGAIN, 0, STORE_LAND, "r3", "aws", "saas", "t", "1000", "");
    assert_non_null(strstr(store_trouble(fx.store), "NOREPLICAS"));
    OK(0, STORE_READY);
    RAW("CONFIG", "SET", "min-replicas-to-write", "0");
    OK(0, STORE_LAND, "r3", "aws", "saas", "t", "1000", "");
}

static void a_busy_server_is_trouble(void **state)
{
    pid_t pid = fork();
    int rc = 0;

    (void)state;
    if (pid == 0) {
        RAW("EVAL", "while true do end", "0");
        _exit(0);
    }
    for (int i = 0; i < 6000 && rc == 0; i++) {
        usleep(10000);
        rc = CALL(0, STORE_READY);
    }
    assert_int_equal(rc, -EAGAIN);
    assert_non_null(strstr(store_trouble(fx.store), "BUSY"));
    RAW("SCRIPT", "KILL");
    waitpid(pid, NULL, 0);
    OK(0, STORE_READY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_replica_in_step_is_waited_for),
        T(an_old_master_is_trouble_until_it_is_master_again),
        T(too_few_replicas_stop_writes),
        T(a_busy_server_is_trouble),
    };

    if (crypto_init())
        return 1;
    return cmocka_run_group_tests(tests, pair_setup, pair_teardown);
}
