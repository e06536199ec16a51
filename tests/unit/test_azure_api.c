/* the azure channel's calls: credentials, errors, what is read and what is told. */
#include "azure_rig.h"

#include "base/clock.h"

static void secret_and_token_endpoints(void **state)
{
    const cJSON *rq;
    cJSON *log;

    (void)state;
    NEED_PEER();
    scripted_rules("[" TOKEN_RULE "," GET_SUB("Subscribed", "") "]");
    az_refresh(SUB, "");
    assert_int_equal(az.cls, MARKET_OK);
    log = scripted_log();
    rq = az_request(log, "POST", "/entra/tid/oauth2/v2.0/token", 0);
    assert_true(str_is(json_str(rq, "body"),
                       "grant_type=client_credentials&client_id=app&scope=20e940b3-4c77-4b0b-9a53-"
                       "9e16a1b010a7%2F.default&client_secret=s3cr%26t"));
    rq = az_request(log, "GET", SUB_PATH, 0);
    assert_true(str_is(json_str(rq, "target"), SUB_PATH "?api-version=2018-08-31"));
    rq = json_obj(rq, "headers");
    assert_true(str_is(json_str(rq, "authorization"), "Bearer bearer-1"));
    assert_int_equal(json_str(rq, "x-ms-requestid").n, 36);
    assert_true(str_is(json_str(rq, "x-ms-correlationid"), SUB));
    cJSON_Delete(log);

    az.cfg.azure.token_version = CFG_TOKEN_V1;
    az_reopen();
    scripted_rules("[{\"path\":\"/entra/tid/oauth2/token\",\"body\":{\"access_token\":\"v1\","
                   "\"expires_in\":\"3600\"}}," GET_SUB("Subscribed", "") "]");
    az_refresh(SUB, "");
    assert_int_equal(az.cls, MARKET_OK);
    log = scripted_log();
    rq = az_request(log, "POST", "/entra/tid/oauth2/token", 0);
    assert_non_null(strstr(cJSON_GetStringValue(json_get(rq, "body")),
                           "&resource=20e940b3-4c77-4b0b-9a53-9e16a1b010a7&client_secret="));
    cJSON_Delete(log);
}

static void a_hundred_calls_one_token(void **state)
{
    struct market_purchase known = market_purchase_none;

    (void)state;
    NEED_PEER();
    scripted_rules("[" TOKEN_RULE "," GET_SUB("Unsubscribed", "") "]");
    known.purchase = SUB;
    az_begin();
    for (int i = 0; i < 100; i++)
        market_azure.refresh(az.market, &known, az_on_result, NULL);
    scripted_spin(&az.calls, 100);
    assert_int_equal(az.ok, 100);
    assert_int_equal(az_requests("POST", "/entra/"), 1);
}

static void an_expired_secret(void **state)
{
    (void)state;
    NEED_PEER();
    scripted_rules("[{\"path\":\"/entra/*\",\"status\":401,\"body\":{\"error\":\"invalid_client\","
                   "\"error_description\":\"AADSTS7000222: expired\",\"error_codes\":[7000222]}}]");
    for (int i = 0; i < 10; i++) {
        az_refresh(SUB, "");
        assert_int_equal(az.cls, MARKET_CONFIG);
        assert_string_equal(az.code, "AADSTS7000222");
    }
    assert_int_equal(scripted_count(), 1);
    unlink(az.secret);
    az_reopen();
    az_refresh(SUB, "");
    assert_int_equal(az.cls, MARKET_CONFIG);
    assert_string_equal(az.code, "SecretFileUnreadable");
}

static void refused_tokens_are_fetched_once_more(void **state)
{
    (void)state;
    NEED_PEER();
    scripted_rules("[" TOKEN_RULE ",{\"path\":\"" SUB_PATH
                   "\",\"status\":401,\"times\":1}," GET_SUB("Unsubscribed", "") "]");
    az_refresh(SUB, "");
    assert_int_equal(az.cls, MARKET_OK);
    assert_int_equal(az_requests("POST", "/entra/"), 2);
    scripted_rules("[" TOKEN_RULE ",{\"path\":\"" SUB_PATH "\",\"status\":401}]");
    az_refresh(SUB, "");
    assert_int_equal(az.cls, MARKET_CONFIG);
    assert_int_equal(az_requests("GET", SUB_PATH), 2);
    /* A bare text; and a 403 that stays costs one token a minute, not one a call. */
    scripted_rules("[" TOKEN_RULE ",{\"path\":\"" SUB_PATH
                   "\",\"status\":403,\"body\":\"\\\"The authorization token is invalid\\\"\"}]");
    for (int i = 0; i < 5; i++) {
        az_refresh(SUB, "");
        assert_int_equal(az.cls, MARKET_CONFIG);
        assert_string_equal(az.code, "Http403");
    }
    assert_true(az_requests("POST", "/entra/") <= 1);
    assert_int_equal(az_requests("GET", SUB_PATH), 6);
}

static void errors_have_classes(void **state)
{
    static const struct {
        const char *rule;
        enum market_class cls;
        const char *code;
    } rows[] = {
        {"\"status\":404,\"body\":{\"code\":\"NotFound\"}", MARKET_GONE, "NotFound"},
        {"\"status\":400,\"body\":{\"Error\":{\"Code\":\"ApiVersionUnspecified\"}}", MARKET_CONFIG,
         "ApiVersionUnspecified"},
        {"\"status\":500,\"body\":{\"error\":{\"code\":\"UnexpectedError\"}}", MARKET_RETRY,
         "UnexpectedError"},
        {"\"status\":429,\"headers\":{\"Retry-After\":\"7\"}", MARKET_RETRY, "Http429"},
        {"\"status\":404,\"body\":\"\"", MARKET_GONE, "Http404"},
        /* Of a proxy, or of a wrong address. */
        {"\"status\":404,\"body\":\"<html>\"", MARKET_RETRY, "NotJson"},
        {"\"status\":200,\"body\":\"<html>\"", MARKET_RETRY, "NotJson"},
        {"\"status\":200,\"body\":{}", MARKET_RETRY, "MalformedReply"},
        {"\"status\":200,\"body\":{\"id\":\"another\",\"offerId\":\"offer1\"}", MARKET_RETRY,
         "MalformedReply"},
        {"\"status\":200,\"body\":{\"id\":\"" SUB "\",\"offerId\":\"offer2-preview\"}",
         MARKET_PRODUCT, "OtherOffer"},
        {"\"status\":408", MARKET_RETRY, "Http408"},
        {"\"status\":400,\"body\":{\"code\":\"a\\nb\"}", MARKET_CONFIG, "Http400"},
        {"\"status\":200,\"body\":\"\\ufeff{\\\"id\\\":\\\"" SUB
         "\\\",\\\"offerId\\\":\\\"offer1\\\"}\"",
         MARKET_OK, ""},
        {"\"status\":302,\"headers\":{\"Location\":\"/elsewhere\"}", MARKET_CONFIG, "Http302"},
    };
    char rule[512];

    (void)state;
    NEED_PEER();
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        snprintf(rule, sizeof(rule), "[" TOKEN_RULE ",{\"path\":\"" SUB_PATH "\",%s}]",
                 rows[i].rule);
        scripted_rules(rule);
        az_refresh(SUB, "");
        assert_int_equal(az.cls, rows[i].cls);
        assert_string_equal(az.code, rows[i].code);
        if (rows[i].cls == MARKET_PRODUCT)
            assert_string_equal(az.p.product_code, "offer2");
    }
    assert_int_equal(az_requests("GET", "/elsewhere"), 0);
    az_refresh("../../x", "");
    assert_int_equal(az.cls, MARKET_GONE);
    assert_string_equal(az.code, "NoSubscriptionId");
    scripted_rules("[" TOKEN_RULE "," GET_SUB("NotStarted", "") "]");
    az_refresh(SUB, "");
    assert_int_equal(az.p.standing, STANDING_HELD);
}

static void refused_tokens(void)
{
    static const struct {
        const char *rule;
        enum market_class cls;
    } rows[] = {
        {"\"status\":400,\"body\":{\"code\":\"BadArgument\",\"message\":\"It is malformed.\"}",
         MARKET_INVALID},
        {"\"status\":400,\"body\":{\"code\":\"BadArgument\",\"message\":\"It is expired or "
         "malformed.\"}",
         MARKET_EXPIRED},
        {"\"status\":400,\"body\":{\"code\":\"BadArgument\"}", MARKET_EXPIRED},
        {"\"status\":400,\"body\":{\"code\":\"ApiVersionUnspecified\"}", MARKET_CONFIG},
        {"\"status\":404,\"body\":{\"code\":\"NotFound\"}", MARKET_INVALID},
    };
    char text[9000];

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        snprintf(text, sizeof(text), "[" TOKEN_RULE ",{\"path\":\"/api/*\",%s}]", rows[i].rule);
        scripted_rules(text);
        az_resolve("token");
        assert_int_equal(az.cls, rows[i].cls);
    }
    /* What no header can carry, or nobody sends. */
    scripted_rules("[" TOKEN_RULE "]");
    memset(text, 'a', sizeof(text));
    text[8193] = '\0';
    az_resolve(text);
    assert_int_equal(az.cls, MARKET_INVALID);
    az_resolve("a\x7f");
    assert_int_equal(az.cls, MARKET_INVALID);
    az_resolve("\xc3\xa4");
    assert_int_equal(az.cls, MARKET_INVALID);
    assert_int_equal(az_requests("POST", "/api/"), 0);
}

static void tokens_of_buyers(void **state)
{
    const cJSON *rq;
    cJSON *log;

    (void)state;
    NEED_PEER();
    scripted_rules("[" TOKEN_RULE ",{\"method\":\"POST\",\"path\":\"/api/saas/subscriptions/"
                   "resolve\",\"body\":{\"id\":\"" SUB
                   "\",\"offerId\":\"offer1\",\"subscription\":" SUB_BODY(
                       " PendingFulfillmentStart ", ",\"quantity\":\"10\"") "}}]");
    az_resolve("ab cd/ef==");
    assert_int_equal(az.cls, MARKET_OK);
    assert_string_equal(az.p.purchase, SUB);
    assert_int_equal(az.p.standing, STANDING_HELD);
    assert_int_equal(az.p.quantity, 10);
    assert_false(az.p.granted || az.p.unattended);
    log = scripted_log();
    rq = az_request(log, "POST", "/api/saas/subscriptions/resolve", 0);
    assert_true(str_is(json_str(rq, "body"), ""));
    assert_true(str_is(json_str(json_obj(rq, "headers"), "x-ms-marketplace-token"), "ab+cd/ef=="));
    cJSON_Delete(log);
    az_resolve("");
    assert_int_equal(az.cls, MARKET_INVALID);
    az_resolve("a\r\nX-Evil: 1");
    assert_int_equal(az.cls, MARKET_INVALID);
    assert_int_equal(az_requests("POST", "/api/"), 1);

    scripted_rules("[" TOKEN_RULE ",{\"path\":\"/api/*\",\"status\":400,\"body\":{\"code\":"
                   "\"BadArgument\",\"message\":\"The token has expired.\"}}]");
    az_resolve("old");
    assert_int_equal(az.cls, MARKET_EXPIRED);
    scripted_rules("[" TOKEN_RULE ",{\"path\":\"/api/*\",\"status\":400,\"body\":{\"code\":"
                   "\"InvalidValue\",\"message\":\"Failed to decrypt token with either primary or "
                   "secondary secret\"}}]");
    az_resolve("other");
    assert_int_equal(az.cls, MARKET_INVALID);
    refused_tokens();
    /* An answer without the subscription, or without its state: it is read. */
    scripted_rules("[" TOKEN_RULE
                   ",{\"method\":\"POST\",\"path\":\"/api/*\",\"body\":{\"id\":\"" SUB
                   "\",\"subscription\":{\"id\":\"" SUB
                   "\",\"offerId\":\"offer1\"}}}," GET_SUB("Suspended", "") "]");
    az_resolve("half");
    assert_int_equal(az.cls, MARKET_OK);
    assert_int_equal(az.p.standing, STANDING_SUSPENDED);
    scripted_rules("[" TOKEN_RULE
                   ",{\"method\":\"POST\",\"path\":\"/api/*\",\"body\":{\"id\":\"" SUB
                   "\"}}," GET_SUB("Subscribed", "") "]");
    az_resolve("short");
    assert_int_equal(az.cls, MARKET_OK);
    assert_int_equal(az.p.standing, STANDING_ACTIVE);
    assert_true(az.p.unattended);
}

static void a_status_of_tomorrow_changes_nothing(void **state)
{
    struct market_purchase known = market_purchase_none;

    (void)state;
    NEED_PEER();
    scripted_rules("[" TOKEN_RULE "," GET_SUB("Paused", "") "]");
    known.purchase = SUB;
    known.standing = STANDING_ACTIVE;
    known.granted = true;
    az_begin();
    market_azure.refresh(az.market, &known, az_on_result, NULL);
    az_wait();
    assert_int_equal(az.p.standing, STANDING_ACTIVE);
    assert_true(az.p.granted);
    assert_string_equal(az.p.status, "Paused");
}

static void changes_that_wait(void **state)
{
#define CHANGE(action, status, source, more)                                                       \
    "[" TOKEN_RULE "," OPERATION(action, status, source, more) "," GET_SUB("Subscribed", "") "]"
    (void)state;
    NEED_PEER();
    scripted_rules(CHANGE("ChangePlan", "InProgress", "Azure", ",\"planId\":\"gold\""));
    az_refresh(SUB, OP);
    assert_int_equal(az.cls, MARKET_OK);
    assert_string_equal(az.p.pending_plan, "gold");
    assert_string_equal(az.p.change_id, OP);
    assert_string_equal(az.p.plan, "silver");
    scripted_rules(CHANGE("ChangeQuantity", "NotStarted", "Azure", ",\"quantity\":\"20\""));
    az_refresh(SUB, OP);
    assert_int_equal(az.p.pending_quantity, 20);
    assert_string_equal(az.p.pending_plan, "");
    scripted_rules(CHANGE("ChangePlan", "Succeeded", "Azure", ",\"planId\":\"gold\""));
    az_refresh(SUB, OP);
    assert_string_equal(az.p.change_id, "");
    assert_false(az.p.change_off); /* its effect is on the way */
    for (size_t i = 0; i < 2; i++) {
        scripted_rules(i ? CHANGE("ChangePlan", "Failed", "Azure", "")
                         : CHANGE("ChangePlan", "Conflict", "Azure", ""));
        az_refresh(SUB, OP);
        assert_true(az.p.change_off);
        assert_string_equal(az.p.change_id, "");
    }
    scripted_rules(CHANGE("ChangePlan", "NotStarted", "Partner", ",\"planId\":\"gold\""));
    az_refresh(SUB, OP);
    assert_string_equal(az.p.change_id, "");
    /* Forged: the operation is of another subscription, or of none. */
    scripted_rules("[" TOKEN_RULE ",{\"path\":\"" SUB_PATH "/operations/" OP
                   "\",\"body\":{\"id\":\"" OP "\",\"subscriptionId\":\"another\",\"action\":"
                   "\"ChangePlan\",\"planId\":\"gold\",\"status\":\"InProgress\","
                   "\"operationRequestSource\":\"Azure\"}}," GET_SUB("Subscribed", "") "]");
    az_refresh(SUB, OP);
    assert_int_equal(az.cls, MARKET_OK);
    assert_string_equal(az.p.change_id, "");
    assert_string_equal(az.p.pending_plan, "");
    scripted_rules("[" TOKEN_RULE "," GET_SUB("Subscribed", "") "]");
    az_refresh(SUB, OP);
    assert_int_equal(az.cls, MARKET_OK);
    assert_string_equal(az.p.change_id, "");
    /* Lost webhook: the operations that wait are looked through, in both shapes. */
    scripted_rules("[" TOKEN_RULE "," GET_SUB(
        "Subscribed", "") ",{\"path\":\"" SUB_PATH
                          "/operations\",\"body\":{\"operations\":[{\"id\":\"" OP
                          "\",\"subscriptionId\":"
                          "\"" SUB "\",\"action\":\"ChangePlan\",\"planId\":\"gold\",\"status\":"
                          "\"InProgress\",\"operationRequestSource\":\"Azure\"}]}}]");
    az_refresh(SUB, "");
    assert_string_equal(az.p.change_id, OP);
    assert_string_equal(az.p.pending_plan, "gold");
}

#define LIST_RULE(status, list)                                                                    \
    "{\"path\":\"" SUB_PATH "/operations\",\"status\":" status ",\"body\":" list "}"
#define WAITING                                                                                    \
    "[{\"id\":\"" OP "\",\"subscriptionId\":\"" SUB                                                \
    "\",\"action\":\"ChangePlan\",\"planId\":\"gold\",\"status\":\"InProgress\"}]"

/* When the operations are looked through, and what is believed of them. */
static void the_list_of_operations(void **state)
{
    (void)state;
    NEED_PEER();
    /* The emulator's shape. */
    scripted_rules("[" TOKEN_RULE "," GET_SUB("Subscribed", "") "," LIST_RULE("200", WAITING) "]");
    az_refresh(SUB, "");
    assert_string_equal(az.p.change_id, OP);
    /* In trouble: the subscription counts all the same. */
    scripted_rules("[" TOKEN_RULE "," GET_SUB("Subscribed", "") "," LIST_RULE("503", WAITING) "]");
    az_refresh(SUB, "");
    assert_int_equal(az.cls, MARKET_OK);
    assert_string_equal(az.code, "Http503");
    assert_string_equal(az.p.change_id, "");
    /* Nothing can wait there, or what was asked about was told. */
    scripted_rules("[" TOKEN_RULE "," GET_SUB("Suspended", "") "," LIST_RULE("200", WAITING) "]");
    az_refresh(SUB, "");
    assert_string_equal(az.p.change_id, "");
    scripted_rules("[" TOKEN_RULE "," OPERATION("ChangePlan", "Succeeded", "Azure", "") "," GET_SUB(
        "Subscribed", "") "," LIST_RULE("200", WAITING) "]");
    az_refresh(SUB, OP);
    assert_string_equal(az.p.change_id, "");
    scripted_rules("[" TOKEN_RULE
                   "," OPERATION("ChangePlan", "InProgress", "Azure",
                                 ",\"planId\":\"gold\"") "," GET_SUB("Unsubscribed", "") "]");
    az_refresh(SUB, OP);
    assert_int_equal(az.p.standing, STANDING_ENDED);
    assert_string_equal(az.p.change_id, "");
    /* Another operation than the one that was asked for; and one that is none. */
    scripted_rules("[" TOKEN_RULE ",{\"path\":\"" SUB_PATH
                   "/operations/op-2\",\"body\":{\"id\":\"" OP "\",\"subscriptionId\":\"" SUB
                   "\",\"action\":\"ChangePlan\",\"planId\":\"gold\",\"status\":"
                   "\"InProgress\"}}," GET_SUB("Subscribed", "") "]");
    az_refresh(SUB, "op-2");
    assert_string_equal(az.p.change_id, "");
    assert_string_equal(az.p.pending_plan, "");
    scripted_rules("[" TOKEN_RULE ",{\"path\":\"" SUB_PATH
                   "/operations/*\",\"status\":400}," GET_SUB("Subscribed", "") "]");
    az_refresh(SUB, OP);
    assert_int_equal(az.cls, MARKET_OK);
}

static void closing_answers_everybody(void **state)
{
    struct market_purchase known = market_purchase_none;

    (void)state;
    NEED_PEER();
    scripted_rules("[" TOKEN_RULE ",{\"path\":\"/api/*\",\"wait\":2}]");
    known.purchase = SUB;
    az_begin();
    for (int i = 0; i < 4; i++)
        market_azure.refresh(az.market, &known, az_on_result, NULL);
    for (int i = 0; i < 200 && sc.calls < 2; i++)
        uv_run(&sc.loop, UV_RUN_NOWAIT);
    market_azure.refresh(az.market, &known, az_on_result, NULL);
    market_azure.close(az.market);
    az.market = NULL;
    assert_int_equal(az.calls, 5);
    assert_int_equal(az.cls, MARKET_RETRY);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, az_setup, az_teardown)
    const struct CMUnitTest tests[] = {
        CASE(secret_and_token_endpoints),
        CASE(a_hundred_calls_one_token),
        CASE(an_expired_secret),
        CASE(refused_tokens_are_fetched_once_more),
        CASE(errors_have_classes),
        CASE(tokens_of_buyers),
        CASE(a_status_of_tomorrow_changes_nothing),
        CASE(changes_that_wait),
        CASE(the_list_of_operations),
        CASE(closing_answers_everybody),
    };

    return cmocka_run_group_tests(tests, scripted_start, scripted_stop);
}
