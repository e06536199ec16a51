/* Which of an account's orders a buyer with a sign-up token comes from. */
#include "gcp_tokens.h"

static struct rig_key google;

static void the_newest_that_waits_is_chosen(void **state)
{
    (void)state;
    need_peer();
    rig_set("{'page':2,'accounts':{'a1':'PENDING'},'entitlements':{"
            "'e1':{" MINE ",'state':'ENTITLEMENT_ACTIVE','createTime':'2026-05-01T00:00:00Z'},"
            "'e2':{" MINE ",'state':'ENTITLEMENT_ACTIVATION_REQUESTED',"
            "'createTime':'2026-02-01T00:00:00Z'},"
            "'e3':{" MINE ",'state':'ENTITLEMENT_ACTIVATION_REQUESTED',"
            "'createTime':'2026-03-01T00:00:00.123456789Z','orderId':'o3'},"
            "'e4':{" MINE ",'state':'ENTITLEMENT_CANCELLED','createTime':'2026-06-01T00:00:00Z'},"
            "'e5':{'productExternalName':'other','account':'a1',"
            "'state':'ENTITLEMENT_ACTIVATION_REQUESTED','createTime':'2026-07-01T00:00:00Z'}}}");
    make(HEAD, "\"google\":{\"roles\":[\"account_admin\"],\"user_identity\":\"u-7\"}", "", &google);
    go();
    expect(MARKET_OK, "");
    assert_string_equal(got.purchase, "e3");
    assert_string_equal(got.account, "a1");
    assert_string_equal(got.user, "u-7");
    assert_string_equal(got.plan, "pro");
    assert_int_equal(got.r.purchase.standing, STANDING_HELD);
    assert_true(got.r.purchase.signup_wanted && !got.r.purchase.unattended);
    assert_int_equal(rig_count("filter=account%3Da1&pageSize=200\""), 1);
    assert_int_equal(rig_count("pageToken=p%202%26%3D"), 1);
}

static void orders_are_named_in_any_shape(void **state)
{
    static const struct {
        const char *more, *purchase;
    } rows[] = {
        {"\"orders\":[\"e2\"]", "e2"},
        {"\"orders\":[{\"orderId\":\"o2\"}]", "e2"},
        {"\"orders\":[{\"name\":\"providers/acme-public/entitlements/e2\"}]", "e2"},
        {"\"orders\":\"e2\"", "e2"},
        {"\"orders\":{\"id\":\"e2\"}", "e2"},
        {"\"google\":{\"orders\":[\"e2\"]}", "e2"},
        {"\"orders\":[7,null,[],{\"x\":1},\"e2\"]", "e2"},
        {"\"orders\":[\"unknown\"]", "e3"},
        {"\"orders\":[]", "e3"},
        {"\"orders\":null", "e3"},
    };

    (void)state;
    need_peer();
    rig_set("{'accounts':{'a1':'APPROVED'},'entitlements':{"
            "'e2':{" MINE ",'state':'ENTITLEMENT_ACTIVE','orderId':'o2'},"
            "'e3':{" MINE ",'state':'ENTITLEMENT_ACTIVATION_REQUESTED'}}}");
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        make(HEAD, rows[i].more, "", &google);
        go();
        expect(MARKET_OK, "");
        assert_string_equal(got.purchase, rows[i].purchase);
        assert_true(got.r.purchase.unattended);
    }
}

static void who_has_no_order(void **state)
{
    (void)state;
    need_peer();
    make(HEAD, "", "", &google);
    rig_set("{'accounts':{}}");
    go();
    expect(MARKET_RETRY, "AccountNotFound");
    rig_set("{'accounts':{'a1':'PENDING'},'entitlements':{}}");
    go();
    expect(MARKET_RETRY, "NoOrderYet");
    rig_set("{'entitlements':{'e5':{'productExternalName':'other','account':'a1',"
            "'state':'ENTITLEMENT_ACTIVE'}}}");
    go();
    expect(MARKET_PRODUCT, "OtherProduct");
    rig_set("{'entitlements':{'e4':{" MINE ",'state':'ENTITLEMENT_CANCELLED'}}}");
    go();
    expect(MARKET_GONE, "Cancelled");
    rig_set("{'script':[{'match':'/accounts/a1','status':403,'code':'PERMISSION_DENIED'}]}");
    go();
    expect(MARKET_CONFIG, "PERMISSION_DENIED");
    rig_set("{'script':[{'match':'/entitlements?','status':404,'code':'NOT_FOUND'}]}");
    go();
    expect(MARKET_CONFIG, "NOT_FOUND");
    cfg.gcp.audiences = NULL;
    go();
    expect(MARKET_CONFIG, "NoAudience");
}

static void which_order_of_several(void **state)
{
    static const struct {
        const char *e2, *e3, *chosen;
    } rows[] = {
        /* What begins later waits as well. */
        {"'state':'ENTITLEMENT_ACTIVATION_REQUESTED','newOfferStartTime':'2099-01-01T00:00:00Z',"
         "'createTime':'2026-02-01T00:00:00Z'",
         "'state':'ENTITLEMENT_ACTIVE','createTime':'2026-05-01T00:00:00Z'", "e2"},
        {"'state':'ENTITLEMENT_ACTIVE','createTime':'2026-02-01T00:00:00Z'",
         "'state':'ENTITLEMENT_CANCELLED','createTime':'2026-05-01T00:00:00Z'", "e2"},
        {"'state':'ENTITLEMENT_SUSPENDED','createTime':'2026-02-01T00:00:00Z'",
         "'state':'ENTITLEMENT_ACTIVE','createTime':'2026-05-01T00:00:00Z'", "e3"},
    };
    char text[800];

    (void)state;
    need_peer();
    make(HEAD, "\"google\":{\"user_identity\":\"u 7\"}", "", &google);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        snprintf(text, sizeof(text),
                 "{'accounts':{'a1':'PENDING'},'entitlements':{'e2':{" MINE ",%s},'e3':{" MINE
                 ",%s}}}",
                 rows[i].e2, rows[i].e3);
        rig_set(text);
        go();
        expect(MARKET_OK, "");
        assert_string_equal(got.purchase, rows[i].chosen);
        assert_string_equal(got.user, "");
    }
    /* The filter was Google's to apply. */
    rig_set("{'script':[{'match':'/entitlements?','status':200,'body':{'entitlements':[{'name':"
            "'providers/acme-public/entitlements/e9','account':'providers/acme-public/accounts/a9',"
            "'productExternalName':'" PRODUCT "','state':'ENTITLEMENT_ACTIVE'}]}}]}");
    go();
    expect(MARKET_RETRY, "NoOrderYet");
}

/* More pages than anybody buys, and more orders than a token names. */
static void lists_have_an_end(void **state)
{
    struct buf b;

    (void)state;
    need_peer();
    buf_init(&b, 64 * 1024);
    buf_cat(&b, "{'page':1,'accounts':{'a1':'PENDING'},'entitlements':{");
    for (unsigned i = 0; i < GCP_PAGES + 3; i++)
        buf_fmt(&b, "%s'e%u':{" MINE ",'state':'ENTITLEMENT_ACTIVE'}", i ? "," : "", 1000 + i);
    buf_cat(&b, "}}");
    rig_set(buf_cstr(&b));
    make(HEAD, "", "", &google);
    go();
    expect(MARKET_OK, "");
    assert_int_equal(rig_count("/entitlements?"), GCP_PAGES);
    rig_set("{'page':200,'entitlements':{"
            "'e1':{" MINE ",'state':'ENTITLEMENT_ACTIVE','createTime':'2026-01-01T00:00:00Z'},"
            "'e2':{" MINE ",'state':'ENTITLEMENT_ACTIVE','createTime':'2026-02-01T00:00:00Z'}}}");
    for (unsigned before = GCP_ORDERS - 1; before <= GCP_ORDERS; before++) {
        buf_reset(&b);
        buf_cat(&b, "\"orders\":[");
        for (unsigned i = 0; i < before; i++)
            buf_fmt(&b, "\"o%u\",", i);
        buf_cat(&b, "\"e1\"]");
        make(HEAD, buf_cstr(&b), "", &google);
        go();
        expect(MARKET_OK, "");
        assert_string_equal(got.purchase, before < GCP_ORDERS ? "e1" : "e2");
    }
    buf_free(&b);
}

static int start(void **state)
{
    rig_key_make(&google);
    buf_init(&token, 128 * 1024);
    return rig_start(state);
}

static int stop(void **state)
{
    rig_key_free(&google);
    buf_free(&token);
    return rig_stop(state);
}

static int open_with_certs(void **state)
{
    int rc = rig_open(state);

    if (rc == 0 && peer.port)
        rig_certs("kid-1", &google, NULL, NULL);
    return rc;
}

#define T(f) cmocka_unit_test_setup_teardown(f, open_with_certs, rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_newest_that_waits_is_chosen),
        T(orders_are_named_in_any_shape),
        T(who_has_no_order),
        T(which_order_of_several),
        T(lists_have_an_end),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
