#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "html/form.h"

static struct arena *arena;
static struct form form;

static int parse(const char *type, const char *body)
{
    return form_parse(arena, str_of(type), str_of(body), &form);
}

/* "name=value|name=value" of what was found. */
static const char *shown(void)
{
    static char text[2048];
    size_t i, n = 0;

    text[0] = '\0';
    for (i = 0; i < form.n; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s=%.*s", i ? "|" : "",
                              STR_FMT(form.field[i].name), STR_FMT(form.field[i].value));
    return text;
}

static const char url[] = "application/x-www-form-urlencoded";

static void urlencoded(void **state)
{
    static const struct {
        const char *body, *want;
    } t[] = {
        {"", ""},
        {"a=1", "a=1"},
        {"a=1&b=2&", "a=1|b=2"},
        {"&&a=1", "a=1"},
        {"a", "a="},
        {"a=", "a="},
        {"=x", "=x"},
        {"a=b=c", "a=b=c"},
        {"a=1&a=2", "a=1|a=2"},
        {"x-amzn-marketplace-token=a%2Bb%2Fc%3D%3D", "x-amzn-marketplace-token=a+b/c=="},
        {"n=Zo%C3%AB+M", "n=Zoë M"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        assert_int_equal(parse(url, t[i].body), 0);
        assert_string_equal(shown(), t[i].want);
    }
    assert_int_equal(parse("Application/X-WWW-Form-URLencoded ; charset=UTF-8", "a=1"), 0);
}

static void urlencoded_bad(void **state)
{
    char many[4 * FORM_FIELDS + 5], name[200];
    size_t i;

    (void)state;
    assert_int_equal(parse(url, "a=%"), -EINVAL);
    assert_int_equal(parse(url, "a=%4"), -EINVAL);
    assert_int_equal(parse(url, "a=%zz"), -EINVAL);
    assert_int_equal(parse(url, "a=%00"), -EINVAL);
    assert_int_equal(parse(url, "a=%ff"), -EINVAL);
    assert_int_equal(parse(url, "%ed%a0%80=1"), -EINVAL);
    for (i = 0; i < FORM_FIELDS + 1; i++)
        memcpy(many + 4 * i, "a=1&", 5);
    assert_int_equal(parse(url, many), -E2BIG);
    memset(name, 'n', sizeof(name));
    name[FORM_NAME + 1] = '\0';
    assert_int_equal(parse(url, name), -E2BIG);
    assert_int_equal(parse("text/plain", "a=1"), -EMEDIUMTYPE);
    assert_int_equal(parse("", "a=1"), -EMEDIUMTYPE);
    assert_int_equal(parse("application/json", "{}"), -EMEDIUMTYPE);
}

static const char multi[] = "multipart/form-data; boundary=XX";

static void multipart(void **state)
{
    static const struct {
        const char *type, *body, *want;
    } t[] = {
        {multi, "--XX--", ""},
        {multi, "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--XX--\r\n", "a=1"},
        {multi, "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n--XX--", "a="},
        {multi,
         "preamble\r\n--XX  \r\ncontent-disposition:form-data;name=a\r\nX-Y: z\r\n\r\n1\r\n2\r\n"
         "--XX\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n--X\r\n--XX--epilogue",
         "a=1\r\n2|b=--X"},
        {"multipart/form-data; charset=utf-8; boundary=\"a b\"",
         "--a b\r\nContent-Disposition: form-data; name=\"k\"\r\n\r\nv\r\n--a b--", "k=v"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        assert_int_equal(parse(t[i].type, t[i].body), 0);
        assert_string_equal(shown(), t[i].want);
    }
}

static void multipart_bad(void **state)
{
    static const char *const bad[] = {
        "",
        "--XX",
        "--XX\r\n",
        "--XXY\r\n",
        "--XX\r\n\r\n1\r\n--XX--",
        "--XX\r\nContent-Disposition: form-data\r\n\r\n1\r\n--XX--",
        "--XX\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n1\r\n--XX--",
        "--XX\r\nContent-Disposition: form-data; name=\"a\r\n\r\n1\r\n--XX--",
        "--XX\r\nContent-Disposition: form-data; name=\"a\\\"b\"\r\n\r\n1\r\n--XX--",
        "--XX\r\nContent-Disposition: form-data; name=\"a\"; filename=\"x\"\r\n\r\n1\r\n--XX--",
        "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1",
        "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--XX",
        "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n"
        "Content-Disposition: form-data; name=\"b\"\r\n\r\n1\r\n--XX--",
        "--XX\nContent-Disposition: form-data; name=\"a\"\n\n1\n--XX--",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(parse(multi, bad[i]), -EINVAL);
    assert_int_equal(parse("multipart/form-data", "--XX--"), -EINVAL);
    assert_int_equal(parse("multipart/form-data; boundary=", "--XX--"), -EINVAL);
    assert_int_equal(parse("multipart/form-data; boundary=\"XX", "--XX--"), -EINVAL);
}

static void looking_up(void **state)
{
    struct str v;

    (void)state;
    assert_int_equal(parse(url, "a=1&b=2&a=3"), 0);
    assert_int_equal(form_count(&form, "a", &v), 2);
    assert_true(str_is(v, "1"));
    assert_int_equal(form_count(&form, "c", &v), 0);
    assert_int_equal(v.n, 0);
    assert_true(str_is(form_twice(&form), "a"));
    assert_int_equal(parse(url, "a=1&b=2"), 0);
    assert_int_equal(form_twice(&form).n, 0);
}

static int setup(void **state)
{
    (void)state;
    arena = arena_new(4096, 1 << 20);
    return arena ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urlencoded), cmocka_unit_test(urlencoded_bad),
        cmocka_unit_test(multipart),  cmocka_unit_test(multipart_bad),
        cmocka_unit_test(looking_up),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
