/* bodies of Microsoft's webhook, and who may claim a purchase. */
#include "azure_rig.h"

static struct market_event event;
static const char *why;

static int parse(const char *body)
{
    return azure_event_parse(&az.cfg, str_of(body), az.a, &event, &why);
}

/* payload of an example, parsed; false: not at hand. */
static bool example(const char *name)
{
    char path[128], *text;
    cJSON *j;

    snprintf(path, sizeof(path), "examples/webhook-%s.json", name);
    j = az_contract(path);
    if (!j)
        return false;
    text = cJSON_PrintUnformatted(json_get(j, "payload"));
    assert_int_equal(parse(text), 0);
    cJSON_free(text);
    cJSON_Delete(j);
    assert_string_equal(why, "");
    assert_string_equal(event.purchase, SUB);
    return true;
}

static void every_example(void **state)
{
    static const struct {
        const char *name;
        enum market_event_kind kind;
        const char *type, *change, *plan;
    } rows[] = {
        {"changeplan", EVENT_CHANGE_ASKED, "ChangePlan", OP, "plan2"},
        {"changequantity", EVENT_CHANGE_ASKED, "ChangeQuantity", OP, "plan1"},
        {"minimal-changeplan", EVENT_CHANGE_ASKED, "ChangePlan", OP, ""},
        {"minimal-subscribe", EVENT_PURCHASED, "Subscribe", "", ""},
        {"subscribe-autoactivated", EVENT_PURCHASED, "Subscribe", "", "plan1"},
        {"reinstate", EVENT_REINSTATED, "Reinstate", OP, "plan1"},
        {"renew", EVENT_RENEWED, "Renew", "", "plan1"},
        {"suspend", EVENT_SUSPENDED, "Suspend", "", "plan1"},
        {"unsubscribe", EVENT_ENDED, "Unsubscribe", "", "plan1"},
        {"unsubscribe-quantity-null", EVENT_ENDED, "Unsubscribe", "", "plan1"},
        {"unknown-action", EVENT_IGNORED, "Transfer", "", "plan1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (!example(rows[i].name))
            skip();
        assert_int_equal(event.kind, rows[i].kind);
        assert_string_equal(event.type, rows[i].type);
        assert_string_equal(event.change_id, rows[i].change);
        assert_string_equal(event.plan, rows[i].plan);
        assert_true(event.time_ms > 1600000000000);
        assert_true(str_starts(str_of(event.dedupe), STR(OP "/")));
        assert_true(str_ends(str_of(event.dedupe), str_of(event.type)));
    }
}

#define BODY(action, more)                                                                         \
    "{\"id\":\"" OP "\",\"subscriptionId\":\"" SUB "\",\"action\":\"" action "\"" more "}"

static void sources_and_states(void **state)
{
    (void)state;
    /* Our own PATCH comes back with the same operation id: nothing to answer. */
    assert_int_equal(parse(BODY("ChangePlan", ",\"status\":\"InProgress\","
                                              "\"operationRequestSource\":\"Partner\"")),
                     0);
    assert_int_equal(event.kind, EVENT_ENTITLEMENT_CHANGED);
    assert_string_equal(event.change_id, "");
    assert_string_equal(event.reason, "Partner");
    assert_int_equal(parse(BODY("ChangePlan", ",\"operationRequestSource\":\"Partner\"")), 0);
    assert_string_equal(event.change_id, "");
    assert_int_equal(parse(BODY("ChangePlan", ",\"status\":\"Succeeded\"")), 0);
    assert_int_equal(event.kind, EVENT_ENTITLEMENT_CHANGED);
    /* The emulator spells the source otherwise. */
    assert_int_equal(parse(BODY("changeplan ", ",\"status\":\"InProgress\","
                                               "\"operationRequestedSource\":\"Partner\"")),
                     0);
    assert_int_equal(event.kind, EVENT_ENTITLEMENT_CHANGED);
    /* These want no answer, whatever they say. */
    assert_int_equal(parse(BODY("Renew", ",\"status\":\"InProgress\"")), 0);
    assert_string_equal(event.change_id, "");
    assert_int_equal(parse(BODY("Suspend", ",\"status\":\"InProgress\"")), 0);
    assert_string_equal(event.change_id, "");
    assert_int_equal(parse("\xef\xbb\xbf" BODY("Unsubscribe", ",\"timeStamp\":"
                                                              "\"2023-02-10T18:48:58\"")),
                     0);
    assert_true(event.time_ms == 1676054938000);
    assert_int_equal(parse("{\"action\":\"Renew\",\"subscription\":{\"id\":\"" SUB "\"}}"), 0);
    assert_string_equal(event.dedupe, SUB "/Renew/0");
    assert_int_equal(parse(BODY("Renew", ",\"offerId\":\"OFFER1-preview\"")), 0);
    assert_string_equal(event.product_code, "offer1");
    assert_int_equal(parse(BODY("Renew", ",\"offerId\":\"offer2\"")), 0);
    assert_string_equal(event.product_code, "offer2");
}

static void not_events(void **state)
{
    static const char *const bodies[] = {
        "",
        "[]",
        "{}",
        "{\"action\":\"Renew\"}",
        "{\"subscriptionId\":\"" SUB "\"}",
        "{\"action\":\"Renew\",\"subscriptionId\":\"../x\"}",
        "{\"action\":\"Renew\",\"subscriptionId\":7}",
        "{\"action\":\"Re\\u0007new\",\"subscriptionId\":\"" SUB "\"}",
        BODY("Renew", "") "x",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        assert_int_equal(parse(bodies[i]), -EBADMSG);
        assert_true(*why);
        assert_string_equal(event.purchase, "");
    }
}

static void claims(void **state)
{
    static const struct {
        const char *tenant, *object;
        bool person, tenants;
    } rows[] = {
        {"t1", "o1", true, true},   {"T1", "O1", true, true},
        {"t2", "o2", true, true},   {"t1", "o9", false, true},
        {"t2", "o9", false, true},  {"t1", "", false, false},
        {"", "", false, false},     {"", "o1", false, false},
        {"t3", "o1", false, false}, {AZURE_PERSONAL_TENANT, "o1", false, false},
    };
    struct market_purchase p = market_purchase_none;
    struct market_identity who = {.name = "", .email = ""};

    (void)state;
    p.beneficiary = (struct market_person){"t1", "o1", "a@example.com"};
    p.purchaser = (struct market_person){"t2", "o2", "b@example.com"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        who.tenant = rows[i].tenant;
        who.object = rows[i].object;
        az.cfg.azure.sign_in_match = CFG_MATCH_PERSON;
        assert_int_equal(market_azure.may_claim(&az.cfg, &who, &p), rows[i].person);
        az.cfg.azure.sign_in_match = CFG_MATCH_TENANT;
        assert_int_equal(market_azure.may_claim(&az.cfg, &who, &p), rows[i].tenants);
        az.cfg.azure.sign_in_match = CFG_MATCH_ANY;
        assert_int_equal(market_azure.may_claim(&az.cfg, &who, &p), *who.tenant && *who.object);
    }
    /* All personal accounts share a tenant: another person of it is nobody. */
    p.beneficiary.tenant = AZURE_PERSONAL_TENANT;
    who = (struct market_identity){AZURE_PERSONAL_TENANT, "o9", "", ""};
    az.cfg.azure.sign_in_match = CFG_MATCH_TENANT;
    assert_false(market_azure.may_claim(&az.cfg, &who, &p));
    who.object = "o1";
    assert_true(market_azure.may_claim(&az.cfg, &who, &p));
    assert_false(market_azure.may_claim(&az.cfg, &who, &market_purchase_none));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, az_setup, az_teardown)
    const struct CMUnitTest tests[] = {
        CASE(every_example),
        CASE(sources_and_states),
        CASE(not_events),
        CASE(claims),
    };

    return cmocka_run_group_tests(tests, scripted_start, scripted_stop);
}
