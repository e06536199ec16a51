/* The terms of marketplaces, as a buyer reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pages/when.h"

static void terms(void **state)
{
    static const struct {
        const char *iso, *text;
    } t[] = {
        {"P1Y", "1 year"},   {"P3Y", "3 years"}, {"P1M", "1 month"}, {"P12M", "12 months"},
        {"P14D", "14 days"}, {"P2W", "2 weeks"}, {"", ""},           {"P", ""},
        {"PY", ""},          {"P0Y", ""},        {"1Y", ""},         {"P1Y6M", ""},
        {"PT1H", ""},        {"P-1Y", ""},       {"P1y", ""},        {"P99999Y", ""},
        {"P1Y ", ""},        {"<b>P1Y</b>", ""},
    };
    struct arena *a = arena_new(1024, 4096);

    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct str s = when_term(a, str_of(t[i].iso));
        assert_true(str_is(s, t[i].text));
    }
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(terms)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
