/* Overrides of the seller: taken when good, refused with a place when not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/hash.h"
#include "pages/page.h"
#include "route.h"

static char dir[64];
static struct config cfg;
static struct front front;
static struct buf errors, body;
static int status;
static const char *location;

static void finished(struct req *r)
{
    status = r->resp.status;
    location = r->resp.location;
    buf_reset(&body);
    buf_str(&body, buf_view(&r->resp.body));
}

/* GET of a path that needs no store, through the route table. */
static const char *get(const char *path)
{
    struct arena *a = arena_new(REQ_ARENA_FIRST, REQ_ARENA_MAX);
    struct req r = {
        .arena = a, .method = REQ_GET, .path = str_of(path), .app = &front, .finish = finished};

    buf_init(&r.resp.body, REQ_ANSWER_MAX);
    status = 0;
    route_dispatch(&r);
    buf_free(&r.resp.body);
    arena_free(&a);
    return buf_cstr(&body);
}

static void put(const char *name, const char *text)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (text)
        assert_int_equal(file_write_atomic(path, str_of(text), 0644), 0);
    else
        unlink(path);
}

static int reload(void)
{
    int rc;

    pages_close(&front);
    buf_reset(&errors);
    rc = pages_open(&front, &errors);
    if (errors.len)
        print_message("%s", buf_cstr(&errors));
    return rc;
}

static bool complained(const char *what)
{
    return strstr(buf_cstr(&errors), what) != NULL;
}

static void shipped(void **state)
{
    const struct pages *pg;
    char tag[9];

    (void)state;
    assert_int_equal(reload(), 0);
    assert_int_equal(errors.len, 0);
    pg = front.pages;
    memcpy(tag, pg->tag, sizeof(tag));
    assert_non_null(strstr(get("/m"), "<h1>Set up your purchase</h1>"));
    assert_int_equal(status, 200);
    assert_non_null(strstr(get("/m/nothing/at/all"), "Page not found"));
    assert_int_equal(status, 404);
    assert_non_null(strstr(get("/elsewhere"), "Page not found"));
    assert_non_null(strstr(get("/m/api/v9"), "\"title\":"));
    assert_non_null(strstr(get("/m/api/openapi.json"), "\"url\": \"/m\""));
    assert_non_null(strstr(get("/m/static/style.css"), "--brand"));
    assert_non_null(strstr(get("/m/static/brand.css"), ":root{--brand:"));
    get("/m/static/nothing.css");
    assert_int_equal(status, 404);
    assert_int_equal(reload(), 0);
    pg = front.pages;
    assert_memory_equal(tag, pg->tag, sizeof(tag)); /* the same in every process */
}

static void good_overrides(void **state)
{
    (void)state;
    put("foot.html", "</main><footer>Own foot of {{seller}}</footer></body></html>\n");
    put("en.txt", "landing.help.title = Willkommen bei {seller}\n");
    cfg.brand.seller = "Acme <&>";
    assert_int_equal(reload(), 0);
    assert_non_null(strstr(get("/m"), "Own foot of Acme &lt;&amp;&gt;"));
    assert_non_null(strstr(get("/m"), "<h1>Willkommen bei"));
}

static void bad_overrides(void **state)
{
    static const struct {
        const char *name, *text, *want;
    } t[] = {
        {"foot.html", "</main>\n{{secret}}", "/foot.html:2: unknown variable secret\n"},
        {"status.html", "<img src=\"https://tracker.example/x.gif\">",
         "/status.html:1: an address in a template must be of this origin or a variable\n"},
        {"notice.html", "<script>x()</script>", "/notice.html:1: inline script is not allowed\n"},
        {"head.html", "{{#product}}", "/head.html:1: section is not closed: product\n"},
        {"en.txt", "step.reddy = Reddy\n", "/en.txt:1: no such text: step.reddy\n"},
        {"en.txt", "step.ready = {email}\n", "/en.txt:1: this text has no value called email\n"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        put(t[i].name, t[i].text);
        assert_int_equal(reload(), -EINVAL);
        assert_true(complained(t[i].want));
        assert_null(front.pages);
        put(t[i].name, NULL);
    }
}

static void logos(void **state)
{
    char path[128];

    (void)state;
    snprintf(path, sizeof(path), "%s/logo.svg", dir);
    cfg.brand.logo_file = path;
    assert_int_equal(reload(), -EINVAL);
    assert_true(complained("the logo is a readable"));
    put("logo.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>");
    assert_int_equal(reload(), 0);
    assert_non_null(strstr(get("/m"), "<img class=\"logo\" src=\"/m/static/logo?"));
    assert_non_null(strstr(get("/m/static/logo"), "<svg"));
}

/* Without a configuration (measuring) errors are still answered. */
static void no_pages(void **state)
{
    (void)state;
    pages_close(&front);
    get("/m/nothing");
    assert_int_equal(status, 503);
}

/* After each test, failed or not. */
static int clean(void **state)
{
    static const char *const names[] = {"foot.html",   "head.html", "notice.html",
                                        "status.html", "en.txt",    "logo.svg"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        put(names[i], NULL);
    cfg.brand.seller = cfg.brand.logo_file = "";
    return 0;
}

static int setup(void **state)
{
    static const char yaml[] = "front: {public_url: https://buy.example, base: /m}\n"
                               "marketplace:\n  product: Acme\n  product_code: p1\n"
                               "  plans: {a: {deployment_template: t}}\n"
                               "deployment_templates: {t: {engine: exec, command: [/bin/true]}}\n";
    static struct config *parsed;
    const char *tmp = getenv("TMPDIR");

    (void)state;
    buf_init(&errors, 65536);
    buf_init(&body, REQ_ANSWER_MAX);
    snprintf(dir, sizeof(dir), "%s/lmpages.XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (crypto_init() || !mkdtemp(dir) || config_parse("t.yaml", str_of(yaml), &parsed, &errors)) {
        print_error("%s\n", buf_cstr(&errors));
        return -1;
    }
    *state = parsed;
    cfg = *parsed;
    cfg.brand.templates_dir = dir;
    front.cfg = &cfg;
    front.base = cfg.front.base;
    return 0;
}

static int teardown(void **state)
{
    struct config *parsed = *state;

    pages_close(&front);
    config_free(&parsed);
    buf_free(&errors);
    buf_free(&body);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(shipped, clean),
        cmocka_unit_test_teardown(good_overrides, clean),
        cmocka_unit_test_teardown(bad_overrides, clean),
        cmocka_unit_test_teardown(logos, clean),
        cmocka_unit_test_teardown(no_pages, clean),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
