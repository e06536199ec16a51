/* A Redis that lies (tests/peer/redis_peer.py): every answer has one error, and no call is lost. */
#include "store_test.h"

#include "base/hash.h"

static struct {
    pid_t pid;
    int in; /* closing it ends the peer */
} peer;

static void peer_start(const char *mode, const char *argument)
{
    int in[2], out[2];
    char byte, tmp[] = "/tmp/lmpeer.XXXXXX";

    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    assert_non_null(mkdtemp(tmp));
    snprintf(fx.redis.dir, sizeof(fx.redis.dir), "%s", tmp);
    snprintf(fx.redis.socket, sizeof(fx.redis.socket), "%s/s", tmp);
    peer.pid = fork();
    if (peer.pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execl("/usr/bin/python3", "python3", "tests/peer/redis_peer.py", fx.redis.socket, mode,
              argument, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    peer.in = in[1];
    assert_int_equal(read(out[0], &byte, 1), 1);
    close(out[0]);
}

static void peer_stop(void)
{
    close(peer.in);
    kill(peer.pid, SIGKILL);
    waitpid(peer.pid, NULL, 0);
    unlink(fx.redis.socket);
    rmdir(fx.redis.dir);
    fx.redis.dir[0] = '\0';
}

static void open_store(uint64_t connect_ms, uint64_t command_ms)
{
    fx.cfg = (struct cfg_redis){.socket = fx.redis.socket,
                                .shards = 1,
                                .connect_ms = connect_ms,
                                .command_ms = command_ms,
                                .wait_ms = 100};
    loop_begin();
    assert_int_equal(store_open(&fx.loop, &fx.cfg, STORE_FRONT, &fx.store), 0);
}

static void begin(const char *mode, const char *argument)
{
    peer_start(mode, argument);
    open_store(20000, 20000);
}

/* With a peer that does not answer. */
static void begin_hasty(const char *mode, const char *argument)
{
    peer_start(mode, argument);
    open_store(2000, 400);
}

static void end(void)
{
    store_end();
    peer_stop();
}

static int status(const char *cap)
{
    return CALL(0, STORE_STATUS, cap);
}

static void every_error_has_its_class(void **state)
{
    static const struct {
        const char *text;
        int rc;
    } table[] = {
        {"OOM command not allowed when used memory > 'maxmemory'.", -EAGAIN},
        {"MISCONF Redis is configured to save RDB snapshots", -EAGAIN},
        {"READONLY You can't write against a read only replica.", -EAGAIN},
        {"LOADING Redis is loading the dataset in memory", -EAGAIN},
        {"BUSY Redis is busy running a script.", -EAGAIN},
        {"NOREPLICAS Not enough good replicas to write.", -EAGAIN},
        {"CLUSTERDOWN Hash slot not served", -EAGAIN},
        {"MOVED 3999 127.0.0.1:6381", -EAGAIN},
        {"ASK 3999 127.0.0.1:6381", -EAGAIN},
        {"TRYAGAIN Multiple keys request during rehashing of slot", -EAGAIN},
        {"MASTERDOWN Link with MASTER is down", -EAGAIN},
        {"NOAUTH Authentication required.", -EAGAIN},
        {"NOPERM this user has no permissions", -EAGAIN},
        {"ERR max number of clients reached", -EAGAIN},
        {"LMNOENT order", -ENOENT},
        {"LMSTALE task script: 1f, on @user_script:9.", -ESTALE},
        {"LMEXIST x", -EEXIST},
        {"LMPERM x", -EPERM},
        {"LMINVAL x", -EINVAL},
        {"LMINIT not initialised", -EAGAIN},
        {"WRONGTYPE Operation against a key", -EPROTO},
        {"ERR unknown command", -EPROTO},
        {"SURPRISE", -EPROTO},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        begin("error", table[i].text);
        assert_int_equal(status("a"), table[i].rc);
        assert_int_equal(status("b"), table[i].rc); /* also after a renewed connection */
        if (table[i].text[0] != 'L' || table[i].text[1] != 'M')
            assert_string_equal(store_trouble(fx.store), table[i].text);
        end();
    }
}

static void replies_that_are_not_ours(void **state)
{
    static const char *const raw[] = {
        ":1\\r\\n",
        "$-1\\r\\n",
        "+OK\\r\\n",
        "*1\\r\\n:5\\r\\n",
        "*1\\r\\n*1\\r\\n$1\\r\\na\\r\\n",
        "*-1\\r\\n",
        "*1\\r\\n*-1\\r\\n",
    };
    static const char *const broken[] = {
        "HTTP/1.1 400 Bad Request\\r\\n\\r\\n",
        "*2000000000\\r\\n",
        "*1\\r\\n*1\\r\\n*1\\r\\n*1\\r\\n*1\\r\\n*1\\r\\n*1\\r\\n*1\\r\\n*1\\r\\n*1\\r\\n",
        "$-7\\r\\n",
        "*1\\r\\n%1\\r\\n",
        "$1\\r\\nabc\\r\\n$",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(raw) / sizeof(raw[0]); i++) {
        begin("raw", raw[i]);
        assert_int_equal(status("a"), -EPROTO);
        end();
    }
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        begin_hasty("raw", broken[i]);
        assert_true(status("a") < 0);
        assert_true(status("b") < 0);
        end();
    }
}

static void one_byte_at_a_time(void **state)
{
    (void)state;
    begin("drip", "");
    for (int i = 0; i < 5; i++) {
        assert_int_equal(status("abc"), 0);
        IS("echo", "abc");
    }
    end();
}

static void a_peer_that_stops_is_left_in_time(void **state)
{
    static const char *const modes[] = {"half", "silent", "close", "halfclose", "flood"};

    (void)state;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        uint64_t start;

        begin_hasty(modes[i], "");
        start = clock_mono_ms();
        assert_int_equal(status("a"), -EAGAIN);
        assert_int_equal(status("b"), -EAGAIN);
        assert_true(clock_mono_ms() - start < 60000);
        assert_string_not_equal(store_trouble(fx.store), "");
        end();
    }
}

static void a_late_answer_never_meets_the_next_call(void **state)
{
    (void)state;
    begin_hasty("late", "1");
    assert_int_equal(status("first"), -EAGAIN);
    fx.cfg.command_ms = 20000;
    for (int i = 0; i < 50; i++) {
        assert_int_equal(status("second"), 0);
        IS("echo", "second");
        usleep(20000);
    }
    end();
}

static void an_answer_nobody_asked_for_ends_the_connection(void **state)
{
    int good = 0;

    (void)state;
    begin("unasked", "");
    for (int i = 0; i < 10; i++)
        if (status("mine") == 0) {
            IS("echo", "mine");
            good++;
        }
    assert_true(good > 0);
    end();
}

static void the_breaker_answers_at_once(void **state)
{
    static const char *const modes[] = {"mute", "badping"};

    (void)state;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        uint64_t start;

        peer_start(modes[i], "");
        open_store(200, 200);
        assert_int_equal(status("a"), -EAGAIN);
        usleep(250000);
        start = clock_mono_ms();
        for (int j = 0; j < 200; j++)
            assert_int_equal(status("b"), -EAGAIN);
        assert_true(clock_mono_ms() - start < 30000); /* not 200 times 200 ms */
        assert_false(store_connected(fx.store));
        end();
    }
}

static void a_missing_script_is_sent_whole(void **state)
{
    (void)state;
    begin("noscript", "");
    assert_int_equal(status("abc"), 0);
    IS("echo", "abc");
    fx.cfg.wait_replicas = 1;
    assert_int_equal(CALL(0, STORE_CAP_ADD, "o", "c", "5"), -EAGAIN); /* no number */
    end();
    begin("noscript", "always");
    assert_int_equal(status("abc"), -EPROTO);
    assert_int_equal(status("abc"), -EPROTO);
    end();
}

static void too_few_replicas_is_not_done(void **state)
{
    (void)state;
    begin("wait", "1");
    fx.cfg.wait_replicas = 1;
    assert_int_equal(CALL(0, STORE_CAP_ADD, "o", "c", "5"), 0);
    IS("echo", "5");
    fx.cfg.wait_replicas = 2;
    assert_int_equal(CALL(0, STORE_CAP_ADD, "o", "c", "5"), -EAGAIN);
    assert_int_equal(status("reads do not wait"), 0);
    end();
}

static unsigned answered;

static void count_answer(void *arg, int rc, const struct store_rows *rows)
{
    (void)arg;
    (void)rows;
    assert_int_equal(rc, -EAGAIN);
    answered++;
}

static void closing_answers_everything(void **state)
{
    struct str cap = STR("c");

    (void)state;
    begin_hasty("silent", "");
    answered = 0;
    for (int i = 0; i < 100; i++)
        store_call(fx.store, 0, STORE_STATUS, &cap, 1, count_answer, NULL);
    for (int i = 0; i < 20; i++)
        uv_run(&fx.loop, UV_RUN_NOWAIT);
    store_call(fx.store, 0, STORE_STATUS, &cap, 1, count_answer, NULL);
    store_end();
    assert_int_equal(answered, 101);
    peer_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_its_class),
        cmocka_unit_test(replies_that_are_not_ours),
        cmocka_unit_test(one_byte_at_a_time),
        cmocka_unit_test(a_peer_that_stops_is_left_in_time),
        cmocka_unit_test(a_late_answer_never_meets_the_next_call),
        cmocka_unit_test(an_answer_nobody_asked_for_ends_the_connection),
        cmocka_unit_test(the_breaker_answers_at_once),
        cmocka_unit_test(a_missing_script_is_sent_whole),
        cmocka_unit_test(too_few_replicas_is_not_done),
        cmocka_unit_test(closing_answers_everything),
    };

    signal(SIGPIPE, SIG_IGN);
    if (crypto_init())
        return 1;
    if (access("tests/peer/redis_peer.py", R_OK)) {
        print_message("skipped: tests/peer/redis_peer.py is not below the current directory\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
