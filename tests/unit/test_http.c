/* http: against a peer that lies (tests/peer/liar.py), and its pure parts without one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "net/http.h"
#include "net/http_dest.h"
#include "net/http_guard.h"
#include "peer.h"

static uv_loop_t loop;
static struct http *http;
static struct peer peer;
static char sock_path[100];

struct seen {
    unsigned calls;
    int rc, status;
    bool sent;
    uint64_t retry_after;
    char body[2048], type[64], date[64];
};

static void on_reply(void *arg, const struct http_reply *r)
{
    struct seen *s = arg;

    s->calls++;
    s->rc = r->rc;
    s->status = r->status;
    s->sent = r->sent;
    s->retry_after = r->retry_after_ms;
    (void)str_copy(str_sub(r->body, 0, sizeof(s->body) - 1), s->body, sizeof(s->body));
    (void)str_copy(r->error_type, s->type, sizeof(s->type));
    (void)str_copy(r->date, s->date, sizeof(s->date));
}

static struct http_request request(const char *path, char url[128])
{
    snprintf(url, 128, "http://127.0.0.1:%u%s", peer.port, path);
    return (struct http_request){.method = "GET", .url = url, .allow = HTTP_LOOPBACK};
}

static struct seen run(const struct http_request *rq)
{
    struct seen s = {0};

    assert_non_null(http_start(http, rq, on_reply, &s));
    assert_int_equal(s.calls, 0);
    while (s.calls == 0)
        uv_run(&loop, UV_RUN_ONCE);
    return s;
}

static struct seen get(const char *path)
{
    char url[128];
    struct http_request rq = request(path, url);

    rq.timeout_ms = 30000;
    return run(&rq);
}

static int open_http(void **state)
{
    (void)state;
    return http_open(&loop, 8, 2, &http);
}

static int close_http(void **state)
{
    (void)state;
    http_close(&http);
    uv_run(&loop, UV_RUN_DEFAULT);
    return 0;
}

static int start(void **state)
{
    (void)state;
    uv_loop_init(&loop);
    snprintf(sock_path, sizeof(sock_path), "%s/test_http.%d.sock",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (int)getpid());
    if (!peer_start(&peer, "tests/peer/liar.py", "--unix", sock_path))
        fprintf(stderr, "skipped: no /usr/bin/python3 or tests/peer/liar.py\n");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    if (peer.port)
        peer_stop(&peer);
    unlink(sock_path);
    return uv_loop_close(&loop);
}

static void need_peer(void)
{
    if (!peer.port) {
        print_message("skipped: no lying peer\n");
        skip();
    }
}

static void sends_exactly_what_it_was_given(void **state)
{
    static const char *const headers[] = {"Content-Type: application/x-amz-json-1.1",
                                          "X-Amz-Target: A.B", NULL};
    char url[128];
    struct http_request rq = request("/echo", url);
    struct seen s;

    (void)state;
    need_peer();
    rq.method = "POST";
    rq.headers = headers;
    rq.body = STR("{\"a\":1}");
    s = run(&rq);
    assert_int_equal(s.rc, 0);
    assert_int_equal(s.status, 200);
    assert_true(s.sent);
    assert_non_null(strstr(s.body, "POST /echo HTTP/1.1\r\n"));
    assert_non_null(strstr(s.body, "X-Amz-Target: A.B\r\n"));
    assert_non_null(strstr(s.body, "\r\n\r\n{\"a\":1}"));
    assert_null(strstr(s.body, "Accept"));
    assert_null(strstr(s.body, "Expect"));
    rq.method = "PUT";
    rq.headers = NULL;
    rq.body = STR("");
    s = run(&rq);
    assert_non_null(strstr(s.body, "PUT /echo HTTP/1.1\r\n"));
    assert_non_null(strstr(s.body, "Content-Length: 0"));
    assert_null(strstr(s.body, "Content-Type"));
}

static void lies_end_in_errors(void **state)
{
    static const struct {
        const char *path;
        int rc;
    } rows[] = {
        {"/drip", -ETIMEDOUT},   {"/hang", -ETIMEDOUT}, {"/never", -EMSGSIZE},
        {"/header", -EMSGSIZE},  {"/big", -EMSGSIZE},   {"/interim", -EMSGSIZE},
        {"/truncated", -EPROTO}, {"/chunked", -EPROTO}, {"/garbage", -EPROTO},
        {"/empty", -EPROTO},     {"/reset", -EIO},
    };

    (void)state;
    need_peer();
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char url[128];
        struct http_request rq = request(rows[i].path, url);
        struct seen s;

        rq.timeout_ms = rows[i].rc == -ETIMEDOUT ? 1500 : 60000;
        rq.probe = true; /* these failures are not to open the breaker */
        s = run(&rq);
        if (s.rc != rows[i].rc)
            print_error("%s: %d\n", rows[i].path, s.rc);
        assert_int_equal(s.rc, rows[i].rc);
        assert_true(s.sent);
        assert_int_equal(s.calls, 1);
    }
}

/* The peer closes after each answer, often just when the connection is used again. */
static void stale_connections_do_no_harm(void **state)
{
    (void)state;
    need_peer();
    for (int i = 0; i < 100; i++) {
        assert_int_equal(get("/typed").status, 400);
        assert_int_equal(get("/status/204").status, 204);
    }
}

static void statuses_are_answers(void **state)
{
    struct seen s;

    (void)state;
    need_peer();
    s = get("/429");
    assert_int_equal(s.rc, 0);
    assert_int_equal(s.status, 429);
    assert_int_equal(s.retry_after, 7000);
    assert_string_equal(s.body, "slow down");
    s = get("/later");
    assert_int_equal(s.status, 503);
    assert_int_equal(s.retry_after, 24 * 3600 * 1000);
    s = get("/typed");
    assert_int_equal(s.status, 400);
    assert_string_equal(s.type, "Throttling:http://x/");
    assert_string_equal(s.date, "Sun, 06 Nov 1994 08:49:37 GMT");
    s = get("/redirect");
    assert_int_equal(s.status, 302);
    s = get("/count/echo2");
    assert_string_equal(s.body, "0");
}

/* Five failures in a row, and one call more; true when a breaker that opened is open yet: half a
 * second is nothing for a busy machine. */
static bool sixth(struct http_request *rq, struct seen *s)
{
    uint64_t since = 0;

    for (int i = 0; i < 5; i++) {
        since = clock_mono_ms();
        *s = run(rq);
        assert_int_equal(s->status, 500);
    }
    *s = run(rq);
    return clock_mono_ms() - since < 500;
}

static void breaker_opens_and_closes(void **state)
{
    char path[16] = "/flip0", url[128];
    struct http_request rq = request(path, url);
    struct seen s;

    need_peer();
    rq.timeout_ms = 30000;
    while (!sixth(&rq, &s) && s.rc != -EHOSTDOWN) {
        assert_true(path[5]++ < '9');
        rq.url = request(path, url).url;
        close_http(state);
        assert_int_equal(open_http(state), 0);
    }
    assert_int_equal(s.rc, -EHOSTDOWN);
    assert_false(s.sent);
    assert_true(s.retry_after > 0 && s.retry_after <= 1000);
    rq.probe = true;
    s = run(&rq);
    assert_int_equal(s.status, 200);
    rq.probe = false;
    do {
        usleep(10000);
        s = run(&rq);
    } while (s.rc == -EHOSTDOWN);
    assert_int_equal(s.status, 200);
    s = run(&rq);
    assert_int_equal(s.status, 200);
}

static void refuses_addresses_and_schemes(void **state)
{
    static const struct {
        const char *url;
        unsigned allow;
        int rc;
    } rows[] = {
        {"http://127.0.0.1:1/", 0, -EACCES},
        {"https://127.0.0.1:1/", 0, -EACCES},
        {"http://127.0.0.1:1/", HTTP_LOOPBACK, -ECONNREFUSED},
        {"http://192.0.2.1/", HTTP_LOOPBACK, -EACCES},
        {"http://10.0.0.1/", HTTP_PRIVATE, -EACCES},
        {"https://10.0.0.1/", 0, -EACCES},
        {"https://169.254.169.254/", HTTP_LOOPBACK | HTTP_PRIVATE, -EACCES},
        {"https://[::ffff:127.0.0.1]:1/", 0, -EACCES},
        {"https://[::1]:1/", 0, -EACCES},
        {"https://0.0.0.0:1/", HTTP_LOOPBACK, -EACCES},
        {"https://2130706433:1/", 0, -EACCES},
        {"ftp://127.0.0.1/", HTTP_LOOPBACK, -EACCES},
        {"file:///etc/passwd", HTTP_LOOPBACK, -EINVAL},
        {"https://user:pw@127.0.0.1/", HTTP_LOOPBACK, -EINVAL},
        {"not a url", HTTP_LOOPBACK, -EINVAL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct http_request rq = {.method = "GET", .url = rows[i].url, .allow = rows[i].allow};
        struct seen s;

        rq.timeout_ms = 20000;
        s = run(&rq);
        if (s.rc != rows[i].rc)
            print_error("%s: %d\n", rows[i].url, s.rc);
        assert_int_equal(s.rc, rows[i].rc);
        assert_false(s.sent);
    }
}

/* A connection that one call was allowed to open is not lent to a call that is not. */
static void kept_connections_keep_the_rules(void **state)
{
    char url[128];
    struct http_request rq = request("/echo", url);

    (void)state;
    need_peer();
    assert_int_equal(run(&rq).rc, 0);
    rq.allow = 0;
    assert_int_equal(run(&rq).rc, -EACCES);
}

static void refuses_header_injection(void **state)
{
    static const char *const headers[] = {"X-A: 1\r\nX-B: 2", NULL};
    char url[128];
    struct http_request rq = request("/echo", url);

    (void)state;
    rq.headers = headers;
    assert_int_equal(run(&rq).rc, -EINVAL);
    rq.headers = NULL;
    rq.method = "GET /x";
    assert_int_equal(run(&rq).rc, -EINVAL);
}

static void lines_up_per_host(void **state)
{
    char url[128], fast[128];
    struct http_request rq = request("/hang", url), quick = request("/echo", fast);
    struct seen s[4] = {{0}}, q = {0};
    struct http_call *c[4];

    (void)state;
    need_peer();
    rq.timeout_ms = 60000;
    for (int i = 0; i < 4; i++)
        c[i] = http_start(http, &rq, on_reply, &s[i]);
    assert_int_equal(http_in_flight(http), 2);
    quick.timeout_ms = 200;
    http_start(http, &quick, on_reply, &q);
    while (!q.calls)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(q.rc, -ETIMEDOUT);
    assert_false(q.sent);
    q = (struct seen){0};
    quick.long_poll = true;
    http_start(http, &quick, on_reply, &q);
    while (!q.calls)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(q.status, 200);
    http_cancel(c[0]);
    assert_int_equal(s[0].calls, 1);
    assert_int_equal(s[0].rc, -ECANCELED);
    assert_int_equal(http_in_flight(http), 2);
    http_limit(http, 1);
    http_cancel(c[1]);
    assert_int_equal(http_in_flight(http), 1);
    http_limit(http, 64);
    assert_int_equal(http_in_flight(http), 2);
    http_cancel(c[3]);
    assert_int_equal(s[3].rc, -ECANCELED);
    http_close(&http);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(s[i].calls, 1);
        assert_int_equal(s[i].rc, -ECANCELED);
    }
}

static void unix_sockets_and_fixed_addresses(void **state)
{
    char fixed[64];
    struct http_request rq = {.url = "http://tenant.example/echo", .unix_socket = sock_path};
    struct seen s;

    (void)state;
    need_peer();
    s = run(&rq);
    assert_int_equal(s.rc, 0);
    assert_non_null(strstr(s.body, "Host: tenant.example"));
    snprintf(fixed, sizeof(fixed), "apps.example:%u:127.0.0.1", peer.port);
    char url[128];
    snprintf(url, sizeof(url), "http://apps.example:%u/echo", peer.port);
    rq = (struct http_request){.url = url, .resolve = fixed, .allow = HTTP_LOOPBACK};
    s = run(&rq);
    assert_int_equal(s.rc, 0);
    assert_non_null(strstr(s.body, "Host: apps.example:"));
    rq.allow = 0;
    assert_int_equal(run(&rq).rc, -EACCES);
}

static bool text_ok(const char *ip, unsigned allow)
{
    return http_guard_text_ok(ip, allow, false);
}

static void address_table(void **state)
{
    static const char *const never[] = {
        "0.0.0.0",
        "169.254.1.1",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "192.0.0.8",
        "192.0.2.1",
        "fe80::1",
        "ff02::1",
        "::",
        "2001::1",
        "2001:db8::1",
        "fec0::1",
        "::ffff:169.254.1.1",
        "100::1",
        "not an ip",
        "",
        "2002:e000::",
        "64:ff9b::224.0.0.1",
    };
    static const char *const inside[] = {"10.1.2.3",        "172.31.0.1",        "192.168.0.1",
                                         "100.64.0.1",      "198.18.0.1",        "fd12::1",
                                         "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::"};
    static const char *const loop_[] = {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"};
    static const char *const meta[] = {"169.254.169.254", "169.254.170.2", "169.254.170.23",
                                       "fd00:ec2::254", "fd00:ec2::23"};
    static const char *const open_[] = {"8.8.8.8", "172.32.0.1", "2600::1", "::ffff:8.8.8.8",
                                        "100.128.0.1"};
    const unsigned all = HTTP_LOOPBACK | HTTP_PRIVATE | HTTP_METADATA;

    (void)state;
    for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
        assert_false(text_ok(never[i], all));
    for (size_t i = 0; i < sizeof(inside) / sizeof(*inside); i++) {
        assert_true(text_ok(inside[i], HTTP_PRIVATE));
        assert_false(text_ok(inside[i], all & ~(unsigned)HTTP_PRIVATE));
    }
    for (size_t i = 0; i < sizeof(loop_) / sizeof(*loop_); i++) {
        assert_true(text_ok(loop_[i], HTTP_LOOPBACK));
        assert_false(text_ok(loop_[i], all & ~(unsigned)HTTP_LOOPBACK));
    }
    for (size_t i = 0; i < sizeof(meta) / sizeof(*meta); i++) {
        assert_true(http_guard_text_ok(meta[i], HTTP_METADATA, true));
        assert_false(text_ok(meta[i], all & ~(unsigned)HTTP_METADATA));
    }
    for (size_t i = 0; i < sizeof(open_) / sizeof(*open_); i++) {
        assert_true(text_ok(open_[i], 0));
        assert_false(http_guard_text_ok(open_[i], all, true));
    }
    assert_true(http_guard_loopback_name("LocalHost"));
    assert_true(http_guard_loopback_name("[::1]"));
    assert_false(http_guard_loopback_name("127.0.0.1.example"));
    assert_int_equal(http_url_allow("http://127.0.0.1:8080/x"), HTTP_LOOPBACK);
    assert_int_equal(http_url_allow("https://sqs.us-east-1.amazonaws.com/"), 0);
}

static void breaker_arithmetic(void **state)
{
    struct http_dest *d = http_dest_new(STR("https://x:443"));
    uint64_t wait, now = 1000;
    bool probe;

    (void)state;
    for (int i = 0; i < 4; i++)
        http_dest_outcome(d, now, false, true, false);
    http_dest_outcome(d, now, false, true, true);
    for (int i = 0; i < 4; i++)
        http_dest_outcome(d, now, false, true, false);
    assert_true(http_dest_admit(d, now, &probe, &wait));
    http_dest_outcome(d, now, false, true, false);
    for (unsigned round = 0; round < 12; round++) {
        uint64_t top = round < 6 ? 1000ULL << round : 60000;

        assert_false(http_dest_admit(d, now, &probe, &wait));
        assert_true(wait >= top / 2 && wait <= top);
        now = d->open_until;
        assert_true(http_dest_admit(d, now, &probe, &wait));
        assert_true(probe);
        assert_false(http_dest_admit(d, now, &probe, &wait));
        http_dest_outcome(d, now, false, true, true); /* a late answer changes nothing */
        assert_true(d->is_open);
        http_dest_outcome(d, now, true, true, false);
    }
    now = d->open_until;
    assert_true(http_dest_admit(d, now, &probe, &wait));
    http_dest_outcome(d, now, true, false, false); /* cancelled: the next one decides */
    assert_true(http_dest_admit(d, now, &probe, &wait) && probe);
    http_dest_outcome(d, now, true, true, true);
    assert_true(http_dest_idle(d));
    free(d);
}

#define HTTP_TEST(f) cmocka_unit_test_setup_teardown(f, open_http, close_http)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(address_table),
        cmocka_unit_test(breaker_arithmetic),
        HTTP_TEST(sends_exactly_what_it_was_given),
        HTTP_TEST(lies_end_in_errors),
        HTTP_TEST(stale_connections_do_no_harm),
        HTTP_TEST(statuses_are_answers),
        HTTP_TEST(breaker_opens_and_closes),
        HTTP_TEST(refuses_addresses_and_schemes),
        HTTP_TEST(kept_connections_keep_the_rules),
        HTTP_TEST(refuses_header_injection),
        HTTP_TEST(lines_up_per_host),
        HTTP_TEST(unix_sockets_and_fixed_addresses),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
