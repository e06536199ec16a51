/*
 * The walk over AWS's agreements: what no event told is repaired the way an event would have done
 * it, counted once, and nothing that has ended is opened again.
 */
#include "worker/event_json.h"
#include "worker_rig.h"

static const char aws[] = "marketplaces:\n"
                          "  - name: prod\n"
                          "    cloud: aws\n"
                          "    product_code: code\n"
                          "    product_id: prod-x\n"
                          "    pricing: contract\n"
                          "    plans:\n"
                          "      silver: {deployment_template: one, default: true}\n"
                          "      gold: {deployment_template: one}\n"
                          "deployment_templates:\n"
                          "  one: {engine: exec, command: [/bin/true]}\n";

enum { DEALS = 8, DAY = 24 * 3600 * 1000 };

/* --- AWS as far as a walk sees it: one agreement per licence ---------------------------------- */

static struct deal {
    char agreement[16], license[16], status[16], account[16];
    struct market_entitlement is;
    bool granted;
    int64_t bought;
} deals[DEALS];
static size_t ndeals;
static unsigned walks;
static enum market_class list_cls;

static struct deal *deal(const char *id, const char *plan)
{
    struct deal *d = &deals[ndeals++];

    snprintf(d->agreement, sizeof(d->agreement), "agmt-%s", id);
    snprintf(d->license, sizeof(d->license), "l-%s", id);
    snprintf(d->status, sizeof(d->status), "ACTIVE");
    snprintf(d->account, sizeof(d->account), "1234");
    d->is = (struct market_entitlement){plan, "1", 0};
    d->granted = true;
    d->bought = clock_wall_ms() - DAY;
    return d;
}

static struct market_purchase view(const struct deal *d)
{
    struct market_purchase p = market_purchase_none;
    bool active = strcmp(d->status, "ACTIVE") == 0;

    p.purchase = p.license = d->license;
    p.agreement = d->agreement;
    p.account = d->account;
    p.status = d->status;
    p.product_code = "code";
    p.bought_ms = d->bought;
    p.read_ms = clock_wall_ms();
    p.known_entitlements = true;
    p.granted = active && d->granted;
    p.entitlements = &d->is;
    p.nentitlements = p.granted;
    return p;
}

static void answer_view(struct fake_call *c)
{
    struct market_result r = {.cls = MARKET_GONE, .code = ""};

    if (c->n) {
        r.cls = MARKET_OK;
        r.purchase = view(&deals[c->n - 1]);
    }
    c->cb.result(c->arg, &r);
}

static void read_deal(struct market *m, const struct market_purchase *known, market_result_cb *cb,
                      void *arg)
{
    struct fake_call *c = fake_call(answer_view, arg);

    (void)m;
    c->cb.result = cb;
    for (size_t i = 0; i < ndeals; i++)
        if (strcmp(known->purchase[0] ? deals[i].license : deals[i].agreement,
                   known->purchase[0] ? known->purchase : known->agreement) == 0)
            c->n = i + 1;
}

/* Two pages, as the channel orders them: "" what is not active any more, "1" the rest. An ended
 * agreement does not name its licence. */
static void answer_list(struct fake_call *c)
{
    struct market_page page = {.cls = list_cls, .code = "", .next = c->n ? "" : "1"};

    for (size_t i = 0; i < ndeals && list_cls == MARKET_OK; i++) {
        bool active = strcmp(deals[i].status, "ACTIVE") == 0;

        if (active != (c->n == 1))
            continue;
        c->list[page.n] = view(&deals[i]);
        if (!active)
            c->list[page.n].purchase = c->list[page.n].license = "";
        page.n++;
    }
    page.purchases = c->list;
    c->cb.page(c->arg, &page);
}

static void list_deals(struct market *m, const char *page, market_page_cb *cb, void *arg)
{
    struct fake_call *c = fake_call(answer_list, arg);

    (void)m;
    c->cb.page = cb;
    c->n = page[0] != '\0';
    walks += c->n == 0;
}

static void begin(void)
{
    static struct market_ops ops;

    memset(deals, 0, sizeof(deals));
    ndeals = 0;
    list_cls = MARKET_OK;
    rig_start(aws);
    ops = fake_ops;
    ops.refresh = read_deal;
    ops.list = list_deals;
    rig.now->market_ops[0] = &ops;
}

/* One walk to its end and all that follows from it. */
static void walk(const char *repaired, const char *created)
{
    unsigned before = walks;

    OK(0, STORE_TASK_ADD, "reconcile:aws/prod", "reconcile", "market", "aws/prod", "0", "");
    rig_until(quiet, NULL, "the walk");
    assert_true(walks > before);
    assert_string_equal(RAW("HGET", "{p0}:k:reconcile:aws/prod", "s.last_repaired"), repaired);
    assert_string_equal(RAW("HGET", "{p0}:k:reconcile:aws/prod", "s.last_created"), created);
}

static const char *of(const char *purchase, const char *name)
{
    return order_field("aws", purchase, name);
}

/* --- what it repairs -------------------------------------------------------------------------- */

static void a_lost_purchase_is_found_once(void **state)
{
    (void)state;
    begin();
    deal("a", "gold");
    walk("0", "1");
    assert_string_equal(of("l-a", "o.contract"), "ACTIVE");
    assert_string_equal(of("l-a", "o.plan"), "gold");
    assert_string_equal(of("l-a", "o.agreement"), "agmt-a");
    assert_string_equal(of("l-a", "o.tenant"), ""); /* nobody has landed */
    walk("0", "0");
    rig_stop();
}

static void another_plan_is_read(void **state)
{
    struct deal *d;

    (void)state;
    begin();
    d = deal("a", "silver");
    walk("0", "1");
    d->is.dimension = "gold";
    walk("1", "0");
    assert_string_equal(of("l-a", "o.plan"), "gold");
    d->is.value = "3";
    walk("1", "0");
    assert_string_equal(of("l-a", "o.quantity"), "3");
    walk("0", "0");
    rig_stop();
}

static void a_lost_end_is_found_and_final(void **state)
{
    struct deal *d, *e;

    (void)state;
    begin();
    d = deal("a", "silver");
    e = deal("b", "silver");
    e->granted = false;
    walk("0", "2");
    assert_string_equal(of("l-b", "o.contract"), "PENDING");
    snprintf(d->status, sizeof(d->status), "TERMINATED");
    snprintf(e->status, sizeof(e->status), "EXPIRED");
    walk("2", "0");
    assert_string_equal(of("l-a", "o.contract"), "CANCELLED");
    assert_string_equal(of("l-b", "o.contract"), "EXPIRED");
    walk("0", "0");
    snprintf(d->status, sizeof(d->status), "ACTIVE"); /* a list that is behind */
    walk("0", "0");
    assert_string_equal(of("l-a", "o.contract"), "CANCELLED");
    rig_stop();
}

/* --- renewals --------------------------------------------------------------------------------- */

static void a_lost_renewal_joins_its_order(void **state)
{
    char first[ID_ORDER];
    struct deal *d;

    (void)state;
    begin();
    d = deal("a", "silver");
    walk("0", "1");
    snprintf(first, sizeof(first), "%s", of("l-a", "o.id"));
    for (const char *const *n = (const char *const[]){"b", "c", "d", NULL}; *n; n++) {
        char purchase[16];

        snprintf(d->status, sizeof(d->status), **n == 'c' ? "REPLACED" : "RENEWED");
        d = deal(*n, "silver");
        walk("1", "0");
        snprintf(purchase, sizeof(purchase), "l-%s", *n);
        assert_string_equal(of("l-a", "o.purchase"), purchase);
        assert_string_equal(of("l-a", "o.contract"), "ACTIVE");
        assert_string_equal(of("l-a", "o.agreement"), d->agreement);
        walk("0", "0");
    }
    assert_string_equal(of("l-a", "o.renewals"), "3");
    assert_string_equal(of("l-a", "o.id"), first);
    rig_stop();
}

/* Its licence was told and made an order of its own before anybody knew what it continues. */
static void an_order_of_a_renewal_is_merged(void **state)
{
    struct deal *d;

    (void)state;
    begin();
    d = deal("a", "silver");
    walk("0", "1");
    deal("b", "silver");
    walk("0", "1");
    assert_string_equal(of("l-b", "o.contract"), "ACTIVE");
    snprintf(d->status, sizeof(d->status), "RENEWED");
    walk("1", "0");
    assert_string_equal(of("l-a", "o.purchase"), "l-b");
    walk("0", "0");
    rig_stop();
}

/* How many mails ask a person which order goes on; each was queued once. */
static void asked_about(const char *purchase, const char *times)
{
    char id[128];
    unsigned shard;

    snprintf(id, sizeof(id), "{p0}:k:mail:aws/prod@%s:alert-unlinked",
             order_of("aws", purchase, &shard));
    assert_string_equal(RAW("EXISTS", id), times);
}

static void of_two_candidates_none_is_guessed(void **state)
{
    struct deal *d, *e;

    (void)state;
    begin();
    d = deal("a", "silver");
    e = deal("b", "silver");
    walk("0", "2");
    snprintf(d->status, sizeof(d->status), "RENEWED");
    snprintf(e->status, sizeof(e->status), "REPLACED");
    deal("c", "silver");
    walk("0", "1");
    assert_string_equal(of("l-a", "o.purchase"), "l-a");
    assert_string_equal(of("l-b", "o.purchase"), "l-b");
    assert_string_equal(of("l-c", "o.purchase"), "l-c");
    asked_about("l-c", "1");
    asked_about("l-a", "0");
    walk("0", "0");
    assert_string_equal(RAW("ZCARD", "{p0}:ready:notify"), "3"); /* two walks, one question */
    rig_stop();
}

/* --- what was half told ----------------------------------------------------------------------- */

/* A landing names a licence and no agreement. */
static void land(const char *purchase)
{
    unsigned shard;
    const char *id = order_of("aws", purchase, &shard);

    OK(shard, STORE_ORDER_UPSERT, id, "0", "channel", "aws", "product", "prod", "purchase",
       purchase, "license", purchase, "account", "1234", "product_code", "code", "granted", "1");
    OK(shard, STORE_ACCOUNT_ADD, "aws", "code", "1234", id);
}

static void tell_why(const struct deal *d, enum market_event_kind kind, const char *previous,
                     const char *reason)
{
    static unsigned n;
    struct market_event e = market_event_none;
    struct event_key key;
    char unique[32];
    struct buf json;

    snprintf(unique, sizeof(unique), "told%u", ++n);
    e.kind = kind;
    e.type = "t";
    e.reason = reason;
    e.time_ms = d->bought + n;
    e.agreement = d->agreement;
    e.account = d->account;
    e.product_code = "code";
    e.previous_agreement = previous;
    if (kind == EVENT_ENTITLEMENT_CHANGED || kind == EVENT_ENDED)
        e.purchase = e.license = d->license;
    buf_init(&json, 65536);
    event_json_write(&e, &json);
    event_key(STR("aws"), str_of(unique), store_shards(fx.store), &key);
    OK(key.shard, STORE_EVENT_PUT, key.id, key.dedupe, "aws", "prod", "t", "", buf_cstr(&json), "",
       "0");
    buf_free(&json);
    rig_until(quiet, NULL, "the event");
}

static void tell(const struct deal *d, enum market_event_kind kind, const char *previous)
{
    tell_why(d, kind, previous, "t");
}

/* The licence goes with its agreement; what lives on in another agreement has not ended. */
static void what_was_superseded_revokes_nothing(void **state)
{
    static const char *const words[] = {"RENEWED", "REPLACED", "SUPERSEDED", "ROLLED_BACK"};
    struct deal *d;

    (void)state;
    begin();
    d = deal("a", "silver");
    walk("0", "1");
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        snprintf(d->status, sizeof(d->status), "%s", words[i]);
        tell(d, EVENT_ENDED, "");
        assert_string_equal(of("l-a", "o.contract"), "ACTIVE");
    }
    snprintf(d->status, sizeof(d->status), "TERMINATED");
    tell(d, EVENT_ENDED, "");
    assert_string_equal(of("l-a", "o.contract"), "CANCELLED");
    rig_stop();
}

static void the_end_of_what_was_never_told(void **state)
{
    struct deal *d;

    (void)state;
    begin();
    d = deal("a", "silver");
    snprintf(d->status, sizeof(d->status), "EXPIRED");
    land("l-a");
    assert_string_equal(of("l-a", "o.contract"), "ACTIVE");
    walk("1", "0");
    assert_string_equal(of("l-a", "o.contract"), "EXPIRED");
    assert_string_equal(of("l-a", "o.agreement"), "agmt-a");
    walk("0", "0");
    rig_stop();
}

static void the_renewal_of_what_was_never_told(void **state)
{
    struct deal *d;

    (void)state;
    begin();
    d = deal("a", "silver");
    snprintf(d->status, sizeof(d->status), "RENEWED");
    deal("b", "gold");
    land("l-a");
    walk("2", "0");
    assert_string_equal(of("l-a", "o.purchase"), "l-b");
    assert_string_equal(of("l-a", "o.agreement"), "agmt-b");
    assert_string_equal(of("l-a", "o.plan"), "gold");
    assert_string_equal(of("l-a", "o.contract"), "ACTIVE");
    walk("0", "0");
    rig_stop();
}

/* Its purchase leads to the order, and the order has not come there. */
static void a_chain_comes_to_its_newest(void **state)
{
    char first[ID_ORDER];
    struct deal *d;
    unsigned shard;

    (void)state;
    begin();
    d = deal("a", "silver");
    walk("0", "1");
    snprintf(first, sizeof(first), "%s", order_of("aws", "l-a", &shard));
    OK(shard, STORE_ORDER_ALIAS, order_of("aws", "l-b", &shard), first);
    snprintf(d->status, sizeof(d->status), "REPLACED");
    d = deal("b", "gold");
    walk("1", "0");
    assert_string_equal(of("l-a", "o.purchase"), "l-b");
    assert_string_equal(of("l-a", "o.plan"), "gold");
    walk("0", "0");
    OK(shard, STORE_ORDER_ALIAS, order_of("aws", "l-c", &shard), first);
    snprintf(d->status, sizeof(d->status), "RENEWED");
    d = deal("c", "gold");
    snprintf(d->status, sizeof(d->status), "CANCELLED"); /* before anybody heard of it */
    walk("1", "0");
    assert_string_equal(of("l-a", "o.contract"), "CANCELLED");
    walk("0", "0");
    rig_stop();
}

/* c continued b before anybody knew that b continues a. */
static void renewals_told_out_of_order(void **state)
{
    struct deal *a, *b, *c;

    (void)state;
    begin();
    a = deal("a", "silver");
    b = deal("b", "silver");
    c = deal("c", "gold");
    tell(a, EVENT_PURCHASED, "");
    tell(a, EVENT_ENTITLEMENT_CHANGED, "");
    tell(b, EVENT_ENTITLEMENT_CHANGED, "");
    tell(c, EVENT_RENEWED, b->agreement);
    snprintf(a->status, sizeof(a->status), "RENEWED");
    snprintf(b->status, sizeof(b->status), "RENEWED");
    tell(c, EVENT_ENTITLEMENT_CHANGED, "");
    assert_string_equal(of("l-b", "o.purchase"), "l-c");
    tell(b, EVENT_RENEWED, a->agreement);
    assert_string_equal(of("l-a", "o.purchase"), "l-c");
    assert_string_equal(of("l-a", "o.agreement"), "agmt-c");
    assert_string_equal(of("l-a", "o.plan"), "gold");
    tell(a, EVENT_ENTITLEMENT_CHANGED, "");
    tell(b, EVENT_ENTITLEMENT_CHANGED, "");
    tell(a, EVENT_SUPERSEDED, "");
    tell(b, EVENT_RENEWED, a->agreement);
    assert_string_equal(of("l-a", "o.purchase"), "l-c");
    assert_string_equal(of("l-a", "o.contract"), "ACTIVE");
    walk("0", "0");
    rig_stop();
}

/* The old half of a renewal ends, whatever it calls that, before or after the new one is here; and
 * a licence that is taken away while it still entitles is a passing thing. */
static void what_goes_on_is_not_ended(void **state)
{
    struct deal *a, *b, *c;

    (void)state;
    begin();
    a = deal("a", "silver");
    tell(a, EVENT_ENTITLEMENT_CHANGED, "");
    wait_field("aws", "l-a", "o.contract", "ACTIVE");
    tell_why(a, EVENT_ENDED, "", ""); /* of the licence: it still entitles */
    assert_string_equal(of("l-a", "o.contract"), "ACTIVE");
    snprintf(a->status, sizeof(a->status), "RENEWED");
    tell_why(a, EVENT_ENDED, "", "TERMINATED"); /* the agreement itself says otherwise */
    assert_string_equal(of("l-a", "o.contract"), "ACTIVE");
    b = deal("b", "gold");
    tell(b, EVENT_RENEWED, a->agreement);
    tell(b, EVENT_ENTITLEMENT_CHANGED, "");
    assert_string_equal(of("l-a", "o.purchase"), "l-b");
    snprintf(a->status, sizeof(a->status), "CANCELLED");
    tell_why(a, EVENT_ENDED, "", "CANCELLED");
    assert_string_equal(of("l-a", "o.contract"), "ACTIVE");
    c = deal("c", "silver");
    tell(c, EVENT_ENTITLEMENT_CHANGED, "");
    snprintf(c->status, sizeof(c->status), "CANCELLED");
    tell_why(c, EVENT_ENDED, "", "CANCELLED");
    assert_string_equal(of("l-c", "o.contract"), "CANCELLED");
    rig_stop();
}

/* Nobody says what it continues, and two could be meant: it stands alone, and a person is asked. A
 * single one that has nobody to continue is a purchase like any other. */
static void of_two_orders_none_is_continued(void **state)
{
    struct deal *c;

    (void)state;
    begin();
    c = deal("z", "silver");
    snprintf(c->account, sizeof(c->account), "5678");
    tell(c, EVENT_REPLACED, "");
    tell(c, EVENT_ENTITLEMENT_CHANGED, "");
    assert_string_equal(of("l-z", "o.contract"), "ACTIVE");
    asked_about("l-z", "0");
    tell(deal("a", "silver"), EVENT_ENTITLEMENT_CHANGED, "");
    tell(deal("b", "silver"), EVENT_ENTITLEMENT_CHANGED, "");
    c = deal("c", "silver");
    tell(c, EVENT_REPLACED, "");
    tell(c, EVENT_ENTITLEMENT_CHANGED, "");
    assert_string_equal(of("l-a", "o.purchase"), "l-a");
    assert_string_equal(of("l-b", "o.purchase"), "l-b");
    assert_string_equal(of("l-c", "o.purchase"), "l-c");
    asked_about("l-c", "1");
    tell(c, EVENT_ENTITLEMENT_CHANGED, ""); /* once more */
    assert_string_equal(RAW("ZCARD", "{p0}:ready:notify"), "1");
    rig_stop();
}

/* Grace runs from the end, however often it is told. */
static void an_end_that_is_told_again_is_the_same(void **state)
{
    char delete_at[32];
    struct deal *a;

    (void)state;
    begin();
    a = deal("a", "silver");
    tell(a, EVENT_ENTITLEMENT_CHANGED, "");
    snprintf(a->status, sizeof(a->status), "EXPIRED");
    tell_why(a, EVENT_ENDED, "", "EXPIRED");
    assert_string_equal(of("l-a", "o.contract"), "EXPIRED");
    snprintf(delete_at, sizeof(delete_at), "%s", of("l-a", "o.delete_at"));
    assert_int_not_equal(number(delete_at), 0);
    tell(a, EVENT_ENTITLEMENT_CHANGED, "");
    assert_string_equal(of("l-a", "o.contract"), "EXPIRED");
    assert_string_equal(of("l-a", "o.delete_at"), delete_at);
    rig_stop();
}

static void a_late_word_does_not_take_the_order_back(void **state)
{
    struct deal *a, *b, *c;

    (void)state;
    begin();
    a = deal("a", "silver");
    tell(a, EVENT_ENTITLEMENT_CHANGED, "");
    b = deal("b", "silver");
    tell(b, EVENT_RENEWED, a->agreement);
    tell(b, EVENT_ENTITLEMENT_CHANGED, "");
    c = deal("c", "gold");
    tell(c, EVENT_RENEWED, b->agreement);
    tell(c, EVENT_ENTITLEMENT_CHANGED, "");
    assert_string_equal(of("l-a", "o.purchase"), "l-c");
    tell(b, EVENT_ENTITLEMENT_CHANGED, "");
    assert_string_equal(of("l-a", "o.purchase"), "l-c");
    assert_string_equal(of("l-a", "o.plan"), "gold");
    walk("0", "0");
    rig_stop();
}

/* --- what it leaves alone --------------------------------------------------------------------- */

static void what_is_not_ours_to_say(void **state)
{
    struct deal *d, *gone;

    (void)state;
    begin();
    d = deal("a", "silver");
    d->bought = clock_wall_ms(); /* its events are on the way */
    deal("b", "silver")->license[0] = '\0';
    gone = deal("c", "silver"); /* ended before we ever saw it */
    snprintf(gone->status, sizeof(gone->status), "EXPIRED");
    walk("0", "0");
    assert_string_equal(of("l-a", "o.id"), "");
    assert_string_equal(of("l-c", "o.id"), "");
    rig_stop();
}

/* No permission for the list: everything else goes on, and the walk asks again an hour later. */
static void a_refused_list_waits(void **state)
{
    (void)state;
    begin();
    deal("a", "silver");
    list_cls = MARKET_CONFIG;
    OK(0, STORE_TASK_ADD, "reconcile:aws/prod", "reconcile", "market", "aws/prod", "0", "");
    rig_until(quiet, NULL, "the refusal");
    assert_string_equal(RAW("HGET", "{p0}:k:reconcile:aws/prod", "class"), "CONFIG");
    assert_string_equal(RAW("ZCOUNT", "{p0}:ready:notify", "-inf", "+inf"), "0");
    list_cls = MARKET_OK;
    walk("0", "1");
    rig_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_lost_purchase_is_found_once, fresh),
        cmocka_unit_test_setup(another_plan_is_read, fresh),
        cmocka_unit_test_setup(a_lost_end_is_found_and_final, fresh),
        cmocka_unit_test_setup(a_lost_renewal_joins_its_order, fresh),
        cmocka_unit_test_setup(an_order_of_a_renewal_is_merged, fresh),
        cmocka_unit_test_setup(of_two_candidates_none_is_guessed, fresh),
        cmocka_unit_test_setup(what_was_superseded_revokes_nothing, fresh),
        cmocka_unit_test_setup(the_end_of_what_was_never_told, fresh),
        cmocka_unit_test_setup(the_renewal_of_what_was_never_told, fresh),
        cmocka_unit_test_setup(a_chain_comes_to_its_newest, fresh),
        cmocka_unit_test_setup(renewals_told_out_of_order, fresh),
        cmocka_unit_test_setup(what_goes_on_is_not_ended, fresh),
        cmocka_unit_test_setup(of_two_orders_none_is_continued, fresh),
        cmocka_unit_test_setup(an_end_that_is_told_again_is_the_same, fresh),
        cmocka_unit_test_setup(a_late_word_does_not_take_the_order_back, fresh),
        cmocka_unit_test_setup(what_is_not_ours_to_say, fresh),
        cmocka_unit_test_setup(a_refused_list_waits, fresh),
    };

    return cmocka_run_group_tests_name("worker: agreements", tests, group_setup, group_teardown);
}
