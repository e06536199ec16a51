/* The body of Microsoft's webhook, and the same JSON taken as subscription and as operation: every
 * text is set and fit to be shown, nothing contradicts itself. */
#include <errno.h>
#include <stdlib.h>

#include "base/json.h"
#include "fuzz/fuzz.h"
#include "market/azure.h"

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void texts(const char *const *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        must(all[i] && str_text(str_of(all[i])));
}

static void event(const struct cfg_market *cfg, struct str body, struct arena *a)
{
    struct market_event e;
    const char *why = NULL;
    int rc = azure_event_parse(cfg, body, a, &e, &why);
    const char *const all[] = {e.dedupe,  e.type,      e.purchase,     e.license,
                               e.account, e.agreement, e.product_code, e.offer,
                               e.reason,  e.change_id, e.plan,         e.customer};

    must(rc == 0 || rc == -EBADMSG);
    must(why && (rc == 0) == (*why == '\0'));
    texts(all, sizeof(all) / sizeof(*all));
    must((rc == 0) == (*e.purchase != '\0') && (rc == 0) == (*e.dedupe != '\0'));
    must(!e.grants);
}

static void subscription(const struct cfg_market *cfg, const cJSON *j, struct arena *a)
{
    struct market_purchase p = market_purchase_none;
    const char *const *all;

    if (azure_subscription(cfg, j, a, &p) == 0) {
        all =
            (const char *const[]){p.purchase,       p.plan,    p.term,         p.offer,
                                  p.status,         p.account, p.product_code, p.beneficiary.tenant,
                                  p.purchaser.email};
        texts(all, 9);
        must(*p.purchase && !*p.change_id);
        must(p.granted == (p.standing == STANDING_ACTIVE));
        (void)azure_pending(j, a, &p);
        must(!*p.change_id == (!*p.pending_plan && !p.pending_quantity));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct cfg_market cfg = {.product_code = "offer1",
                                          .azure = {.offer_id = "offer1"}};
    struct str body = str_make((const char *)data, size);
    struct arena *a = arena_new(4096, 1 << 22);
    cJSON *j = NULL;

    event(&cfg, body, a);
    if (json_parse(body, 1 << 18, &j) == 0) {
        subscription(&cfg, j, a);
        subscription(&cfg, json_obj(j, "subscription"), a);
    }
    cJSON_Delete(j);
    arena_free(&a);
    return 0;
}
