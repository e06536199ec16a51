/*
 * Whether an order goes on, by what else its account holds: rows of the decision, each read by the
 * refresh of one order. An end is written only when it was read again after a while.
 */
#include "worker_rig.h"

#define LISTING(name, code, pricing)                                                               \
    "  - name: " name "\n"                                                                         \
    "    cloud: aws\n"                                                                             \
    "    product_code: " code "\n"                                                                 \
    "    product_id: prod-x\n"                                                                     \
    "    pricing: " pricing "\n"                                                                   \
    "    plans:\n"                                                                                 \
    "      silver: {deployment_template: one, default: true}\n"

static const char config[] =
    "marketplaces:\n" LISTING("contract", "c", "contract") LISTING("usage", "u", "usage") LISTING(
        "both", "b", "contract-with-consumption") "deployment_templates:\n"
                                                  "  one: {engine: exec, command: [/bin/true]}\n";

enum { HOLDINGS = 8 };

/* What AWS says: "agmt-x STATUS day" or "l-x". */
static const char *holdings[HOLDINGS];
static const char *agreement_status, *side_code;
static bool granted;
static unsigned asked;
static enum market_class holdings_cls;

static void answer_refresh(struct fake_call *c)
{
    static const struct market_entitlement silver = {"silver", "1", 0};
    struct market_result r = {.cls = MARKET_OK, .code = ""};
    bool heir = strcmp(c->p.id, "l-a") != 0;

    r.purchase = market_purchase_none;
    r.purchase.purchase = r.purchase.license = c->p.id;
    r.purchase.agreement = c->p.plan;
    r.purchase.account = "1234";
    r.purchase.status = heir ? "" : agreement_status;
    r.purchase.known_entitlements = c->n;
    r.purchase.granted = granted || heir;
    r.purchase.entitlements = &silver;
    r.purchase.nentitlements = r.purchase.granted;
    c->cb.result(c->arg, &r);
}

static void refresh_one(struct market *m, const struct market_purchase *known, market_result_cb *cb,
                        void *arg)
{
    struct fake_call *c = fake_call(answer_refresh, arg);

    (void)m;
    c->cb.result = cb;
    c->n = strcmp(known->product_code, "u") != 0;
    snprintf(c->p.id, sizeof(c->p.id), "%s", known->purchase);
    snprintf(c->p.plan, sizeof(c->p.plan), "%s", known->agreement);
}

static void answer_holdings(struct fake_call *c)
{
    static char words[HOLDINGS][3][32];
    struct market_page page = {.cls = holdings_cls, .code = side_code, .next = ""};

    for (size_t i = 0; i < HOLDINGS && holdings[i]; i++) {
        struct market_purchase *p = &c->list[page.n++];
        struct str rest, word = str_cut(str_of(holdings[i]), ' ', &rest);

        *p = market_purchase_none;
        assert_int_equal(str_copy(word, words[i][0], 32), 0);
        assert_int_equal(str_copy(str_cut(rest, ' ', &rest), words[i][1], 32), 0);
        p->granted = words[i][1][0] == '\0';
        *(p->granted ? &p->purchase : &p->agreement) = words[i][0];
        p->license = p->purchase;
        p->status = words[i][1];
        p->bought_ms = rest.n ? rest.p[0] - '0' : 1;
    }
    page.purchases = c->list;
    c->cb.page(c->arg, &page);
}

static void hold(struct market *m, const struct market_purchase *known, market_page_cb *cb,
                 void *arg)
{
    (void)m;
    asked++;
    assert_string_equal(known->account, "1234");
    fake_call(answer_holdings, arg)->cb.page = cb;
}

static void begin(void)
{
    static struct market_ops ops;

    memset(holdings, 0, sizeof(holdings));
    agreement_status = side_code = "";
    granted = false;
    asked = 0;
    holdings_cls = MARKET_OK;
    rig_start(config);
    ops = fake_ops;
    ops.refresh = refresh_one;
    ops.holdings = hold;
    for (size_t i = 0; i < rig.now->cfg->nmarkets; i++)
        rig.now->market_ops[i] = &ops;
}

/* "a r": the order of l-a and agmt-a, that a buyer registered; "e": it has ended; "n": agmt-a was
 * told to be new. */
static const char *order(const char *product, const char *what)
{
    static char name[ID_ORDER];
    char license[] = {'l', '-', what[0], '\0'}, agreement[] = {'a', 'g', 'm', 't', '-', what[0], 0};
    char code[] = {product[0], '\0'}, key[64];
    unsigned shard;

    snprintf(name, sizeof(name), "%s", order_of("aws", license, &shard));
    OK(shard, STORE_ORDER_UPSERT, name, "5", "channel", "aws", "product", product, "purchase",
       license, "license", license, "account", "1234", "product_code", code, "granted", "1",
       "agreement", agreement, "plan", "silver");
    OK(shard, STORE_ACCOUNT_ADD, "aws", code, "1234", name);
    snprintf(key, sizeof(key), "{p0}:o:%s", name);
    if (strchr(what, 'r'))
        RAW("HSET", key, "registered", "1");
    if (strchr(what, 'e'))
        OK(shard, STORE_ORDER_UPSERT, name, "6", "contract", "CANCELLED");
    OK(shard, STORE_AGREEMENT, "aws", agreement, "5", "intent", strchr(what, 'n') ? "NEW" : "",
       "purchase", license);
    return name;
}

static void read_again(const char *name)
{
    char id[64];

    snprintf(id, sizeof(id), "refresh:%s", name);
    OK(0, STORE_TASK_ADD, id, "refresh", "market", name, "0", "");
    rig_until(quiet, NULL, "the refresh");
}

static bool mailed(const char *product, const char *name)
{
    char id[128];

    snprintf(id, sizeof(id), "{p0}:k:mail:aws/%s@%s:alert-unlinked", product, name);
    return strcmp(RAW("EXISTS", id), "1") == 0;
}

enum verdict { OPEN, CONTINUES, ENDED, UNKNOWN };

struct row {
    const char *what, *product, *status, *side;
    const char *others[3], *holdings[5];
    enum verdict want;
    const char *reason; /* ENDED */
};

static const struct row rows[] = {
    /* Contract pricing: licences decide. */
    {"nothing", "contract", "RENEWED", "", {0}, {"agmt-a RENEWED"}, ENDED, "EXPIRED"},
    {"superseded, and what came after it ended",
     "contract",
     "REPLACED",
     "",
     {0},
     {"agmt-a REPLACED", "agmt-b RENEWED", "agmt-c TERMINATED 2"},
     ENDED,
     "TERMINATED"},
    {"the newest end counts",
     "contract",
     "RENEWED",
     "",
     {0},
     {"agmt-a RENEWED 1", "agmt-c CANCELLED 3", "agmt-d EXPIRED 2"},
     ENDED,
     "CANCELLED"},
    {"the newest end counts, in any order",
     "contract",
     "RENEWED",
     "",
     {0},
     {"agmt-d EXPIRED 2", "agmt-a RENEWED 1", "agmt-c CANCELLED 3"},
     ENDED,
     "CANCELLED"},
    {"an active one of nobody",
     "contract",
     "RENEWED",
     "",
     {0},
     {"agmt-a RENEWED", "agmt-b ACTIVE", "agmt-c CANCELLED 2"},
     OPEN,
     ""},
    {"an active one of somebody else",
     "contract",
     "RENEWED",
     "",
     {"b r"},
     {"agmt-a RENEWED", "agmt-b ACTIVE", "agmt-c CANCELLED 2", "l-b"},
     ENDED,
     "CANCELLED"},
    {"an active one that is new",
     "contract",
     "RENEWED",
     "",
     {"b n"},
     {"agmt-a RENEWED", "agmt-b ACTIVE", "l-b"},
     ENDED,
     "EXPIRED"},
    {"it is active after all", "contract", "RENEWED", "", {0}, {"agmt-a ACTIVE"}, OPEN, ""},
    {"its own licence is in force",
     "contract",
     "RENEWED",
     "",
     {0},
     {"agmt-a RENEWED", "l-a"},
     OPEN,
     ""},
    {"unreadable, and no licence", "contract", "", "Denied", {0}, {0}, ENDED, "EXPIRED"},
    {"unreadable, and another licence", "contract", "", "Denied", {0}, {"l-h"}, CONTINUES, ""},
    {"another licence made an order", "contract", "", "", {"h"}, {"l-h"}, CONTINUES, ""},
    {"another licence of somebody", "contract", "", "", {"h r"}, {"l-h"}, ENDED, "EXPIRED"},
    {"another licence that is new", "contract", "", "", {"h n"}, {"l-h"}, ENDED, "EXPIRED"},
    {"two other licences", "contract", "", "", {0}, {"l-h", "l-i"}, UNKNOWN, ""},
    {"two orders, one licence", "contract", "", "", {"b r"}, {"l-h"}, UNKNOWN, ""},
    {"two orders, no licence", "contract", "", "", {"b r"}, {0}, ENDED, "EXPIRED"},
    {"the other order has ended", "contract", "", "", {"b r e"}, {"l-h"}, CONTINUES, ""},
    {"the other order has its own", "contract", "", "", {"b r"}, {"l-h", "l-b"}, CONTINUES, ""},
    {"nobody registered the other order", "contract", "", "", {"b"}, {"l-h"}, CONTINUES, ""},
    /* Usage pricing: nothing but agreements. */
    {"nothing, usage", "usage", "RENEWED", "", {0}, {"agmt-a RENEWED"}, OPEN, ""},
    {"refused, usage", "usage", "RENEWED", "Denied", {0}, {0}, OPEN, ""},
    {"ended, usage",
     "usage",
     "RENEWED",
     "",
     {0},
     {"agmt-a RENEWED", "agmt-b CANCELLED 2"},
     ENDED,
     "CANCELLED"},
    {"ended at once",
     "usage",
     "RENEWED",
     "",
     {0},
     {"agmt-a RENEWED", "agmt-b CANCELLED"},
     ENDED,
     "CANCELLED"},
    {"ended before it began",
     "usage",
     "RENEWED",
     "",
     {0},
     {"agmt-a RENEWED 3", "agmt-b CANCELLED 2"},
     OPEN,
     ""},
    {"an end of somebody else",
     "usage",
     "RENEWED",
     "",
     {"b r e"},
     {"agmt-a RENEWED", "agmt-b CANCELLED 2"},
     OPEN,
     ""},
    {"an end that is new",
     "usage",
     "RENEWED",
     "",
     {"b n e"},
     {"agmt-a RENEWED", "agmt-b CANCELLED 2"},
     OPEN,
     ""},
    {"one end for two orders",
     "usage",
     "RENEWED",
     "",
     {"b r"},
     {"agmt-a RENEWED", "agmt-b REPLACED", "agmt-c CANCELLED 2"},
     UNKNOWN,
     ""},
    {"two ends for two orders",
     "usage",
     "RENEWED",
     "",
     {"b r"},
     {"agmt-a RENEWED", "agmt-b REPLACED", "agmt-c CANCELLED 2", "agmt-d EXPIRED 3"},
     ENDED,
     "EXPIRED"},
    {"the other order runs",
     "usage",
     "RENEWED",
     "",
     {"b r"},
     {"agmt-a RENEWED", "agmt-b ACTIVE", "agmt-c CANCELLED 2"},
     ENDED,
     "CANCELLED"},
    {"an active one, usage",
     "usage",
     "RENEWED",
     "",
     {0},
     {"agmt-a RENEWED", "agmt-b ACTIVE", "agmt-c CANCELLED 2"},
     OPEN,
     ""},
    /* Both: no licence is not the end of the usage. */
    {"no licence, both", "both", "RENEWED", "", {0}, {"agmt-a RENEWED"}, OPEN, ""},
    {"ended, both",
     "both",
     "RENEWED",
     "",
     {0},
     {"agmt-a RENEWED", "agmt-b EXPIRED 2"},
     ENDED,
     "EXPIRED"},
    {"another licence, both", "both", "RENEWED", "", {0}, {"agmt-a RENEWED", "l-h"}, CONTINUES, ""},
};

static void check(const struct row *r)
{
    char name[ID_ORDER], key[64];
    bool over = r->want == ENDED;

    begin();
    agreement_status = r->status;
    side_code = r->side;
    for (size_t i = 0; i < 3 && r->others[i]; i++)
        order(r->product, r->others[i]);
    for (size_t i = 0; i < 5; i++)
        holdings[i] = r->holdings[i];
    snprintf(name, sizeof(name), "%s", order(r->product, "a r"));
    snprintf(key, sizeof(key), "{p0}:o:%s", name);
    read_again(name);
    assert_int_equal(asked, 1);
    assert_string_equal(RAW("HGET", key, "contract"), "ACTIVE"); /* nothing ends at once */
    assert_int_equal(strlen(RAW("HGET", key, "gone_since")) > 1, over);
    if (over)
        RAW("HSET", key, "gone_since", "1");
    read_again(name);
    assert_string_equal(RAW("HGET", key, "contract"), !over ? "ACTIVE"
                                                      : strcmp(r->reason, "EXPIRED") == 0
                                                          ? "EXPIRED"
                                                          : "CANCELLED");
    assert_string_equal(RAW("HGET", key, "purchase"), r->want == CONTINUES ? "l-h" : "l-a");
    assert_int_equal(mailed(r->product, name), r->want == UNKNOWN);
    if (over)
        assert_string_equal(RAW("HGET", key, "reason"), r->reason);
    rig_stop();
}

static void each_row(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        print_message("  %s\n", rows[i].what);
        fresh(state);
        check(&rows[i]);
    }
}

/* What the account holds could not be read: nothing is concluded, and it is asked again. */
static void no_answer_is_none(void **state)
{
    char name[ID_ORDER], key[64];

    (void)state;
    begin();
    agreement_status = "RENEWED";
    holdings_cls = MARKET_RETRY;
    snprintf(name, sizeof(name), "%s", order("contract", "a r"));
    read_again(name);
    snprintf(key, sizeof(key), "{p0}:k:refresh:%s", name);
    assert_string_equal(RAW("HGET", key, "class"), "retry");
    snprintf(key, sizeof(key), "{p0}:o:%s", name);
    assert_string_equal(RAW("HGET", key, "contract"), "ACTIVE");
    assert_string_equal(RAW("HGET", key, "gone_since"), "");
    rig_stop();
}

/* A doubt that was wrong is forgotten: the next one begins anew. */
static void what_shows_again_is_not_doubted(void **state)
{
    char name[ID_ORDER], key[64];

    (void)state;
    begin();
    agreement_status = "RENEWED";
    snprintf(name, sizeof(name), "%s", order("contract", "a r"));
    snprintf(key, sizeof(key), "{p0}:o:%s", name);
    read_again(name);
    assert_true(strlen(RAW("HGET", key, "gone_since")) > 1);
    holdings[0] = "agmt-b ACTIVE";
    read_again(name);
    assert_string_equal(RAW("HGET", key, "gone_since"), "");
    holdings[0] = NULL;
    read_again(name);
    assert_true(strlen(RAW("HGET", key, "gone_since")) > 1);
    granted = true;
    agreement_status = "ACTIVE";
    read_again(name);
    assert_string_equal(RAW("HGET", key, "gone_since"), "");
    assert_string_equal(RAW("HGET", key, "contract"), "ACTIVE");
    rig_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row),
        cmocka_unit_test_setup(no_answer_is_none, fresh),
        cmocka_unit_test_setup(what_shows_again_is_not_doubted, fresh),
    };

    return cmocka_run_group_tests_name("worker: succession", tests, group_setup, group_teardown);
}
