/* the plans of a subscription: values as they come, answers that say nothing, ended ones. */
#include "azure_rig.h"

#include <string.h>

#define PLANS_PATH SUB_PATH "/listAvailablePlans"
#define ANSWER(status, body)                                                                       \
    "[" TOKEN_RULE ",{\"method\":\"GET\",\"path\":\"" PLANS_PATH "\",\"status\":" status           \
    ",\"body\":" body "}]"

static void plan_is(size_t i, const struct market_plan *want)
{
    const struct market_plan *p = &az.plans[i];

    assert_string_equal(p->id, want->id);
    assert_string_equal(p->title, want->title);
    assert_true(p->min == want->min && p->max == want->max);
    assert_int_equal(p->per_seat, want->per_seat);
    assert_int_equal(p->private, want->private);
    assert_int_equal(p->stopped, want->stopped);
}

static void values_as_they_come(void **state)
{
    cJSON *log;
    const cJSON *rq;

    (void)state;
    NEED_PEER();
    scripted_rules(ANSWER(
        "200", "{\"plans\":["
               "{\"planId\":\" seats \",\"displayName\":\"Seats\",\"isPricePerSeat\":true,"
               "\"minQuantity\":2,\"maxQuantity\":\"50\",\"isPrivate\":true,\"isStopSell\":false,"
               "\"planComponents\":{\"recurrentBillingTerms\":[{\"price\":\"9\","
               "\"meteredQuantityIncluded\":[{\"dimensionId\":\"d\",\"units\":\"10\"}]}]},"
               "\"sourceOffers\":[{\"externalId\":\"x\"}],\"tomorrow\":[{}]},"
               "{\"planId\":\"bare\"},"
               "{\"displayName\":\"no id\"},{\"planId\":\"\"},{\"planId\":7},null,\"text\","
               "{\"planId\":\"nulls\",\"displayName\":null,\"isPricePerSeat\":null,"
               "\"minQuantity\":null,\"maxQuantity\":\"\",\"isPrivate\":null,\"isStopSell\":null},"
               "{\"planId\":\"odd\",\"minQuantity\":-3,\"maxQuantity\":1e30,\"isStopSell\":true}"
               "]}"));
    az_plans(SUB, STANDING_ACTIVE);
    assert_int_equal(az.cls, MARKET_OK);
    assert_int_equal(az.nplans, 4);
    plan_is(0, &(struct market_plan){"seats", "Seats", true, 2, 50, true, false});
    plan_is(1, &(struct market_plan){"bare", "", false, 0, 0, false, false});
    plan_is(2, &(struct market_plan){"nulls", "", false, 0, 0, false, false});
    plan_is(3, &(struct market_plan){"odd", "", false, 0, 0, false, true});
    log = scripted_log();
    rq = az_request(log, "GET", SUB_PATH, 0);
    assert_true(str_is(json_str(rq, "target"), PLANS_PATH "?api-version=2018-08-31"));
    assert_int_equal(json_str(rq, "body").n, 0);
    assert_true(str_is(json_str(json_obj(rq, "headers"), "x-ms-correlationid"), SUB));
    cJSON_Delete(log);
}

static void answers_that_say_nothing(void **state)
{
    static const char *const answers[] = {
        ANSWER("403", "\"a bare text\""),
        ANSWER("403", "{\"error\":{\"code\":\"Forbidden\"}}"),
        ANSWER("404", "{\"code\":\"EntityNotFound\"}"),
        ANSWER("200", "{\"plans\":[]}"),
        ANSWER("200", "{\"plans\":null}"),
        ANSWER("200", "{}"),
        ANSWER("200", "\"\""),
        ANSWER("200", "[]"),
    };

    (void)state;
    NEED_PEER();
    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        scripted_rules(answers[i]);
        az_plans(SUB, STANDING_ACTIVE);
        assert_int_equal(az.cls, MARKET_OK);
        assert_int_equal(az.nplans, 0);
    }
}

static void failures(void **state)
{
    static const struct {
        const char *rules;
        enum market_class cls;
    } t[] = {
        {ANSWER("500", "{}"), MARKET_RETRY},
        {ANSWER("429", "{}"), MARKET_RETRY},
        {ANSWER("401", "{}"), MARKET_CONFIG},
        {ANSWER("400", "{\"code\":\"BadArgument\"}"), MARKET_CONFIG},
    };

    (void)state;
    NEED_PEER();
    for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
        scripted_rules(t[i].rules);
        az_plans(SUB, STANDING_ACTIVE);
        assert_int_equal(az.cls, t[i].cls);
        assert_int_equal(az.nplans, 0);
    }
    assert_string_equal(az.code, "BadArgument");
}

static void ended_ones_are_not_asked_for(void **state)
{
    (void)state;
    NEED_PEER();
    scripted_rules(ANSWER("200", "{\"plans\":[{\"planId\":\"gold\"}]}"));
    az_plans(SUB, STANDING_ENDED);
    assert_int_equal(az.cls, MARKET_OK);
    assert_int_equal(az.nplans, 0);
    az_plans("no/id", STANDING_ACTIVE);
    assert_int_equal(az.nplans, 0);
    assert_int_equal(scripted_count(), 0);
    az_plans(SUB, STANDING_SUSPENDED);
    assert_int_equal(az.nplans, 1);
}

/* A list without end costs no memory without end. */
static void a_long_list(void **state)
{
    struct buf b;

    (void)state;
    NEED_PEER();
    buf_init(&b, 1 << 20);
    buf_cat(&b, "[" TOKEN_RULE ",{\"path\":\"" PLANS_PATH "\",\"body\":{\"plans\":[");
    for (int i = 0; i < 3000; i++)
        buf_fmt(&b, "%s{\"planId\":\"p%d\"}", i ? "," : "", i);
    buf_cat(&b, "]}}]");
    scripted_rules(buf_cstr(&b));
    buf_free(&b);
    az_plans(SUB, STANDING_ACTIVE);
    assert_int_equal(az.cls, MARKET_OK);
    assert_int_equal(az.nplans, 1000);
    assert_string_equal(az.plans[15].id, "p15");
}

static void closing_answers(void **state)
{
    struct market_purchase known = market_purchase_none;

    (void)state;
    NEED_PEER();
    known.purchase = SUB;
    az_begin();
    market_azure.plans(az.market, &known, az_on_plans, NULL);
    market_azure.close(az.market);
    az.market = NULL;
    assert_int_equal(az.calls, 1);
    assert_int_equal(az.cls, MARKET_RETRY);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, az_setup, az_teardown)
    const struct CMUnitTest tests[] = {
        CASE(values_as_they_come),
        CASE(answers_that_say_nothing),
        CASE(failures),
        CASE(ended_ones_are_not_asked_for),
        CASE(a_long_list),
        CASE(closing_answers),
    };

    return cmocka_run_group_tests(tests, scripted_start, scripted_stop);
}
