#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "req.h"

static const char *const always[] = {
    "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n",
    "X-Content-Type-Options: nosniff\r\n",
    "Referrer-Policy: no-referrer\r\n",
    "Cross-Origin-Opener-Policy: same-origin\r\n",
    "Cross-Origin-Resource-Policy: same-origin\r\n",
    "Permissions-Policy: ",
    "X-Robots-Tag: noindex",
    "Cache-Control: ",
    "Content-Security-Policy: ",
};

static char text[8192];

static int build(enum req_method m, struct resp a, const char *body)
{
    struct req r = {.method = m, .resp = a};
    struct buf out;
    size_t i;
    int rc;

    buf_init(&r.resp.body, 1 << 16);
    buf_cat(&r.resp.body, body);
    buf_init(&out, 1 << 16);
    rc = resp_build(&r, &out);
    assert_int_equal(str_copy(buf_view(&out), text, sizeof(text)), 0);
    for (i = 0; i < sizeof(always) / sizeof(always[0]); i++)
        assert_non_null(strstr(text, always[i]));
    assert_null(strstr(text, "Access-Control"));
    buf_free(&out);
    buf_free(&r.resp.body);
    return rc;
}

static const char *body_of(void)
{
    char *end = strstr(text, "\r\n\r\n");

    assert_non_null(end);
    return end + 4;
}

static bool has(const char *line)
{
    return strstr(text, line) != NULL;
}

static void plain_page(void **state)
{
    (void)state;
    assert_int_equal(build(REQ_GET,
                           (struct resp){.status = 200, .content_type = "text/html; charset=utf-8"},
                           "<p>"),
                     0);
    assert_memory_equal(text, "Status: 200 OK\r\n", 16);
    assert_true(has("Content-Type: text/html; charset=utf-8\r\n"));
    assert_true(has("Content-Length: 3\r\n"));
    assert_true(has("Cache-Control: no-store\r\n"));
    assert_true(has("Content-Security-Policy: default-src 'none'; script-src 'self'; "
                    "style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
                    "base-uri 'none'; frame-ancestors 'none'\r\n"));
    assert_string_equal(body_of(), "<p>");
}

static void data_may_load_nothing(void **state)
{
    static const char *const types[] = {"application/json", "application/problem+json"};
    static const int statuses[] = {200, 304, 404};

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        struct resp a = {.status = statuses[i % 3], .content_type = types[i / 3]};

        build(REQ_GET, a, "{}");
        assert_true(has("Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"));
        assert_true(has("Cache-Control: no-store\r\n"));
    }
}

static void own_cache_and_csp(void **state)
{
    (void)state;
    assert_int_equal(build(REQ_GET,
                           (struct resp){.status = 200,
                                         .content_type = "text/css",
                                         .cache = "public, max-age=31536000, immutable",
                                         .csp = "default-src 'none'",
                                         .etag = "\"abc\""},
                           "a{}"),
                     0);
    assert_true(has("Cache-Control: public, max-age=31536000, immutable\r\n"));
    assert_true(has("Content-Security-Policy: default-src 'none'\r\n"));
    assert_true(has("ETag: \"abc\"\r\n"));
    assert_false(has("no-store"));
}

static void head_has_the_length_but_no_body(void **state)
{
    (void)state;
    build(REQ_HEAD, (struct resp){.status = 200, .content_type = "text/plain"}, "12345");
    assert_true(has("Content-Length: 5\r\n"));
    assert_string_equal(body_of(), "");
}

static void bodiless_answers(void **state)
{
    (void)state;
    build(REQ_GET, (struct resp){.status = 304, .content_type = "text/plain", .etag = "\"x\""},
          "12345");
    assert_false(has("Content-Length"));
    assert_false(has("Content-Type:"));
    assert_true(has("ETag: \"x\"\r\n"));
    assert_string_equal(body_of(), "");
    build(REQ_GET, (struct resp){.status = 204}, "");
    assert_false(has("Content-Length"));
    build(REQ_POST, (struct resp){.status = 303, .location = "/r/1"}, "");
    assert_true(has("Location: /r/1\r\n"));
    assert_true(has("Content-Length: 0\r\n"));
}

static void small_headers(void **state)
{
    (void)state;
    build(REQ_GET, (struct resp){.status = 503, .retry_after = 120, .allow = "GET, HEAD"}, "");
    assert_true(has("Retry-After: 120\r\n"));
    assert_true(has("Allow: GET, HEAD\r\n"));
    assert_false(has("Set-Cookie"));
    build(REQ_GET, (struct resp){.status = 303, .location = "/r", .cookie = "a=b; HttpOnly"}, "");
    assert_true(has("Set-Cookie: a=b; HttpOnly\r\n"));
}

/* A header that could be split, a place that is not ours to send people to. */
static void refused_values(void **state)
{
    static const struct resp bad[] = {
        {.status = 200, .content_type = "text/html\r\nSet-Cookie: a=b"},
        {.status = 200, .content_type = "text/html\nX: y"},
        {.status = 200, .etag = "\"\r\""},
        {.status = 200, .etag = "\"\x7f\""},
        {.status = 200, .etag = "\"\xc3\xa4\""},
        {.status = 200, .cache = "no-store\n"},
        {.status = 200, .csp = "x\r\n"},
        {.status = 200, .allow = "GET\r\n"},
        {.status = 200, .cookie = "a=b\r\nX: y"},
        {.status = 303, .location = "/a\r\nX: y"},
        {.status = 303, .location = "//evil.example"},
        {.status = 303, .location = "/\\evil.example"},
        {.status = 303, .location = "javascript:alert(1)"},
        {.status = 303, .location = "/a b"},
        {.status = 303, .location = ""},
        {.status = 303, .location = "evil"},
        {.status = 0},
        {.status = 299},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(build(REQ_GET, bad[i], ""), -EINVAL);
        assert_memory_equal(text, "Status: 500 Internal Server Error\r\n", 35);
        assert_false(has("evil"));
        assert_false(has("Set-Cookie"));
    }
}

static void good_locations(void **state)
{
    static const char *const good[] = {"/", "/a/b?c=d#e", "https://buy.example/x",
                                       "http://127.0.0.1:8080/x"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(build(REQ_GET, (struct resp){.status = 303, .location = good[i]}, ""), 0);
}

static void broken_body(void **state)
{
    struct req r = {.resp = {.status = 200, .content_type = "text/plain"}};
    struct buf out;

    (void)state;
    buf_init(&r.resp.body, 4);
    buf_cat(&r.resp.body, "too long");
    buf_init(&out, 1 << 16);
    assert_int_equal(resp_build(&r, &out), -EINVAL);
    assert_true(str_starts(buf_view(&out), STR("Status: 500 ")));
    buf_free(&out);
    buf_free(&r.resp.body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_page),        cmocka_unit_test(data_may_load_nothing),
        cmocka_unit_test(own_cache_and_csp), cmocka_unit_test(head_has_the_length_but_no_body),
        cmocka_unit_test(bodiless_answers),  cmocka_unit_test(small_headers),
        cmocka_unit_test(refused_values),    cmocka_unit_test(good_locations),
        cmocka_unit_test(broken_body),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
