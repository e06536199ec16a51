/* Notifications of Google's partner topic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "base/file.h"
#include "market/gcp.h"

static const struct cfg_market cfg = {
    .channel = "gcp", .product_code = "svc", .gcp = {.provider_id = "acme-public"}};
static struct arena *a;
static struct market_event e;
static const char *why;

static int fresh(void **state)
{
    (void)state;
    a = arena_new(4096, 8 << 20);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    arena_free(&a);
    return 0;
}

static int parse(const char *text)
{
    return gcp_event_parse(&cfg, str_of(text), a, &e, &why);
}

static void every_type_has_a_meaning(void **state)
{
    static const struct {
        const char *type;
        enum market_event_kind kind;
    } rows[] = {
        {"ENTITLEMENT_CREATION_REQUESTED", EVENT_PURCHASED},
        {"ENTITLEMENT_OFFER_ACCEPTED", EVENT_PURCHASED},
        {"ENTITLEMENT_ACTIVE", EVENT_PURCHASED},
        {"ENTITLEMENT_PLAN_CHANGE_REQUESTED", EVENT_CHANGE_ASKED},
        {"ENTITLEMENT_PLAN_CHANGED", EVENT_ENTITLEMENT_CHANGED},
        {"ENTITLEMENT_PLAN_CHANGE_CANCELLED", EVENT_ENTITLEMENT_CHANGED},
        {"ENTITLEMENT_PENDING_CANCELLATION", EVENT_ENDING},
        {"ENTITLEMENT_CANCELLATION_REVERTED", EVENT_ENTITLEMENT_CHANGED},
        {"ENTITLEMENT_CANCELLING", EVENT_ENDING},
        {"ENTITLEMENT_CANCELLED", EVENT_ENDED},
        {"ENTITLEMENT_RENEWED", EVENT_ENTITLEMENT_CHANGED},
        {"ENTITLEMENT_OFFER_ENDED", EVENT_ENTITLEMENT_CHANGED},
        {"ENTITLEMENT_DELETED", EVENT_ERASE},
        {"ENTITLEMENT_SUSPENDED", EVENT_SUSPENDED},
        {"ENTITLEMENT_OF_NEXT_YEAR", EVENT_IGNORED},
    };
    char text[400];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        snprintf(text, sizeof(text),
                 "{\"eventId\":\"x-1\",\"eventType\":\"%s\",\"providerId\":\"acme-public\","
                 "\"entitlement\":{\"id\":\"e-1\",\"updateTime\":\"2026-01-01T00:00:01.5Z\"}}",
                 rows[i].type);
        assert_int_equal(parse(text), 0);
        assert_int_equal(e.kind, rows[i].kind);
        assert_string_equal(e.type, rows[i].type);
        assert_string_equal(e.purchase, "e-1");
        assert_false(e.grants);
        assert_true(e.time_ms == 1767225601500);
        snprintf(text, sizeof(text), "%s\nx-1", rows[i].type);
        assert_string_equal(e.dedupe, text);
    }
}

static void accounts(void **state)
{
    static const struct {
        const char *type;
        enum market_event_kind kind;
    } rows[] = {{"\"eventType\":\"ACCOUNT_ACTIVE\",", EVENT_ACCOUNT},
                {"\"eventType\":\"ACCOUNT_CREATION_REQUESTED\",", EVENT_ACCOUNT},
                {"\"eventType\":\"ACCOUNT_DELETED\",", EVENT_ERASE},
                {"\"eventType\":null,", EVENT_ACCOUNT},
                {"", EVENT_ACCOUNT}};
    char text[300];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        snprintf(text, sizeof(text),
                 "{%s\"eventId\":\"x-1\",\"account\":{\"id\":\"a-1\",\"updateTime\":"
                 "\"2026-01-01T00:00:00.123456789Z\"}}",
                 rows[i].type);
        assert_int_equal(parse(text), 0);
        assert_int_equal(e.kind, rows[i].kind);
        assert_string_equal(e.account, "a-1");
        assert_string_equal(e.purchase, "");
        assert_true(e.time_ms == 1767225600123);
    }
    assert_string_equal(e.dedupe, "\nx-1");
}

static void offers_and_changes(void **state)
{
    (void)state;
    assert_int_equal(
        parse("{\"eventId\":\"1\",\"eventType\":\"ENTITLEMENT_OFFER_ACCEPTED\",\"entitlement\":"
              "{\"id\":\"e2\",\"newPlan\":\"pro-P2Y\",\"newProduct\":"
              "\"projects/5/services/svc.endpoints.x/privateOffers/o1\","
              "\"newOffer\":\"projects/5/services/svc.endpoints.x/privateOffers/o1\","
              "\"newOfferStartTime\":\"2026-02-01T08:00:00Z\",\"newOfferEndTime\":\"\"}}"),
        0);
    assert_string_equal(e.plan, "pro-P2Y");
    assert_string_equal(e.product_code, "svc.endpoints.x");
    assert_string_equal(e.offer, "projects/5/services/svc.endpoints.x/privateOffers/o1");
    assert_true(e.starts_ms == 1769932800000 && e.ends_ms == 0);
    assert_string_equal(e.change_id, "");
    assert_int_equal(parse("{\"eventId\":\"1\",\"eventType\":\"ENTITLEMENT_PLAN_CHANGE_REQUESTED\","
                           "\"entitlement\":{\"id\":\"e2\",\"newPlan\":\"ultimate\"}}"),
                     0);
    assert_string_equal(e.change_id, "ultimate");
    assert_int_equal(parse("{\"eventId\":\"1\",\"eventType\":\"ENTITLEMENT_PLAN_CHANGE_REQUESTED\","
                           "\"entitlement\":{\"id\":\"e2\",\"newPendingPlan\":\"ultimate\"}}"),
                     0);
    assert_string_equal(e.change_id, "ultimate");
}

/* What the events name once more, and what takes its place where it is absent. */
static void fields_of_an_order(void **state)
{
    (void)state;
    assert_int_equal(
        parse("{\"eventId\":\"1\",\"eventType\":\"ENTITLEMENT_ACTIVE\",\"entitlement\":{\"id\":"
              "\"e2\","
              "\"account\":\"providers/p/accounts/a7\",\"product\":\"svc.endpoints.x\","
              "\"newPlan\":\"old\",\"newPendingPlan\":\"next\",\"newPendingOffer\":\"o2\","
              "\"newOfferEndTime\":\"2026-02-01T08:00:00Z\"}}"),
        0);
    assert_string_equal(e.account, "a7");
    assert_string_equal(e.product_code, "svc.endpoints.x");
    assert_string_equal(e.plan, "next");
    assert_string_equal(e.offer, "o2");
    assert_true(e.ends_ms == 1769932800000 && e.starts_ms == 0);
    assert_string_equal(e.change_id, "");
    assert_int_equal(
        parse("{\"eventId\":\"1\",\"eventType\":\"ENTITLEMENT_ACTIVE\",\"entitlement\":{"
              "\"id\":\"e2\",\"offer\":\"projects/5/services/svc.y/privateOffers/o\"}}"),
        0);
    assert_string_equal(e.product_code, "svc.y");
    /* Without a type: look at it. */
    assert_int_equal(parse("{\"eventId\":\"1\",\"entitlement\":{\"id\":\"e2\"}}"), 0);
    assert_int_equal(e.kind, EVENT_ENTITLEMENT_CHANGED);
    /* A type of tomorrow with nothing else. */
    assert_int_equal(parse("{\"eventId\":\"1\",\"eventType\":\"PROVIDER_GREETED\"}"), 0);
    assert_int_equal(e.kind, EVENT_IGNORED);
    /* An account does not make up for the order that an event is about. */
    assert_int_equal(parse("{\"eventId\":\"1\",\"eventType\":\"ENTITLEMENT_ACTIVE\","
                           "\"entitlement\":{\"account\":\"a1\"}}"),
                     -EBADMSG);
}

/* The front's keys hold 190 of each: what is longer is told apart by the message's own id. */
static void long_ids(void **state)
{
    static const struct {
        size_t type, id;
        bool own;
    } rows[] = {{190, 190, true}, {191, 1, false}, {1, 191, false}};
    char type[192], id[192], text[600];

    (void)state;
    memset(type, 'T', sizeof(type));
    memset(id, '7', sizeof(id));
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        snprintf(text, sizeof(text),
                 "{\"eventId\":\"%.*s\",\"eventType\":\"%.*s\",\"entitlement\":{\"id\":\"e2\"}}",
                 (int)rows[i].id, id, (int)rows[i].type, type);
        assert_int_equal(parse(text), 0);
        assert_int_equal(strlen(e.dedupe), rows[i].own ? rows[i].type + 1 + rows[i].id : 0);
    }
}

static void other_providers_are_ignored(void **state)
{
    static const char one[] = "{\"eventId\":\"1\",\"eventType\":\"ENTITLEMENT_ACTIVE\","
                              "\"providerId\":\"%s\",\"entitlement\":{\"id\":\"e2\"}}";
    char text[300];

    (void)state;
    snprintf(text, sizeof(text), one, "other-public");
    assert_int_equal(parse(text), 0);
    assert_int_equal(e.kind, EVENT_IGNORED);
    snprintf(text, sizeof(text), one, "DEMO-acme-public");
    assert_int_equal(parse(text), 0);
    assert_int_equal(e.kind, EVENT_PURCHASED);
}

static void push_envelopes(void **state)
{
    static const char inner[] = "{\"eventId\":\"1\",\"eventType\":\"ENTITLEMENT_CANCELLED\","
                                "\"entitlement\":{\"id\":\"e2\"}}";
    static const char bare[] =
        "{\"eventType\":\"ENTITLEMENT_ACTIVE\",\"entitlement\":{\"id\":\"e\"}}";
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    buf_cat(&b, "{\"message\":{\"data\":\"");
    enc_b64(&b, inner, sizeof(inner) - 1);
    buf_cat(&b,
            "\",\"messageId\":\"77\",\"message_id\":\"77\"},\"subscription\":\"projects/p/x\"}");
    assert_int_equal(parse(buf_cstr(&b)), 0);
    assert_int_equal(e.kind, EVENT_ENDED);
    assert_string_equal(e.dedupe, "ENTITLEMENT_CANCELLED\n1");
    buf_reset(&b);
    buf_cat(&b, "{\"message\":{\"data\":\"");
    enc_b64(&b, bare, sizeof(bare) - 1);
    buf_cat(&b, "\",\"message_id\":\"78\"}}");
    assert_int_equal(parse(buf_cstr(&b)), 0);
    assert_string_equal(e.dedupe, "78");
    buf_free(&b);
}

static void what_is_no_notification(void **state)
{
    static const char *const rows[] = {
        "",
        "[]",
        "{}",
        "nonsense",
        "\"text\"",
        "{\"eventType\":\"ENTITLEMENT_ACTIVE\"}",
        "{\"eventType\":\"ENTITLEMENT_ACTIVE\",\"entitlement\":{}}",
        "{\"eventType\":\"ENTITLEMENT_ACTIVE\",\"entitlement\":{\"id\":\"\"}}",
        "{\"eventType\":\"ENTITLEMENT_ACTIVE\",\"entitlement\":{\"id\":\"a b\"}}",
        "{\"eventType\":\"ENTITLEMENT_ACTIVE\",\"entitlement\":{\"id\":\"..\"}}",
        "{\"eventType\":\"ENTITLEMENT_ACTIVE\",\"entitlement\":{\"id\":7}}",
        "{\"eventType\":\"ENTITLEMENT_DELETED\",\"account\":{}}",
        "{\"message\":{}}",
        "{\"message\":{\"data\":\"e30\"}}",
        "{\"message\":{\"data\":\"e30=\"}}",
        "{\"message\":{\"data\":\"!!!!\"}}",
        "{\"message\":\"text\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        assert_int_equal(parse(rows[i]), -EBADMSG);
        assert_true(*why != '\0');
    }
}

/* The shapes that were seen, one by one. */
static void the_recorded_examples(void **state)
{
    const char *dir = getenv("LASTMILE_CONTRACTS");
    unsigned n = 0;
    cJSON *all = NULL, *group, *one;
    char path[4096];
    struct buf text;

    (void)state;
    snprintf(path, sizeof(path), "%s/gcp/events.examples.json", dir ? dir : "../shared/contracts");
    buf_init(&text, 1 << 20);
    if (file_read(path, &text)) {
        fprintf(stderr, "skipped: no %s\n", path);
        buf_free(&text);
        skip();
    }
    assert_int_equal(json_parse(buf_view(&text), 1 << 20, &all), 0);
    cJSON_ArrayForEach(group, all)
    {
        cJSON_ArrayForEach(one, group)
        {
            char *s = cJSON_IsObject(one) ? cJSON_PrintUnformatted(one) : NULL;

            if (!s)
                continue;
            assert_int_equal(parse(s), 0);
            assert_true(e.kind != EVENT_IGNORED && *e.dedupe && e.time_ms > 0);
            assert_true(*e.purchase || *e.account);
            cJSON_free(s);
            n++;
        }
    }
    assert_true(n >= 10);
    cJSON_Delete(all);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_type_has_a_meaning, fresh, drop),
        cmocka_unit_test_setup_teardown(accounts, fresh, drop),
        cmocka_unit_test_setup_teardown(offers_and_changes, fresh, drop),
        cmocka_unit_test_setup_teardown(fields_of_an_order, fresh, drop),
        cmocka_unit_test_setup_teardown(long_ids, fresh, drop),
        cmocka_unit_test_setup_teardown(other_providers_are_ignored, fresh, drop),
        cmocka_unit_test_setup_teardown(push_envelopes, fresh, drop),
        cmocka_unit_test_setup_teardown(what_is_no_notification, fresh, drop),
        cmocka_unit_test_setup_teardown(the_recorded_examples, fresh, drop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
