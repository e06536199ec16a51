#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "pages/fields.h"

static const char yaml[] =
    "front: {public_url: https://buy.example}\n"
    "marketplace:\n"
    "  product: Acme\n"
    "  product_code: p1\n"
    "  plans:\n"
    "    a: {deployment_template: t, default: true}\n"
    "    b: {deployment_template: t, region_policy: buyer-selected, regions: [eu-west-1, "
    "us-east-1]}\n"
    "deployment_templates:\n"
    "  t: {engine: exec, command: [/bin/true]}\n"
    "fields:\n"
    "- {name: company, label: Firm, required: true, min: 2, max: 10}\n"
    "- {name: size, label: Size, type: number, min: 1, max: 500, plans: [b]}\n"
    "- {name: use, label: Use, type: select, options: [One, Two], plans: [b]}\n"
    "- {name: agree, label: Agree, type: checkbox, required: true, plans: [b]}\n";

static struct arena *arena;
static struct config *cfg;
static struct front front;
static struct fields *fs;
static struct str bad;

static const struct cfg_plan *plan(const char *name)
{
    return name ? config_plan(&cfg->markets[0], str_of(name)) : NULL;
}

/* An environment that is there already, or is being made, is in some region. */
static void no_region_of_what_is_made(void **state)
{
    (void)state;
    assert_int_equal(fields_for(arena, front.pages, cfg, plan("b"), true, &fs), 0);
    assert_null(fields_find(fs, STR("region")));
    assert_non_null(fields_find(fs, STR("size")));
}

static int fill(const char *plan_name, const char *body)
{
    static const char *const skip[] = {"csrf", NULL};
    struct form form;

    assert_int_equal(fields_for(arena, front.pages, cfg, plan(plan_name), false, &fs), 0);
    assert_int_equal(
        form_parse(arena, STR("application/x-www-form-urlencoded"), str_of(body), &form), 0);
    return fields_fill(fs, &form, skip, &bad);
}

static const char *error_of(const char *name)
{
    const struct field *f = fields_find(fs, str_of(name));

    assert_non_null(f);
    return arena_dup(arena, f->error);
}

static void which_fields(void **state)
{
    static const struct {
        const char *plan, *names;
    } t[] = {
        {"a", "email,full_name,company,phone,"},
        {"b", "email,full_name,company,phone,region,size,use,agree,"},
        {NULL, "email,full_name,company,phone,"},
    };
    char names[200];
    size_t i, k, n;

    (void)state;
    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        assert_int_equal(fill(t[i].plan, ""), 0);
        for (k = 0, n = 0; k < fs->n; k++)
            n += (size_t)snprintf(names + n, sizeof(names) - n, "%s,", fs->f[k].name);
        assert_string_equal(names, t[i].names);
    }
    assert_true(str_is(fields_find(fs, STR("company"))->label, "Firm"));
    assert_true(str_is(fields_find(fs, STR("email"))->label, "Email address"));
}

static void refused_forms(void **state)
{
    (void)state;
    assert_int_equal(fill("a", "email=a@b.co&admin=1"), -EINVAL);
    assert_true(str_is(bad, "admin"));
    assert_int_equal(fill("a", "email=a@b.co&size=3"), -EINVAL); /* another plan's field */
    assert_int_equal(fill("a", "email=a@b.co&email=c@d.co"), -EINVAL);
    assert_int_equal(fill("a", "csrf=x&email=a@b.co"), 0);
}

static void mails(void **state)
{
    static const struct {
        const char *mail, *error;
    } t[] = {
        {"ann%40example.com", ""},
        {"+++ann%2Btag%40gmail.com++", ""},
        {"", "Enter your email address"},
        {"+++", "Enter your email address"},
        {"ann", "Enter an email address in the correct format, like name@example.com"},
        {"ann@localhost", "Enter an email address in the correct format, like name@example.com"},
        {"a@b@c.de", "Enter an email address in the correct format, like name@example.com"},
        {"@c.de", "Enter an email address in the correct format, like name@example.com"},
        {"a@.de", "Enter an email address in the correct format, like name@example.com"},
        {"a@c.", "Enter an email address in the correct format, like name@example.com"},
        {"a+b@c.de", "Enter an email address in the correct format, like name@example.com"},
        {"a@c.de,x@y.de", "Enter an email address in the correct format, like name@example.com"},
        {"<a@c.de>", "Enter an email address in the correct format, like name@example.com"},
        {"a@c.de%0d%0aBcc:x@y.de",
         "Email address contains a character that cannot be used; type it again"},
        {"%e2%80%aea@c.de",
         "Email address contains a character that cannot be used; type it again"},
    };
    char body[300];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        snprintf(body, sizeof(body), "company=Acme&email=%s", t[i].mail);
        assert_int_equal(fill("a", body), 0);
        assert_int_equal(fields_check(fs), t[i].error[0] != '\0');
        assert_string_equal(error_of("email"), t[i].error);
    }
    memset(body, 'a', 290);
    memcpy(body, "company=Acme&email=x@", 21);
    memcpy(body + 280, ".de", 4);
    assert_int_equal(fill("a", body), 0);
    assert_int_equal(fields_check(fs), 1);
    assert_string_equal(error_of("email"), "Email address must be 254 characters or fewer");
}

static void other_fields(void **state)
{
    (void)state;
    fill("b", "email=a@b.co&company=X&size=501&use=Three&region=ap-south-1");
    assert_int_equal(fields_check(fs), 5);
    assert_string_equal(error_of("company"), "Firm must be 2 characters or more");
    assert_string_equal(error_of("size"), "Size must be 500 or less");
    assert_string_equal(error_of("use"), "Choose Use");
    assert_string_equal(error_of("region"), "Choose the region for your environment");
    assert_string_equal(error_of("agree"), "Tick the box: Agree");
    fill("b", "email=a@b.co&company=12345678901&size=many&agree=on&region=eu-west-1");
    assert_int_equal(fields_check(fs), 3);
    assert_string_equal(error_of("company"), "Firm must be 10 characters or fewer");
    assert_string_equal(error_of("size"), "Size must be a whole number, like 10");
    /* Characters are counted, not bytes. */
    fill("b", "email=a@b.co&company=%C3%A4%C3%A4%C3%A4%C3%A4%C3%A4%C3%A4%C3%A4%C3%A4%C3%A4%C3%A4"
              "&size=10&agree=yes&region=eu-west-1&use=Two");
    assert_int_equal(fields_check(fs), 0);
    assert_true(str_is(fields_option(fs, fields_find(fs, STR("region")), "eu-west-1"),
                       "Europe, Ireland (eu-west-1)"));
}

static void stored_form(void **state)
{
    struct buf json;

    (void)state;
    fill("a", "email=a@b.co&company=A%22%3Cb%3E&full_name=&phone=+%2B49+30+");
    assert_int_equal(fields_check(fs), 0);
    buf_init(&json, 4096);
    fields_json(fs, &json);
    assert_string_equal(buf_cstr(&json), "{\"email\":\"a@b.co\",\"company\":\"A\\\""
                                         "\\u003cb\\u003e\",\"phone\":\"+49 30\"}");
    assert_true(str_is(fields_email(fs), "a@b.co"));
    buf_free(&json);
}

static int setup(void **state)
{
    struct buf errors;
    int rc;

    (void)state;
    buf_init(&errors, 65536);
    arena = arena_new(65536, 16 << 20);
    rc = crypto_init();
    if (rc == 0)
        rc = config_parse("t.yaml", str_of(yaml), &cfg, &errors);
    if (rc == 0) {
        front.cfg = cfg;
        front.base = cfg->front.base;
        rc = pages_open(&front, &errors);
    }
    if (rc)
        print_error("%s\n", buf_cstr(&errors));
    buf_free(&errors);
    return rc;
}

static int teardown(void **state)
{
    (void)state;
    pages_close(&front);
    config_free(&cfg);
    arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_fields),  cmocka_unit_test(no_region_of_what_is_made),
        cmocka_unit_test(refused_forms), cmocka_unit_test(mails),
        cmocka_unit_test(other_fields),  cmocka_unit_test(stored_form),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
