/* What a stranger wrote must not reach a terminal, and tables must stay tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cli/cli_table.h"
#include "cli/cli_text.h"

static struct buf b;

static const char *safe(struct str s)
{
    buf_reset(&b);
    cli_text_safe(&b, s);
    return buf_cstr(&b);
}

static void test_safe(void **state)
{
    static const struct {
        struct str in;
        const char *out;
    } rows[] = {
        {STR("plain text, 100 %"), "plain text, 100 %"},
        {STR("\x1b]0;owned\x07"), "\\x1b]0;owned\\x07"},
        {STR("\x1b[2J"), "\\x1b[2J"},
        {STR("a\nb\tc\r"), "a\\x0ab\\x09c\\x0d"},
        {STR("\x7f"), "\\x7f"},
        {STR("\xc2\x9b"
             "2J"),
         "\\x9b2J"},
        {STR("\xe2\x80\xae"
             "txt.exe"),
         "\\u{202e}txt.exe"},
        {STR("a\xe2\x80\x8b"
             "b"),
         "a\\u{200b}b"},
        {STR("J\xc3\xbcrgen"), "J\xc3\xbcrgen"},
        {STR("\xff\xfe"), "\\xff\\xfe"},
        {STR("\xc3"), "\\xc3"},
        {STR("\xe2\x82"), "\\xe2\\x82"},
        {STR("\xed\xa0\x80"), "\\xed\\xa0\\x80"},
        {STR("\xc0\x80"), "\\xc0\\x80"},
        {STR("\0x"), "\\x00x"},
        {STR(""), ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_string_equal(safe(rows[i].in), rows[i].out);
}

static void test_every_byte_is_harmless(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        char text[3] = {'a', (char)c, 'z'};
        const char *out = safe(str_make(text, 3));

        assert_true(str_utf8(str_of(out)));
        for (const char *p = out; *p; p++)
            assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
    }
}

static void test_width(void **state)
{
    (void)state;
    assert_int_equal(cli_text_width(STR("abc")), 3);
    assert_int_equal(cli_text_width(STR("\xc3\xbc")), 1);
    assert_int_equal(cli_text_width(STR("\xe6\xbc\xa2\xe5\xad\x97")), 4);
    assert_int_equal(cli_text_width(STR("e\xcc\x81")), 1);
    assert_int_equal(cli_text_head(STR("abc"), 2).n, 2);
    assert_int_equal(cli_text_head(STR("\xe6\xbc\xa2\xe5\xad\x97"), 3).n, 3);
}

static const char *masked(void (*mask)(struct buf *, struct str), struct str s)
{
    buf_reset(&b);
    mask(&b, s);
    return buf_cstr(&b);
}

static void test_masks(void **state)
{
    (void)state;
    assert_string_equal(masked(cli_text_mask_email, STR("alice@acme.com")), "a…@acme.com");
    assert_string_equal(masked(cli_text_mask_email, STR("\xc3\xbcli@acme.com")),
                        "\xc3\xbc…@acme.com");
    assert_string_equal(masked(cli_text_mask_email, STR("nobody")), "…");
    assert_string_equal(masked(cli_text_mask_email, STR("@acme.com")), "…");
    assert_string_equal(masked(cli_text_mask_email, STR("")), "");
    assert_string_equal(masked(cli_text_mask_id, STR("123456784135")), "********4135");
    assert_string_equal(masked(cli_text_mask_id, STR("41")), "********");
}

static const struct cli_col cols[] = {
    {"id", "ID", "id", CLI_TEXT, false},           {"name", "NAME", "name", CLI_TEXT, true},
    {"state", "STATE", "state", CLI_STATE, false}, {"email", "EMAIL", "email", CLI_EMAIL, false},
    {"at", NULL, "at", CLI_TIME, false},           {"n", NULL, "n", CLI_INT, false},
    {"ok", NULL, "ok", CLI_BOOL, false},           {"raw", NULL, "raw", CLI_RAW, false},
    {"form", NULL, "form", CLI_PRIVATE, false},
};
#define NCOLS (sizeof(cols) / sizeof(*cols))

static const struct store_field full[] = {
    {STR("id"), STR("1")},
    {STR("name"), STR("a long name that is cut")},
    {STR("state"), STR("READY")},
    {STR("email"), STR("bob@x.io")},
    {STR("at"), STR("1763860000000")},
    {STR("n"), STR("12")},
    {STR("ok"), STR("1")},
    {STR("raw"), STR("{\"a\":[1,2]}")},
    {STR("form"), STR("{\"company\":\"Acme\"}")},
};
static const struct store_row full_row = {full, sizeof(full) / sizeof(*full)};
static const struct store_row empty_row = {NULL, 0};

static const char *table(size_t width, bool color)
{
    struct cli_table t;

    assert_int_equal(cli_table_init(&t, cols, NCOLS), 0);
    assert_int_equal(cli_table_add(&t, &full_row, false), 0);
    assert_int_equal(cli_table_add(&t, &empty_row, false), 0);
    buf_reset(&b);
    cli_table_print(&t, width, color, &b);
    cli_table_free(&t);
    return buf_cstr(&b);
}

static void test_table(void **state)
{
    (void)state;
    assert_string_equal(table(0, false), "ID  NAME                     STATE  EMAIL\n"
                                         "1   a long name that is cut  READY  b…@x.io\n"
                                         "-   -                        -      -\n");
    assert_string_equal(table(30, false), "ID  NAME        STATE  EMAIL\n"
                                          "1   a long na…  READY  b…@x.io\n"
                                          "-   -           -      -\n");
    assert_non_null(strstr(table(0, true), "\x1b[32mREADY\x1b[0m  b"));
    /* Narrower than anything: the columns that must be whole stay whole. */
    assert_non_null(strstr(table(5, false), "READY"));
}

static void test_json(void **state)
{
    struct jsonw w;

    (void)state;
    buf_reset(&b);
    jsonw_init(&w, &b);
    jsonw_obj(&w);
    cli_col_row_json(&w, cols, NCOLS, &full_row, false);
    jsonw_obj_end(&w);
    assert_string_equal(buf_cstr(&b),
                        "{\"id\":\"1\",\"name\":\"a long name that is cut\",\"state\":\"READY\","
                        "\"email\":\"b…@x.io\",\"at\":\"2025-11-23T01:06:40Z\",\"n\":12,"
                        "\"ok\":true,\"raw\":{\"a\":[1,2]},\"form\":null}");
    buf_reset(&b);
    jsonw_init(&w, &b);
    jsonw_obj(&w);
    cli_col_row_json(&w, cols, NCOLS, &empty_row, true);
    jsonw_obj_end(&w);
    assert_string_equal(buf_cstr(&b),
                        "{\"id\":null,\"name\":null,\"state\":null,\"email\":null,\"at\":null,"
                        "\"n\":null,\"ok\":false,\"raw\":null,\"form\":null}");
    buf_reset(&b);
    jsonw_init(&w, &b);
    jsonw_obj(&w);
    cli_col_row_json(&w, cols, NCOLS, &full_row, true);
    jsonw_obj_end(&w);
    assert_non_null(strstr(buf_cstr(&b), "\"email\":\"bob@x.io\""));
    assert_non_null(strstr(buf_cstr(&b), "\"form\":{\"company\":\"Acme\"}"));
}

static void test_ages(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {{-5, "0s"},        {0, "0s"},       {119999, "119s"},   {120000, "2m"},
                {7199999, "119m"}, {7200000, "2h"}, {172799999, "47h"}, {172800000, "2d"}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        buf_reset(&b);
        cli_col_age(&b, rows[i].ms);
        assert_string_equal(buf_cstr(&b), rows[i].text);
    }
}

static int setup(void **state)
{
    (void)state;
    buf_init(&b, 65536);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_free(&b);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_safe),  cmocka_unit_test(test_every_byte_is_harmless),
        cmocka_unit_test(test_width), cmocka_unit_test(test_masks),
        cmocka_unit_test(test_table), cmocka_unit_test(test_json),
        cmocka_unit_test(test_ages),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
