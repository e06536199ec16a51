/* One page of the publisher's subscriptions, those of our offer. */
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/json.h"
#include "market/azure.h"

enum { ROOM = 16 << 20 };

static void list_end(struct azure_job *j, enum market_class cls, const char *code,
                     uint64_t retry_after_ms)
{
    struct market_page p = {.cls = cls, .code = code, .retry_after_ms = retry_after_ms};

    p.next = "";
    if (cls == MARKET_OK) {
        p.purchases = j->list;
        p.n = j->nlist;
        p.next = j->next;
    }
    j->cb.page(j->arg, &p);
}

/* @nextLink names another host: only its continuationToken is taken, the host never hears of us.
 * NULL: there is a link, but nothing to go on with. */
static const char *continuation(struct azure_job *j, struct str link)
{
    struct str query, pair, value;
    const char *out = NULL;
    struct buf b;

    if (link.n == 0)
        return "";
    (void)str_cut(link, '?', &query);
    while (query.n && !out) {
        pair = str_cut(query, '&', &query);
        if (!str_ieq(str_cut(pair, '=', &value), STR("continuationToken")) || value.n == 0)
            continue;
        buf_init(&b, AZURE_PAGE_MAX);
        if (enc_form_dec(&b, value) == 0 && buf_err(&b) == 0 && str_text(buf_view(&b)))
            out = arena_dup(j->a, buf_view(&b));
        buf_free(&b);
    }
    return out;
}

static void take(struct azure_job *j, const cJSON *subscriptions)
{
    int64_t now = j->p.read_ms;
    const cJSON *s;

    cJSON_ArrayForEach(s, subscriptions)
    {
        struct market_purchase *p = &j->list[j->nlist];

        *p = market_purchase_none;
        p->read_ms = now;
        if (azure_is_offer(j->m->cfg, json_str(s, "offerId")) &&
            azure_subscription(j->m->cfg, s, j->a, p) == 0)
            j->nlist++;
    }
}

static void on_page(struct azure_job *j, const struct azure_answer *a)
{
    const cJSON *subs = json_arr(a->json, "subscriptions");
    int n = cJSON_GetArraySize(subs);

    if (a->cls != MARKET_OK) {
        azure_job_end(j, a->cls, a->code, a->retry_after_ms);
        return;
    }
    j->next = continuation(j, json_str(a->json, "@nextLink"));
    if (!j->next || (*j->next && strcmp(j->next, j->page) == 0)) {
        azure_job_end(j, MARKET_RETRY, "NoContinuation", 0);
        return;
    }
    j->list = arena_alloc(j->a, ((size_t)n + 1) * sizeof(*j->list));
    if (!j->list) {
        azure_job_end(j, MARKET_RETRY, "NoMemory", 0);
        return;
    }
    take(j, subs);
    azure_job_end(j, MARKET_OK, "", 0);
}

static void begin(struct azure_job *j)
{
    struct azure_request rq = {.method = "GET", .bearer = true};
    struct buf b;

    rq.url = j->page ? azure_url(j, "", "") : NULL;
    if (rq.url && *j->page) {
        buf_init(&b, 4 * AZURE_PAGE_MAX);
        buf_cat(&b, rq.url);
        buf_cat(&b, "&continuationToken=");
        enc_pct(&b, str_of(j->page));
        rq.url = buf_err(&b) ? NULL : arena_dup(j->a, buf_view(&b));
        buf_free(&b);
    }
    azure_call(j, &rq, on_page);
}

void azure_list(struct market *m, const char *page, market_page_cb *cb, void *arg)
{
    struct azure_job *j = azure_job_new(azure_of(m), ROOM, begin, list_end, arg);

    if (!j) {
        cb(arg, &(struct market_page){MARKET_RETRY, "NoMemory", 0, NULL, 0, ""});
        return;
    }
    j->cb.page = cb;
    j->p.read_ms = clock_wall_ms();
    j->page = arena_dup(j->a, str_of(page));
}
