#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "front.h"
#include "route.h"

static const struct route table[] = {
    {ROUTE_POST, ROUTE_PAGE, "{channel}/{product}", 100, NULL},
    {ROUTE_GET, ROUTE_PAGE, "{channel}/{product}", 100, NULL},
    {ROUTE_GET, ROUTE_PAGE, "s/{cap}", 0, NULL},
    {ROUTE_GET, ROUTE_API, "s/{cap}/status.json", 0, NULL},
    {ROUTE_GET, ROUTE_PAGE, "r/{id}", 0, NULL},
    {ROUTE_POST, ROUTE_PAGE, "r/{id}", 100, NULL},
    {ROUTE_GET, ROUTE_PAGE, "", 0, NULL},
    {ROUTE_GET, ROUTE_PAGE, "livez", 0, NULL},
    {ROUTE_GET, ROUTE_PAGE, "console/", 0, NULL},
};
enum { ROWS = sizeof(table) / sizeof(table[0]) };

static void rows(void **state)
{
    static const struct {
        enum req_method m;
        const char *path;
        int row; /* -1: none */
        unsigned allowed;
        const char *bound0, *bound1;
    } t[] = {
        {REQ_GET, "livez", 7, ROUTE_GET, "", ""},
        {REQ_HEAD, "livez", 7, ROUTE_GET, "", ""},
        {REQ_GET, "livez/", -1, 0, "", ""},
        {REQ_GET, "liveZ", -1, 0, "", ""},
        {REQ_GET, "", 6, ROUTE_GET, "", ""},
        {REQ_GET, "console/", 8, ROUTE_GET, "", ""},
        {REQ_GET, "console", -1, 0, "", ""},
        {REQ_GET, "aws/prod", 1, ROUTE_GET | ROUTE_POST, "aws", "prod"},
        {REQ_POST, "aws/prod", 0, ROUTE_GET | ROUTE_POST, "aws", "prod"},
        {REQ_GET, "aws/", -1, 0, "", ""},
        {REQ_GET, "aws/a/b", -1, 0, "", ""},
        {REQ_GET, "s/x", 2, ROUTE_GET, "x", ""},
        {REQ_GET, "r/x", 4, ROUTE_GET | ROUTE_POST, "x", ""},
        {REQ_POST, "r/x", 5, ROUTE_GET | ROUTE_POST, "x", ""},
        {REQ_GET, "s/x/status.json", 3, ROUTE_GET, "x", ""},
        {REQ_GET, "s//status.json", -1, 0, "", ""},
        {REQ_GET, "s/x/status.jso", -1, 0, "", ""},
        {REQ_GET, "s/x/status.json/", -1, 0, "", ""},
        {REQ_GET, "s/x/status.jsonx", -1, 0, "", ""},
        {REQ_GET, "live/ez", 1, ROUTE_GET | ROUTE_POST, "live", "ez"},
        {REQ_GET, "1/2/3/4/5/6/7/8", -1, 0, "", ""},
        {REQ_GET, "1/2/3/4/5/6/7/8/9", -1, 0, "", ""},
        {REQ_GET, "////////////", -1, 0, "", ""},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct route_match m = {0};
        bool found = route_match(table, ROWS, t[i].m, str_of(t[i].path), &m);

        assert_int_equal(found, t[i].row >= 0);
        if (!found)
            continue;
        assert_int_equal(m.route - table, t[i].row);
        assert_int_equal(m.allowed, t[i].allowed);
        assert_true(str_is(m.bound[0], t[i].bound0));
        assert_true(str_is(m.bound[1], t[i].bound1));
    }
}

/* The specific pattern answers for its methods; the general one must not take what it refuses. */
static void specific_pattern_wins_whatever_the_method(void **state)
{
    struct route_match m = {0};

    (void)state;
    assert_true(route_match(table, ROWS, REQ_POST, STR("s/x"), &m));
    assert_int_equal(m.route - table, 2);
    assert_int_equal(m.allowed, ROUTE_GET);
    assert_true(route_match(table, ROWS, REQ_OTHER, STR("aws/prod"), &m));
    assert_int_equal(m.allowed, ROUTE_GET | ROUTE_POST);
}

/* Every row of the real table is found by a path of its own form. */
static void every_pattern_can_match(void **state)
{
    struct route_match m;
    char path[256];

    (void)state;
    for (size_t i = 0; i < routes_count; i++) {
        size_t n = 0;

        for (const char *p = routes[i].pattern; *p; p++)
            path[n++] = *p == '{' || *p == '}' ? 'x' : *p;
        assert_true(route_match(routes, routes_count,
                                routes[i].methods == ROUTE_POST ? REQ_POST : REQ_GET,
                                str_make(path, n), &m));
        assert_true(m.route == &routes[i]);
    }
    assert_false(route_match(routes, routes_count, REQ_GET, STR("livez\0x"), &m));
}

static void segments_have_a_limit(void **state)
{
    char path[300] = "s/";
    struct route_match m;

    (void)state;
    memset(path + 2, 'a', 256);
    assert_true(route_match(table, ROWS, REQ_GET, str_of(path), &m));
    assert_int_equal(m.bound[0].n, 256);
    path[258] = 'a';
    assert_false(route_match(table, ROWS, REQ_GET, str_of(path), &m));
}

static void paths(void **state)
{
    static const char *const good[] = {"/", "/a", "/a/", "/a.b/..c/d..", "/\xc3\xa4", "/a b"};
    static const struct {
        const char *p;
        size_t n;
    } bad[] = {
        {"", 0},       {"a", 1},      {"//", 2},        {"/a//b", 5},         {"/../a", 5},
        {"/a/..", 5},  {"/a/./b", 6}, {"/.", 2},        {"/a\0b", 4},         {"/a\nb", 4},
        {"/a\x7f", 3}, {"/\xff", 2},  {"/\xc0\xaf", 3}, {"/\xed\xa0\x80", 4}, {"/a//", 4},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(route_path_ok(str_of(good[i])));
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(route_path_ok(str_make(bad[i].p, bad[i].n)));
}

/* ---- the real table, as far as it needs no store ---- */

static int answers;

static void finish(struct req *r)
{
    (void)r;
    answers++;
}

static void livez_through_the_base(void **state)
{
    static const struct {
        enum req_method m;
        const char *path;
        size_t body;
        int status;
    } t[] = {{REQ_GET, "/shop/livez", 0, 200}, {REQ_HEAD, "/shop/livez", 0, 200}};
    struct front f = {.base = "/shop"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct req r = {.method = t[i].m, .path = str_of(t[i].path), .app = &f, .finish = finish};

        r.arena = arena_new(4096, 65536);
        buf_init(&r.resp.body, 65536);
        answers = 0;
        route_dispatch(&r);
        assert_int_equal(answers, 1);
        assert_int_equal(r.resp.status, t[i].status);
        buf_free(&r.resp.body);
        arena_free(&r.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),
        cmocka_unit_test(specific_pattern_wins_whatever_the_method),
        cmocka_unit_test(every_pattern_can_match),
        cmocka_unit_test(segments_have_a_limit),
        cmocka_unit_test(paths),
        cmocka_unit_test(livez_through_the_base),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
