/* the azure channel against recorded traffic of the service (sanitized), its requests held
 * against Microsoft's OpenAPI description. */
#include "azure_rig.h"

#include <string.h>

#include "base/clock.h"

static cJSON *api;

/* --- rules made of recordings --------------------------------------------------------------- */

static cJSON *rules_new(void)
{
    cJSON *list = cJSON_CreateArray();

    cJSON_AddItemToArray(list, cJSON_Parse(TOKEN_RULE));
    return list;
}

static cJSON *rule_add(cJSON *list, const cJSON *entry, const char *path)
{
    const cJSON *answer = json_obj(entry, "response");
    cJSON *rule = cJSON_CreateObject();

    cJSON_AddItemToObject(rule, "method",
                          cJSON_Duplicate(json_get(json_obj(entry, "request"), "method"), 1));
    cJSON_AddStringToObject(rule, "path", path);
    cJSON_AddItemToObject(rule, "status", cJSON_Duplicate(json_get(answer, "status"), 1));
    cJSON_AddItemToObject(rule, "body", cJSON_Duplicate(json_get(answer, "body"), 1));
    if (cJSON_IsArray(json_get(answer, "body"))) /* how the recording writes "no body" */
        cJSON_ReplaceItemInObjectCaseSensitive(rule, "body", cJSON_CreateString(""));
    cJSON_AddItemToArray(list, rule);
    return rule;
}

static void rules_send(cJSON *list)
{
    char *text = cJSON_PrintUnformatted(list);

    scripted_rules(text);
    cJSON_free(text);
    cJSON_Delete(list);
}

/* --- our requests against the description ---------------------------------------------------- */

/* "/saas/subscriptions/{subscriptionId}" fits "/saas/subscriptions/5ab5..." */
static bool path_fits(struct str template, struct str path)
{
    struct str t, p;

    while (template.n && path.n) {
        t = str_cut(template, '/', &template);
        p = str_cut(path, '/', &path);
        if (!str_eq(t, p) && !(str_starts(t, STR("{")) && p.n))
            return false;
    }
    return template.n == 0 && path.n == 0;
}

static const cJSON *operation_of(struct str method, struct str path)
{
    const cJSON *p, *o;

    cJSON_ArrayForEach(p, json_obj(api, "paths"))
    {
        struct str t = str_of(p->string);

        if (str_ends(t, STR("/")))
            t.n--;
        if (!path_fits(t, path))
            continue;
        cJSON_ArrayForEach(o, p)
        {
            if (str_ieq(str_of(o->string), method))
                return o;
        }
    }
    return NULL;
}

static const cJSON *resolve_ref(const cJSON *o)
{
    struct str ref = json_str(o, "$ref"), head;
    const cJSON *at = api;

    if (ref.n == 0)
        return o;
    for (ref = str_from(ref, 2); ref.n;) {
        char key[64];

        head = str_cut(ref, '/', &ref);
        assert_int_equal(str_copy(head, key, sizeof(key)), 0);
        at = json_get(at, key);
    }
    return at;
}

static void check_body(const cJSON *operation, struct str body)
{
    const cJSON *content = json_obj(json_obj(operation, "requestBody"), "content");
    const cJSON *schema = resolve_ref(json_obj(json_obj(content, "application/json"), "schema"));
    const cJSON *member;
    cJSON *j;

    if (!schema) {
        assert_int_equal(body.n, 0);
        return;
    }
    assert_int_equal(json_parse(body, 4096, &j), 0);
    cJSON_ArrayForEach(member, j)
    {
        const cJSON *def = json_obj(json_obj(schema, "properties"), member->string);
        struct str type = json_str(def, "type");

        assert_non_null(def);
        assert_true(str_is(type, "integer") ? cJSON_IsNumber(member) : cJSON_IsString(member));
        if (json_arr(def, "enum")) {
            const cJSON *e;
            bool found = false;

            cJSON_ArrayForEach(e, json_arr(def, "enum")) found |=
                str_is(str_of(e->valuestring), member->valuestring);
            assert_true(found);
        }
    }
    cJSON_Delete(j);
}

static void check_request(const cJSON *rq)
{
    struct str query, path = str_cut(json_str(rq, "target"), '?', &query);
    const cJSON *operation = operation_of(json_str(rq, "method"), str_from(path, 4)), *p;
    const cJSON *headers = json_obj(rq, "headers");

    assert_non_null(operation);
    cJSON_ArrayForEach(p, json_arr(operation, "parameters"))
    {
        const cJSON *q = resolve_ref(p);
        char key[64];

        if (!json_bool(q, "required", false))
            continue;
        assert_int_equal(str_copy(json_str(q, "name"), key, sizeof(key)), 0);
        if (str_is(json_str(q, "in"), "query"))
            assert_non_null(memmem(query.p, query.n, key, strlen(key)));
        if (str_is(json_str(q, "in"), "header"))
            assert_true(json_str(headers, key).n > 0);
    }
    assert_true(str_starts(query, STR("api-version=2018-08-31")));
    assert_true(str_starts(json_str(headers, "authorization"), STR("Bearer ")));
    check_body(operation, json_str(rq, "body"));
}

/* Every request since the last rules. */
static void check_requests(int wanted)
{
    cJSON *log = scripted_log();
    const cJSON *rq;
    int n = 0;

    cJSON_ArrayForEach(rq, log)
    {
        if (!str_starts(json_str(rq, "target"), STR("/api/")))
            continue;
        check_request(rq);
        n++;
    }
    assert_int_equal(n, wanted);
    cJSON_Delete(log);
}

static cJSON *recorded(const char *name)
{
    cJSON *j;

    NEED_PEER();
    if (!api)
        api = az_contract("saasapi.v2.openapi.json");
    j = az_contract(name);
    if (!j || !api)
        skip();
    return j;
}

static const cJSON *entry(const cJSON *j, int n)
{
    return cJSON_GetArrayItem(json_arr(j, "entries"), n);
}

/* --- the recordings ----------------------------------------------------------------------------
 */

static void resolve_as_recorded(void **state)
{
    cJSON *j = recorded("recorded/resolve.json"), *rules = rules_new(), *log;
    struct str token =
        json_str(json_obj(json_obj(entry(j, 0), "request"), "headers"), "x-ms-marketplace-token");
    char text[512];

    (void)state;
    assert_int_equal(str_copy(token, text, sizeof(text)), 0);
    assert_non_null(strchr(text, '+'));
    rule_add(rules, entry(j, 0), "/api/saas/subscriptions/resolve");
    rules_send(rules);
    az_resolve(text);
    assert_int_equal(az.cls, MARKET_OK);
    assert_string_equal(az.p.purchase, "55d8fde3-6195-58d5-bced-12700d5cb79f");
    assert_int_equal(az.p.standing, STANDING_ACTIVE);
    assert_string_equal(az.p.plan, "test");
    assert_int_equal(az.p.quantity, 0);
    assert_string_equal(az.p.term, "P1M");
    assert_string_equal(az.p.product_code, "offer1");
    assert_true(az.p.test && !az.p.no_renewal && !az.p.read_only && !az.p.trial);
    assert_string_equal(az.p.beneficiary.email, "user1@example.com");
    assert_string_equal(az.p.account, "12ab910a-2b48-5ed3-a590-85c59e6607d4");
    assert_true(az.p.starts_ms == 1705190400000);
    assert_true(az.p.ends_ms == 1707868800000); /* 2024-02-13 is the last valid day */
    assert_true(az.p.read_ms > 0);
    log = scripted_log();
    assert_true(str_is(json_str(json_obj(az_request(log, "POST", "/api/", 0), "headers"),
                                "x-ms-marketplace-token"),
                       text));
    cJSON_Delete(log);
    check_requests(1);
    cJSON_Delete(j);
}

static void get_as_recorded(void **state)
{
    cJSON *j = recorded("recorded/get-subscription.json"), *rules = rules_new();

    (void)state;
    az.cfg.azure.offer_id = az.cfg.product_code = "offer2";
    rule_add(rules, entry(j, 0), "/api/saas/subscriptions/*");
    rules_send(rules);
    az_refresh("C9270322-CAC5-589E-8AF4-0F4DFE393CC3", "");
    assert_int_equal(az.cls, MARKET_OK);
    assert_int_equal(az.p.standing, STANDING_ENDED);
    assert_string_equal(az.p.purchase, "c9270322-cac5-589e-8af4-0f4dfe393cc3");
    assert_false(az.p.granted || az.p.unattended);
    check_requests(1);
    cJSON_Delete(j);
}

static void change_as_recorded(void **state)
{
    static const char id[] = "a3acd3bd-2e58-5445-b0f3-6993d16502f9";
    cJSON *j = recorded("recorded/change-plan-and-poll.json"), *rules = rules_new();
    struct market_purchase known = market_purchase_none;

    (void)state;
    rule_add(rules, entry(j, 0), "/api/saas/subscriptions/a3acd3bd-2e58-5445-b0f3-6993d16502f9");
    rule_add(rules, entry(j, 1), "/api/*");
    rules_send(rules);
    known.purchase = id;
    az_begin();
    market_azure.tell(az.market, MARKET_CHANGE_PLAN, &known, STR("gold"), az_on_verb, NULL);
    az_wait();
    assert_int_equal(az.cls, MARKET_OK);
    /* NotStarted, but asked by ourselves: never answered. */
    known.change_id = "ec701b55-5e83-5eb0-b5d5-2aed7f48c1ff";
    az_begin();
    market_azure.tell(az.market, MARKET_ACCEPT_CHANGE, &known, STR(""), az_on_verb, NULL);
    az_wait();
    assert_int_equal(az.cls, MARKET_OK);
    assert_int_equal(az_requests("PATCH", "/api/saas/subscriptions/a3acd3bd-2e58-5445-b0f3-"
                                          "6993d16502f9/operations"),
                     0);
    check_requests(2);
    cJSON_Delete(j);
}

static void plans_as_recorded(void **state)
{
    static const char *const ids[] = {"base", "silver", "gold", "platinum", "public", "annualplan"};
    cJSON *j = recorded("recorded/list-available-plans.json"), *rules = rules_new();

    (void)state;
    rule_add(rules, entry(j, 0),
             "/api/saas/subscriptions/836b0bcf-6645-5ccd-a62c-607ecc53f689/listAvailablePlans");
    rules_send(rules);
    az_plans("836B0BCF-6645-5CCD-A62C-607ECC53F689", STANDING_ACTIVE);
    assert_int_equal(az.cls, MARKET_OK);
    assert_int_equal(az.nplans, sizeof(ids) / sizeof(*ids));
    for (size_t i = 0; i < az.nplans; i++) {
        assert_string_equal(az.plans[i].id, ids[i]);
        assert_int_equal(az.plans[i].stopped, i == 5);
        assert_false(az.plans[i].private || az.plans[i].per_seat);
        assert_true(az.plans[i].min == 0 && az.plans[i].max == 0);
    }
    assert_string_equal(az.plans[2].title, "Gold");
    check_requests(1);
    cJSON_Delete(j);
}

static size_t ours_of(const cJSON *page, const char *offer)
{
    const cJSON *s;
    size_t n = 0;

    cJSON_ArrayForEach(s, json_arr(json_obj(json_obj(page, "response"), "body"), "subscriptions"))
        n += str_starts(json_str(s, "offerId"), str_of(offer));
    return n;
}

/* Every @nextLink is led to /foreign of the peer: nothing may ever arrive there. */
static void pages_as_recorded(void **state)
{
    cJSON *j = recorded("recorded/list-subscriptions-paged.json"), *rules = rules_new(), *rule;
    int pages = cJSON_GetArraySize(json_arr(j, "entries")), page = 0;
    char link[1024], next[sizeof(az.next)] = "";
    size_t wanted = 0;

    (void)state;
    az.cfg.azure.offer_id = az.cfg.product_code = "offer2";
    for (int i = 0; i < pages; i++) {
        struct str url, query;

        wanted += ours_of(entry(j, i), "offer2");
        rule = rule_add(rules, entry(j, i), "/api/saas/subscriptions");
        cJSON_AddNumberToObject(rule, "times", 1);
        rule = cJSON_GetObjectItemCaseSensitive(rule, "body");
        url = json_str(rule, "@nextLink");
        if (url.n == 0)
            continue;
        (void)str_cut(url, '?', &query);
        snprintf(link, sizeof(link), "%s/foreign/?%.*s", sc.origin, STR_FMT(query));
        cJSON_ReplaceItemInObjectCaseSensitive(rule, "@nextLink", cJSON_CreateString(link));
    }
    rules_send(rules);
    az.n = 0;
    do {
        az_begin();
        market_azure.list(az.market, next, az_on_page, NULL);
        az_wait();
        assert_int_equal(az.cls, MARKET_OK);
        memcpy(next, az.next, sizeof(next));
        if (*next)
            assert_true(str_starts(str_of(next), STR("[{\"token\":null,\"range\":{\"min\":\"05C")));
        page++;
    } while (*next);
    assert_int_equal(page, pages);
    assert_true(wanted > 0);
    assert_int_equal(az.n, wanted);
    assert_int_equal(az_requests("GET", "/foreign"), 0);
    check_requests(pages);
    cJSON_Delete(j);
}

static void every_verb_fits_the_description(void **state)
{
    static const enum market_verb verbs[] = {MARKET_COMMIT,        MARKET_CANCEL,
                                             MARKET_CHANGE_PLAN,   MARKET_CHANGE_QUANTITY,
                                             MARKET_ACCEPT_CHANGE, MARKET_REJECT_CHANGE};

    (void)state;
    NEED_PEER();
    if (!api)
        api = az_contract("saasapi.v2.openapi.json");
    if (!api)
        skip();
    scripted_rules("[" TOKEN_RULE "," OPERATION("ChangePlan", "InProgress", "Azure",
                                                "") ","
                                                    "{\"path\":\"/api/*\",\"status\":202}]");
    for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
        az_tell(verbs[i], 5, "7");
        assert_int_equal(az.cls, MARKET_OK);
    }
    check_requests(8);
}

static void lists_that_lead_nowhere(void **state)
{
    (void)state;
    NEED_PEER();
    scripted_rules("[" TOKEN_RULE ",{\"path\":\"/api/saas/subscriptions\",\"times\":1},"
                   "{\"path\":\"/api/saas/subscriptions\",\"body\":{\"subscriptions\":[],"
                   "\"@nextLink\":\"https://x.example/?continuationToken=a%2bb+c\"}}]");
    az_begin();
    market_azure.list(az.market, "", az_on_page, NULL); /* no body at all */
    az_wait();
    assert_int_equal(az.cls, MARKET_OK);
    assert_string_equal(az.next, "");
    az_begin();
    market_azure.list(az.market, "", az_on_page, NULL);
    az_wait();
    assert_string_equal(az.next, "a+b c");
    az_begin();
    market_azure.list(az.market, "a+b c", az_on_page, NULL); /* the same page again */
    az_wait();
    assert_int_equal(az.cls, MARKET_RETRY);
    assert_int_equal(az_requests("GET", "/api/saas/subscriptions?api-version=2018-08-31&"
                                        "continuationToken=a%2Bb%20c"),
                     1);
    scripted_rules("[" TOKEN_RULE ",{\"path\":\"/api/saas/subscriptions\",\"body\":\"<html>\"}]");
    az_begin();
    market_azure.list(az.market, "", az_on_page, NULL); /* not "there are none" */
    az_wait();
    assert_int_equal(az.cls, MARKET_RETRY);
}

static int stop(void **state)
{
    cJSON_Delete(api);
    return scripted_stop(state);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, az_setup, az_teardown)
    const struct CMUnitTest tests[] = {
        CASE(resolve_as_recorded),     CASE(get_as_recorded),
        CASE(change_as_recorded),      CASE(plans_as_recorded),
        CASE(pages_as_recorded),       CASE(every_verb_fits_the_description),
        CASE(lists_that_lead_nowhere),
    };

    return cmocka_run_group_tests(tests, scripted_start, stop);
}
