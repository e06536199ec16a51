/* A notification of Google, bare or in a push envelope: an event with every string set, or an
 * error. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "market/gcp.h"

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_dedupe(const char *dedupe)
{
    struct str type, rest, s = str_of(dedupe);

    must(s.n <= 1024);
    type = str_cut(s, '\n', &rest);
    must(str_text(type) && str_text(rest));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct cfg_market cfg = {.product_code = "svc",
                                          .gcp = {.provider_id = "DEMO-acme"}};
    struct str body = str_make((const char *)data, size);
    struct arena *a = arena_new(4096, 1 << 22);
    struct market_event e;
    const char *why = NULL;
    int rc = gcp_event_parse(&cfg, body, a, &e, &why);

    must(rc == 0 || rc == -EBADMSG);
    must(why && (rc == 0) == (*why == '\0'));
    if (rc == 0) {
        const char *const all[] = {e.type,      e.purchase, e.license, e.agreement,
                                   e.account,   e.customer, e.offer,   e.product_code,
                                   e.change_id, e.plan,     e.reason,  e.previous_agreement,
                                   e.product_id};

        for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
            must(all[i] && str_text(str_of(all[i])));
        must(!*e.purchase || gcp_id_ok(str_of(e.purchase)));
        must(!*e.account || gcp_id_ok(str_of(e.account)));
        must(e.kind == EVENT_IGNORED || e.kind == EVENT_ACCOUNT || *e.purchase || *e.account);
        must(!e.grants);
        check_dedupe(e.dedupe);
    }
    arena_free(&a);
    return 0;
}
