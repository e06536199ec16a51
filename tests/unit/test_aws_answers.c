/* What the aws channel believes of AWS's answers, and what it does not ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "market/market.h"
#include "scripted.h"

#define ID   "l-1f0e8a2b3c4d4e5f8a9b0c1d2e3f4a5b"
#define ARN  "arn:aws:license-manager::294406891311:license:" ID
#define CODE "n0123examplexxxxxxxxxxxx"

static struct cfg_market cfg;
static struct market *market;
static char metering[96], entitlement[96], agreement[96];

static struct {
    unsigned calls;
    enum market_class cls;
    bool granted, known;
    char code[64], license[128], first[64];
    size_t n;
    int64_t ends;
} got;

static void on_result(void *arg, const struct market_result *r)
{
    const struct market_purchase *p = &r->purchase;

    (void)arg;
    got.calls++;
    got.cls = r->cls;
    got.granted = p->granted;
    got.known = p->known_entitlements;
    got.n = p->nentitlements;
    got.ends = p->ends_ms;
    snprintf(got.code, sizeof(got.code), "%s", r->code);
    snprintf(got.license, sizeof(got.license), "%s", p->license);
    snprintf(got.first, sizeof(got.first), "%s", got.n ? p->entitlements[0].value : "");
}

static void resolve(const char *token)
{
    memset(&got, 0, sizeof(got));
    market_aws.resolve(market, str_of(token), 0, on_result, NULL);
    scripted_spin(&got.calls, 1);
}

static void refresh(const struct market_purchase *known)
{
    memset(&got, 0, sizeof(got));
    market_aws.refresh(market, known, on_result, NULL);
    scripted_spin(&got.calls, 1);
}

/* How many requests went there, and whether the first one's body has this text. */
static int asked(const char *path, const char *text)
{
    cJSON *log = scripted_log();
    const cJSON *e;
    int n = 0;

    cJSON_ArrayForEach(e, log)
    {
        if (!str_is(json_str(e, "target"), path))
            continue;
        if (n == 0 && text)
            assert_non_null(strstr(cJSON_GetStringValue(json_get(e, "body")), text));
        n++;
    }
    cJSON_Delete(log);
    return n;
}

static int open_all(void **state)
{
    const char *err;

    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "AKIDSTATIC", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "static-secret", 1);
    unsetenv("AWS_SESSION_TOKEN");
    snprintf(metering, sizeof(metering), "%s/m", sc.origin);
    snprintf(entitlement, sizeof(entitlement), "%s/e", sc.origin);
    snprintf(agreement, sizeof(agreement), "%s/a", sc.origin);
    cfg = (struct cfg_market){.name = "acme",
                              .channel = "aws",
                              .product_code = CODE,
                              .product_id = "prod-1",
                              .mode = CFG_CONCURRENT,
                              .contract = true,
                              .region = "us-east-1",
                              .metering_endpoint = metering,
                              .entitlement_endpoint = entitlement,
                              .agreement_endpoint = agreement,
                              .sqs_endpoint = "",
                              .sts_endpoint = "",
                              .queue_url = "",
                              .sns_cert_file = "",
                              .credentials_file = "",
                              .profile = "",
                              .role_arn = "",
                              .external_id = ""};
    if (http_open(&sc.loop, 16, 8, &sc.http))
        return -1;
    return sc.peer.port ? market_aws.open(&sc.loop, sc.http, &cfg, &market, &err) : 0;
}

static int close_all(void **state)
{
    (void)state;
    if (market)
        market_aws.close(market);
    market = NULL;
    http_close(&sc.http);
    return uv_run(&sc.loop, UV_RUN_DEFAULT);
}

#define NEED_PEER()                                                                                \
    if (!sc.peer.port)                                                                             \
    skip()

static struct market_purchase purchase(void)
{
    struct market_purchase p = market_purchase_none;

    p.purchase = ID;
    p.license = ARN;
    p.account = "845735284135";
    return p;
}

static void names_that_are_none(void **state)
{
    static const char *const bodies[] = {
        "{}",
        "{\"ProductCode\":\"" CODE "\",\"LicenseArn\":\"" ARN
        "\",\"CustomerAWSAccountId\":\"12a\"}",
        "{\"ProductCode\":\"" CODE "\",\"LicenseArn\":\"" ARN "\",\"CustomerIdentifier\":\"a b\"}",
        "{\"ProductCode\":\"" CODE "\",\"LicenseArn\":\"arn:x\\n:" ID "\"}",
    };
    char text[1000], huge[17000];

    (void)state;
    NEED_PEER();
    cfg.contract = false;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        snprintf(text, sizeof(text), "[{\"path\":\"/m\",\"body\":%s}]", bodies[i]);
        scripted_rules(text);
        resolve("token");
        assert_int_equal(got.cls, MARKET_RETRY);
        assert_string_equal(got.code, "MalformedReply");
    }
    memset(huge, 'a', sizeof(huge));
    huge[16385] = '\0';
    for (int n = 255; n <= 256; n++) {
        snprintf(text, sizeof(text),
                 "[{\"path\":\"/m\",\"body\":{\"ProductCode\":\"" CODE "\",\"LicenseArn\":\"" ARN
                 "\",\"CustomerIdentifier\":\"%.*s\"}}]",
                 n, huge);
        scripted_rules(text);
        resolve("token");
        assert_int_equal(got.cls, n == 255 ? MARKET_OK : MARKET_RETRY);
    }
    resolve(huge);
    assert_int_equal(got.cls, MARKET_INVALID);
    assert_int_equal(asked("/m", NULL), 1);
    /* A listing without a code has no purchases. */
    cfg.product_code = "";
    scripted_rules("[{\"path\":\"/m\",\"body\":{\"ProductCode\":\"\",\"LicenseArn\":\"" ARN
                   "\"}}]");
    resolve("token");
    assert_int_equal(got.cls, MARKET_RETRY);
}

#define ENTITLED(list) "[{\"path\":\"/e\",\"body\":{\"Entitlements\":[" list "]}}]"

/* The filter was AWS's to apply. */
static void what_is_not_ours(void **state)
{
    struct market_purchase p = purchase();

    (void)state;
    NEED_PEER();
    scripted_rules(ENTITLED("{\"ProductCode\":\"other\",\"LicenseArn\":\"" ARN
                            "\",\"Value\":{\"IntegerValue\":1}},"
                            "{\"LicenseArn\":\"" ARN "0\",\"Value\":{\"IntegerValue\":2}},"
                            "{\"LicenseArn\":\"" ARN "\",\"Value\":{\"BooleanValue\":false},"
                            "\"ExpirationDate\":1780315200}"));
    p.ends_ms = 1811851200000;
    refresh(&p);
    assert_int_equal(got.cls, MARKET_OK);
    assert_int_equal(got.n, 1);
    assert_string_equal(got.first, "false");
    assert_true(got.ends == 1780315200000);
    assert_int_equal(asked("/e", "\"LICENSE_ARN\":[\"" ARN "\"]"), 1);
    assert_int_equal(asked("/a", NULL), 0);
    /* A form of the ARN that the API would refuse. */
    p.license = "aws:license-manager:us-east-1:294406891311:" ID;
    scripted_rules(ENTITLED(""));
    refresh(&p);
    assert_true(got.known && !got.granted);
    assert_int_equal(asked("/e", "\"CUSTOMER_AWS_ACCOUNT_ID\":[\"845735284135\"]"), 1);
    cfg.mode = CFG_LEGACY;
    p.customer = "C";
    p.agreement = "agmt-1";
    p.license = "";
    scripted_rules(ENTITLED("{\"CustomerIdentifier\":\"D\",\"Value\":{\"IntegerValue\":1}}"));
    refresh(&p);
    assert_true(got.known && !got.granted && got.n == 0);
    assert_int_equal(asked("/a", NULL), 0); /* agreements are of licences */
}

static void pages_that_repeat(void **state)
{
    struct market_purchase p = purchase();

    (void)state;
    NEED_PEER();
    scripted_rules("[{\"path\":\"/e\",\"body\":{\"Entitlements\":[],\"NextToken\":\"again\"}}]");
    refresh(&p);
    assert_int_equal(got.cls, MARKET_RETRY);
    assert_string_equal(got.code, "EndlessPages");
    assert_int_equal(asked("/e", NULL), 2);
}

#define LICENCES(list)                                                                             \
    "[{\"path\":\"/a\",\"times\":1,\"body\":{\"agreementEntitlements\":[" list "]}},"
#define ONE(status, arn) "{\"status\":\"" status "\",\"licenseArn\":\"" arn "\"}"
#define REST                                                                                       \
    "{\"path\":\"/a\",\"body\":{\"status\":\"ACTIVE\"}},{\"path\":\"/"                             \
    "e\",\"body\":{\"Entitlements\":[]}}]"

static void which_licence_is_the_agreements(void **state)
{
    static const struct {
        const char *rules, *license;
    } rows[] = {
        {LICENCES(ONE("PROVISIONED", ARN)) REST, ARN},
        {LICENCES(ONE("PROVISIONED", ARN) "," ONE("PROVISIONED", ARN "0")) REST, ""},
        {LICENCES(ONE("DEPROVISIONED", ARN)) REST, ARN},
        {LICENCES(ONE("DEPROVISIONED", ARN "0") "," ONE("PROVISIONED", ARN)) REST, ARN},
        {LICENCES(ONE("PENDING", ARN)) REST, ""},
        {LICENCES("") REST, ""},
    };
    struct market_purchase p = purchase();

    (void)state;
    NEED_PEER();
    p.purchase = p.license = "";
    p.agreement = "agmt-1";
    p.status = "ACTIVE";
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        scripted_rules(rows[i].rules);
        refresh(&p);
        assert_int_equal(got.cls, MARKET_OK);
        assert_string_equal(got.license, rows[i].license);
        /* Without a licence nothing is known of entitlements. */
        assert_int_equal(asked("/e", NULL), *rows[i].license ? 1 : 0);
        assert_int_equal(asked("/a", NULL), 2);
    }
    /* Neither agreement nor licence: there is nothing to ask. */
    p.agreement = "";
    refresh(&p);
    assert_int_equal(got.cls, MARKET_OK);
    assert_int_equal(asked("/a", NULL), 2);
    /* Passing trouble beside the point is worth asking everything again. */
    p.agreement = "agmt-1";
    scripted_rules("[{\"path\":\"/a\",\"status\":503}]");
    refresh(&p);
    assert_int_equal(got.cls, MARKET_RETRY);
}

static void ends_of_agreements(void **state)
{
    static const struct {
        const char *status;
        bool granted;
    } rows[] = {{"ACTIVE", true},      {"CANCELLED", false}, {"EXPIRED", false},
                {"TERMINATED", false}, {"ARCHIVED", false},  {"OF_NEXT_YEAR", true}};
    struct market_purchase p = purchase();
    char text[400];

    (void)state;
    NEED_PEER();
    p.agreement = "agmt-1";
    p.granted = p.known_entitlements = true;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        snprintf(text, sizeof(text),
                 "[{\"path\":\"/a\",\"body\":{\"status\":\"%s\"}},{\"path\":\"/e\",\"body\":"
                 "{\"Entitlements\":[{\"LicenseArn\":\"" ARN
                 "\",\"Value\":{\"IntegerValue\":1}}]}}]",
                 rows[i].status);
        scripted_rules(text);
        /* What the buyer is entitled to counts more than the agreement. */
        cfg.contract = true;
        refresh(&p);
        assert_true(got.known && got.granted);
        cfg.contract = false;
        refresh(&p);
        assert_false(got.known);
        assert_int_equal(got.granted, rows[i].granted);
    }
    /* Terms are read once, to an end. */
    scripted_rules("[{\"path\":\"/a\",\"body\":{\"status\":\"ACTIVE\",\"nextToken\":\"more\"}}]");
    refresh(&p);
    assert_int_equal(got.cls, MARKET_OK);
    assert_int_equal(asked("/a", NULL), 1 + 10);
    scripted_rules("[{\"path\":\"/a\",\"body\":{\"status\":\"ACTIVE\"}}]");
    p.status = "ACTIVE";
    refresh(&p);
    assert_int_equal(asked("/a", NULL), 1);
}

static void on_page(void *arg, const struct market_page *p)
{
    (void)arg;
    got.calls++;
    got.cls = p->cls;
    got.n = p->n;
    snprintf(got.code, sizeof(got.code), "%s", p->code);
    if (p->n == 0)
        return;
    got.granted = p->purchases[0].granted;
    snprintf(got.license, sizeof(got.license), "%s", p->purchases[0].license);
}

#define LISTED(more)                                                                               \
    "[{\"path\":\"/"                                                                               \
    "a\",\"times\":1,\"body\":{\"agreementViewSummaries\":[{\"status\":\"ACTIVE\"" more "}]}},"
#define RESULT(list) "{\"path\":\"/a\",\"body\":{\"agreementEntitlements\":[" list "]}}]"
#define REFUSED      "{\"path\":\"/a\",\"status\":403}]"
#define NAMED        ",\"agreementId\":\"agmt-1\",\"startTime\":1780315200"
#define OWN          ",\"entitlements\":[{\"licenseArn\":\"" ARN "\"}"

/* Of the list of agreements, where usage is what is paid for. */
static void listed_agreements(void **state)
{
    static const struct {
        const char *rules, *license;
        size_t n;
        bool granted;
    } rows[] = {
        {LISTED(NAMED) RESULT(ONE("PROVISIONED", ARN)), ARN, 1, true},
        {LISTED(NAMED) RESULT(ONE("PENDING", ARN)), "", 1, false},
        {LISTED(NAMED) RESULT(ONE("PROVISIONED", ARN) "," ONE("PROVISIONED", ARN "0")), "", 1,
         false},
        /* It begins later. */
        {LISTED(",\"agreementId\":\"agmt-1\",\"startTime\":4102444800")
             RESULT(ONE("PROVISIONED", ARN)),
         ARN, 1, false},
        {LISTED(",\"startTime\":1780315200") RESULT(ONE("PROVISIONED", ARN)), "", 0, false},
        {LISTED(NAMED ",\"proposalSummary\":{\"resources\":[{\"id\":\"prod-2\"}]}")
             RESULT(ONE("PROVISIONED", ARN)),
         "", 0, false},
        /* The right to ask is missing: what the list itself tells must do. */
        {LISTED(NAMED OWN "]") REFUSED, ARN, 1, true},
        {LISTED(NAMED OWN ",{\"licenseArn\":\"" ARN "0\"}]") REFUSED, "", 1, false},
    };

    (void)state;
    NEED_PEER();
    cfg.contract = false;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        scripted_rules(rows[i].rules);
        memset(&got, 0, sizeof(got));
        market_aws.list(market, "2:", on_page, NULL);
        scripted_spin(&got.calls, 1);
        assert_int_equal(got.cls, MARKET_OK);
        assert_int_equal(got.n, rows[i].n);
        assert_string_equal(got.license, rows[i].license);
        assert_int_equal(got.granted, rows[i].granted);
    }
    cfg.mode = CFG_LEGACY;
    got.calls = 0;
    market_aws.list(market, "", on_page, NULL);
    scripted_spin(&got.calls, 1);
    assert_int_equal(got.cls, MARKET_CONFIG);
    assert_string_equal(got.code, "NoList");
}

static void errors_of_entitlements(void **state)
{
    static const struct {
        const char *rule;
        enum market_class cls;
        const char *code;
    } rows[] = {
        {"\"status\":400,\"body\":{\"__type\":\"com.amazonaws.x#ResourceNotFoundException:http://"
         "y\"}",
         MARKET_GONE, "ResourceNotFoundException"},
        {"\"status\":400,\"body\":{},\"headers\":{\"x-amzn-ErrorType\":"
         "\"InvalidParameterException\"}",
         MARKET_CONFIG, "InvalidParameterException"},
        /* No buyer's token was sent that could be old. */
        {"\"status\":400,\"body\":{\"__type\":\"ExpiredTokenException\"}", MARKET_CONFIG,
         "ExpiredTokenException"},
        {"\"status\":202,\"body\":{\"Entitlements\":[]}", MARKET_CONFIG, "Http202"},
    };
    struct market_purchase p = purchase();
    char text[400];

    (void)state;
    NEED_PEER();
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        snprintf(text, sizeof(text), "[{\"path\":\"/e\",%s}]", rows[i].rule);
        scripted_rules(text);
        refresh(&p);
        assert_int_equal(got.cls, rows[i].cls);
        assert_string_equal(got.code, rows[i].code);
    }
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(names_that_are_none),    CASE(what_is_not_ours),
        CASE(pages_that_repeat),      CASE(which_licence_is_the_agreements),
        CASE(ends_of_agreements),     CASE(listed_agreements),
        CASE(errors_of_entitlements),
    };

    return cmocka_run_group_tests(tests, scripted_start, scripted_stop);
}
