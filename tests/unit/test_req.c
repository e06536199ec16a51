#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "req.h"

enum { PARAMS = 12 };

static struct req_param list[PARAMS];

/* "NAME", "value", ..., NULL */
static struct req make(struct arena *a, const char *const *pairs)
{
    struct req r = {.arena = a, .params = list};

    for (; *pairs; pairs += 2) {
        list[r.nparams].name = str_of(pairs[0]);
        list[r.nparams++].value = str_of(pairs[1]);
    }
    return r;
}

static void path_is_script_name_and_path_info(void **state)
{
    static const struct {
        const char *pairs[7];
        const char *path;
    } t[] = {
        {{"SCRIPT_NAME", "/marketplace/livez", NULL}, "/marketplace/livez"},
        {{"SCRIPT_NAME", "/m", "PATH_INFO", "/a/b", NULL}, "/m/a/b"},
        {{"SCRIPT_NAME", "", "PATH_INFO", "/a", NULL}, "/a"},
        {{"PATH_INFO", "/a", NULL}, "/a"},
        {{"SCRIPT_NAME", "/m", "PATH_INFO", "", "REQUEST_URI", "/evil", NULL}, "/m"},
        {{"REQUEST_URI", "/only", NULL}, ""},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct arena *a = arena_new(1024, 4096);
        struct req r = make(a, t[i].pairs);

        assert_int_equal(req_prepare(&r, 7), 0);
        assert_true(str_is(r.path, t[i].path));
        assert_int_equal(r.deadline, 7);
        arena_free(&a);
    }
}

static void methods(void **state)
{
    static const struct {
        const char *name;
        enum req_method m;
    } t[] = {{"GET", REQ_GET},     {"HEAD", REQ_HEAD},  {"POST", REQ_POST},
             {"PUT", REQ_OTHER},   {"get", REQ_OTHER},  {"", REQ_OTHER},
             {"TRACE", REQ_OTHER}, {"GETS", REQ_OTHER}, {"DELETE", REQ_OTHER}};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        const char *pairs[] = {"REQUEST_METHOD", t[i].name, NULL};
        struct req r = make(NULL, pairs);

        assert_int_equal(req_prepare(&r, 0), 0);
        assert_int_equal(r.method, t[i].m);
    }
}

static void decisive_params_twice(void **state)
{
    static const char *const names[] = {
        "REQUEST_METHOD",     "SCRIPT_NAME", "PATH_INFO",           "QUERY_STRING",
        "CONTENT_TYPE",       "HTTP_HOST",   "HTTP_ORIGIN",         "HTTP_SEC_FETCH_SITE",
        "HTTP_AUTHORIZATION", "REMOTE_USER", "HTTP_IDEMPOTENCY_KEY"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *same[] = {names[i], "v", names[i], "v", NULL};
        const char *differ[] = {names[i], "v", names[i], "w", NULL};
        struct arena *a = arena_new(1024, 4096);
        struct req r = make(a, same);

        assert_int_equal(req_prepare(&r, 0), 0);
        r = make(a, differ);
        assert_int_equal(req_prepare(&r, 0), 400);
        assert_true(req_param_twice(&r, names[i]));
        arena_free(&a);
    }
}

static void other_params_twice(void **state)
{
    static const char *const pairs[] = {"HTTP_X_A", "1", "HTTP_X_A", "2", NULL};
    struct req r = make(NULL, pairs);

    (void)state;
    assert_int_equal(req_prepare(&r, 0), 0);
    assert_true(str_is(req_param(&r, "HTTP_X_A"), "1"));
    assert_int_equal(req_param(&r, "HTTP_X_B").n, 0);
    assert_true(req_param_twice(&r, "HTTP_X_A"));
    assert_false(req_param_twice(&r, "HTTP_X_B"));
}

static void ids_differ(void **state)
{
    static const char *const none[] = {NULL};
    struct req a = make(NULL, none), b = make(NULL, none);

    (void)state;
    req_prepare(&a, 0);
    req_prepare(&b, 0);
    assert_int_equal(strlen(a.id), 16);
    assert_int_equal(strspn(a.id, "0123456789abcdef"), 16);
    assert_string_not_equal(a.id, b.id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_is_script_name_and_path_info),
        cmocka_unit_test(methods),
        cmocka_unit_test(decisive_params_twice),
        cmocka_unit_test(other_params_twice),
        cmocka_unit_test(ids_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
