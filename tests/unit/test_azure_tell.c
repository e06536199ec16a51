/* what the azure channel tells Microsoft, and what it makes of the answers. */
#include "azure_rig.h"

#define RULES(...) "[" TOKEN_RULE "," __VA_ARGS__ "]"
#define ANSWER(method, path, status, body)                                                         \
    "{\"method\":\"" method "\",\"path\":\"" path "\",\"status\":" status ",\"body\":" body "}"
#define BAD "{\"code\":\"BadArgument\"}"

/* The body of the only request with this method below the subscription. */
static void sent(const char *method, const char *path, const char *body)
{
    cJSON *log = scripted_log();
    const cJSON *rq = az_request(log, method, path, 0);

    assert_non_null(rq);
    assert_string_equal(cJSON_GetStringValue(json_get(rq, "body")), body);
    assert_null(az_request(log, method, path, 1));
    cJSON_Delete(log);
}

static void az_tell_of(const char *purchase, const char *change, enum market_verb verb)
{
    struct market_purchase known = market_purchase_none;

    known.purchase = purchase;
    known.change_id = change;
    az_begin();
    market_azure.tell(az.market, verb, &known, STR(""), az_on_verb, NULL);
    az_wait();
}

static void verbs_as_documented(void **state)
{
    static const struct {
        enum market_verb verb;
        uint64_t quantity;
        const char *text, *method, *path, *body;
    } rows[] = {
        {MARKET_COMMIT, 0, "", "POST", SUB_PATH "/activate", "{\"planId\":\"silver\"}"},
        {MARKET_COMMIT, 7, "", "POST", SUB_PATH "/activate",
         "{\"planId\":\"silver\",\"quantity\":7}"},
        {MARKET_REJECT, 0, "", "DELETE", SUB_PATH, ""},
        {MARKET_CANCEL, 0, "", "DELETE", SUB_PATH, ""},
        {MARKET_CHANGE_PLAN, 3, "gold", "PATCH", SUB_PATH, "{\"planId\":\"gold\"}"},
        {MARKET_CHANGE_QUANTITY, 3, "12", "PATCH", SUB_PATH, "{\"quantity\":12}"},
        {MARKET_ACCEPT_CHANGE, 0, "", "PATCH", SUB_PATH "/operations/" OP,
         "{\"status\":\"Success\"}"},
        {MARKET_REJECT_CHANGE, 0, "", "PATCH", SUB_PATH "/operations/" OP,
         "{\"status\":\"Failure\"}"},
    };

    (void)state;
    NEED_PEER();
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        scripted_rules(RULES(OPERATION(
            "ChangePlan", "InProgress", "Azure",
            "") ",{\"path\":\"" SUB_PATH "*\",\"status\":202,\"headers\":{\"Retry-After\":\"10\","
                "\"Operation-Location\":\"https://main.prod.marketplaceapi.azure.com/x\"}}"));
        az_tell(rows[i].verb, rows[i].quantity, rows[i].text);
        assert_int_equal(az.cls, MARKET_OK);
        sent(rows[i].method, rows[i].path, rows[i].body);
    }
    scripted_rules(RULES(GET_SUB("Subscribed", "")));
    az_tell(MARKET_SIGNUP, 0, "");
    assert_int_equal(az.cls, MARKET_OK);
    az_tell(MARKET_PROGRESS, 0, "building");
    assert_int_equal(az.cls, MARKET_OK);
    az_tell(MARKET_CHANGE_QUANTITY, 0, "many");
    assert_int_equal(az.cls, MARKET_REFUSED);
    assert_string_equal(az.code, "BadQuantity");
    az_tell(MARKET_CHANGE_QUANTITY, 0, "0");
    assert_string_equal(az.code, "BadQuantity");
    assert_int_equal(scripted_count(), 0);
    /* A change that nobody named; a purchase without a subscription. */
    az_tell_of(SUB, "", MARKET_ACCEPT_CHANGE);
    assert_int_equal(az.cls, MARKET_OK);
    az_tell_of("", "", MARKET_CANCEL);
    assert_int_equal(az.cls, MARKET_GONE);
    assert_string_equal(az.code, "NoSubscriptionId");
    assert_int_equal(scripted_count(), 0);
    /* What a success says is not read. */
    scripted_rules(RULES("{\"path\":\"" SUB_PATH "/activate\",\"body\":\"activated\"}"));
    az_tell(MARKET_COMMIT, 0, "");
    assert_int_equal(az.cls, MARKET_OK);
}

static void refusals_are_looked_into(void **state)
{
    static const struct {
        enum market_verb verb;
        const char *text, *rules;
        enum market_class cls;
        const char *code;
    } rows[] = {
#define ACTIVATE(status) ANSWER("POST", SUB_PATH "/activate", status, BAD)
#define DELETE_(status)  ANSWER("DELETE", SUB_PATH, status, BAD)
#define PATCH_BUSY                                                                                 \
    ANSWER("PATCH", SUB_PATH, "400", "{\"code\":\"BadArgument\",\"message\":\"It is pending.\"}")
#define PATCH_(status) ANSWER("PATCH", SUB_PATH, status, BAD)
        {MARKET_COMMIT, "", RULES(ACTIVATE("400") "," GET_SUB("Subscribed", "")), MARKET_OK, ""},
        {MARKET_COMMIT, "", RULES(ACTIVATE("400") "," GET_SUB("Suspended", "")), MARKET_OK, ""},
        {MARKET_COMMIT, "", RULES(ACTIVATE("404") "," GET_SUB("Unsubscribed", "")), MARKET_GONE,
         "BadArgument"},
        {MARKET_COMMIT, "", RULES(ACTIVATE("400") "," GET_SUB("PendingFulfillmentStart", "")),
         MARKET_CONFIG, "BadArgument"},
        {MARKET_COMMIT, "", RULES(ACTIVATE("404")), MARKET_GONE, "NoRule"},
        {MARKET_COMMIT, "", RULES(ACTIVATE("500")), MARKET_RETRY, "BadArgument"},
        {MARKET_CANCEL, "", RULES(DELETE_("400") "," GET_SUB("Unsubscribed", "")), MARKET_OK, ""},
        {MARKET_CANCEL, "", RULES(DELETE_("404")), MARKET_OK, ""},
        {MARKET_CANCEL, "", RULES(DELETE_("409")), MARKET_RETRY, "BadArgument"},
        {MARKET_REJECT, "", RULES(DELETE_("200")), MARKET_OK, ""},
        {MARKET_REJECT, "", RULES(DELETE_("404")), MARKET_OK, ""},
        {MARKET_CANCEL, "",
         RULES(
             DELETE_("400") "," GET_SUB("Subscribed", ",\"allowedCustomerOperations\":[\"Read\"]")),
         MARKET_REFUSED, "ReadOnlySubscription"},
        {MARKET_CHANGE_PLAN, "silver", RULES(PATCH_("400") "," GET_SUB("Subscribed", "")),
         MARKET_OK, ""},
        {MARKET_CHANGE_PLAN, "gold", RULES(PATCH_("400") "," GET_SUB("Subscribed", "")),
         MARKET_CONFIG, "BadArgument"},
        {MARKET_CHANGE_PLAN, "gold",
         RULES(PATCH_("400") "," GET_SUB("Subscribed", "") "," ANSWER(
             "GET", SUB_PATH "/operations", "200", "{\"operations\":[{}]}")),
         MARKET_RETRY, "OperationPending"},
        {MARKET_CHANGE_PLAN, "gold", RULES(PATCH_BUSY "," GET_SUB("Subscribed", "")), MARKET_RETRY,
         "OperationPending"},
        {MARKET_CHANGE_PLAN, "gold",
         RULES(ANSWER("PATCH", SUB_PATH, "400",
                      "{\"message\":\"A change is in progress.\"}") "," GET_SUB("Subscribed", "")),
         MARKET_RETRY, "OperationPending"},
        {MARKET_CHANGE_QUANTITY, "6", RULES(PATCH_BUSY "," GET_SUB("Subscribed", "")), MARKET_RETRY,
         "OperationPending"},
        {MARKET_CHANGE_QUANTITY, "5",
         RULES(PATCH_("400") "," GET_SUB("Subscribed", ",\"quantity\":5")), MARKET_OK, ""},
    };

    (void)state;
    NEED_PEER();
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        scripted_rules(rows[i].rules);
        az_tell(rows[i].verb, 0, rows[i].text);
        assert_int_equal(az.cls, rows[i].cls);
        assert_string_equal(az.code, rows[i].code);
    }
}

static void operations_are_answered_with_care(void **state)
{
#define OP_PATH SUB_PATH "/operations/" OP
    static const struct {
        const char *rules;
        enum market_class cls;
        int patches;
    } rows[] = {
        /* Asked by ourselves, settled, unknown (404, 400): nothing is sent. */
        {RULES(OPERATION("ChangePlan", "NotStarted", "Partner", "")), MARKET_OK, 0},
        {RULES(OPERATION("ChangePlan", "Succeeded", "Azure", "")), MARKET_OK, 0},
        {RULES(OPERATION("ChangePlan", "Conflict", "Azure", "")), MARKET_OK, 0},
        {RULES(ANSWER("GET", OP_PATH, "404", "\"\"")), MARKET_OK, 0},
        {RULES(ANSWER("GET", OP_PATH, "400", BAD)), MARKET_OK, 0},
        {RULES(ANSWER("GET", OP_PATH, "500", BAD)), MARKET_RETRY, 0},
        {RULES(ANSWER("GET", OP_PATH, "200",
                      "{\"id\":\"" OP "\",\"subscriptionId\":\"other\",\"status\":"
                      "\"InProgress\",\"action\":\"ChangePlan\"}")),
         MARKET_OK, 0},
        /* Settled meanwhile. */
        {RULES(OPERATION("ChangePlan", "InProgress", "Azure", "") "," ANSWER("PATCH", OP_PATH,
                                                                             "409", BAD)),
         MARKET_OK, 1},
        {RULES(OPERATION("ChangePlan", "InProgress", "Azure", "") "," ANSWER("PATCH", OP_PATH,
                                                                             "404", BAD)),
         MARKET_OK, 1},
        {RULES(OPERATION("ChangePlan", "InProgress", "Azure", "") "," ANSWER("PATCH", OP_PATH,
                                                                             "400", BAD)),
         MARKET_CONFIG, 1},
        {RULES(OPERATION("ChangePlan", "InProgress", "Azure", "") "," ANSWER("PATCH", OP_PATH,
                                                                             "503", BAD)),
         MARKET_RETRY, 1},
        {RULES(OPERATION("Reinstate", "InProgress", "Azure", "") "," ANSWER("PATCH", OP_PATH, "400",
                                                                            BAD)),
         MARKET_OK, 1},
    };

    (void)state;
    NEED_PEER();
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        scripted_rules(rows[i].rules);
        az_tell(MARKET_ACCEPT_CHANGE, 0, "");
        assert_int_equal(az.cls, rows[i].cls);
        assert_int_equal(az_requests("PATCH", OP_PATH), rows[i].patches);
    }
}

static void capabilities(void **state)
{
    const struct market_caps *c = market_azure.caps(&az.cfg);

    (void)state;
    assert_true(c->hold && c->refuse_change && c->cancel && c->change && c->sign_in);
    assert_true(c->usage_hard && !c->progress && !c->signup);
    assert_true(c->hold_ms == 30 * 24 * 3600 * 1000ULL && c->settle_ms == 10 * 60 * 1000);
    az.cfg.azure.sign_in_client_id = "";
    assert_false(market_azure.caps(&az.cfg)->sign_in);
    assert_ptr_equal(market_find("azure"), &market_azure);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, az_setup, az_teardown)
    const struct CMUnitTest tests[] = {
        CASE(verbs_as_documented),
        CASE(refusals_are_looked_into),
        CASE(operations_are_answered_with_care),
        CASE(capabilities),
    };

    return cmocka_run_group_tests(tests, scripted_start, scripted_stop);
}
