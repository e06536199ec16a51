/* http_mail: against tests/peer/smtp_peer.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "net/http.h"
#include "peer.h"

static uv_loop_t loop;
static struct http *http;
static struct peer peer;
static char url[64], out[512];

struct seen {
    unsigned calls;
    int rc, status;
    bool sent;
};

static void on_reply(void *arg, const struct http_reply *r)
{
    *(struct seen *)arg = (struct seen){1, r->rc, r->status, r->sent};
}

static struct http_mail mail(const char *to)
{
    return (struct http_mail){
        .url = url,
        .from = "marketplace@acme.example",
        .to = to,
        .message = STR("Subject: hello\r\nTo: b@example.org\r\n\r\n.dot\r\nbody\r\n"),
        .timeout_ms = 60000,
        .allow = HTTP_LOOPBACK};
}

static struct seen run(const struct http_mail *m)
{
    struct seen s = {0};

    assert_non_null(http_mail(http, m, on_reply, &s));
    assert_int_equal(s.calls, 0);
    while (!s.calls)
        uv_run(&loop, UV_RUN_ONCE);
    return s;
}

static int start(void **state)
{
    (void)state;
    uv_loop_init(&loop);
    snprintf(out, sizeof(out), "%s/test_http_mail.%d", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp",
             (int)getpid());
    if (!peer_start(&peer, "tests/peer/smtp_peer.py", "--out", out))
        fprintf(stderr, "skipped: no /usr/bin/python3 or tests/peer/smtp_peer.py\n");
    snprintf(url, sizeof(url), "smtp://127.0.0.1:%u", peer.port);
    return http_open(&loop, 8, 8, &http);
}

static int stop(void **state)
{
    (void)state;
    http_close(&http);
    uv_run(&loop, UV_RUN_DEFAULT);
    if (peer.port)
        peer_stop(&peer);
    unlink(out);
    return uv_loop_close(&loop);
}

static void need_peer(void)
{
    if (!peer.port)
        skip();
}

static void delivers(void **state)
{
    struct http_mail m = mail("buyer@example.org");
    struct seen s;
    struct buf b;

    (void)state;
    need_peer();
    s = run(&m);
    assert_int_equal(s.rc, 0);
    assert_int_equal(s.status, 250);
    buf_init(&b, 65536);
    assert_int_equal(file_read(out, &b), 0);
    assert_non_null(strstr(buf_cstr(&b), "MAIL FROM:<marketplace@acme.example>"));
    assert_non_null(strstr(buf_cstr(&b), "RCPT TO:<buyer@example.org>"));
    assert_non_null(strstr(buf_cstr(&b), "\r\n\r\n..dot\r\nbody\r\n"));
    buf_free(&b);
}

static void the_server_decides(void **state)
{
    static const struct {
        const char *to;
        int rc, status;
    } rows[] = {
        {"defer@example.org", 0, 451}, {"refuse@example.org", 0, 550},
        {"full@example.org", 0, 452},  {"hang@example.org", -ETIMEDOUT, -1},
        {"cut@example.org", -1, -1},
    };

    (void)state;
    need_peer();
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct http_mail m = mail(rows[i].to);
        struct seen s;

        if (rows[i].rc == -ETIMEDOUT)
            m.timeout_ms = 2000;
        s = run(&m);
        if (rows[i].rc == -1)
            assert_true(s.rc < 0 && s.sent);
        else
            assert_int_equal(s.rc, rows[i].rc);
        if (rows[i].status != -1)
            assert_int_equal(s.status, rows[i].status);
    }
}

static void refuses(void **state)
{
    static const char *const bad[] = {"a@b>\r\nRCPT TO:<x@y", "a b@c", "", "nobody", "<a@b.c>"};
    struct http_mail m = mail("buyer@example.org");

    (void)state;
    need_peer();
    m.allow = 0;
    assert_int_equal(run(&m).rc, -EACCES);
    m.allow = HTTP_LOOPBACK;
    m.starttls_required = true;
    assert_int_equal(run(&m).rc, -EKEYREJECTED);
    m.starttls_required = false;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        m.to = bad[i];
        assert_int_equal(run(&m).rc, -EINVAL);
    }
    m.to = "buyer@example.org";
    m.url = "http://127.0.0.1/";
    assert_int_equal(run(&m).rc, -EACCES);
}

static void logs_in_on_loopback(void **state)
{
    struct http_mail m = mail("buyer@example.org");
    struct seen s;

    (void)state;
    need_peer();
    m.user = "u";
    m.password = "p";
    s = run(&m);
    assert_int_equal(s.rc, 0);
    assert_int_equal(s.status, 250);
}

/* What the peer has noted, once it is another word than `old`. */
static void noted(const char *old, char word[16])
{
    char path[600];
    struct buf b;

    snprintf(path, sizeof(path), "%s.data", out);
    for (int i = 0; i < 6000; i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
        buf_init(&b, 16);
        word[0] = '\0';
        if (file_read(path, &b) == 0)
            snprintf(word, 16, "%s", buf_cstr(&b));
        buf_free(&b);
        if (word[0] && strcmp(word, old) != 0)
            return;
        usleep(10000);
    }
}

/* The library ends a message that is taken back in the middle as if it were whole: an empty mail.
 */
static void taken_back_is_not_delivered(void **state)
{
    struct http_mail m = mail("wait@example.org");
    struct http_call *c;
    struct seen s = {0};
    char go[600], word[16];

    (void)state;
    need_peer();
    snprintf(go, sizeof(go), "%s.go", out);
    c = http_mail(http, &m, on_reply, &s);
    assert_non_null(c);
    noted("", word);
    assert_string_equal(word, "asked");
    http_cancel(c);
    assert_int_equal(s.rc, -ECANCELED);
    assert_int_equal(file_write_atomic(go, STR(""), 0600), 0);
    noted("asked", word);
    unlink(go);
    snprintf(go, sizeof(go), "%s.data", out);
    unlink(go);
    assert_string_equal(word, "left");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delivers),
        cmocka_unit_test(the_server_decides),
        cmocka_unit_test(refuses),
        cmocka_unit_test(logs_in_on_loopback),
        cmocka_unit_test(taken_back_is_not_delivered),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
