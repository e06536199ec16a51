/*
 * The worker's channel side where the channel has its own record of a purchase: whatever the
 * events do, orders end in the state that the marketplace shows; changes are answered by policy;
 * nothing of another product is touched.
 */
#include "worker_rig.h"

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

/* Asked for while it was there, and deleted before the word was said. */
static void what_is_deleted_is_not_committed(void **state)
{
    unsigned shard;
    const char *id;

    (void)state;
    rig_start(azure);
    fake_add("s-1", "silver", STANDING_HELD);
    send_event("azure", "purchased s-1");
    wait_field("azure", "s-1", "o.commit", "held");
    id = order_of("azure", "s-1", &shard);
    OK(shard, STORE_OPERATE, id, "delete", "jo", "not wanted");
    OK(shard, STORE_TASK_ADD, "tell:x:commit", "tell", "market", id, "0", "commit");
    rig_until(quiet, NULL, "the word");
    assert_int_equal(fake.tells[MARKET_COMMIT], 0);
    assert_string_equal(order_field("azure", "s-1", "o.contract"), "PENDING");
    rig_stop();
}

static const char *order_key(const char *id)
{
    static char key[80];

    snprintf(key, sizeof(key), "{p0}:o:%s", id);
    return key;
}

static void asked_to_begin(void)
{
    unsigned shard;
    const char *id;

    rig_start(azure);
    fake_add("s-1", "silver", STANDING_HELD);
    send_event("azure", "purchased s-1");
    wait_field("azure", "s-1", "o.commit", "held");
    id = order_of("azure", "s-1", &shard);
    OK(shard, STORE_ORDER_PLACE, id, "cap", "86400000", "{}", "a@b.example", "60000");
    rig_until(quiet, NULL, "the form");
    RAW("HSET", order_key(id), "commit", "asked", "fulfilment", "VERIFYING");
}

static const char *mail_state(const char *kind)
{
    unsigned shard;
    char key[120];

    snprintf(key, sizeof(key), "{p0}:k:mail:%s:%s", order_of("azure", "s-1", &shard), kind);
    return RAW("EXISTS", key);
}

/* Between "asked" and the word: what was not said is not said, and is said when it goes on. */
static void what_is_stopped_is_not_committed(void **state)
{
    static const char *const verbs[] = {"suspend", "cancel"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        unsigned shard;
        const char *id;

        if (i)
            fresh(state);
        asked_to_begin();
        id = order_of("azure", "s-1", &shard);
        OK(shard, STORE_OPERATE, id, verbs[i], "jo", "wait");
        assert_string_equal(field("commit"), "asked");
        OK(shard, STORE_TASK_ADD, "tell:x:commit", "tell", "market", id, "0", "commit");
        wait_field("azure", "s-1", "o.commit", "held");
        rig_until(quiet, NULL, "the word");
        assert_int_equal(fake.tells[MARKET_COMMIT], 0);
        assert_string_equal(order_field("azure", "s-1", "o.contract"), "PENDING");
        OK(shard, STORE_OPERATE, id, "resume", "jo", "go on");
        RAW("HSET", order_key(id), "commit", "asked"); /* as the order's own task does */
        OK(shard, STORE_TASK_ADD, "tell:x:commit", "tell", "market", id, "0", "commit");
        wait_field("azure", "s-1", "o.contract", "ACTIVE");
        assert_int_equal(fake.tells[MARKET_COMMIT], 1);
        rig.roles |= ROLE_DEPLOY;
        rig_until(quiet, NULL, "nothing to tell");
        assert_string_equal(mail_state("alert-charged"), "0");
        rig_stop();
    }
}

static bool alerted(void *arg)
{
    (void)arg;
    return strcmp(mail_state("alert-charged"), "0") != 0;
}

/* The word was out already: nobody can take it back, so somebody is told. */
static void a_charge_that_begins_while_stopped_is_told(void **state)
{
    unsigned shard;
    const char *id;

    (void)state;
    asked_to_begin();
    fake.commit_works = false; /* answered 200, and not yet so */
    id = order_of("azure", "s-1", &shard);
    OK(shard, STORE_TASK_ADD, "tell:x:commit", "tell", "market", id, "0", "commit");
    rig_until(quiet, NULL, "the word");
    assert_int_equal(fake.tells[MARKET_COMMIT], 1);
    OK(shard, STORE_OPERATE, id, "suspend", "jo", "too late");
    fake.p[0].standing = STANDING_SCHEDULED; /* to begin on a day of the channel's */
    send_event("azure", "renewed s-1");
    wait_field("azure", "s-1", "o.commit", "done");
    rig.roles |= ROLE_DEPLOY;
    RAW("ZADD", "{p0}:wake:deploy", "0", "1");
    wait_field("azure", "s-1", "o.fulfilment", "SUSPENDED");
    assert_string_equal(mail_state("alert-charged"), "0");
    fake.p[0].standing = STANDING_ACTIVE;
    send_event("azure", "renewed s-1");
    wait_field("azure", "s-1", "o.contract", "ACTIVE");
    rig.roles |= ROLE_DEPLOY;
    RAW("ZADD", "{p0}:wake:deploy", "0", "1");
    rig_until(alerted, NULL, "the seller is told");
    wait_field("azure", "s-1", "o.charge_told", "1");
    wait_field("azure", "s-1", "o.fulfilment", "SUSPENDED");
    rig_stop();
}

/* What had begun before is no surprise. */
static void a_charge_that_ran_before_is_not_told(void **state)
{
    unsigned shard;
    const char *id;

    (void)state;
    asked_to_begin();
    id = order_of("azure", "s-1", &shard);
    OK(shard, STORE_TASK_ADD, "tell:x:commit", "tell", "market", id, "0", "commit");
    wait_field("azure", "s-1", "o.contract", "ACTIVE");
    RAW("HINCRBY", order_key(id), "at_committed", "-5000");
    OK(shard, STORE_OPERATE, id, "suspend", "jo", "for a day");
    rig.roles |= ROLE_DEPLOY;
    RAW("ZADD", "{p0}:wake:deploy", "0", "1");
    wait_field("azure", "s-1", "o.fulfilment", "SUSPENDED");
    assert_string_equal(mail_state("alert-charged"), "0");
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

/* Accepted, and the channel shows the plan of before: it is slow, or the change was withdrawn. */
static struct fake_purchase *accepted(const char *channel, const char *id)
{
    struct fake_purchase *p = fake_add(id, "silver", STANDING_ACTIVE);
    char raw[64];

    p->changed_ms = 1000;
    fake.keeps_changes = true;
    ask_change(p, "gold", strcmp(channel, "gcp") == 0 ? "gold" : "op-1");
    snprintf(raw, sizeof(raw), "change-asked %s %s gold", id, p->change_id);
    send_event(channel, raw);
    wait_field(channel, id, "o.pending_plan", "gold");
    assert_int_equal(fake.tells[MARKET_ACCEPT_CHANGE], 1);
    assert_string_not_equal(order_field(channel, id, "o.change_at"), "");
    snprintf(raw, sizeof(raw), "entitlement-changed %s", id);
    send_event(channel, raw);
    rig_until(quiet, NULL, "the reading");
    assert_string_equal(order_field(channel, id, "o.pending_plan"), "gold");
    return p;
}

static void gone_at_the_next_look(const char *channel, const char *id)
{
    char raw[64];

    snprintf(raw, sizeof(raw), "entitlement-changed %s", id);
    send_event(channel, raw);
    wait_field(channel, id, "o.pending_plan", "");
    assert_string_equal(order_field(channel, id, "o.change_at"), "");
    assert_string_equal(order_field(channel, id, "o.plan"), "silver");
    rig_stop();
}

static void a_withdrawn_change_is_forgotten(void **state)
{
    (void)state;
    rig_start(gcp);
    accepted("gcp", "g-1")->changed_ms = 1001; /* Google's record was written since */
    gone_at_the_next_look("gcp", "g-1");
}

static void a_failed_operation_is_forgotten(void **state)
{
    (void)state;
    rig_start(azure);
    accepted("azure", "s-1")->change_off = true;
    gone_at_the_next_look("azure", "s-1");
}

static void an_unknown_plan_is_nobody_elses(void **state)
{
    struct fake_purchase *p;

    (void)state;
    rig_start(gcp);
    fake_caps_now.progress = true;
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
    assert_int_equal(fake.tells[MARKET_PROGRESS], 1);
    assert_string_equal(fake.last_text, "Your change of plan is being checked.");
    send_event("gcp", "change-asked g-1 platinum platinum");
    rig_until(quiet, NULL, "the same again");
    assert_int_equal(fake.tells[MARKET_PROGRESS], 1);
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

/* An event may be faster than what it tells of. */
static void a_purchase_that_cannot_be_read_yet(void **state)
{
    (void)state;
    rig_start(azure);
    send_event("azure", "purchased s-1");
    rig_until(quiet, NULL, "the first look");
    assert_string_equal(order_field("azure", "s-1", "o.id"), "");
    fake_add("s-1", "silver", STANDING_ACTIVE);
    wait_field("azure", "s-1", "o.contract", "ACTIVE");
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

/* Doubt lasts an hour, counted from its beginning; then the purchase is really gone. What never
 * began to be charged needs no doubt. */
static void doubt_comes_to_an_end(void **state)
{
    char since[32], key[80];
    struct fake_purchase *p, *q;
    unsigned shard;

    (void)state;
    rig_start(gcp);
    p = fake_add("g-1", "silver", STANDING_ACTIVE);
    q = fake_add("g-2", "silver", STANDING_HELD);
    send_event("gcp", "purchased g-1");
    send_event("gcp", "purchased g-2");
    wait_field("gcp", "g-1", "o.contract", "ACTIVE");
    wait_field("gcp", "g-2", "o.commit", "held");
    p->gone = q->gone = true;
    send_event("gcp", "renewed g-2");
    wait_field("gcp", "g-2", "o.contract", "CANCELLED");
    send_event("gcp", "renewed g-1");
    rig_until(quiet, NULL, "the first doubt");
    snprintf(since, sizeof(since), "%s", order_field("gcp", "g-1", "o.gone_since"));
    assert_string_not_equal(since, "");
    send_event("gcp", "renewed g-1");
    rig_until(quiet, NULL, "the second doubt");
    assert_string_equal(order_field("gcp", "g-1", "o.gone_since"), since);
    assert_string_equal(order_field("gcp", "g-1", "o.contract"), "ACTIVE");
    snprintf(since, sizeof(since), "%lld", (long long)clock_wall_ms() - 61 * 60 * 1000);
    snprintf(key, sizeof(key), "{p0}:o:%s", order_of("gcp", "g-1", &shard));
    RAW("HSET", key, "gone_since", since);
    send_event("gcp", "renewed g-1");
    wait_field("gcp", "g-1", "o.contract", "CANCELLED");
    rig_stop();
}

static void what_ended_unknown_is_not_begun(void **state)
{
    (void)state;
    rig_start(azure);
    fake_add("s-1", "silver", STANDING_ENDED);
    send_event("azure", "ended s-1");
    send_event("azure", "renewed s-1");
    rig_until(quiet, NULL, "both events");
    assert_string_equal(order_field("azure", "s-1", "o.id"), "");
    rig_stop();
}

static bool is_answered(void *arg)
{
    return ((struct fake_purchase *)arg)->change_id[0] == '\0';
}

static bool told_twice(void *arg)
{
    (void)arg;
    return fake.tells[MARKET_COMMIT] >= 2;
}

static unsigned refusals;
static enum market_class refused_with;

static void busy_at_first(struct market *m, enum market_verb verb,
                          const struct market_purchase *known, struct str text, market_verb_cb *cb,
                          void *arg)
{
    enum market_class was = fake.fail;

    fake.fail = refusals ? refused_with : was;
    refusals -= refusals > 0;
    fake_tell(m, verb, known, text, cb, arg);
    fake.fail = was;
}

/* An answer that did not arrive is given again: silence would be taken for consent. */
static void an_answer_is_given_until_it_arrives(void **state)
{
    struct market_ops ops = fake_ops;
    struct fake_purchase *p;

    (void)state;
    rig_start(azure);
    ops.tell = busy_at_first;
    rig.now->market_ops[0] = &ops;
    refusals = 2;
    refused_with = MARKET_RETRY;
    p = fake_add("s-1", "gold", STANDING_ACTIVE);
    p->unattended = true;
    ask_change(p, "silver", "op-1");
    send_event("azure", "change-asked s-1 op-1 silver");
    rig_until(is_answered, p, "the refusal");
    assert_int_equal(refusals, 0);
    assert_true(fake.tells[MARKET_REJECT_CHANGE] >= 3);
    wait_field("azure", "s-1", "o.plan", "gold");
    assert_int_equal(fake.tells[MARKET_ACCEPT_CHANGE], 0);
    rig_stop();
}

/* A word that was refused, with the charge still held, is said again; one that came through is
 * waited for. */
static void a_refused_word_is_said_again(void **state)
{
    struct market_ops ops = fake_ops;
    char id[ID_ORDER], key[80];
    unsigned shard;

    (void)state;
    rig_start(gcp);
    ops.tell = busy_at_first;
    rig.now->market_ops[0] = &ops;
    fake_add("g-1", "silver", STANDING_HELD);
    send_event("gcp", "purchased g-1");
    wait_field("gcp", "g-1", "o.commit", "held");
    (void)str_copy(str_of(order_of("gcp", "g-1", &shard)), id, sizeof(id));
    OK(shard, STORE_ORDER_PLACE, id, "cap", "1000000", "{}", "a@b.example", "60000");
    assert_true(claim("deploy"));
    OK(shard, STORE_ORDER_WRITE, task, token, id, "o.fulfilment", "IDENTIFIED", "o.commit",
       "asked");
    OK(shard, STORE_TASK_FINISH, task, token, "wait", "1000000", "", "");
    refusals = 1;
    refused_with = MARKET_CONFIG;
    fake.commit_works = false;
    OK(shard, STORE_TASK_ADD, "tell:x:commit", "tell", "market", id, "0", "commit");
    rig_until(told_twice, NULL, "the second word");
    snprintf(key, sizeof(key), "{p0}:k:refresh:%s", id);
    OK(shard, STORE_TASK_ADD, key + strlen("{p0}:k:"), "refresh", "market", id, "0", "");
    rig_until(quiet, NULL, "a look that shows nothing yet");
    assert_string_equal(RAW("HGET", key, "state"), "queued"); /* it looks again */
    fake.p[0].standing = STANDING_ACTIVE;
    wait_field("gcp", "g-1", "o.contract", "ACTIVE");
    fake.p[0].standing = STANDING_ENDED;
    send_event("gcp", "ended g-1");
    wait_field("gcp", "g-1", "o.contract", "CANCELLED");
    OK(shard, STORE_TASK_ADD, "tell:x:reject", "tell", "market", id, "0", "reject");
    rig_until(quiet, NULL, "words after the end");
    assert_int_equal(fake.tells[MARKET_REJECT], 0);
    rig_stop();
}

/* Grace and deletion are counted from the end, not from when it was read again. */
static void an_end_is_written_once(void **state)
{
    struct fake_purchase *p;
    char delete_at[32];

    (void)state;
    rig_start(azure);
    p = fake_add("s-1", "silver", STANDING_ACTIVE);
    p->quantity = 7;
    send_event("azure", "purchased s-1");
    wait_field("azure", "s-1", "o.contract", "ACTIVE");
    assert_string_equal(order_field("azure", "s-1", "o.quantity"), "7");
    p->standing = STANDING_ENDED;
    p->status = "Expired";
    ask_change(p, "gold", "op-1"); /* nobody is to answer it any more */
    send_event("azure", "ended s-1");
    wait_field("azure", "s-1", "o.contract", "EXPIRED");
    snprintf(delete_at, sizeof(delete_at), "%s", order_field("azure", "s-1", "o.delete_at"));
    assert_int_not_equal(number(delete_at), 0);
    send_event("azure", "change-asked s-1 op-1 gold");
    send_event("azure", "renewed s-1");
    rig_until(quiet, NULL, "what comes after the end");
    assert_string_equal(order_field("azure", "s-1", "o.delete_at"), delete_at);
    assert_int_equal(fake.tells[MARKET_ACCEPT_CHANGE] + fake.tells[MARKET_REJECT_CHANGE], 0);
    rig_stop();
}

/* Bought before this installation: somebody has cared for it until now. */
/* Nobody lands, so nobody's form says when it is late: the configuration does all the same. */
static void unattended_orders_are_late_when_the_seller_says(void **state)
{
    char config[2048];
    size_t late = 0;

    (void)state;
    snprintf(config, sizeof(config), "notifications: {late_after: 2h}\n%s", azure);
    rig_start(config);
    fake_add("s-1", "silver", STANDING_ACTIVE)->unattended = true;
    send_event("azure", "purchased s-1");
    wait_field("azure", "s-1", "o.contract", "ACTIVE");
    assert_string_not_equal(order_field("azure", "s-1", "o.tenant"), "");
    assert_string_equal(field("o.late_ms"), ""); /* no field of the order */
    for (size_t i = 1; i < fx.rows->n; i++)
        if (strcmp(field_of(i, "kind"), "late") == 0)
            late = i;
    assert_int_not_equal(late, 0);
    assert_int_equal(number(field_of(late, "due")) - number(field_of(late, "created")),
                     2 * 3600 * 1000);
    rig_stop();
}

static void an_old_customer_gets_no_second_environment(void **state)
{
    struct fake_purchase *p;

    (void)state;
    rig_start(azure);
    p = fake_add("s-1", "silver", STANDING_ACTIVE);
    p->unattended = true;
    p->bought_ms = 1600000000000;
    send_event("azure", "purchased s-1");
    wait_field("azure", "s-1", "o.contract", "ACTIVE");
    assert_string_equal(order_field("azure", "s-1", "o.existing"), "1");
    assert_string_equal(order_field("azure", "s-1", "o.tenant"), "");
    p->gone = true; /* a doubt, and it is there again */
    send_event("azure", "renewed s-1");
    rig_until(quiet, NULL, "the doubt");
    assert_string_not_equal(order_field("azure", "s-1", "o.gone_since"), "");
    p->gone = false;
    send_event("azure", "renewed s-1");
    wait_field("azure", "s-1", "o.gone_since", "");
    rig_stop();
}

static void erases_only_what_has_ended(void **state)
{
    struct fake_purchase *p, *q;

    (void)state;
    rig_start(gcp);
    p = fake_add("g-1", "silver", STANDING_ACTIVE);
    q = fake_add("g-2", "silver", STANDING_ACTIVE);
    send_event("gcp", "purchased g-1");
    send_event("gcp", "purchased g-2");
    wait_field("gcp", "g-1", "o.contract", "ACTIVE");
    wait_field("gcp", "g-2", "o.contract", "ACTIVE");
    send_event("gcp", "erase g-1");
    send_event("gcp", "erase -"); /* the account */
    rig_until(quiet, NULL, "what may not be erased");
    assert_string_equal(order_field("gcp", "g-1", "o.erase"), "");
    assert_string_equal(order_field("gcp", "g-2", "o.erase"), "");
    p->gone = true;
    send_event("gcp", "erase g-1");
    wait_field("gcp", "g-1", "o.erase", "1");
    assert_string_equal(order_field("gcp", "g-1", "o.contract"), "CANCELLED");
    assert_string_equal(order_field("gcp", "g-2", "o.erase"), "");
    q->gone = true;
    send_event("gcp", "erase -");
    wait_field("gcp", "g-2", "o.erase", "1");
    assert_string_equal(order_field("gcp", "g-2", "o.contract"), "CANCELLED");
    rig_stop();
}

static void reject(const char *purchase, const char *id_of_task)
{
    unsigned shard;
    const char *id;
    char raw[64];

    fake_add(purchase, "silver", STANDING_HELD)->read_only = true;
    snprintf(raw, sizeof(raw), "purchased %s", purchase);
    send_event("azure", raw);
    wait_field("azure", purchase, "o.commit", "held");
    id = order_of("azure", purchase, &shard);
    OK(shard, STORE_TASK_ADD, id_of_task, "tell", "market", id, "0", "reject");
    rig_until(quiet, NULL, "the word");
}

/* A reseller's purchase: asking again would be answered the same. */
static void what_is_refused_for_good_is_asked_once(void **state)
{
    (void)state;
    rig_start(azure);
    fake.fail_code = "ReadOnlySubscription";
    fake.tell_fail = MARKET_REFUSED;
    reject("s-1", "tell:x:reject");
    assert_int_equal(fake.tells[MARKET_REJECT], 1);
    assert_string_equal(RAW("HGET", "{p0}:k:tell:x:reject", "state"), "dead");
    assert_string_equal(RAW("ZCARD", "{p0}:ready:notify"), "1");
    fake.tell_fail = MARKET_CONFIG; /* may be another answer the next time */
    reject("s-2", "tell:y:reject");
    assert_string_not_equal(RAW("HGET", "{p0}:k:tell:y:reject", "state"), "dead");
    assert_string_equal(RAW("ZCARD", "{p0}:ready:notify"), "1");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_order_follows_the_marketplace, fresh),
        cmocka_unit_test_setup(a_held_charge_is_committed_once_asked, fresh),
        cmocka_unit_test_setup(what_is_deleted_is_not_committed, fresh),
        cmocka_unit_test_setup(what_is_stopped_is_not_committed, fresh),
        cmocka_unit_test_setup(a_charge_that_begins_while_stopped_is_told, fresh),
        cmocka_unit_test_setup(a_charge_that_ran_before_is_not_told, fresh),
        cmocka_unit_test_setup(changes_are_answered_by_policy, fresh),
        cmocka_unit_test_setup(a_withdrawn_change_is_forgotten, fresh),
        cmocka_unit_test_setup(a_failed_operation_is_forgotten, fresh),
        cmocka_unit_test_setup(an_unknown_plan_is_nobody_elses, fresh),
        cmocka_unit_test_setup(another_product_is_not_touched, fresh),
        cmocka_unit_test_setup(a_purchase_that_cannot_be_read_yet, fresh),
        cmocka_unit_test_setup(an_unknown_purchase_is_doubted, fresh),
        cmocka_unit_test_setup(doubt_comes_to_an_end, fresh),
        cmocka_unit_test_setup(what_ended_unknown_is_not_begun, fresh),
        cmocka_unit_test_setup(an_answer_is_given_until_it_arrives, fresh),
        cmocka_unit_test_setup(a_refused_word_is_said_again, fresh),
        cmocka_unit_test_setup(an_end_is_written_once, fresh),
        cmocka_unit_test_setup(unattended_orders_are_late_when_the_seller_says, fresh),
        cmocka_unit_test_setup(an_old_customer_gets_no_second_environment, fresh),
        cmocka_unit_test_setup(erases_only_what_has_ended, fresh),
        cmocka_unit_test_setup(what_is_refused_for_good_is_asked_once, fresh),
        cmocka_unit_test_setup(refused_credentials_are_one_mail, fresh),
    };

    if (crypto_init())
        return 1;
    return cmocka_run_group_tests_name("worker: truth", tests, group_setup, group_teardown);
}
