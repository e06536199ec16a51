/* docs/events.md against the code: every canonical event has its row, and what the tables say of
 * each marketplace's events is what its parser makes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "market/aws.h"
#include "market/azure.h"
#include "market/gcp.h"

enum { PAGE_MAX = 64 * 1024, WORDS = 8, CELLS = 4 };

static char page[PAGE_MAX];

static bool have_page(void)
{
    FILE *f = page[0] ? NULL : fopen("docs/events.md", "r");

    if (f) {
        page[fread(page, 1, sizeof(page) - 1, f)] = '\0';
        fclose(f);
    }
    if (page[0] == '\0')
        print_message("docs/events.md is not below the current directory\n");
    return page[0] != '\0';
}

struct words {
    struct str w[WORDS];
    size_t n;
};

/* What stands between backticks. */
static struct words words_of(struct str cell)
{
    struct words out = {.n = 0};
    struct str rest = cell;

    while (rest.n && out.n < WORDS) {
        (void)str_cut(rest, '`', &rest);
        if (rest.n)
            out.w[out.n++] = str_cut(rest, '`', &rest);
    }
    return out;
}

typedef int (*parse_fn)(struct str type, struct str word, struct arena *a, struct market_event *out,
                        const char **why);

static int parse_aws(struct str type, struct str word, struct arena *a, struct market_event *out,
                     const char **why)
{
    static const struct cfg_market cfg = {.mode = CFG_CONCURRENT};
    const char *body = arena_fmt(
        a,
        "{\"id\":\"e\",\"source\":\"aws.agreement-marketplace\",\"detail-type\":\"%.*s - "
        "Proposer\",\"time\":\"2026-06-01T12:00:00Z\",\"detail\":{\"requestId\":\"r\",\"agreement\""
        ":{\"id\":\"agmt-1\",\"intent\":\"%.*s\",\"status\":\"%.*s\"},\"license\":{\"arn\":"
        "\"arn:aws:license-manager::1:license:l-1\"}}}",
        STR_FMT(type), STR_FMT(word), STR_FMT(word));

    return aws_event_parse(&cfg, NULL, str_of(body), a, out, why);
}

static int parse_legacy(struct str type, struct str word, struct arena *a, struct market_event *out,
                        const char **why)
{
    static const struct cfg_market cfg = {.mode = CFG_LEGACY};
    const char *body =
        arena_fmt(a, "{\"action\":\"%.*s\",\"customer-identifier\":\"X\",\"product-code\":\"p\"}",
                  STR_FMT(type));

    (void)word;
    return aws_event_parse(&cfg, NULL, str_of(body), a, out, why);
}

static int parse_azure(struct str type, struct str word, struct arena *a, struct market_event *out,
                       const char **why)
{
    static const struct cfg_market cfg = {.product_code = "offer", .azure = {.offer_id = "offer"}};
    const char *body = arena_fmt(a,
                                 "{\"id\":\"11111111-1111-4111-8111-111111111111\",\"action\":"
                                 "\"%.*s\",\"status\":\"%.*s\",\"subscriptionId\":"
                                 "\"22222222-2222-4222-8222-222222222222\",\"planId\":\"p\","
                                 "\"operationRequestSource\":\"Azure\"}",
                                 STR_FMT(type), STR_FMT(word));

    return azure_event_parse(&cfg, str_of(body), a, out, why);
}

static int parse_gcp(struct str type, struct str word, struct arena *a, struct market_event *out,
                     const char **why)
{
    static const struct cfg_market cfg = {.gcp = {.provider_id = "acme"}};
    const char *object = str_starts(type, STR("ACCOUNT")) ? "account" : "entitlement";
    const char *body =
        arena_fmt(a, "{\"eventId\":\"e\",\"eventType\":\"%.*s\",\"%s\":{\"id\":\"x\"}}",
                  STR_FMT(type), object);

    (void)word;
    return gcp_event_parse(&cfg, str_of(body), a, out, why);
}

static void compare(parse_fn parse, struct str type, struct str word, struct str kind)
{
    struct arena *a = arena_new(16384, 1 << 20);
    struct market_event e;
    const char *why;

    assert_non_null(a);
    if (parse(type, word, a, &e, &why))
        fail_msg("%.*s: %s", STR_FMT(type), why);
    if (!str_is(kind, market_event_name(e.kind)))
        fail_msg("docs/events.md: %.*s %.*s is %.*s, the code says %s", STR_FMT(type),
                 STR_FMT(word), STR_FMT(kind), market_event_name(e.kind));
    arena_free(&a);
}

static size_t row(parse_fn parse, struct str line)
{
    struct str cell[CELLS] = {{0}}, rest = str_from(line, 1);
    struct words types, states, kinds;

    for (size_t i = 0; i < CELLS; i++)
        cell[i] = str_cut(rest, '|', &rest);
    types = words_of(cell[0]);
    states = words_of(cell[1]);
    kinds = words_of(cell[2]);
    if (types.n == 0 || kinds.n != 1)
        return 0;
    for (size_t i = 0; i < types.n; i++)
        for (size_t k = 0; k < (states.n ? states.n : 1); k++)
            compare(parse, types.w[i], states.n ? states.w[k] : STR(""), kinds.w[0]);
    return types.n;
}

static void the_tables_are_true(void **state)
{
    static const struct {
        const char *section;
        parse_fn parse;
        size_t least;
    } tables[] = {
        {"## `aws` ", parse_aws, 13},
        {"## `aws-legacy` ", parse_legacy, 5},
        {"## `azure` ", parse_azure, 10},
        {"## `gcp` ", parse_gcp, 17},
    };

    (void)state;
    if (!have_page())
        skip();
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
        const char *at = strstr(page, tables[i].section);
        struct str rest, line;
        size_t n = 0;

        if (!at)
            fail_msg("docs/events.md has no section %s", tables[i].section);
        (void)str_cut(str_of(at), '\n', &rest);
        while (rest.n && !str_starts(rest, STR("## "))) {
            line = str_cut(rest, '\n', &rest);
            if (str_starts(line, STR("| `")))
                n += row(tables[i].parse, line);
        }
        if (n < tables[i].least)
            fail_msg("%s has %zu events", tables[i].section, n);
    }
}

static void every_canonical_event_has_a_row(void **state)
{
    char name[64];

    (void)state;
    if (!have_page())
        skip();
    for (int k = EVENT_IGNORED; k <= EVENT_ERASE; k++) {
        snprintf(name, sizeof(name), "\n| `%s` | ", market_event_name((enum market_event_kind)k));
        if (!strstr(page, name))
            fail_msg("docs/events.md has no row%s", name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_canonical_event_has_a_row),
        cmocka_unit_test(the_tables_are_true),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
