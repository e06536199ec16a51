/*
 * The worker's channel side, continued: who signs in gets his purchase and nobody else's, the
 * reconciler repairs what events lost, and whatever is lost, doubled or late, orders end in the
 * state that the marketplace shows.
 */
#include "worker_rig.h"

#include <sodium.h>

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
    assert_true(clock_wall_ms() - fake.arrived_ms < 60000 && fake.arrived_ms > 0);
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

static const char *walk(const char *result)
{
    char key[32];

    reconcile_now();
    rig_until(quiet, NULL, "the walk");
    snprintf(key, sizeof(key), "s.last_%s", result);
    return RAW("HGET", "{p0}:k:reconcile:azure/prod", key);
}

/* Each of these is money or an environment; once it is written, there is no difference any more. */
static void every_difference_is_found_once(void **state)
{
    struct fake_purchase *p;

    (void)state;
    rig_start(azure);
    p = fake_add("s-1", "silver", STANDING_ACTIVE);
    p->quantity = 2;
    send_event("azure", "purchased s-1");
    wait_field("azure", "s-1", "o.quantity", "2");
    assert_string_equal(walk("repaired"), "0");
    p->quantity = 5;
    assert_string_equal(walk("repaired"), "1");
    assert_string_equal(order_field("azure", "s-1", "o.quantity"), "5");
    p->no_renewal = true;
    assert_string_equal(walk("repaired"), "1");
    assert_string_equal(order_field("azure", "s-1", "o.no_renewal"), "1");
    p->ends_ms = 1900000000000;
    assert_string_equal(walk("repaired"), "1");
    assert_string_equal(order_field("azure", "s-1", "o.ends"), "1900000000000");
    snprintf(p->plan, sizeof(p->plan), "gold");
    assert_string_equal(walk("repaired"), "1");
    assert_string_equal(order_field("azure", "s-1", "o.plan"), "gold");
    p->standing = STANDING_SUSPENDED;
    assert_string_equal(walk("repaired"), "1");
    assert_string_equal(order_field("azure", "s-1", "o.contract"), "SUSPENDED");
    assert_string_equal(walk("repaired"), "0");
    rig_stop();
}

/* An accepted change: the list shows it before the order does, or not any more. */
static void what_we_asked_for_is_no_repair(void **state)
{
    struct fake_purchase *p;

    (void)state;
    rig_start(azure);
    fake_caps_now.settle_ms = 600000;
    p = fake_add("s-1", "silver", STANDING_ACTIVE);
    send_event("azure", "purchased s-1");
    wait_field("azure", "s-1", "o.contract", "ACTIVE");
    snprintf(p->pending_plan, sizeof(p->pending_plan), "gold");
    snprintf(p->change_id, sizeof(p->change_id), "op");
    send_event("azure", "change-asked s-1 op gold");
    wait_field("azure", "s-1", "o.pending_plan", "gold");
    rig_until(quiet, NULL, "the event");
    assert_string_equal(walk("repaired"), "0");
    wait_field("azure", "s-1", "o.plan", "gold");
    fake.list_plan = "silver"; /* the list is behind */
    assert_string_equal(walk("repaired"), "0");
    assert_string_equal(order_field("azure", "s-1", "o.plan"), "gold");
    assert_string_equal(RAW("ZCARD", "{p0}:ready:notify"), "0");
    fake_caps_now.settle_ms = 0; /* by now it should show */
    assert_string_equal(walk("repaired"), "1");
    assert_string_equal(order_field("azure", "s-1", "o.plan"), "silver");
    assert_string_equal(RAW("ZCARD", "{p0}:ready:notify"), "1");
    rig_stop();
}

static void what_we_committed_is_no_repair(void **state)
{
    unsigned shard;
    const char *id;
    char key[80], now[24];

    (void)state;
    rig_start(azure);
    fake_caps_now.settle_ms = 600000;
    fake_add("s-1", "silver", STANDING_HELD);
    send_event("azure", "purchased s-1");
    wait_field("azure", "s-1", "o.commit", "held");
    id = order_of("azure", "s-1", &shard);
    snprintf(key, sizeof(key), "{p0}:o:%s", id);
    snprintf(now, sizeof(now), "%lld", (long long)clock_wall_ms());
    RAW("HSET", key, "commit", "asked", "at_asked", now);
    fake.p[0].standing = STANDING_ACTIVE;
    assert_string_equal(walk("repaired"), "0");
    wait_field("azure", "s-1", "o.contract", "ACTIVE"); /* its own refresh saw it */
    assert_string_equal(RAW("ZCARD", "{p0}:ready:notify"), "0");
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
        if (p->standing == STANDING_ACTIVE && strcmp(p->plan, "silver") == 0) {
            snprintf(p->pending_plan, sizeof(p->pending_plan), "gold");
            snprintf(p->change_id, sizeof(p->change_id), "op");
        }
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
        cmocka_unit_test_setup(a_buyer_signs_in_first, fresh),
        cmocka_unit_test_setup(the_list_repairs_what_events_lost, fresh),
        cmocka_unit_test_setup(every_difference_is_found_once, fresh),
        cmocka_unit_test_setup(what_we_asked_for_is_no_repair, fresh),
        cmocka_unit_test_setup(what_we_committed_is_no_repair, fresh),
        cmocka_unit_test_setup(an_old_page_begins_anew, fresh),
        cmocka_unit_test_setup(keys_are_published, fresh),
        cmocka_unit_test_setup(everything_converges, fresh),
        cmocka_unit_test_setup(everything_converges, fresh_shards),
    };

    if (crypto_init())
        return 1;
    return cmocka_run_group_tests_name("worker: lists", tests, group_setup, group_teardown);
}
