/* The operator's command line: flags by table, suggestions, the nouns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli_verbs.h"

#define PARSE(...)                                                                                 \
    parse((char *[]){(char[]){"lastmile"}, __VA_ARGS__, NULL}, &args, why, sizeof(why))
#define A(text) ((char[]){text})

static struct cli_args args;
static char why[256];

static int parse(char *const *argv, struct cli_args *out, char *text, size_t cap)
{
    int argc = 0;

    while (argv[argc])
        argc++;
    text[0] = '\0';
    return cli_args_parse(argc, argv, out, text, cap);
}

static void test_flags_and_values(void **state)
{
    (void)state;
    assert_int_equal(PARSE(A("--config=a.yaml"), A("get"), A("-o"), A("json"), A("orders"),
                           A("--state"), A("failed"), A("-n"), A("7")),
                     0);
    assert_string_equal(args.verb, "get");
    assert_int_equal(args.npos, 1);
    assert_string_equal(args.pos[0], "orders");
    assert_string_equal(args.value[CLI_F_CONFIG], "a.yaml");
    assert_string_equal(args.value[CLI_F_STATE], "failed");
    assert_int_equal(args.format, CLI_JSON);
    assert_int_equal(args.limit, 7);
    assert_true(cli_given(&args, CLI_F_LIMIT));
    assert_false(cli_given(&args, CLI_F_YES));
}

static void test_defaults(void **state)
{
    (void)state;
    assert_int_equal(PARSE(A("stats")), 0);
    assert_int_equal(args.format, CLI_TABLE);
    assert_int_equal(args.limit, 50);
    assert_int_equal(args.timeout_ms, 0);
}

static void test_double_dash_ends_flags(void **state)
{
    (void)state;
    assert_int_equal(PARSE(A("events"), A("--"), A("--state")), 0);
    assert_int_equal(args.npos, 1);
    assert_string_equal(args.pos[0], "--state");
}

static void test_refusals(void **state)
{
    (void)state;
    assert_int_not_equal(PARSE(A("get"), A("--stat"), A("x")), 0);
    assert_non_null(strstr(why, "did you mean --state?"));
    assert_int_not_equal(PARSE(A("get"), A("--nonsense")), 0);
    assert_null(strstr(why, "did you mean"));
    assert_int_not_equal(PARSE(A("get"), A("--yes"), A("--yes")), 0);
    assert_non_null(strstr(why, "twice"));
    assert_int_not_equal(PARSE(A("get"), A("--yes=1")), 0);
    assert_non_null(strstr(why, "takes no value"));
    assert_int_not_equal(PARSE(A("get"), A("--state")), 0);
    assert_non_null(strstr(why, "needs a value"));
    assert_int_not_equal(PARSE(A("get"), A("-o"), A("xml")), 0);
    assert_int_not_equal(PARSE(A("get"), A("-n"), A("-1")), 0);
    assert_int_not_equal(PARSE(A("get"), A("-n"), A("99999999")), 0);
    assert_int_not_equal(PARSE(A("v"), A("1"), A("2"), A("3"), A("4"), A("5")), 0);
}

static void test_durations(void **state)
{
    static const struct {
        const char *text;
        int rc;
        uint64_t ms;
    } rows[] = {
        {"90", 0, 90000},  {"90s", 0, 90000}, {"5m", 0, 300000}, {"1h", 0, 3600000},
        {"250ms", 0, 250}, {"", -1, 0},       {"s", -1, 0},      {"-5s", -1, 0},
        {"1.5s", -1, 0},   {"5 m", -1, 0},    {"5d", -1, 0},     {"99999999999", -1, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        uint64_t ms = 0;

        assert_int_equal(cli_args_duration(rows[i].text, &ms) ? -1 : 0, rows[i].rc);
        assert_int_equal(ms, rows[i].ms);
    }
}

static void test_every_flag_has_a_name_and_help(void **state)
{
    (void)state;
    for (int i = 0; i < CLI_FLAGS; i++) {
        const struct cli_flag *f = cli_flag((enum cli_flag_id)i);

        assert_non_null(f->name);
        assert_non_null(f->help);
        for (int j = 0; j < i; j++) {
            const struct cli_flag *g = cli_flag((enum cli_flag_id)j);

            assert_string_not_equal(f->name, g->name);
            assert_true(!f->letter || f->letter != g->letter);
        }
    }
}

static void test_verbs_are_complete(void **state)
{
    size_t n;
    const struct cli_verb *v = cli_verbs(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        struct buf b;

        assert_ptr_equal(cli_verb_find(v[i].name), &v[i]);
        assert_non_null(v[i].run);
        buf_init(&b, 65536);
        cli_help_verb(&b, &v[i]);
        assert_non_null(strstr(buf_cstr(&b), "Examples\n  lastmile "));
        assert_true(strstr(buf_cstr(&b), "Examples") < strstr(buf_cstr(&b), "Usage"));
        buf_reset(&b);
        cli_help_all(&b);
        assert_non_null(strstr(buf_cstr(&b), v[i].summary));
        buf_free(&b);
    }
    assert_null(cli_verb_find("nonsense"));
}

static void test_near_verbs(void **state)
{
    (void)state;
    assert_string_equal(cli_verb_near("descrbe"), "describe");
    assert_string_equal(cli_verb_near("check_config"), "check-config");
    assert_string_equal(cli_verb_near("susspend"), "suspend");
    assert_null(cli_verb_near("frobnicate"));
}

static void test_nouns(void **state)
{
    const struct cli_verb *v = cli_verb_find("describe");

    (void)state;
    assert_int_equal(PARSE(A("describe"), A("order"), A("o0-x")), 0);
    assert_int_equal(cli_verb_check(v, &args), CLI_OK);
    assert_int_equal(args.npos, 1);
    assert_string_equal(args.pos[0], "o0-x");
    assert_int_equal(PARSE(A("describe"), A("orders"), A("o0-x")), 0);
    assert_int_equal(cli_verb_check(v, &args), CLI_OK);
    assert_int_equal(PARSE(A("describe"), A("o0-x")), 0);
    assert_int_equal(cli_verb_check(v, &args), CLI_OK);
    assert_int_equal(PARSE(A("describe"), A("pod"), A("o0-x")), 0);
    assert_int_equal(cli_verb_check(v, &args), CLI_USAGE);
    assert_int_equal(PARSE(A("describe"), A("order")), 0);
    assert_int_equal(cli_verb_check(v, &args), CLI_USAGE);
    assert_int_equal(PARSE(A("describe"), A("order"), A("o0-x"), A("--yes")), 0);
    assert_int_equal(cli_verb_check(v, &args), CLI_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags_and_values),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_double_dash_ends_flags),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_every_flag_has_a_name_and_help),
        cmocka_unit_test(test_verbs_are_complete),
        cmocka_unit_test(test_near_verbs),
        cmocka_unit_test(test_nouns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
