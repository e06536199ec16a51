/* What we tell Microsoft about a subscription. A refusal is believed only after a look: the effect
 * may stand already. */
#include <string.h>

#include "base/json.h"
#include "market/azure.h"

static void verb_end(struct azure_job *j, enum market_class cls, const char *code,
                     uint64_t retry_after_ms)
{
    j->cb.verb(j->arg, cls, code, retry_after_ms);
}

static bool is_delete(enum market_verb v)
{
    return v == MARKET_REJECT || v == MARKET_CANCEL;
}

static bool stands(const struct azure_job *j, const struct market_purchase *now)
{
    uint64_t quantity;

    switch (j->verb) {
    case MARKET_COMMIT:
        return now->standing == STANDING_ACTIVE || now->standing == STANDING_SUSPENDED;
    case MARKET_REJECT:
    case MARKET_CANCEL:
        return now->standing == STANDING_ENDED;
    case MARKET_CHANGE_PLAN:
        return str_is(j->text, now->plan);
    case MARKET_CHANGE_QUANTITY:
        return str_u64(j->text, UINT32_MAX, &quantity) == 0 && quantity == now->quantity;
    default:
        return false;
    }
}

/* A change is refused while another one waits, and that one will end. One of our own is not in the
 * list: only the words of the refusal tell of it. */
static void on_waiting(struct azure_job *j, const struct azure_answer *a)
{
    const cJSON *list = cJSON_IsArray(a->json) ? a->json : json_arr(a->json, "operations");

    if (j->busy || (a->cls == MARKET_OK && cJSON_GetArraySize(list) > 0))
        azure_job_end(j, MARKET_RETRY, "OperationPending", 0);
    else
        azure_job_end(j, MARKET_CONFIG, j->refused, 0);
}

static void on_look(struct azure_job *j, const struct azure_answer *a)
{
    struct market_purchase now = market_purchase_none;

    if (a->cls == MARKET_GONE && is_delete(j->verb))
        azure_job_end(j, MARKET_OK, "", 0);
    else if (a->cls != MARKET_OK)
        azure_job_end(j, a->cls, a->code, a->retry_after_ms);
    else if (azure_subscription(j->m->cfg, a->json, j->a, &now))
        azure_job_end(j, MARKET_RETRY, "MalformedReply", 0);
    else if (stands(j, &now))
        azure_job_end(j, MARKET_OK, "", 0);
    else if (now.standing == STANDING_ENDED)
        azure_job_end(j, MARKET_GONE, j->refused, 0);
    else if (now.read_only)
        azure_job_end(j, MARKET_REFUSED, "ReadOnlySubscription", 0);
    else if (j->verb == MARKET_CHANGE_PLAN || j->verb == MARKET_CHANGE_QUANTITY)
        azure_get_operation(j, "", on_waiting);
    else
        azure_job_end(j, MARKET_CONFIG, j->refused, 0);
}

static bool says_busy(const cJSON *answer)
{
    struct str text = azure_message(answer);

    return text.n &&
           (memmem(text.p, text.n, "pending", 7) || memmem(text.p, text.n, "in progress", 11));
}

/* 409 on DELETE: an operation is pending and will end. */
static void on_told(struct azure_job *j, const struct azure_answer *a)
{
    if (a->status == 409) {
        azure_job_end(j, MARKET_RETRY, a->code, a->retry_after_ms);
    } else if (a->status == 400 || a->status == 404) {
        j->refused = a->code;
        j->busy = says_busy(a->json);
        azure_get(j, j->p.purchase, on_look);
    } else {
        azure_job_end(j, a->cls, a->code, a->retry_after_ms);
    }
}

static void send_json(struct azure_job *j, const char *method, const char *tail, struct buf *body,
                      azure_answer_cb *cb)
{
    struct azure_request rq = {.method = method,
                               .url = azure_url(j, j->p.purchase, tail),
                               .type = body->len ? "application/json" : NULL,
                               .body = buf_view(body),
                               .correlation = j->p.purchase,
                               .bearer = true};

    if (buf_err(body))
        rq.url = NULL;
    azure_call(j, &rq, cb);
    buf_free(body);
}

static void tell_json(struct azure_job *j)
{
    bool commit = j->verb == MARKET_COMMIT;
    uint64_t quantity = j->p.quantity;
    struct buf body;
    struct jsonw w;

    if (j->verb == MARKET_CHANGE_QUANTITY &&
        (str_u64(j->text, INT32_MAX, &quantity) || quantity == 0)) {
        azure_job_end(j, MARKET_REFUSED, "BadQuantity", 0);
        return;
    }
    buf_init(&body, 2048);
    jsonw_init(&w, &body);
    jsonw_obj(&w);
    if (commit)
        jsonw_kvs_opt(&w, "planId", str_of(j->p.plan));
    if (j->verb == MARKET_CHANGE_PLAN)
        jsonw_kvs(&w, "planId", j->text);
    if (j->verb == MARKET_CHANGE_QUANTITY || (commit && quantity))
        jsonw_kvi(&w, "quantity", (int64_t)quantity);
    jsonw_obj_end(&w);
    send_json(j, commit ? "POST" : "PATCH", commit ? "/activate" : "", &body, on_told);
}

static void tell_delete(struct azure_job *j)
{
    struct buf none;

    buf_init(&none, 1);
    send_json(j, "DELETE", "", &none, on_told);
}

/* --- answers to operations ------------------------------------------------------------------ */

/* 404, 409: settled meanwhile. */
static void on_answered(struct azure_job *j, const struct azure_answer *a)
{
    if (a->status == 404 || a->status == 409)
        azure_job_end(j, MARKET_OK, "", 0);
    else
        azure_job_end(j, a->cls, a->code, a->retry_after_ms);
}

/* A Reinstate may want no answer and say 400. */
static void on_reinstated(struct azure_job *j, const struct azure_answer *a)
{
    if (a->status == 400)
        azure_job_end(j, MARKET_OK, "", 0);
    else
        on_answered(j, a);
}

/* An operation that Partner asked for is never answered (the service breaks on it), nor is one
 * that is settled or not there (400, 404). */
static void on_operation(struct azure_job *j, const struct azure_answer *a)
{
    const char *of = azure_id(j->a, json_str(a->json, "subscriptionId"));
    bool change = str_starts(str_trim(json_str(a->json, "action")), STR("Change"));
    const char *tail;
    struct buf body;

    if (a->status == 400 || a->status == 404) {
        azure_job_end(j, MARKET_OK, "", 0);
        return;
    }
    if (a->cls != MARKET_OK) {
        azure_job_end(j, a->cls, a->code, a->retry_after_ms);
        return;
    }
    if (!azure_waits(a->json) || !azure_same(of, j->p.purchase)) {
        azure_job_end(j, MARKET_OK, "", 0);
        return;
    }
    tail = arena_fmt(j->a, "/operations/%s", j->p.change_id);
    buf_init(&body, 64);
    buf_fmt(&body, "{\"status\":\"%s\"}", j->verb == MARKET_ACCEPT_CHANGE ? "Success" : "Failure");
    if (tail)
        send_json(j, "PATCH", tail, &body, change ? on_answered : on_reinstated);
    else
        azure_job_end(j, MARKET_RETRY, "NoMemory", 0);
    buf_free(&body);
}

static void tell_operation(struct azure_job *j)
{
    if (*j->p.change_id)
        azure_get_operation(j, j->p.change_id, on_operation);
    else
        azure_job_end(j, MARKET_OK, "", 0);
}

static void tell_nothing(struct azure_job *j)
{
    azure_job_end(j, MARKET_OK, "", 0);
}

static azure_step *const verbs[] = {
    [MARKET_SIGNUP] = tell_nothing,          [MARKET_COMMIT] = tell_json,
    [MARKET_REJECT] = tell_delete,           [MARKET_PROGRESS] = tell_nothing,
    [MARKET_ACCEPT_CHANGE] = tell_operation, [MARKET_REJECT_CHANGE] = tell_operation,
    [MARKET_CANCEL] = tell_delete,           [MARKET_CHANGE_PLAN] = tell_json,
    [MARKET_CHANGE_QUANTITY] = tell_json,
};

static void begin(struct azure_job *j)
{
    if (*j->p.purchase)
        verbs[j->verb](j);
    else
        azure_job_end(j, MARKET_GONE, "NoSubscriptionId", 0);
}

void azure_tell(struct market *m, enum market_verb verb, const struct market_purchase *known,
                struct str text, market_verb_cb *cb, void *arg)
{
    struct azure_job *j = azure_job_new(azure_of(m), 16 * 1024, begin, verb_end, arg);

    if (!j) {
        cb(arg, MARKET_RETRY, "NoMemory", 0);
        return;
    }
    j->cb.verb = cb;
    j->verb = verb;
    j->text = arena_str(j->a, text);
    j->p.purchase = azure_id(j->a, str_of(known->purchase));
    j->p.change_id = azure_id(j->a, str_of(known->change_id));
    j->p.plan = arena_dup(j->a, str_of(known->plan));
    j->p.quantity = known->quantity;
    if (!j->p.plan)
        j->p.plan = "";
}
