/* The gcp channel's purchases, verbs, lists, queue and credentials. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "gcp_rig.h"

#define E1(more)                                                                                   \
    "'e1':{'account':'a1','productExternalName':'" PRODUCT "','plan':'pro','createTime':"          \
    "'2026-01-01T00:00:00Z'" more "}"
#define WAITS ",'state':'ENTITLEMENT_ACTIVATION_REQUESTED'"
#define RUNS  ",'state':'ENTITLEMENT_ACTIVE'"

static struct rig_key key;

static void need_peer(void)
{
    if (!peer.port)
        skip();
}

static void expect(enum market_class cls, const char *code)
{
    if (got.cls != cls || strcmp(got.code, code) != 0)
        print_error("got %s %s\n", market_class_name(got.cls), got.code);
    assert_int_equal(got.cls, cls);
    assert_string_equal(got.code, code);
}

/* --- refresh ------------------------------------------------------------------------------- */

static void states_are_standings(void **state)
{
    static const struct {
        const char *state;
        enum market_standing standing;
        bool no_renewal, granted;
    } rows[] = {
        {"ACTIVATION_REQUESTED", STANDING_SCHEDULED, false, false},
        {"ACTIVE", STANDING_ACTIVE, false, true},
        {"PENDING_CANCELLATION", STANDING_ACTIVE, true, true},
        {"PENDING_PLAN_CHANGE", STANDING_ACTIVE, false, true},
        {"PENDING_PLAN_CHANGE_APPROVAL", STANDING_ACTIVE, false, true},
        {"SUSPENDED", STANDING_SUSPENDED, false, false},
        {"CANCELLED", STANDING_ENDED, false, false},
    };
    char text[600];

    (void)state;
    need_peer();
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        snprintf(text, sizeof(text),
                 "{'accounts':{'a1':'APPROVED'},'entitlements':{" E1(
                     ",'state':'ENTITLEMENT_%s','newPendingPlan':'max','newOfferStartTime':"
                     "'2026-02-01T00:00:00Z','updateTime':'2026-01-02T00:00:00.25Z'") "}}",
                 rows[i].state);
        rig_set(text);
        refresh("e1");
        expect(MARKET_OK, "");
        assert_int_equal(got.r.purchase.standing, rows[i].standing);
        assert_int_equal(got.r.purchase.no_renewal, rows[i].no_renewal);
        assert_int_equal(got.r.purchase.granted, rows[i].granted);
        assert_true(got.r.purchase.starts_ms ==
                    (rows[i].standing == STANDING_ACTIVE ? 0 : 1769904000000));
        assert_true(got.r.purchase.ends_ms ==
                    (rows[i].standing == STANDING_ENDED ? 1767312000250 : 0));
        assert_false(got.r.purchase.test);
        assert_string_equal(got.pending, strstr(rows[i].state, "PLAN_CHANGE") ? "max" : "");
        assert_string_equal(got.change, strstr(rows[i].state, "CHANGE_APPROVAL") ? "max" : "");
        assert_true(got.r.purchase.pending_at_ms ==
                    (strcmp(rows[i].state, "PENDING_PLAN_CHANGE") == 0 ? 1769904000000 : 0));
        assert_true(got.r.purchase.changed_ms == 1767312000250);
        assert_string_equal(got.plan, "pro");
        assert_string_equal(got.account, "a1");
        assert_true(got.r.purchase.read_ms > 0);
    }
    rig_set("{'entitlements':{" E1(",'state':'ENTITLEMENT_OF_NEXT_YEAR'") "}}");
    refresh("e1");
    expect(MARKET_CONFIG, "UnknownState");
    rig_set("{'entitlements':{" E1(RUNS) "}}");
    cfg.gcp.provider_id = "DEMO-acme-public";
    refresh("e1");
    assert_true(got.r.purchase.test);
}

static void sign_up_is_read_until_it_is_approved(void **state)
{
    (void)state;
    need_peer();
    rig_set("{'accounts':{'a1':'PENDING'},'entitlements':{" E1(WAITS) "}}");
    refresh("e1");
    assert_true(got.r.purchase.signup_wanted && !got.r.purchase.unattended);
    rig_set("{'accounts':{'a1':''}}");
    refresh("e1");
    assert_true(got.r.purchase.signup_wanted && !got.r.purchase.unattended);
    rig_set("{'accounts':{'a1':'REJECTED'}}");
    refresh("e1");
    assert_false(got.r.purchase.signup_wanted || got.r.purchase.unattended);
    rig_set("{'accounts':{}}");
    refresh("e1");
    expect(MARKET_OK, "AccountNotFound");
    assert_false(got.r.purchase.signup_wanted || got.r.purchase.unattended);
    rig_set("{'accounts':{'a1':'APPROVED'}}");
    refresh("e1");
    assert_true(!got.r.purchase.signup_wanted && got.r.purchase.unattended);
    assert_int_equal(rig_count("/accounts/a1?view=ACCOUNT_VIEW_FULL"), 1);
    rig_set("{'entitlements':{" E1(RUNS) "}}");
    refresh("e1");
    assert_true(got.r.purchase.unattended);
    assert_int_equal(rig_count("/accounts/a1?"), 0);
}

static void times_terms_and_usage(void **state)
{
    (void)state;
    need_peer();
    rig_set("{'accounts':{'a1':'APPROVED'},'entitlements':{" E1(
        RUNS ",'offer':'projects/1/services/" PRODUCT "/privateOffers/o','offerDuration':'P1Y6M',"
             "'offerEndTime':'2027-06-01T00:00:00.5Z','usageReportingId':'project_number:6'") "}}");
    refresh("e1");
    assert_string_equal(got.term, "P1Y6M");
    assert_string_equal(got.usage, "project_number:6");
    assert_true(got.r.purchase.ends_ms == 1811808000500 && got.r.purchase.starts_ms == 0);
    assert_true(got.r.purchase.granted);
    rig_set("{'entitlements':{" E1(RUNS ",'plan':'pro-P2Y','subscriptionEndTime':"
                                        "'2028-01-01T00:00:00Z'") "}}");
    refresh("e1");
    assert_string_equal(got.term, "P2Y");
    assert_true(got.r.purchase.ends_ms == 1830297600000);
    /* Approved, and waiting for its first day. */
    rig_set("{'entitlements':{" E1(WAITS ",'newOfferStartTime':'2027-01-01T00:00:00Z'") "}}");
    refresh("e1");
    assert_int_equal(got.r.purchase.standing, STANDING_SCHEDULED);
    assert_true(got.r.purchase.starts_ms == 1798761600000);
    cfg.gcp.automatic_approval = true;
    rig_set("{'entitlements':{" E1(WAITS) "}}");
    refresh("e1");
    assert_int_equal(got.r.purchase.standing, STANDING_SCHEDULED);
}

static void products_are_told_apart(void **state)
{
    (void)state;
    need_peer();
    rig_set("{'accounts':{'a1':'APPROVED'},'entitlements':{"
            "'e2':{'account':'a1','productExternalName':'other','state':'ENTITLEMENT_ACTIVE'},"
            "'e3':{'account':'a1','product':'projects/1/services/" PRODUCT "/privateOffers/o',"
            "'state':'ENTITLEMENT_ACTIVE'},"
            "'e4':{'account':'a1','state':'ENTITLEMENT_ACTIVE'}}}");
    refresh("e2");
    expect(MARKET_PRODUCT, "OtherProduct");
    assert_string_equal(got.product, "other");
    assert_string_equal(got.purchase, "");
    refresh("e3");
    expect(MARKET_OK, "");
    refresh("e4");
    expect(MARKET_CONFIG, "NoProduct");
    cfg.gcp.product_name = "";
    refresh("e2");
    expect(MARKET_OK, "");
    refresh("e9");
    expect(MARKET_GONE, "NOT_FOUND");
    refresh("");
    expect(MARKET_CONFIG, "NoPurchase");
    refresh("../accounts/a1");
    expect(MARKET_CONFIG, "NoPurchase");
}

/* What cannot be a name in an address is none. */
static void accounts_without_a_name(void **state)
{
    (void)state;
    need_peer();
    rig_set("{'entitlements':{'e1':{'productExternalName':'" PRODUCT
            "','state':'ENTITLEMENT_ACTIVE','account':'a 1?'}}}");
    refresh("e1");
    expect(MARKET_OK, "");
    assert_string_equal(got.account, "");
    assert_int_equal(rig_count("/accounts/"), 0);
}

static void errors_have_classes(void **state)
{
    static const struct {
        const char *script;
        enum market_class cls;
        const char *code;
    } rows[] = {
        {"'status':400,'code':'INVALID_ARGUMENT'", MARKET_CONFIG, "INVALID_ARGUMENT"},
        {"'status':400,'code':'FAILED_PRECONDITION'", MARKET_CONFIG, "FAILED_PRECONDITION"},
        {"'status':401,'code':'UNAUTHENTICATED','times':2", MARKET_CONFIG, "UNAUTHENTICATED"},
        {"'status':403,'code':'PERMISSION_DENIED'", MARKET_CONFIG, "PERMISSION_DENIED"},
        {"'status':404,'code':'NOT_FOUND'", MARKET_GONE, "NOT_FOUND"},
        {"'status':404,'body':'<html>'", MARKET_CONFIG, "Http404"},
        {"'status':409,'code':'ABORTED'", MARKET_RETRY, "ABORTED"},
        {"'status':499,'code':'CANCELLED'", MARKET_RETRY, "CANCELLED"},
        {"'status':429,'code':'RESOURCE_EXHAUSTED'", MARKET_RETRY, "RESOURCE_EXHAUSTED"},
        {"'status':500,'code':'INTERNAL'", MARKET_RETRY, "INTERNAL"},
        {"'status':503,'body':'<html>'", MARKET_RETRY, "Http503"},
        {"'status':200,'body':'<html>'", MARKET_RETRY, "MalformedReply"},
        {"'status':200,'body':'[]'", MARKET_RETRY, "MalformedReply"},
        {"'status':200,'body':'{}'", MARKET_RETRY, "MalformedReply"},
        /* Of another purchase. */
        {"'status':200,'body':{'name':'providers/acme-public/entitlements/e2','state':"
         "'ENTITLEMENT_ACTIVE','productExternalName':'" PRODUCT "'}",
         MARKET_RETRY, "MalformedReply"},
        {"'status':200,'body':''", MARKET_RETRY, "MalformedReply"},
        {"'status':302,'body':''", MARKET_CONFIG, "Http302"},
    };
    char text[300];

    (void)state;
    need_peer();
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        snprintf(text, sizeof(text), "{'script':[{'match':'/entitlements/e1',%s}]}",
                 rows[i].script);
        rig_set(text);
        refresh("e1");
        expect(rows[i].cls, rows[i].code);
        assert_string_equal(got.purchase, "");
    }
    rig_set("{'script':[{'match':'/e1','status':429,'code':'RESOURCE_EXHAUSTED',"
            "'headers':{'Retry-After':'7'}}]}");
    refresh("e1");
    assert_true(got.retry_after_ms == 7000);
}

/* --- verbs --------------------------------------------------------------------------------- */

static void sign_up_is_approved_once(void **state)
{
    (void)state;
    need_peer();
    rig_set("{'accounts':{'a1':'PENDING'},'entitlements':{" E1(WAITS) "}}");
    tell(MARKET_SIGNUP, "", "a1", "", "");
    expect(MARKET_OK, "");
    assert_int_equal(rig_count("a1:approve"), 1);
    tell(MARKET_SIGNUP, "", "a1", "", "");
    expect(MARKET_OK, "");
    assert_int_equal(rig_count("a1:approve"), 1);
    /* Known by its purchase alone. */
    rig_set("{'accounts':{'a1':'PENDING'}}");
    tell(MARKET_SIGNUP, "e1", "", "", "");
    expect(MARKET_OK, "");
    assert_int_equal(rig_count("a1:approve"), 1);
    /* What we approved ourselves need not be read before the order is. */
    tell(MARKET_COMMIT, "e1", "a1", "", "");
    expect(MARKET_OK, "");
    assert_int_equal(rig_count("GET /gcp/procurement/v1/providers/acme-public/accounts/a1"), 1);
    tell(MARKET_SIGNUP, "", "../a1", "", "");
    expect(MARKET_CONFIG, "NoAccount");
    rig_set("{'accounts':{'a1':'REJECTED'}}");
    tell(MARKET_SIGNUP, "", "a1", "", "");
    expect(MARKET_CONFIG, "SignupRejected");
    tell(MARKET_SIGNUP, "", "a9", "", "");
    expect(MARKET_GONE, "AccountNotFound");
    /* 400 is not "already done" ... */
    rig_set("{'accounts':{'a1':'PENDING'},'script':[{'match':'a1:approve','status':400,"
            "'code':'FAILED_PRECONDITION'}]}");
    tell(MARKET_SIGNUP, "", "a1", "", "");
    expect(MARKET_CONFIG, "FAILED_PRECONDITION");
    assert_int_equal(rig_count("GET /gcp/procurement/v1/providers/acme-public/accounts/a1"), 2);
}

static void commit_approves_what_waits(void **state)
{
    (void)state;
    need_peer();
    rig_set("{'accounts':{'a1':'PENDING'},'entitlements':{" E1(WAITS) "}}");
    tell(MARKET_COMMIT, "e1", "a1", "", "");
    expect(MARKET_RETRY, "SignupPending");
    assert_int_equal(rig_count("e1:approve"), 0);
    rig_set("{'accounts':{'a1':'APPROVED'}}");
    tell(MARKET_COMMIT, "e1", "a1", "", "");
    expect(MARKET_OK, "");
    assert_int_equal(rig_count("e1:approve"), 1);
    tell(MARKET_COMMIT, "e1", "a1", "", "");
    expect(MARKET_OK, "");
    assert_int_equal(rig_count("e1:approve"), 1);
    /* Refused although it waits: somebody must look. */
    rig_set("{'entitlements':{" E1(WAITS) "},'script':[{'match':'e1:approve','status':400,'code':"
                                          "'FAILED_PRECONDITION'}]}");
    tell(MARKET_COMMIT, "e1", "a1", "", "");
    expect(MARKET_CONFIG, "FAILED_PRECONDITION");
    rig_set("{'entitlements':{" E1(",'state':'ENTITLEMENT_CANCELLED'") "}}");
    tell(MARKET_COMMIT, "e1", "a1", "", "");
    expect(MARKET_GONE, "ENTITLEMENT_CANCELLED");
    tell(MARKET_COMMIT, "e9", "a1", "", "");
    expect(MARKET_GONE, "NOT_FOUND");
    rig_set("{'entitlements':{'e1':{'account':'a1','productExternalName':'other'" WAITS "}}}");
    tell(MARKET_COMMIT, "e1", "a1", "", "");
    expect(MARKET_PRODUCT, "OtherProduct");
    assert_int_equal(rig_count("e1:approve"), 0);
    rig_set("{'script':[{'match':'/e1','status':503,'code':'UNAVAILABLE'}]}");
    tell(MARKET_COMMIT, "e1", "a1", "", "");
    expect(MARKET_RETRY, "UNAVAILABLE");
}

/* The answer was lost, or another of us was faster: the code is the same, the state is not. */
/* An offer that begins later was approved, or it would not say when. */
static void what_is_scheduled_is_committed(void **state)
{
    (void)state;
    need_peer();
    rig_set("{'accounts':{'a1':'APPROVED'},'entitlements':{" E1(
        WAITS ",'newOfferStartTime':'2027-02-01T00:00:00Z'") "}}");
    tell(MARKET_COMMIT, "e1", "a1", "", "");
    expect(MARKET_OK, "");
    assert_int_equal(rig_count("e1:approve"), 0);
}

static void after_a_refusal_the_state_decides(void **state)
{
    (void)state;
    need_peer();
    rig_set("{'accounts':{'a1':'APPROVED'},'entitlements':{" E1(
        WAITS) "},'script':[{'match':'e1:approve','status':409,'code':'ABORTED','set':"
               "{'entitlements':{" E1(RUNS) "}}}]}");
    tell(MARKET_COMMIT, "e1", "a1", "", "");
    expect(MARKET_OK, "");
    rig_set("{'accounts':{'a2':'PENDING'},'script':[{'match':'a2:approve','status':400,"
            "'code':'FAILED_PRECONDITION','set':{'accounts':{'a2':'APPROVED'}}}]}");
    tell(MARKET_SIGNUP, "", "a2", "", "");
    expect(MARKET_OK, "");
    rig_set("{'entitlements':{" E1(WAITS) "},'script':[{'match':'e1:reject','status':400,'code':"
                                          "'FAILED_PRECONDITION','set':{'entitlements':{" E1(
                                              RUNS) "}}}]}");
    tell(MARKET_REJECT, "e1", "a1", "", "");
    expect(MARKET_REFUSED, "ENTITLEMENT_ACTIVE");
}

static void held_orders_are_rejected(void **state)
{
    char long_text[400];

    (void)state;
    need_peer();
    rig_set("{'entitlements':{" E1(WAITS) "}}");
    memset(long_text, 'a', sizeof(long_text));
    long_text[sizeof(long_text) - 1] = '\0';
    memcpy(long_text + 255, "\xc3\xa4", 2); /* cut in the middle of a character */
    tell(MARKET_REJECT, "e1", "a1", "", long_text);
    expect(MARKET_OK, "");
    assert_int_equal(rig_count("\"reason\": \"aaa"), 1);
    assert_int_equal(rig_count("\\u00e4"), 0);
    tell(MARKET_REJECT, "e1", "a1", "", "");
    expect(MARKET_OK, "");
    assert_int_equal(rig_count("e1:reject"), 1);
    tell(MARKET_REJECT, "e9", "a1", "", "");
    assert_int_equal(got.cls, MARKET_OK);
    rig_set("{'entitlements':{" E1(RUNS) "}}");
    tell(MARKET_REJECT, "e1", "a1", "", "");
    expect(MARKET_REFUSED, "ENTITLEMENT_ACTIVE");
    assert_int_equal(rig_count("e1:reject"), 0);
}

static void progress_is_shown_while_the_buyer_waits(void **state)
{
    (void)state;
    need_peer();
    rig_set("{'entitlements':{" E1(WAITS) "}}");
    tell(MARKET_PROGRESS, "e1", "a1", "", "Ready in 5 \"minutes\"");
    expect(MARKET_OK, "");
    assert_int_equal(rig_count("PATCH /gcp/procurement/v1/providers/acme-public/entitlements/"
                               "e1?updateMask=messageToUser"),
                     1);
    assert_int_equal(rig_count("Ready in 5 \\\"minutes\\\""), 1);
    rig_set("{'entitlements':{" E1(RUNS) "}}");
    tell(MARKET_PROGRESS, "e1", "a1", "", "too late");
    expect(MARKET_OK, "");
    assert_int_equal(rig_count("PATCH"), 0);
    rig_set("{'entitlements':{" E1(
        ",'state':'ENTITLEMENT_PENDING_PLAN_CHANGE_APPROVAL','newPendingPlan':'max'") "}}");
    tell(MARKET_PROGRESS, "e1", "a1", "", "soon");
    expect(MARKET_OK, "");
    assert_int_equal(rig_count("PATCH"), 1);
}

static void changes_are_answered_with_their_name(void **state)
{
    static const char asked[] = "{'accounts':{'a1':'APPROVED'},'entitlements':{" E1(
        ",'state':'ENTITLEMENT_PENDING_PLAN_CHANGE_APPROVAL','newPendingPlan':'max'") "}}";

    (void)state;
    need_peer();
    rig_set(asked);
    tell(MARKET_ACCEPT_CHANGE, "e1", "a1", "huge", "");
    expect(MARKET_RETRY, "OtherChange");
    tell(MARKET_ACCEPT_CHANGE, "e1", "a1", "max", "");
    expect(MARKET_OK, "");
    assert_int_equal(rig_count("\"approvePlanChange\", \"e1\", {\"pendingPlanName\": \"max\"}"), 1);
    refresh("e1");
    assert_string_equal(got.plan, "max");
    tell(MARKET_ACCEPT_CHANGE, "e1", "a1", "max", "");
    expect(MARKET_OK, "");
    assert_int_equal(
        rig_count(
            "POST /gcp/procurement/v1/providers/acme-public/entitlements/e1:approvePlanChange"),
        1);
    rig_set(asked);
    tell(MARKET_REJECT_CHANGE, "e1", "a1", "max", "Not now");
    expect(MARKET_OK, "");
    assert_int_equal(rig_count("\"pendingPlanName\": \"max\", \"reason\": \"Not now\""), 1);
    refresh("e1");
    assert_string_equal(got.plan, "pro");
    tell(MARKET_CANCEL, "e1", "a1", "", "");
    expect(MARKET_REFUSED, "NotOffered");
    tell(MARKET_CHANGE_QUANTITY, "e1", "a1", "", "3");
    expect(MARKET_REFUSED, "NotOffered");
}

/* --- lists --------------------------------------------------------------------------------- */

static void page(const char *token)
{
    char copy[64];

    snprintf(copy, sizeof(copy), "%s", token);
    rig_begin();
    market_gcp.list(market, copy, rig_on_page, NULL);
    rig_end();
}

static void lists_are_paged(void **state)
{
    (void)state;
    need_peer();
    rig_set("{'page':2,'entitlements':{" E1(
        RUNS) ","
              "'e2':{'productExternalName':'other','state':'ENTITLEMENT_ACTIVE'},"
              "'e3':{'productExternalName':'" PRODUCT "','state':'ENTITLEMENT_NEW'},"
              "'e4':{'productExternalName':'" PRODUCT "','state':'ENTITLEMENT_CANCELLED'}}}");
    page("");
    expect(MARKET_OK, "");
    assert_string_equal(got.list, "e1 ");
    assert_string_equal(got.next, "p 2&=");
    page(got.next);
    assert_string_equal(got.list, "e4 ");
    assert_string_equal(got.next, "");
    rig_set("{'script':[{'match':'/entitlements?','status':404,'code':'NOT_FOUND'}]}");
    page("");
    expect(MARKET_CONFIG, "NOT_FOUND");
}

/* --- the queue ----------------------------------------------------------------------------- */

static void poll(void)
{
    rig_begin();
    market_gcp.poll(market, rig_on_batch, NULL);
    rig_end();
}

/* accounts.reset: the next order of that account must not begin before a new sign-up. */
static void a_sign_up_can_be_taken_back(void **state)
{
    (void)state;
    need_peer();
    rig_set("{'accounts':{'a1':'APPROVED'},'entitlements':{" E1(WAITS) "}}");
    refresh("e1");
    assert_true(got.r.purchase.unattended);
    rig_set("{'accounts':{'a1':'PENDING'}}");
    page("");
    assert_int_equal(got.n, 1);
    assert_int_equal(got.unattended, 0);
    refresh("e1");
    assert_true(got.r.purchase.signup_wanted && !got.r.purchase.unattended);
    tell(MARKET_COMMIT, "e1", "a1", "", "");
    expect(MARKET_RETRY, "SignupPending");
    assert_int_equal(rig_count("e1:approve"), 0);
    /* Taken back unseen: refused once, and then seen. */
    rig_set("{'accounts':{'a1':'APPROVED'}}");
    refresh("e1");
    rig_set("{'accounts':{'a1':'PENDING'},'script':[{'match':'e1:approve','status':400,'code':"
            "'FAILED_PRECONDITION'}]}");
    tell(MARKET_COMMIT, "e1", "a1", "", "");
    expect(MARKET_CONFIG, "FAILED_PRECONDITION");
    tell(MARKET_COMMIT, "e1", "a1", "", "");
    expect(MARKET_RETRY, "SignupPending");
}

static void messages_are_pulled_and_acknowledged(void **state)
{
    (void)state;
    need_peer();
    /* {"eventId":"x","eventType":"ENTITLEMENT_ACTIVE","entitlement":{"id":"e1"}}, an object
     * without anything, no base64, no data. */
    rig_set("{'messages':[{'ackId':'k1','message':{'messageId':'1','data':"
            "'eyJldmVudElkIjoieCIsImV2ZW50VHlwZSI6IkVOVElUTEVNRU5UX0FDVElWRSIsImVudGl0bGVtZW50Ijp7"
            "ImlkIjoiZTEifX0='}},{'ackId':'k2','message':{'messageId':'2','data':'e30='}},"
            "{'ackId':'k3','message':{'messageId':'3','data':'***'}},"
            "{'ackId':'k4','message':{'messageId':'4','attributes':{'a':'b'}}},"
            "{'message':{'messageId':'5'}}]}");
    poll();
    expect(MARKET_OK, "");
    assert_int_equal(got.n, 4);
    assert_int_equal(got.msg[0].kind, EVENT_PURCHASED);
    assert_string_equal(got.msg[0].dedupe, "ENTITLEMENT_ACTIVE\nx");
    assert_string_equal(got.msg[0].purchase, "e1");
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(got.msg[i].rc, 0);
        assert_int_equal(got.msg[i].kind, EVENT_IGNORED);
        assert_string_equal(got.msg[i].type, "UNREADABLE");
    }
    assert_string_equal(got.msg[2].dedupe, "3");
    rig_begin();
    market_gcp.ack(market, "k1", rig_on_ack, NULL);
    rig_end();
    assert_int_equal(got.cls, MARKET_OK);
    assert_int_equal(rig_count("\"acked\": [\"k1\"]"), 1);
    poll();
    expect(MARKET_OK, "");
    assert_int_equal(got.n, 0);
    cfg.queue_url = "projects/p/subscriptions/nothing";
    poll();
    expect(MARKET_CONFIG, "NOT_FOUND");
    cfg.queue_url = "";
    poll();
    expect(MARKET_CONFIG, "NoSubscription");
}

static void closing_ends_a_poll(void **state)
{
    (void)state;
    need_peer();
    rig_begin();
    market_gcp.poll(market, rig_on_batch, NULL);
    market_gcp.close(market);
    market = NULL;
    assert_int_equal(got.calls, 1);
    expect(MARKET_RETRY, "Canceled");
}

/* --- credentials --------------------------------------------------------------------------- */

static void a_service_account_signs(void **state)
{
    char text[2048];

    (void)state;
    need_peer();
    rig_key_file(&key);
    cfg.gcp.credentials_file = key_file;
    snprintf(text, sizeof(text),
             "{'modulus':'%s','accounts':{'a1':'APPROVED'},'entitlements':{" E1(RUNS) "}}",
             key.modulus);
    rig_set(text);
    rig_reopen();
    refresh("e1");
    expect(MARKET_OK, "");
    assert_int_equal(rig_count("POST /token"), 1);
    /* Refused tokens are replaced, once. */
    rig_ask("POST", "/revoke", "");
    clock_set_offset_ms(2000);
    refresh("e1");
    expect(MARKET_OK, "");
    assert_int_equal(rig_count("POST /token"), 2);
}

static void a_wrong_key_is_configuration(void **state)
{
    struct rig_key other;

    (void)state;
    need_peer();
    rig_key_make(&other);
    rig_key_file(&other);
    rig_key_free(&other);
    cfg.gcp.credentials_file = key_file;
    rig_reopen();
    refresh("e1");
    expect(MARKET_CONFIG, "invalid_grant");
    rig_write(key_file, "{\"type\":\"service_account\",\"private_key\":\"x\"}");
    rig_reopen();
    refresh("e1");
    expect(MARKET_CONFIG, "PrivateKeyUnreadable");
    rig_write(key_file, "no json");
    rig_reopen();
    refresh("e1");
    expect(MARKET_CONFIG, "CredentialsFileNotJson");
    unlink(key_file);
    rig_reopen();
    refresh("e1");
    expect(MARKET_CONFIG, "CredentialsFileUnreadable");
}

static void workload_identity_exchanges(void **state)
{
    char text[1600], subject[128];

    (void)state;
    need_peer();
    snprintf(subject, sizeof(subject), "%s/subject", dir);
    snprintf(text, sizeof(text),
             "{\"type\":\"external_account\",\"audience\":\"//iam.googleapis.com/projects/1\","
             "\"subject_token_type\":\"urn:ietf:params:oauth:token-type:jwt\","
             "\"token_url\":\"https://sts.googleapis.com/v1/token\",\"credential_source\":"
             "{\"file\":\"%s\",\"format\":{\"type\":\"text\"}},"
             "\"service_account_impersonation_url\":\"https://iamcredentials.googleapis.com/v1/"
             "projects/-/serviceAccounts/" EMAIL ":generateAccessToken\"}",
             subject);
    rig_write(key_file, text);
    rig_write(subject, "subject-1\n");
    cfg.gcp.credentials_file = key_file;
    rig_set("{'accounts':{'a1':'APPROVED'},'entitlements':{" E1(RUNS) "}}");
    rig_reopen();
    refresh("e1");
    expect(MARKET_OK, "");
    assert_int_equal(rig_count("POST /sts/v1/token"), 1);
    assert_int_equal(rig_count("POST /iam/v1/projects/-/serviceAccounts/"), 1);
    snprintf(text, sizeof(text),
             "{\"type\":\"external_account\",\"audience\":\"//iam.googleapis.com/projects/1\","
             "\"subject_token_type\":\"urn:ietf:params:oauth:token-type:jwt\","
             "\"credential_source\":{\"file\":\"%s\",\"format\":{\"type\":\"json\","
             "\"subject_token_field_name\":\"t\"}}}",
             subject);
    rig_write(key_file, text);
    rig_write(subject, "{\"t\":\"subject-1\"}");
    rig_reopen();
    refresh("e1");
    /* The exchanged token itself: the peer knows impersonated ones only. */
    expect(MARKET_CONFIG, "UNAUTHENTICATED");
    assert_int_equal(rig_count("POST /iam/"), 1);
    unlink(subject);
    rig_reopen();
    refresh("e1");
    expect(MARKET_CONFIG, "SubjectTokenUnreadable");
}

static void the_metadata_server_may_be_named(void **state)
{
    char host[128];

    (void)state;
    need_peer();
    rig_set("{'accounts':{'a1':'APPROVED'},'entitlements':{" E1(RUNS) "}}");
    cfg.gcp.metadata_endpoint = "http://metadata.google.internal";
    snprintf(host, sizeof(host), "127.0.0.1:%u/metadata", peer.port);
    setenv("GCE_METADATA_HOST", host, 1);
    rig_reopen();
    unsetenv("GCE_METADATA_HOST");
    refresh("e1");
    expect(MARKET_OK, "");
}

static void capabilities(void **state)
{
    const struct market_caps *c = market_gcp.caps(&cfg);
    const uint64_t settle = 20 * 60 * 1000;

    (void)state;
    assert_true(c->hold && c->refuse_change && c->signup && c->progress);
    assert_false(c->cancel || c->sign_in || c->change || c->usage_hard || c->hold_ms);
    assert_true(c->settle_ms == settle);
    cfg.gcp.automatic_approval = true;
    c = market_gcp.caps(&cfg);
    assert_false(c->hold || c->refuse_change || c->progress || c->cancel || c->sign_in);
    assert_true(c->signup && c->settle_ms == settle);
    assert_ptr_equal(market_find("gcp"), &market_gcp);
}

/* What was sent all along fits Google's own description. */
static void nothing_was_malformed(void **state)
{
    (void)state;
    need_peer();
    if (rig_count("\"complaints\": []") != 1)
        print_error("%s\n", side.body);
    assert_int_equal(rig_count("\"complaints\": []"), 1);
}

static int start(void **state)
{
    rig_key_make(&key);
    return rig_start(state);
}

static int stop(void **state)
{
    rig_key_free(&key);
    return rig_stop(state);
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_open, rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(states_are_standings),
        T(sign_up_is_read_until_it_is_approved),
        T(times_terms_and_usage),
        T(products_are_told_apart),
        T(accounts_without_a_name),
        T(errors_have_classes),
        T(sign_up_is_approved_once),
        T(commit_approves_what_waits),
        T(what_is_scheduled_is_committed),
        T(after_a_refusal_the_state_decides),
        T(held_orders_are_rejected),
        T(progress_is_shown_while_the_buyer_waits),
        T(changes_are_answered_with_their_name),
        T(lists_are_paged),
        T(a_sign_up_can_be_taken_back),
        T(messages_are_pulled_and_acknowledged),
        T(closing_ends_a_poll),
        T(a_service_account_signs),
        T(a_wrong_key_is_configuration),
        T(workload_identity_exchanges),
        T(the_metadata_server_may_be_named),
        T(capabilities),
        T(nothing_was_malformed),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
