/* One page of the provider's entitlements, without those of other products. Accounts are not read:
 * what a sign-up waits for is told by refresh. */
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "market/gcp.h"

enum { PAGE = 200 };

static void list_end(struct gcp_job *j, enum market_class cls, const char *code,
                     uint64_t retry_after_ms)
{
    struct market_page p = {.cls = cls, .code = code, .retry_after_ms = retry_after_ms, .next = ""};

    if (cls == MARKET_OK) {
        p.purchases = j->list;
        p.n = j->nlist;
        p.next = j->page;
    }
    j->cb.page(j->arg, &p);
}

static void take(struct gcp_job *j, const cJSON *e)
{
    struct market_purchase *p = &j->list[j->nlist];

    /* A state that this version does not know is for refresh to complain of. */
    if (j->nlist >= PAGE || !gcp_is_ours(j->m->cfg, e) || gcp_purchase_read(j->m->cfg, e, j->a, p))
        return;
    p->read_ms = j->p.read_ms;
    /* Of one that has not begun the refresh tells: a sign-up can be taken back. */
    p->unattended = gcp_begun(p) && *p->account && gcp_approved_has(j->m, p->account);
    j->nlist++;
}

static void on_list(struct gcp_job *j, const struct gcp_answer *a)
{
    struct str next;
    const cJSON *e;

    if (a->cls != MARKET_OK) {
        gcp_job_end(j, a->cls == MARKET_GONE ? MARKET_CONFIG : a->cls, a->code, a->retry_after_ms);
        return;
    }
    j->list = arena_alloc(j->a, PAGE * sizeof(*j->list));
    next = json_str(a->json, "nextPageToken");
    j->page = gcp_keep(j->a, next);
    if (!j->list || strlen(j->page) != next.n) {
        gcp_job_end(j, MARKET_RETRY, "NoMemory", 0);
        return;
    }
    cJSON_ArrayForEach(e, json_arr(a->json, "entitlements"))
    {
        take(j, e);
    }
    gcp_job_end(j, MARKET_OK, "", 0);
}

static void begin(struct gcp_job *j)
{
    struct buf url;

    j->p.read_ms = clock_wall_ms();
    buf_init(&url, 16 * 1024);
    buf_fmt(&url, "%s/entitlements?pageSize=%d", j->m->provider, PAGE);
    if (*j->page) {
        buf_cat(&url, "&pageToken=");
        enc_pct(&url, str_of(j->page));
    }
    gcp_call(j, &gcp_get, buf_err(&url) ? NULL : arena_dup(j->a, buf_view(&url)), NULL, on_list);
    buf_free(&url);
}

void gcp_list(struct market *m, const char *page, market_page_cb *cb, void *arg)
{
    struct gcp_job *j = gcp_job_new(m, GCP_JSON_MAX, begin, list_end, arg);

    if (!j) {
        cb(arg, &(struct market_page){.cls = MARKET_RETRY, .code = "NoMemory", .next = ""});
        return;
    }
    j->cb.page = cb;
    j->page = gcp_keep(j->a, str_of(page));
}
