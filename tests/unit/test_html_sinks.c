#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "html/html.h"

static const char *const hostile[] = {
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "`onmouseover=alert(1)",
    "</textarea><svg onload=alert(1)>",
    "--><script>alert(1)</script>",
    "]]><script>alert(1)</script>",
    "&#60;script&#62;",
    "\xc0\xbcscript\xc0\xbe",
    "\xff\xfe<script>",
    "a\0b<c",
    "line\r\nSet-Cookie: a=b",
    "\x1b[31mred",
    "javascript:alert(1)",
    " javascript:alert(1)",
    "java\nscript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "https:evil.example",
    "{{raw}}",
    "\xe2\x80\xae txt.exe",
    "https://ok.example/\"><script>",
};
enum { HOSTILE = sizeof(hostile) / sizeof(hostile[0]) };

static char out[4096];

static const char *sink(void (*fn)(struct buf *, struct str), struct str s)
{
    struct buf b;

    buf_init(&b, sizeof(out) - 1);
    fn(&b, s);
    assert_int_equal(buf_err(&b), 0);
    memcpy(out, buf_cstr(&b), b.len + 1);
    assert_int_equal(strlen(out), b.len);
    assert_true(str_utf8(str_of(out)));
    buf_free(&b);
    return out;
}

static struct str sample(size_t i)
{
    return i == 10 ? str_make("a\0b<c", 5) : str_of(hostile[i]);
}

/* Nothing that ends the place a value stands in gets through any sink. */
static void no_way_out(void **state)
{
    static void (*const sinks[])(struct buf *, struct str) = {html_text, html_attr, html_url};
    size_t i, k, j;

    (void)state;
    for (i = 0; i < HOSTILE; i++)
        for (k = 0; k < 3; k++) {
            const char *text = sink(sinks[k], sample(i));

            for (j = 0; text[j]; j++) {
                assert_null(strchr("<>\"'", text[j]));
                if (text[j] == '&')
                    assert_non_null(strchr(text + j, ';'));
                if (k > 0)
                    assert_true((unsigned char)text[j] >= 0x20 && text[j] != '`');
            }
        }
}

static void bad_addresses(void **state)
{
    size_t i;

    (void)state;
    for (i = 13; i < 23; i++) {
        assert_false(html_url_ok(str_of(hostile[i])));
        assert_string_equal(sink(html_url, str_of(hostile[i])), "#");
    }
    assert_string_equal(sink(html_url, STR("")), "#");
    assert_string_equal(sink(html_url, STR("https://")), "#");
    assert_string_equal(sink(html_url, STR("tenant/../x")), "#");
}

static void good_addresses(void **state)
{
    static const char *const good[] = {"/",
                                       "/a/b?c=d",
                                       "#f-email",
                                       "https://a.example/x",
                                       "http://127.0.0.1:80/t/t0-a/",
                                       "mailto:a@b.example",
                                       "tel:+4930123"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_string_equal(sink(html_url, str_of(good[i])), good[i]);
    assert_string_equal(sink(html_url, STR("/a?b=1&c=2")), "/a?b=1&amp;c=2");
}

static void escapes(void **state)
{
    (void)state;
    assert_string_equal(sink(html_text, STR("a<b>&\"'")), "a&lt;b&gt;&amp;&quot;&#39;");
    assert_string_equal(sink(html_text, STR("Zoë\tO`N\n")), "Zoë\tO`N\n");
    assert_string_equal(sink(html_attr, STR("a`b\n\t")), "a&#96;b&#10;&#9;");
    assert_string_equal(sink(html_text, STR("\x01\x7f")), "\xef\xbf\xbd\xef\xbf\xbd");
    assert_string_equal(sink(html_text, STR("\xffx")), "\xef\xbf\xbdx");
    assert_string_equal(sink(html_text, str_make(NULL, 0)), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_way_out),
        cmocka_unit_test(bad_addresses),
        cmocka_unit_test(good_addresses),
        cmocka_unit_test(escapes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
