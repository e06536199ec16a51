/* config: bad YAML -> the exact message with its place; good YAML -> typed values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "config/cfg_color.h"
#include "config/config.h"
#include "unit/config_rows.h"

#define ERRORS_MAX (1u << 20)

static const char head[] = "deploy: {endpoint: \"http://{tenant}.localhost/\"}\n"
                           "deployment_templates:\n"
                           "  small: {engine: process, command: [/bin/true]}\n";
static const char market[] = "marketplace:\n  plans:\n    a: {deployment_template: small}\n";

static void check_row(const struct config_row *r)
{
    struct buf text, errors;
    struct config *c = NULL;
    buf_init(&text, ERRORS_MAX);
    buf_init(&errors, ERRORS_MAX);
    if (r->frame != ROW_ALONE)
        buf_cat(&text, head);
    if (r->frame == ROW_BEFORE)
        buf_cat(&text, market);
    buf_cat(&text, r->yaml);

    int rc = config_parse("f", buf_view(&text), &c, &errors);
    if (strcmp(buf_cstr(&errors), r->errors) != 0)
        fail_msg("for\n%s\nexpected\n%sgot\n%s", buf_cstr(&text), r->errors, buf_cstr(&errors));
    assert_int_equal(rc != 0, r->errors[0] != 0);
    assert_int_equal(c == NULL, rc != 0);
    config_free(&c);
    buf_free(&text);
    buf_free(&errors);
}

static void test_bad_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_rows_count; i++)
        check_row(&config_rows[i]);
}

static struct config *load(const char *yaml)
{
    struct buf errors;
    struct config *c = NULL;
    buf_init(&errors, ERRORS_MAX);
    if (config_parse("f", str_of(yaml), &c, &errors))
        fail_msg("%s", buf_cstr(&errors));
    buf_free(&errors);
    return c;
}

/* The first version of a seller's file: the mapping alone, with the two templates it names. */
static const char seller[] = "marketplace:\n"
                             "  provider: clazar\n"
                             "  cloud: aws\n"
                             "  plans:\n"
                             "    starter:\n"
                             "      deployment_template: starter-single-tenant\n"
                             "      region_policy: buyer-selected\n"
                             "      billing: marketplace-metered\n"
                             "    enterprise:\n"
                             "      deployment_template: enterprise-dedicated\n"
                             "      network: private\n"
                             "      high_availability: true\n"
                             "      support_tier: premium\n"
                             "deployment_templates:\n"
                             "  starter-single-tenant: {engine: exec, command: [/bin/true]}\n"
                             "  enterprise-dedicated: {engine: exec, command: [/bin/true, -x]}\n";

static void test_seller_file(void **state)
{
    (void)state;
    struct config *c = load(seller);
    assert_int_equal(c->nmarkets, 1);
    const struct cfg_market *m = config_market(c, STR("clazar"), STR("default"));
    assert_non_null(m);
    assert_string_equal(m->cloud, "aws");
    assert_int_equal(m->nplans, 2);
    assert_null(config_plan_default(m));
    const struct cfg_plan *p = config_plan(m, STR("enterprise"));
    assert_non_null(p);
    assert_string_equal(p->network, "private");
    assert_true(p->high_availability);
    assert_string_equal(p->support_tier, "premium");
    assert_string_equal(p->title, "enterprise");
    assert_ptr_equal(config_plan_by_dimension(m, STR("enterprise")), p);
    assert_null(config_plan_by_dimension(m, STR("")));
    const struct cfg_template *t = config_template(c, "enterprise-dedicated");
    assert_non_null(t);
    assert_string_equal(t->command[1], "-x");
    assert_null(t->command[2]);

    struct buf errors;
    buf_init(&errors, ERRORS_MAX);
    assert_int_not_equal(config_check_files(c, 0, &errors), 0);
    assert_non_null(strstr(buf_cstr(&errors),
                           "f:2:13: provider clazar: this version speaks to marketplaces directly "
                           "only; orders of this product are not accepted\n"));
    buf_free(&errors);
    config_free(&c);
    assert_null(c);
    config_free(&c);
}

static void test_defaults(void **state)
{
    (void)state;
    struct config *c = load("marketplace: {product: Acme Search (Pro), plans: {a: {fulfilment: "
                            "manual, manual_promise: within a day}}}\n");
    const struct cfg_market *m = &c->markets[0];
    assert_string_equal(m->name, "acme-search-pro");
    assert_string_equal(m->channel, "aws");
    assert_string_equal(m->region, "us-east-1");
    assert_true(m->metered);
    assert_false(m->contract);
    assert_non_null(m->sns_topics);
    assert_null(m->sns_topics[0]);
    assert_true(m->plans[0].is_default);
    assert_int_equal(m->plans[0].grace_ms, 30ull * 86400000);
    assert_string_equal(c->redis.socket, "/run/lastmile/redis.sock");
    assert_int_equal(c->redis.port, 6379);
    assert_int_equal(c->redis.shards, 1);
    assert_int_equal(c->redis.durability, CFG_DUR_ALWAYS);
    assert_string_equal(c->front.base, "/marketplace");
    assert_true(c->front.sandbox);
    assert_int_equal(c->worker.lease_ms, 30000);
    assert_int_equal(c->deploy.uid_base, 200000);
    assert_string_equal(c->seal_secret_file, "/etc/lastmile/seal.key");
    assert_string_equal(c->brand.on_color, "#ffffff");
    assert_string_equal(c->log_level, "info");
    assert_string_equal(c->notify.smtp_url, "");
    config_free(&c);
}

static void test_deadlines(void **state)
{
    (void)state;
    struct config *c = load("marketplace: {plans: {a: {deployment_template: one}}}\n"
                            "deployment_templates:\n"
                            "  one: {engine: exec, command: [/bin/true]}\n"
                            "  two: {engine: exec, command: [/bin/true],\n"
                            "    deadlines: {create: 1d, delete: 90s}}\n");
    const struct cfg_deadlines *d = &c->templates[0].work;

    assert_int_equal(d->create_ms, 7200000);
    assert_int_equal(d->update_ms, 7200000);
    assert_int_equal(d->suspend_ms, 3600000);
    assert_int_equal(d->resume_ms, 3600000);
    assert_int_equal(d->delete_ms, 7200000);
    d = &c->templates[1].work;
    assert_int_equal(d->create_ms, 86400000);
    assert_int_equal(d->update_ms, 7200000);
    assert_int_equal(d->delete_ms, 90000);
    config_free(&c);
}

static void test_values(void **state)
{
    (void)state;
    struct config *c =
        load("redis: {user: all, password_file: /p, cli_user: op, shards: 16, wait: 250ms}\n"
             "branding: {color: \"#FFD700\", seller: no, next_steps: \"one\\ntwo\"}\n"
             "fields:\n"
             "  - {name: size, label: Size, type: select, options: [s, m], required: true}\n"
             "  - {name: vat, label: VAT, plans: [a], max: 20}\n"
             "deployment_templates:\n"
             "  t:\n"
             "    engine: process\n"
             "    command: [/bin/x]\n"
             "    endpoint: https://x.example/t/{tenant}/\n"
             "    environment: {A: 1, B: \"two words\"}\n"
             "    limits: {memory: 1G, cpu_percent: 150, pids: 64}\n"
             "    parameters: {k.v: 'true'}\n"
             "marketplaces:\n"
             "- {name: one, pricing: contract, product_code: pc1, plans: {a: "
             "{deployment_template: t, limits: {memory: 2G}}}}\n"
             "- {name: two, pricing: contract-with-consumption, plans: {b: {fulfilment: account, "
             "account_url: 'https://app.example/'}}}\n");
    assert_string_equal(c->redis.front_user, "all");
    assert_string_equal(c->redis.cli_user, "op");
    assert_string_equal(c->redis.cli_password_file, "/p");
    assert_int_equal(c->redis.wait_ms, 250);
    assert_string_equal(c->brand.seller, "no");
    assert_string_equal(c->brand.on_color, "#111111");
    assert_string_equal(c->brand.next_steps, "one\ntwo");
    assert_string_equal(c->fields[0].options[1], "m");
    assert_null(c->fields[0].plans);
    assert_string_equal(c->fields[1].plans[0], "a");
    const struct cfg_template *t = config_template(c, "t");
    assert_string_equal(t->environment[1], "B=two words");
    assert_null(t->environment[2]);
    assert_int_equal(t->limits.memory, 1ull << 30);
    assert_int_equal(t->limits.cpu_pct, 150);
    assert_string_equal(t->parameters[0].key, "k.v");
    assert_string_equal(t->parameters[0].value, "true");
    const struct cfg_market *m = config_market_by_code(c, STR("pc1"));
    assert_non_null(m);
    assert_true(m->contract);
    assert_false(m->metered);
    assert_true(c->markets[1].contract && c->markets[1].metered);
    assert_null(config_market_by_code(c, STR("")));
    config_free(&c);
}

static void test_explain(void **state)
{
    (void)state;
    struct config *c = load(seller);
    struct buf out;
    buf_init(&out, ERRORS_MAX);
    config_explain(c, &out);
    static const char *const wanted[] = {
        "bought on: aws through clazar",
        "landing page: /marketplace/clazar/default",
        "by template starter-single-tenant, engine exec: /bin/true\n",
        "region: the buyer chooses\n",
        "billing: marketplace-metered\n",
        "network=private high_availability=true support_tier=premium\n",
        "suspended for 30d, then deleted; the archive is kept for 30d\n",
        "mail: off",
        "no default plan",
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (!strstr(buf_cstr(&out), wanted[i]))
            fail_msg("no \"%s\" in\n%s", wanted[i], buf_cstr(&out));
    buf_free(&out);
    config_free(&c);
}

static void test_azure_needs(void **state)
{
    (void)state;
    struct config *c =
        load("marketplace: {cloud: azure, azure: {offer_id: docs, client_id: a, "
             "sign_in_client_id: a, key_file: /nowhere/k, certificate_file: "
             "/nowhere/c}, plans: {a: {fulfilment: manual, manual_promise: soon}}}\n");
    const char *const wanted[] = {
        "f:1:36: azure: tenant_id is missing; nothing can be asked of Microsoft\n",
        "azure: buyers sign in to the app that may call the fulfilment API; register a second",
        "certificate_file: '/nowhere/c' is not there; needed by: market\n",
        "key_file: '/nowhere/k' is not there; needed by: market\n",
    };
    struct buf errors;
    buf_init(&errors, ERRORS_MAX);
    assert_string_equal(c->markets[0].product_code, "docs");
    assert_int_not_equal(config_check_files(c, 0, &errors), 0);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (!strstr(buf_cstr(&errors), wanted[i]))
            fail_msg("no \"%s\" in\n%s", wanted[i], buf_cstr(&errors));
    assert_null(strstr(buf_cstr(&errors), "client_secret_file is missing"));
    assert_null(strstr(buf_cstr(&errors), "offer_id"));
    buf_free(&errors);
    config_free(&c);
}

static void test_gcp_needs(void **state)
{
    (void)state;
    struct config *c =
        load("marketplace: {cloud: gcp, gcp: {product_name: svc, credentials_file: "
             "/nowhere/k}, plans: {a: {fulfilment: manual, manual_promise: soon}}}\n");
    const char *const wanted[] = {
        "f:1:32: gcp: provider_id is missing; nothing can be asked of Google\n",
        "f:1:32: gcp: audiences is missing; no buyer's sign-up can be believed\n",
        "f:1:32: gcp: subscription is missing; no event arrives (push_audience does as well)\n",
        "gcp.credentials_file: '/nowhere/k' is not there; needed by: market\n",
    };
    struct buf errors;
    buf_init(&errors, ERRORS_MAX);
    assert_string_equal(c->markets[0].product_code, "svc");
    assert_int_not_equal(config_check_files(c, 0, &errors), 0);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (!strstr(buf_cstr(&errors), wanted[i]))
            fail_msg("no \"%s\" in\n%s", wanted[i], buf_cstr(&errors));
    assert_null(strstr(buf_cstr(&errors), "product_name is missing"));
    buf_free(&errors);
    config_free(&c);
}

static void test_files(void **state)
{
    (void)state;
    char path[] = "/tmp/lastmile-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x\n", 2), 2);
    close(fd);
    assert_int_equal(chmod(path, 0644), 0);

    struct buf yaml, errors;
    buf_init(&yaml, ERRORS_MAX);
    buf_init(&errors, ERRORS_MAX);
    buf_fmt(&yaml,
            "front: {public_url: 'https://x.example'}\n"
            "redis: {worker_password_file: %s}\n"
            "secrets: {seal_public_file: %s, seal_secret_file: /nowhere/key}\n"
            "branding: {logo_file: %s, templates_dir: %s}\n"
            "marketplace: {product_code: p, plans: {a: {deployment_template: t}}}\n"
            "deployment_templates: {t: {engine: exec, command: [%s]}}\n",
            path, path, path, path, path);
    struct config *c = load(buf_cstr(&yaml));
    assert_int_not_equal(config_check_files(c, 0, &errors), 0);
    static const char *const wanted[] = {
        "f:2:31: worker_password_file: ",
        "is a secret that others may read; needed by: market, deploy, notify. chmod 600 it\n",
        "seal_secret_file: '/nowhere/key' is not there; needed by: market\n",
        "is neither .svg nor .png\n",
        "is not a directory\n",
        "cannot be executed\n",
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (!strstr(buf_cstr(&errors), wanted[i]))
            fail_msg("no \"%s\" in\n%s", wanted[i], buf_cstr(&errors));
    assert_null(strstr(buf_cstr(&errors), "seal_public_file"));
    unlink(path);
    config_free(&c);
    buf_free(&yaml);
    buf_free(&errors);
}

struct told {
    char text[4096];
    size_t n;
};

static void tell_secret(void *arg, const struct cfg_secret *s)
{
    struct told *t = arg;
    struct buf who;

    buf_init(&who, 128);
    config_readers(s->readers, &who);
    t->n += (size_t)snprintf(t->text + t->n, sizeof(t->text) - t->n, "%u:%u %s %s %s (%s)%s%s%s\n",
                             s->line, s->column, s->key, s->path, buf_cstr(&who), s->credential,
                             s->market == 0 ? " first" : "", s->is_public ? " public" : "",
                             s->is_live ? " live" : "");
    buf_free(&who);
}

static void check_secrets(const char *yaml, const char *wanted)
{
    struct config *c = load(yaml);
    struct told t = {"", 0};

    config_secrets(c, tell_secret, &t);
    assert_string_equal(t.text, wanted);
    config_free(&c);
}

static void test_secrets(void **state)
{
    static const char yaml[] =
        "redis: {password_file: all, cli_password_file: /c}\n"
        "notifications: {smtp_password_file: mail}\n"
        "marketplace: {cloud: azure, azure: {certificate_file: cert, key_file: /k,\n"
        "  sign_in_client_id: s, sign_in_secret_file: sign-in},\n"
        "  plans: {a: {fulfilment: manual, manual_promise: soon}}}\n";

    (void)state;
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x.service", 1), 0);
    check_secrets(
        yaml,
        "3:55 certificate_file /run/credentials/x.service/cert market (cert) first public live\n"
        "3:71 key_file /k market () first live\n"
        "4:46 sign_in_secret_file /run/credentials/x.service/sign-in market (sign-in) first live\n"
        "1:48 cli_password_file /c lastmile ()\n"
        "1:1 seal_secret_file /etc/lastmile/seal.key market ()\n"
        "2:37 smtp_password_file /run/credentials/x.service/mail notify (mail) live\n"
        "1:24 password_file /run/credentials/x.service/all market, deploy, notify, lastmile-front "
        "(all)\n");
    /* Without it, or with one that is no path: nowhere, and never where we happen to be. */
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "credentials", 1), 0);
    struct config *c = load(yaml);
    assert_string_equal(c->notify.smtp_password_file, "/dev/null/mail");
    config_free(&c);
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    c = load(yaml);
    assert_string_equal(c->redis.worker_password_file, "/dev/null/all");
    assert_string_equal(c->redis.cli_password_file, "/c");
    config_free(&c);
}

static void test_roles(void **state)
{
    unsigned r = 0;

    (void)state;
    assert_int_equal(config_roles(STR("market, notify"), &r), 0);
    assert_int_equal(r, CFG_MARKET | CFG_NOTIFY);
    assert_int_not_equal(config_roles(STR("lastmile"), &r), 0);
    assert_int_not_equal(config_roles(STR(""), &r), 0);
}

static void test_many_errors(void **state)
{
    (void)state;
    struct buf yaml, errors;
    buf_init(&yaml, ERRORS_MAX);
    buf_init(&errors, ERRORS_MAX);
    buf_cat(&yaml, market);
    for (unsigned i = 0; i < 500; i++)
        buf_fmt(&yaml, "nokey%u: 1\n", i);
    struct config *c;
    assert_int_not_equal(config_parse("f", buf_view(&yaml), &c, &errors), 0);
    assert_non_null(strstr(buf_cstr(&errors), "f: and 301 more\n"));
    buf_free(&yaml);
    buf_free(&errors);
}

static void test_unreadable(void **state)
{
    (void)state;
    struct buf errors;
    buf_init(&errors, ERRORS_MAX);
    struct config *c;
    assert_true(config_load("/nowhere/lastmile.yaml", &c, &errors) < 0);
    assert_string_equal(buf_cstr(&errors),
                        "/nowhere/lastmile.yaml: cannot be read: No such file or directory\n");
    buf_free(&errors);
}

static void test_contrast(void **state)
{
    (void)state;
    assert_true(cfg_color_contrast("#000000", "#ffffff") > 20.99);
    assert_true(cfg_color_contrast("#ffffff", "#ffffff") < 1.01);
    double grey = cfg_color_contrast("#767676", "#ffffff"); /* WCAG's well-known 4.54:1 */
    assert_true(grey > 4.53 && grey < 4.55);
}

/* docs/configuration.md is what the tables say; run from the top of the sources. */
static void test_reference_is_current(void **state)
{
    (void)state;
    struct buf doc, now;
    buf_init(&doc, ERRORS_MAX);
    buf_init(&now, ERRORS_MAX);
    if (file_read("docs/configuration.md", &doc)) {
        print_message("skipped: docs/configuration.md is not below the working directory\n");
        buf_free(&doc);
        skip();
    }
    config_reference(&now);
    if (strcmp(buf_cstr(&doc), buf_cstr(&now)) != 0)
        fail_msg("docs/configuration.md is old: make it with `lastmile check-config --reference`");
    buf_free(&doc);
    buf_free(&now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_rows),
        cmocka_unit_test(test_seller_file),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_azure_needs),
        cmocka_unit_test(test_gcp_needs),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_explain),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_many_errors),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_contrast),
        cmocka_unit_test(test_reference_is_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
