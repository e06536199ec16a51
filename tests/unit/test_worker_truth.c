/*
 * The worker's channel side where the channel has its own record of a purchase: whatever the
 * events do, orders end in the state that the marketplace shows; changes are answered by policy;
 * nothing of another product is touched.
 */
#include "worker_rig.h"

#include <sodium.h>

static const char azure[] =
    "marketplaces:\n"
    "  - name: prod\n"
    "    cloud: azure\n"
    "    azure: {offer_id: offer, tenant_id: 1f2e3d4c-0000-4000-8000-000000000001,\n"
    "      client_id: 1f2e3d4c-0000-4000-8000-000000000002, client_secret_file: /etc/hostname}\n"
    "    plans:\n"
    "      silver: {deployment_template: one, default: true, changes: {gold: in-place}}\n"
    "      gold: {deployment_template: one, changes: {silver: refuse}}\n"
    "deployment_templates:\n"
    "  one: {engine: exec, command: [/bin/true]}\n";

static const char gcp[] =
    "marketplaces:\n"
    "  - name: prod\n"
    "    cloud: gcp\n"
    "    gcp: {provider_id: acme, product_name: offer, audiences: [acme.example],\n"
    "      subscription: projects/acme/subscriptions/s}\n"
    "    plans:\n"
    "      silver: {deployment_template: one, default: true}\n"
    "      gold: {deployment_template: one}\n"
    "deployment_templates:\n"
    "  one: {engine: exec, command: [/bin/true]}\n";

struct expect {
    const char *channel, *purchase, *name, *value;
};

static bool has_value(void *arg)
{
    const struct expect *e = arg;

    return strcmp(order_field(e->channel, e->purchase, e->name), e->value) == 0;
}

static void wait_field(const char *channel, const char *purchase, const char *name,
                       const char *value)
{
    struct expect e = {channel, purchase, name, value};

    rig_until(has_value, &e, name);
}

/* Until every event was worked on; what waits for later is not waited for. */
static bool quiet(void *arg)
{
    char now[32];

    (void)arg;
    snprintf(now, sizeof(now), "%lld", (long long)clock_wall_ms() + 500);
    return rig.running == 0 && strcmp(RAW("ZCARD", "{p0}:lease"), "0") == 0 &&
           strcmp(RAW("ZCOUNT", "{p0}:ready:market", "-inf", now), "0") == 0;
}

static void an_order_follows_the_marketplace(void **state)
{
    struct fake_purchase *p;

    (void)state;
    rig_start(azure);
    p = fake_add("s-1", "silver", STANDING_ACTIVE);
    p->unattended = true;
    send_event("azure", "purchased s-1");
    wait_field("azure", "s-1", "o.contract", "ACTIVE");
    assert_string_equal(order_field("azure", "s-1", "o.plan"), "silver");
    assert_string_equal(order_field("azure", "s-1", "o.unattended"), "1");
    assert_string_not_equal(order_field("azure", "s-1", "o.tenant"), "");
    p->standing = STANDING_SUSPENDED;
    send_event("azure", "suspended s-1");
    wait_field("azure", "s-1", "o.contract", "SUSPENDED");
    p->standing = STANDING_ACTIVE;
    snprintf(p->plan, sizeof(p->plan), "gold");
    send_event("azure", "reinstated s-1");
    wait_field("azure", "s-1", "o.contract", "ACTIVE");
    assert_string_equal(order_field("azure", "s-1", "o.plan"), "gold");
    p->standing = STANDING_ENDED;
    send_event("azure", "ended s-1");
    wait_field("azure", "s-1", "o.contract", "CANCELLED");
    assert_true(number(order_field("azure", "s-1", "o.delete_at")) >=
                number(order_field("azure", "s-1", "o.at_ended")) + 7LL * 24 * 3600 * 1000);
    /* What has ended stays so, whatever is said later. */
    p->standing = STANDING_ACTIVE;
    send_event("azure", "reinstated s-1");
    rig_until(quiet, NULL, "the last event");
    assert_string_equal(order_field("azure", "s-1", "o.contract"), "CANCELLED");
    rig_stop();
}

static void a_held_charge_is_committed_once_asked(void **state)
{
    unsigned shard;
    const char *id;

    (void)state;
    rig_start(gcp);
    fake_add("g-1", "silver-P1Y", STANDING_HELD)->signup = true;
    send_event("gcp", "purchased g-1");
    wait_field("gcp", "g-1", "o.commit", "held");
    assert_string_equal(order_field("gcp", "g-1", "o.contract"), "PENDING");
    assert_string_equal(order_field("gcp", "g-1", "o.plan"), "silver");
    assert_string_equal(order_field("gcp", "g-1", "o.signup"), "wanted");
    assert_string_equal(order_field("gcp", "g-1", "o.tenant"), "");
    id = order_of("gcp", "g-1", &shard);
    OK(shard, STORE_TASK_ADD, "tell:x:signup", "tell", "market", id, "0", "signup");
    wait_field("gcp", "g-1", "o.signup", "done");
    fake.commit_works = false; /* answered 200, and not yet so */
    id = order_of("gcp", "g-1", &shard);
    OK(shard, STORE_TASK_ADD, "tell:x:commit", "tell", "market", id, "0", "commit");
    rig_until(quiet, NULL, "the first word");
    assert_int_equal(fake.tells[MARKET_COMMIT], 1);
    assert_string_equal(order_field("gcp", "g-1", "o.contract"), "PENDING");
    fake.p[0].standing = STANDING_ACTIVE;
    wait_field("gcp", "g-1", "o.contract", "ACTIVE"); /* the refresh that was queued sees it */
    assert_string_equal(order_field("gcp", "g-1", "o.commit"), "done");
    /* What stands already is not told again. */
    id = order_of("gcp", "g-1", &shard);
    OK(shard, STORE_TASK_ADD, "tell:y:commit", "tell", "market", id, "0", "commit");
    rig_until(quiet, NULL, "the second word");
    assert_int_equal(fake.tells[MARKET_COMMIT], 1);
    rig_stop();
}

static void ask_change(struct fake_purchase *p, const char *plan, const char *id)
{
    snprintf(p->pending_plan, sizeof(p->pending_plan), "%s", plan);
    snprintf(p->change_id, sizeof(p->change_id), "%s", id);
}

static void changes_are_answered_by_policy(void **state)
{
    struct fake_purchase *p;

    (void)state;
    rig_start(azure);
    p = fake_add("s-1", "silver", STANDING_ACTIVE);
    p->unattended = true;
    ask_change(p, "gold", "op-1");
    send_event("azure", "change-asked s-1 op-1 gold");
    wait_field("azure", "s-1", "o.plan", "gold");
    assert_int_equal(fake.tells[MARKET_ACCEPT_CHANGE], 1);
    assert_string_equal(fake.last_change, "op-1");
    wait_field("azure", "s-1", "o.change_id", "");
    /* gold to silver is refused, and so is a plan that nobody configured. */
    ask_change(p, "silver", "op-2");
    send_event("azure", "change-asked s-1 op-2 silver");
    rig_until(quiet, NULL, "op-2");
    assert_int_equal(fake.tells[MARKET_REJECT_CHANGE], 1);
    ask_change(p, "diamond", "op-3");
    send_event("azure", "change-asked s-1 op-3 diamond");
    rig_until(quiet, NULL, "op-3");
    assert_int_equal(fake.tells[MARKET_REJECT_CHANGE], 2);
    assert_string_equal(order_field("azure", "s-1", "o.plan"), "gold");
    /* The way back after a refusal names the plan that it is anyway. */
    ask_change(p, "gold", "op-4");
    send_event("azure", "change-asked s-1 op-4 gold");
    rig_until(quiet, NULL, "op-4");
    assert_int_equal(fake.tells[MARKET_ACCEPT_CHANGE], 2);
    /* Forged: nothing waits. */
    send_event("azure", "change-asked s-1 op-9 silver");
    rig_until(quiet, NULL, "op-9");
    assert_int_equal(fake.tells[MARKET_ACCEPT_CHANGE], 2);
    assert_int_equal(fake.tells[MARKET_REJECT_CHANGE], 2);
    assert_string_equal(order_field("azure", "s-1", "o.plan"), "gold");
    rig_stop();
}

static void an_unknown_plan_is_nobody_elses(void **state)
{
    struct fake_purchase *p;

    (void)state;
    rig_start(gcp);
    p = fake_add("g-1", "platinum", STANDING_ACTIVE);
    send_event("gcp", "purchased g-1");
    wait_field("gcp", "g-1", "o.plan_unknown", "1");
    assert_string_equal(order_field("gcp", "g-1", "o.plan"), "");
    assert_string_equal(order_field("gcp", "g-1", "o.plan_id"), "platinum");
    assert_string_equal(RAW("ZCARD", "{p0}:ready:notify"), "1");
    snprintf(p->plan, sizeof(p->plan), "gold");
    send_event("gcp", "entitlement-changed g-1");
    wait_field("gcp", "g-1", "o.plan", "gold");
    /* Google waits: no answer to a change that cannot be judged. */
    ask_change(p, "platinum", "platinum");
    send_event("gcp", "change-asked g-1 platinum platinum");
    rig_until(quiet, NULL, "the change");
    assert_int_equal(fake.tells[MARKET_ACCEPT_CHANGE] + fake.tells[MARKET_REJECT_CHANGE], 0);
    assert_string_equal(order_field("gcp", "g-1", "o.pending_plan"), "platinum");
    rig_stop();
}

static void another_product_is_not_touched(void **state)
{
    struct fake_purchase *p;

    (void)state;
    rig_start(azure);
    p = fake_add("s-1", "silver", STANDING_ACTIVE);
    snprintf(p->offer, sizeof(p->offer), "other");
    ask_change(p, "gold", "op-1");
    send_event("azure", "change-asked s-1 op-1 gold");
    send_event("azure", "purchased s-2");
    rig_until(quiet, NULL, "both events");
    assert_string_equal(order_field("azure", "s-1", "o.id"), "");
    assert_string_equal(order_field("azure", "s-2", "o.id"), "");
    assert_int_equal(fake.tells[MARKET_ACCEPT_CHANGE], 0);
    rig_stop();
}

/* One answer "unknown" may be a wrong address: a running purchase is not ended by it. */
static void an_unknown_purchase_is_doubted(void **state)
{
    struct fake_purchase *p;

    (void)state;
    rig_start(azure);
    p = fake_add("s-1", "silver", STANDING_ACTIVE);
    send_event("azure", "purchased s-1");
    wait_field("azure", "s-1", "o.contract", "ACTIVE");
    p->gone = true;
    send_event("azure", "renewed s-1");
    rig_until(quiet, NULL, "the answer");
    assert_string_not_equal(order_field("azure", "s-1", "o.gone_since"), "");
    assert_string_equal(order_field("azure", "s-1", "o.contract"), "ACTIVE");
    send_event("azure", "ended s-1"); /* the channel itself says so */
    wait_field("azure", "s-1", "o.contract", "CANCELLED");
    rig_stop();
}

static void erases_only_what_has_ended(void **state)
{
    struct fake_purchase *p;

    (void)state;
    rig_start(gcp);
    p = fake_add("g-1", "silver", STANDING_ACTIVE);
    send_event("gcp", "purchased g-1");
    wait_field("gcp", "g-1", "o.contract", "ACTIVE");
    send_event("gcp", "erase g-1");
    rig_until(quiet, NULL, "the first erase");
    assert_string_equal(order_field("gcp", "g-1", "o.erase"), "");
    p->gone = true;
    send_event("gcp", "erase -"); /* the account */
    wait_field("gcp", "g-1", "o.contract", "ACTIVE");
    send_event("gcp", "erase g-1");
    wait_field("gcp", "g-1", "o.erase", "1");
    assert_string_equal(order_field("gcp", "g-1", "o.contract"), "CANCELLED");
    rig_stop();
}

static void refused_credentials_are_one_mail(void **state)
{
    (void)state;
    rig_start(azure);
    fake_add("s-1", "silver", STANDING_ACTIVE);
    fake.fail = MARKET_CONFIG;
    fake.fail_code = "AADSTS7000222";
    for (int i = 0; i < 5; i++)
        send_event("azure", "renewed s-1");
    rig_until(quiet, NULL, "all events");
    assert_string_equal(RAW("ZCARD", "{p0}:ready:notify"), "1");
    assert_string_equal(RAW("ZCARD", "{p0}:ready:market"), "5"); /* nothing is dropped */
    assert_int_equal(fake.refreshes, 5);                         /* and nothing storms */
    rig_stop();
}

/* --- landing with a sign-in ----------------------------------------------------------------- */

static void land(const char *reg, const char *answer)
{
    struct seal_pub pub;
    struct buf box, sealed;

    crypto_box_keypair(rig.seal.pk, rig.seal.sk);
    memcpy(pub.k, rig.seal.pk, sizeof(pub.k));
    buf_init(&box, 4096);
    buf_init(&sealed, 4096);
    assert_int_equal(seal_box(&pub, STR("s-1"), &box), 0);
    assert_int_equal(seal_box(&pub, str_of(answer), &sealed), 0);
    OK(0, STORE_LAND, reg, "azure", "prod", buf_cstr(&box), "3600000", "", "1");
    IS("state", "signin");
    OK(0, STORE_SIGN_IN, reg, buf_cstr(&sealed));
    buf_free(&box);
    buf_free(&sealed);
}

static bool reg_is(void *arg)
{
    const char *const *want = arg;

    OK(0, STORE_REG_GET, want[0]);
    return strcmp(field("state"), want[1]) == 0 && strcmp(field("code"), want[2]) == 0;
}

static void a_buyer_signs_in_first(void **state)
{
    (void)state;
    rig_start(azure);
    fake_caps_now.sign_in = true;
    fake_add("s-1", "silver", STANDING_HELD);
    land("r1", "{\"code\":\"c\",\"verifier\":\"v\",\"nonce\":\"n\",\"redirect_uri\":\"u\"}");
    rig_until(reg_is, (const char *[]){"r1", "resolved", ""}, "r1 resolved");
    IS("id_name", "Ann");
    IS("plan", "silver");
    IS("claimed", "0");
    assert_int_equal(fake.sign_ins, 1);
    assert_string_equal(RAW("HEXISTS", "{p0}:r:r1", "token"), "0");
    fake.stranger = true;
    land("r2", "{\"code\":\"c\",\"verifier\":\"v\",\"nonce\":\"n\",\"redirect_uri\":\"u\"}");
    rig_until(reg_is, (const char *[]){"r2", "signin", "wrong_account"}, "r2 sent away");
    assert_string_equal(RAW("HEXISTS", "{p0}:r:r2", "id_object"), "0");
    land("r3", "{\"code\":\"used\",\"verifier\":\"v\",\"nonce\":\"n\",\"redirect_uri\":\"u\"}");
    rig_until(reg_is, (const char *[]){"r3", "signin", "sign_in_again"}, "r3 once more");
    rig_stop();
}

/* --- the reconciler and everything together -------------------------------------------------- */

static void reconcile_now(void)
{
    OK(0, STORE_TASK_ADD, "reconcile:azure/prod", "reconcile", "market", "azure/prod", "0", "");
}

static void the_list_repairs_what_events_lost(void **state)
{
    (void)state;
    rig_start(azure);
    for (int i = 0; i < 8; i++) {
        char id[16];

        snprintf(id, sizeof(id), "s-%d", i);
        fake_add(id, "silver", i == 7 ? STANDING_ENDED : STANDING_ACTIVE);
    }
    send_event("azure", "purchased s-0");
    wait_field("azure", "s-0", "o.contract", "ACTIVE");
    fake.p[0].standing = STANDING_ENDED; /* and its event is lost */
    reconcile_now();
    wait_field("azure", "s-6", "o.contract", "ACTIVE");
    wait_field("azure", "s-0", "o.contract", "CANCELLED");
    rig_until(quiet, NULL, "the walk");
    assert_string_equal(order_field("azure", "s-7", "o.id"), "");
    assert_int_equal(fake.lists, 3);
    assert_string_equal(RAW("HGET", "{p0}:k:reconcile:azure/prod", "s.last_seen"), "8");
    assert_string_equal(RAW("HGET", "{p0}:k:reconcile:azure/prod", "s.last_repaired"), "1");
    assert_string_equal(RAW("HGET", "{p0}:k:reconcile:azure/prod", "s.last_created"), "6");
    reconcile_now();
    rig_until(quiet, NULL, "the second walk");
    assert_string_equal(RAW("HGET", "{p0}:k:reconcile:azure/prod", "s.last_repaired"), "0");
    assert_string_equal(RAW("HGET", "{p0}:k:reconcile:azure/prod", "s.last_created"), "0");
    rig_stop();
}

/* A walk that stood still for so long that the list forgot where it was. */
static void an_old_page_begins_anew(void **state)
{
    (void)state;
    rig_start(azure);
    for (int i = 0; i < 4; i++)
        fake_add((const char *[]){"s-0", "s-1", "s-2", "s-3"}[i], "silver", STANDING_ACTIVE);
    fake.forgets_pages = true;
    reconcile_now();
    rig_until(quiet, NULL, "the refusal");
    assert_string_equal(RAW("HEXISTS", "{p0}:k:reconcile:azure/prod", "s.page"), "0");
    fake.forgets_pages = false;
    reconcile_now();
    wait_field("azure", "s-3", "o.contract", "ACTIVE");
    rig_stop();
}

static void keys_are_published(void **state)
{
    (void)state;
    rig_start(azure);
    OK(0, STORE_KEYS_WANT, "azure", "prod", "0");
    rig_until(quiet, NULL, "the keys");
    OK(0, STORE_KEYS_GET, "azure", "prod");
    IS("keys", "{\"keys\":[]}");
    /* The task waits for half their life. */
    assert_string_equal(RAW("HGET", "{p0}:k:keys:azure/prod", "state"), "queued");
    rig_stop();
}

static const char *act(struct fake_purchase *p)
{
    switch (rand_below(6)) {
    case 0:
        if (p->standing == STANDING_HELD)
            p->standing = STANDING_ACTIVE;
        return "purchased";
    case 1:
        if (p->standing == STANDING_ACTIVE)
            p->standing = STANDING_SUSPENDED;
        return "suspended";
    case 2:
        if (p->standing == STANDING_SUSPENDED)
            p->standing = STANDING_ACTIVE;
        return "reinstated";
    case 3:
        if (p->standing == STANDING_ACTIVE && strcmp(p->plan, "silver") == 0)
            ask_change(p, "gold", "op");
        return "change-asked";
    case 4:
        p->quantity = 1 + rand_below(9);
        return "entitlement-changed";
    default:
        if (rand_below(3) == 0)
            p->standing = STANDING_ENDED;
        return "ended";
    }
}

static bool matches(const struct fake_purchase *p)
{
    static const char *const contracts[] = {"",       "PENDING",   "PENDING",
                                            "ACTIVE", "SUSPENDED", "CANCELLED"};
    char quantity[24];

    if (order_field("azure", p->id, "o.id")[0] == '\0')
        return p->standing == STANDING_ENDED;
    snprintf(quantity, sizeof(quantity), "%llu", (unsigned long long)p->quantity);
    return strcmp(field("o.contract"), contracts[p->standing]) == 0 &&
           (p->standing == STANDING_ENDED ||
            (strcmp(field("o.plan"), p->plan) == 0 && strcmp(field("o.quantity"), quantity) == 0));
}

static bool converged(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < fake.n; i++)
        if (!matches(&fake.p[i]))
            return false;
    return true;
}

/* Acts, and their events lost, doubled, replayed and out of order, while answers overtake each
 * other; then one walk of the list. */
static void everything_converges(void **state)
{
    char later[64][96];
    size_t n = 0;

    (void)state;
    rig_start(azure);
    fake.slow_ms = 12;
    for (int i = 0; i < 6; i++) {
        char id[16];

        snprintf(id, sizeof(id), "s-%d", i);
        fake_add(id, "silver", STANDING_HELD)->quantity = 1;
    }
    for (int i = 0; i < 120; i++) {
        struct fake_purchase *p = &fake.p[rand_below(fake.n)];
        const char *kind = act(p);
        char raw[96];

        snprintf(raw, sizeof(raw), "%s %s %s", kind, p->id, p->change_id);
        if (rand_below(5) == 0)
            continue; /* lost */
        if (rand_below(3) == 0 && n < 64)
            memcpy(later[n++], raw, sizeof(raw));
        else
            send_event("azure", raw);
        if (n && rand_below(4) == 0)
            send_event("azure", later[rand_below(n)]);
        for (uint64_t k = rand_below(4); k; k--)
            uv_run(rig.loop, UV_RUN_ONCE);
    }
    while (n)
        send_event("azure", later[--n]);
    reconcile_now();
    rig_until(converged, NULL, "orders as the marketplace shows them");
    rig_stop();
}

static int fresh_shards(void **state)
{
    fx_shards = 4;
    return fresh(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_order_follows_the_marketplace, fresh),
        cmocka_unit_test_setup(a_held_charge_is_committed_once_asked, fresh),
        cmocka_unit_test_setup(changes_are_answered_by_policy, fresh),
        cmocka_unit_test_setup(an_unknown_plan_is_nobody_elses, fresh),
        cmocka_unit_test_setup(another_product_is_not_touched, fresh),
        cmocka_unit_test_setup(an_unknown_purchase_is_doubted, fresh),
        cmocka_unit_test_setup(erases_only_what_has_ended, fresh),
        cmocka_unit_test_setup(refused_credentials_are_one_mail, fresh),
        cmocka_unit_test_setup(a_buyer_signs_in_first, fresh),
        cmocka_unit_test_setup(the_list_repairs_what_events_lost, fresh),
        cmocka_unit_test_setup(an_old_page_begins_anew, fresh),
        cmocka_unit_test_setup(keys_are_published, fresh),
        cmocka_unit_test_setup(everything_converges, fresh),
        cmocka_unit_test_setup(everything_converges, fresh_shards),
    };

    if (crypto_init())
        return 1;
    return cmocka_run_group_tests_name("worker: truth", tests, group_setup, group_teardown);
}
