/* aws events: every example of the contracts, and own ones, become the right canonical event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "market/aws.h"

#define LICENSE   "l-1f0e8a2b3c4d4e5f8a9b0c1d2e3f4a5b"
#define AGREEMENT "agmt-4mwg1nevbokzw95eca5797ixs"
#define CODE      "n0123examplexxxxxxxxxxxx"

static const struct cfg_market concurrent = {.mode = CFG_CONCURRENT, .product_code = CODE};
static const struct cfg_market legacy = {.mode = CFG_LEGACY, .product_code = CODE};

struct row {
    const char *file;
    enum market_event_kind kind;
    const char *reason, *purchase, *agreement, *dedupe;
    bool grants, trial;
};

static const struct row rows[] = {
    {"event-agreement-created-new-proposer", EVENT_PURCHASED, "NEW", "", AGREEMENT,
     "r-1|Purchase Agreement Created - Proposer", false, false},
    {"event-agreement-created-cppo-manufacturer", EVENT_PURCHASED, "NEW", "", AGREEMENT,
     "r-2|Purchase Agreement Created - Manufacturer", false, false},
    {"event-agreement-created-renew-proposer", EVENT_RENEWED, "RENEW", "",
     "agmt-newrenewalagreementid", "r-3|Purchase Agreement Created - Proposer", false, false},
    {"event-agreement-created-payg-no-end", EVENT_PURCHASED, "NEW", "", AGREEMENT, NULL, false,
     false},
    {"event-agreement-amended-proposer", EVENT_ENTITLEMENT_CHANGED, "AMEND", "", AGREEMENT, NULL,
     false, false},
    {"event-agreement-ended-cancelled", EVENT_ENDED, "CANCELLED", "", AGREEMENT, NULL, false,
     false},
    {"event-agreement-ended-expired", EVENT_ENDED, "EXPIRED", "", AGREEMENT, NULL, false, false},
    {"event-agreement-ended-terminated", EVENT_ENDED, "TERMINATED", "", AGREEMENT, NULL, false,
     false},
    {"event-agreement-ended-renewed", EVENT_SUPERSEDED, "RENEWED", "", AGREEMENT, NULL, false,
     false},
    {"event-agreement-ended-replaced", EVENT_SUPERSEDED, "REPLACED", "", AGREEMENT, NULL, false,
     false},
    {"event-license-updated", EVENT_ENTITLEMENT_CHANGED, "LICENSE_UPDATED", LICENSE, AGREEMENT,
     "r-7|License Updated - Manufacturer", true, false},
    {"event-license-updated-doc-arn-form", EVENT_ENTITLEMENT_CHANGED, "LICENSE_UPDATED", LICENSE,
     AGREEMENT, NULL, true, false},
    {"event-license-deprovisioned", EVENT_ENDED, "DEPROVISIONED", LICENSE, AGREEMENT, NULL, false,
     false},
    {"event-advisory-issued", EVENT_ADVISORY, "ADVISORY", "", AGREEMENT, NULL, false, false},
    {"event-advisory-resolved", EVENT_ADVISORY_RESOLVED, "ADVISORY", "", AGREEMENT, NULL, false,
     false},
    {"event-cancellation-approved", EVENT_IGNORED, "", "", AGREEMENT, NULL, false, false},
};

static const struct row notes[] = {
    {"sns-subscribe-success", EVENT_PURCHASED, "SUBSCRIBED", CODE "/X01EXAMPLEX", "", "", true,
     true},
    {"sns-subscribe-fail", EVENT_FAILED, "SUBSCRIBE_FAILED", CODE "/X01EXAMPLEX", "", "", false,
     false},
    {"sns-unsubscribe-pending", EVENT_ENDING, "UNSUBSCRIBE_PENDING", CODE "/X01EXAMPLEX", "", "",
     false, false},
    {"sns-unsubscribe-success", EVENT_ENDED, "UNSUBSCRIBED", CODE "/X01EXAMPLEX", "", "", false,
     false},
    {"sns-entitlement-updated", EVENT_ENTITLEMENT_CHANGED, "ENTITLEMENT_UPDATED",
     CODE "/X01EXAMPLEX", "", "", false, false},
};

static struct arena *a;

static int fresh(void **state)
{
    (void)state;
    a = arena_new(4096, 1 << 22);
    return a ? 0 : -1;
}

static int drop(void **state)
{
    (void)state;
    arena_free(&a);
    return 0;
}

static const char *contracts(void)
{
    const char *dir = getenv("LASTMILE_CONTRACTS");

    return dir && *dir ? dir : "../shared/contracts";
}

static bool one_file(const struct cfg_market *cfg, const struct row *r, struct market_event *e)
{
    char path[1024];
    const char *why;
    struct buf b;

    snprintf(path, sizeof(path), "%s/aws/examples/%s.json", contracts(), r->file);
    buf_init(&b, 1 << 16);
    if (file_read(path, &b)) {
        print_message("skipped: no %s (set LASTMILE_CONTRACTS)\n", path);
        buf_free(&b);
        return false;
    }
    assert_int_equal(aws_event_parse(cfg, NULL, buf_view(&b), a, e, &why), 0);
    assert_int_equal(e->kind, r->kind);
    assert_string_equal(e->reason, r->reason);
    assert_string_equal(e->purchase, r->purchase);
    assert_string_equal(e->agreement, r->agreement);
    assert_int_equal(e->grants, r->grants);
    assert_int_equal(e->trial, r->trial);
    if (r->dedupe)
        assert_string_equal(e->dedupe, r->dedupe);
    buf_free(&b);
    return true;
}

static void bridge_examples(void **state)
{
    struct market_event e;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (!one_file(&concurrent, &rows[i], &e))
            skip();
        assert_string_equal(e.account, "845735284135");
        assert_string_equal(e.offer, "offer-1234567890123");
        assert_true(e.time_ms > 0);
    }
}

static void note_examples(void **state)
{
    struct market_event e;

    (void)state;
    for (size_t i = 0; i < sizeof(notes) / sizeof(*notes); i++) {
        if (!one_file(&legacy, &notes[i], &e))
            skip();
        assert_string_equal(e.customer, "X01EXAMPLEX");
        assert_int_equal(e.time_ms, 0);
    }
}

static int parse(const struct cfg_market *cfg, const char *body, struct market_event *e)
{
    const char *why;

    return aws_event_parse(cfg, NULL, str_of(body), a, e, &why);
}

#define HEAD                                                                                       \
    "{\"version\":\"0\",\"id\":\"e-1\",\"source\":\"aws.agreement-marketplace\","                  \
    "\"time\":\"2026-06-01T12:00:00Z\",\"resources\":[\"arn:aws:aws-marketplace::aws:agreement:"   \
    "agmt-res\"],"

static void own_examples(void **state)
{
    struct market_event e;

    (void)state;
    assert_int_equal(
        parse(&concurrent,
              HEAD "\"detail-type\":\"Purchase Agreement Created - Proposer\",\"detail\":{"
                   "\"agreement\":{\"id\":\"agmt-2\",\"intent\":\"REPLACE\","
                   "\"startTime\":\"2026-07-01T00:00:00Z\",\"previousAgreementId\":\"agmt-1\"}}}",
              &e),
        0);
    assert_int_equal(e.kind, EVENT_REPLACED);
    assert_string_equal(e.previous_agreement, "agmt-1");
    assert_string_equal(e.dedupe, "e-1");
    assert_true(e.starts_ms == 1782864000000 && e.ends_ms == 0);

    /* Ended with a status of next year: look again, revoke nothing. */
    assert_int_equal(parse(&concurrent,
                           HEAD "\"detail-type\":\"Purchase Agreement Ended - Manufacturer\","
                                "\"detail\":{\"requestId\":\"r\",\"agreement\":{\"status\":"
                                "\"TRANSFIGURED\"}}}",
                           &e),
                     0);
    assert_int_equal(e.kind, EVENT_ENTITLEMENT_CHANGED);
    assert_string_equal(e.agreement, "agmt-res");

    assert_int_equal(parse(&concurrent,
                           HEAD "\"detail-type\":\"License Updated - Manufacturer\",\"detail\":{"
                                "\"license\":{\"arn\":\"ARN:x:License/L-ABC123\"}}}",
                           &e),
                     0);
    assert_string_equal(e.purchase, "l-abc123");

    assert_int_equal(
        parse(&concurrent, HEAD "\"detail-type\":\"Something New - Proposer\",\"detail\":{}}", &e),
        0);
    assert_int_equal(e.kind, EVENT_IGNORED);
    assert_string_equal(e.type, "Something New - Proposer");

    assert_int_equal(parse(&legacy,
                           "{\"action\":\"subscribe-success\",\"customer-identifier\":\"C\","
                           "\"product-code\":\"P\",\"isFreeTrialTermPresent\":true}",
                           &e),
                     0);
    assert_true(e.trial);
    assert_string_equal(e.purchase, "P/C");
    assert_int_equal(parse(&concurrent,
                           "{\"action\":\"subscribe-success\",\"customer-identifier\":\"C\","
                           "\"product-code\":\"P\"}",
                           &e),
                     0);
    assert_string_equal(e.purchase, "");
}

/* Every word that decides: a purchase that goes on must not end with the agreement it replaces. */
static void intents_and_statuses(void **state)
{
    static const struct {
        const char *type, *member, *word;
        enum market_event_kind kind;
    } words[] = {
        {"Created", "intent", "NEW", EVENT_PURCHASED},
        {"Created", "intent", "RENEW", EVENT_RENEWED},
        {"Created", "intent", "REPLACE", EVENT_REPLACED},
        {"Created", "intent", "new", EVENT_ENTITLEMENT_CHANGED},
        {"Created", "intent", "ADOPT", EVENT_ENTITLEMENT_CHANGED},
        {"Ended", "status", "CANCELLED", EVENT_ENDED},
        {"Ended", "status", "EXPIRED", EVENT_ENDED},
        {"Ended", "status", "TERMINATED", EVENT_ENDED},
        {"Ended", "status", "ARCHIVED", EVENT_ENDED},
        {"Ended", "status", "RENEWED", EVENT_SUPERSEDED},
        {"Ended", "status", "REPLACED", EVENT_SUPERSEDED},
        {"Ended", "status", "SUPERSEDED", EVENT_SUPERSEDED},
        {"Ended", "status", "ROLLED_BACK", EVENT_SUPERSEDED},
        {"Ended", "intent", "NEW", EVENT_ENTITLEMENT_CHANGED},
        {"Ending Soon", "status", "ACTIVE", EVENT_ENDING},
        {"Amended", "status", "ACTIVE", EVENT_ENTITLEMENT_CHANGED},
    };
    struct market_event e;
    char text[600];

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        snprintf(text, sizeof(text),
                 HEAD "\"detail-type\":\"Purchase Agreement %s - Proposer\",\"detail\":{"
                      "\"agreement\":{\"id\":\"agmt-1\",\"%s\":\"%s\",\"productId\":\"prod-1\","
                      "\"acceptorId\":\"845735284135\",\"endTime\":\"2026-07-01T00:00:00Z\"},"
                      "\"license\":{\"arn\":\"arn:x:" LICENSE "\"}}}",
                 words[i].type, words[i].member, words[i].word);
        assert_int_equal(parse(&concurrent, text, &e), 0);
        assert_int_equal(e.kind, words[i].kind);
        assert_string_equal(e.product_id, "prod-1");
        assert_string_equal(e.account, "845735284135");
        assert_true(e.ends_ms == 1782864000000);
        assert_false(e.grants);
        assert_string_equal(e.purchase, LICENSE);
        /* A licence is the purchase only where licences are. */
        assert_int_equal(parse(&legacy, text, &e), 0);
        assert_string_equal(e.purchase, "");
    }
}

/* Too long, or no plain text: nothing of the kind is an id. */
static void ids_are_plain_and_short(void **state)
{
    static const char *const templates[] = {
        "{\"action\":\"subscribe-success\",\"customer-identifier\":\"%s\",\"product-code\":\"P\"}",
        "{\"action\":\"subscribe-success\",\"customer-identifier\":\"C\",\"product-code\":\"%s\"}",
        "{\"action\":\"%s\",\"customer-identifier\":\"C\",\"product-code\":\"P\"}",
    };
    struct market_event e;
    char text[3000], huge[1100];

    (void)state;
    memset(huge, 'a', sizeof(huge));
    huge[sizeof(huge) - 1] = '\0';
    snprintf(text, sizeof(text),
             HEAD
             "\"detail-type\":\"Purchase Agreement Amended - Proposer\",\"detail\":{"
             "\"agreement\":{\"id\":\"agmt-1\",\"offerId\":\"o\\u000a1\",\"acceptorId\":\"%s\"}}}",
             huge);
    assert_int_equal(parse(&concurrent, text, &e), 0);
    assert_string_equal(e.offer, "");
    assert_string_equal(e.account, "");
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof(text),
                 "{\"id\":\"e-1\",\"source\":\"aws.agreement-marketplace\",\"time\":"
                 "\"2026-06-01T12:00:00Z\",\"resources\":[\"arn:%s\"],\"detail-type\":"
                 "\"Purchase Agreement Amended\",\"detail\":{}}",
                 i ? "agmt-\\u000a1" : huge);
        assert_int_equal(parse(&concurrent, text, &e), -EBADMSG);
    }
    for (size_t i = 0; i < 3; i++) {
        const char *const at = strstr(templates[i], "%s");

        for (int n = 255; n <= 256; n++) {
            snprintf(text, sizeof(text), "%.*s%.*s%s", (int)(at - templates[i]), templates[i], n,
                     huge, at + 2);
            assert_int_equal(parse(&legacy, text, &e), n == 255 ? 0 : -EBADMSG);
        }
    }
}

static void refuses_what_it_does_not_understand(void **state)
{
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"source\":\"aws.ec2\",\"detail-type\":\"x\"}",
        "{\"source\":\"aws.agreement-marketplace\"}",
        "{\"action\":\"subscribe-success\"}",
        "{\"action\":\"subscribe-success\",\"customer-identifier\":\"C\"}",
        "{\"action\":\"subscribe-success\",\"product-code\":\"P\"}",
        "{\"action\":\"a\\nb\",\"customer-identifier\":\"C\",\"product-code\":\"P\"}",
        "{\"action\":\"subscribe-success\",\"customer-identifier\":\"a b\",\"product-code\":\"P\"}",
        HEAD "\"detail-type\":\"License Updated\",\"detail\":{\"license\":{\"arn\":\"x\"}}}",
        HEAD "\"detail-type\":\"License Updated\",\"detail\":{\"license\":{\"arn\":\"a:l-/\"}}}",
        HEAD "\"detail-type\":\"License Deprovisioned\",\"detail\":{\"license\":{\"arn\":\"x\"}}}",
        HEAD "\"detail-type\":\"License Updated\"}",
        HEAD "\"detail-type\":\"Something New\"}",
        "{\"source\":\"aws.agreement-marketplace\",\"detail-type\":\"x\",\"detail\":{},\"time\":"
        "\"2026-06-01T12:00:00Z\"}",
        "{\"source\":\"aws.other\",\"id\":\"1\",\"detail-type\":\"x\",\"detail\":{},\"time\":"
        "\"2026-06-01T12:00:00Z\"}",
        HEAD "\"detail-type\":\"License Updated\",\"detail\":{}} trailing",
        "{\"source\":\"aws.agreement-marketplace\",\"id\":\"1\",\"detail-type\":\"x\",\"detail\":{}"
        ",\"time\":\"yesterday\"}",
        "{\"source\":\"aws.agreement-marketplace\",\"id\":\"1\",\"detail-type\":"
        "\"Purchase Agreement Ended\",\"detail\":{},\"time\":\"2026-06-01T12:00:00Z\"}",
    };
    struct market_event e;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(parse(&concurrent, bad[i], &e), -EBADMSG);
    assert_int_equal(parse(&legacy,
                           "{\"Type\":\"Notification\",\"MessageId\":\"m\",\"TopicArn\":\"t\","
                           "\"Message\":\"{}\",\"Timestamp\":\"2026-06-01T12:00:00Z\","
                           "\"SigningCertURL\":\"u\",\"SignatureVersion\":\"1\",\"Signature\":"
                           "\"AAAA\"}",
                           &e),
                     -EKEYREJECTED);
}

static void licences_compare_by_trailing_id(void **state)
{
    static const char *const forms[] = {
        "arn:aws:license-manager::294406891311:license:" LICENSE,
        "aws:license-manager:us-east-1:294406891311:" LICENSE,
        "arn:aws:license-manager::294406891311:license/" LICENSE,
        LICENSE,
        "arn:aws:license-manager::1:license:L-1F0E8A2B3C4D4E5F8A9B0C1D2E3F4A5B",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        assert_string_equal(aws_license_id(a, str_of(forms[i])), LICENSE);
        assert_true(aws_license_same(str_of(forms[i]), STR("x/" LICENSE)));
    }
    assert_false(aws_license_same(STR(LICENSE), STR(LICENSE "0")));
    assert_string_equal(aws_license_id(a, STR("arn:aws:x::1:license:")), "");
    assert_string_equal(aws_license_id(a, STR("arn:aws:x::1:license:l-a\nb")), "");
}

static void names_come_back(void **state)
{
    enum market_event_kind k;

    (void)state;
    for (int i = EVENT_IGNORED; i <= EVENT_ADVISORY_RESOLVED; i++) {
        assert_int_equal(
            market_event_parse(str_of(market_event_name((enum market_event_kind)i)), &k), 0);
        assert_int_equal(k, i);
    }
    assert_true(market_event_parse(STR("nothing"), &k) < 0);
    assert_ptr_equal(market_find("aws"), &market_aws);
    assert_null(market_find("ebay"));
}

#define WITH_ARENA(f) cmocka_unit_test_setup_teardown(f, fresh, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ARENA(bridge_examples),
        WITH_ARENA(note_examples),
        WITH_ARENA(own_examples),
        WITH_ARENA(intents_and_statuses),
        WITH_ARENA(ids_are_plain_and_short),
        WITH_ARENA(refuses_what_it_does_not_understand),
        WITH_ARENA(licences_compare_by_trailing_id),
        WITH_ARENA(names_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
