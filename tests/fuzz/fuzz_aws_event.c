/* The body of a queue message: an event with every string set, or one of three errors. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "market/aws.h"

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check(const struct cfg_market *cfg, struct str body)
{
    struct arena *a = arena_new(4096, 1 << 22);
    struct market_event e;
    const char *why = NULL;
    int rc = aws_event_parse(cfg, NULL, body, a, &e, &why);

    must(rc == 0 || rc == -EBADMSG || rc == -EKEYREJECTED);
    must(why && (rc == 0) == (*why == '\0'));
    if (rc == 0) {
        const char *const all[] = {
            e.dedupe,  e.type,     e.purchase, e.license,      e.agreement,  e.previous_agreement,
            e.account, e.customer, e.offer,    e.product_code, e.product_id, e.reason};

        for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
            must(all[i] && str_text(str_of(all[i])));
        must(e.kind <= EVENT_ADVISORY_RESOLVED);
        must(!e.grants || e.kind == EVENT_ENTITLEMENT_CHANGED || e.kind == EVENT_PURCHASED);
    }
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const topics[] = {"arn:aws:sns:us-east-1:1:t", NULL};
    static const struct cfg_market concurrent = {.mode = CFG_CONCURRENT, .sns_topics = topics};
    static const struct cfg_market legacy = {.mode = CFG_LEGACY, .sns_topics = topics};
    struct str body = str_make((const char *)data, size);

    check(&concurrent, body);
    check(&legacy, body);
    return 0;
}
