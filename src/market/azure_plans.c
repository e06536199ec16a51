/* The plans that the holder of a subscription can have (listAvailablePlans). */
#include "base/json.h"
#include "market/azure.h"

enum { ROOM = 1 << 20, PLANS_MAX = 1000 };

static void plans_end(struct azure_job *j, enum market_class cls, const char *code,
                      uint64_t retry_after_ms)
{
    struct market_plans p = {.cls = cls, .code = code, .retry_after_ms = retry_after_ms};

    if (cls == MARKET_OK) {
        p.plans = j->plans;
        p.n = j->nplans;
    }
    j->cb.plans(j->arg, &p);
}

/* Prices, terms and dimensions are not ours to judge: their numbers may be texts. */
static void take(struct azure_job *j, const cJSON *plan)
{
    struct market_plan *p = &j->plans[j->nplans];

    p->id = azure_text(j->a, plan, "planId");
    p->title = azure_text(j->a, plan, "displayName");
    p->per_seat = json_bool(plan, "isPricePerSeat", false);
    p->min = azure_number(plan, "minQuantity");
    p->max = azure_number(plan, "maxQuantity");
    p->private = json_bool(plan, "isPrivate", false);
    p->stopped = json_bool(plan, "isStopSell", false);
    if (*p->id)
        j->nplans++;
}

/* 403 and 404 are about this subscription: it has just ended, or is of another application. The
 * emulator answers a bare list. */
static void on_plans(struct azure_job *j, const struct azure_answer *a)
{
    const cJSON *list = cJSON_IsArray(a->json) ? a->json : json_arr(a->json, "plans"), *plan;
    int n = cJSON_GetArraySize(list);

    if (a->status == 403 || a->status == 404) {
        azure_job_end(j, MARKET_OK, a->code, 0);
        return;
    }
    if (a->cls != MARKET_OK) {
        azure_job_end(j, a->cls, a->code, a->retry_after_ms);
        return;
    }
    n = n < PLANS_MAX ? n : PLANS_MAX;
    j->plans = arena_alloc(j->a, ((size_t)n + 1) * sizeof(*j->plans));
    if (!j->plans) {
        azure_job_end(j, MARKET_RETRY, "NoMemory", 0);
        return;
    }
    cJSON_ArrayForEach(plan, list)
    {
        if (n-- > 0)
            take(j, plan);
    }
    azure_job_end(j, MARKET_OK, "", 0);
}

static void begin(struct azure_job *j)
{
    struct azure_request rq = {.method = "GET", .correlation = j->p.purchase, .bearer = true};

    if (!*j->p.purchase || j->p.standing == STANDING_ENDED) {
        azure_job_end(j, MARKET_OK, "", 0);
        return;
    }
    rq.url = azure_url(j, j->p.purchase, "/listAvailablePlans");
    azure_call(j, &rq, on_plans);
}

void azure_plans(struct market *m, const struct market_purchase *known, market_plans_cb *cb,
                 void *arg)
{
    struct azure_job *j = azure_job_new(azure_of(m), ROOM, begin, plans_end, arg);

    if (!j) {
        cb(arg, &(struct market_plans){.cls = MARKET_RETRY, .code = "NoMemory"});
        return;
    }
    j->cb.plans = cb;
    j->p.standing = known->standing;
    j->p.purchase = azure_id(j->a, str_of(known->purchase));
}
