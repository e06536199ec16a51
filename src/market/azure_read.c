/* Resolve and refresh: what the subscription is now, and the change that waits upon it. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "market/azure.h"

enum { TOKEN_MAX = 8192 };

static void result_end(struct azure_job *j, enum market_class cls, const char *code,
                       uint64_t retry_after_ms)
{
    struct market_result r = {.cls = cls, .code = code, .retry_after_ms = retry_after_ms};

    r.purchase = market_purchase_none;
    if (cls == MARKET_OK)
        r.purchase = j->p;
    else if (cls == MARKET_PRODUCT)
        r.purchase.product_code = j->p.product_code;
    j->cb.result(j->arg, &r);
}

static void done(struct azure_job *j)
{
    azure_job_end(j, MARKET_OK, j->side_code, 0);
}

/* false: the job has ended. */
static bool take(struct azure_job *j, const cJSON *sub)
{
    char asked[AZURE_ID_MAX + 1];

    (void)str_copy(str_of(j->p.purchase), asked, sizeof(asked));
    if (azure_subscription(j->m->cfg, sub, j->a, &j->p) ||
        (*asked && !azure_same(asked, j->p.purchase))) {
        azure_job_end(j, MARKET_RETRY, "MalformedReply", 0);
        return false;
    }
    if (!azure_is_offer(j->m->cfg, str_of(j->p.offer))) {
        azure_job_end(j, MARKET_PRODUCT, "OtherOffer", 0);
        return false;
    }
    return true;
}

/* --- resolve ----------------------------------------------------------------------------- */

static void on_subscription(struct azure_job *j, const struct azure_answer *a)
{
    if (a->cls != MARKET_OK)
        azure_job_end(j, a->cls, a->code, a->retry_after_ms);
    else if (take(j, a->json))
        done(j);
}

static bool contains(struct str text, const char *word)
{
    return text.n && memmem(text.p, text.n, word, strlen(word));
}

/* 400 stands for missing, malformed and expired; only the message may tell which. A token that
 * nobody can say more of is taken for an old one: "Configure account" gives a fresh one. */
static enum market_class refused_token(const cJSON *json)
{
    struct str text = azure_message(json);

    if (contains(text, "expired"))
        return MARKET_EXPIRED;
    return contains(text, "decrypt") || contains(text, "malformed") ? MARKET_INVALID
                                                                    : MARKET_EXPIRED;
}

static void on_resolved(struct azure_job *j, const struct azure_answer *a)
{
    const cJSON *sub = json_obj(a->json, "subscription");
    const char *id;

    if (a->status == 400 && !str_is(str_of(a->code), "ApiVersionUnspecified")) {
        azure_job_end(j, refused_token(a->json), a->code, 0);
    } else if (a->cls != MARKET_OK) {
        azure_job_end(j, a->cls == MARKET_GONE ? MARKET_INVALID : a->cls, a->code,
                      a->retry_after_ms);
    } else if (json_str(sub, "id").n && json_str(sub, "saasSubscriptionStatus").n) {
        if (take(j, sub))
            done(j);
    } else {
        id = azure_id(j->a, json_str(a->json, "id"));
        if (!*id) {
            azure_job_end(j, MARKET_RETRY, "MalformedReply", 0);
            return;
        }
        j->p.purchase = id;
        azure_get(j, id, on_subscription);
    }
}

/* It becomes a header: printable ASCII. A raw + that form decoding made a space is one again. */
static const char *token_header(struct azure_job *j)
{
    static const char name[] = "x-ms-marketplace-token: ";
    char *p = arena_alloc(j->a, sizeof(name) + j->text.n);

    if (!p)
        return NULL;
    memcpy(p, name, sizeof(name));
    for (size_t i = 0; i < j->text.n; i++) {
        unsigned char c = (unsigned char)j->text.p[i];

        if (c < 0x20 || c > 0x7e)
            return "";
        p[sizeof(name) - 1 + i] = c == ' ' ? '+' : (char)c;
    }
    return p;
}

static void begin_resolve(struct azure_job *j)
{
    struct azure_request rq = {
        .method = "POST", .type = "application/json", .bearer = true, .repeatable = true};

    rq.header = token_header(j);
    rq.url = azure_url(j, "", "/resolve");
    if (j->text.n == 0 || j->text.n > TOKEN_MAX || (rq.header && !*rq.header))
        azure_job_end(j, MARKET_INVALID, "", 0);
    else if (!rq.header)
        azure_job_end(j, MARKET_RETRY, "NoMemory", 0);
    else
        azure_call(j, &rq, on_resolved);
}

void azure_resolve(struct market *m, struct str token, int64_t arrived_ms, market_result_cb *cb,
                   void *arg)
{
    struct azure_job *j = azure_job_new(azure_of(m), 3 * token.n, begin_resolve, result_end, arg);

    (void)arrived_ms; /* Microsoft judges its tokens */
    if (!j) {
        cb(arg, &(struct market_result){MARKET_RETRY, "NoMemory", 0, market_purchase_none});
        return;
    }
    j->cb.result = cb;
    j->p.read_ms = clock_wall_ms();
    j->text = arena_str(j->a, token);
}

/* --- refresh ----------------------------------------------------------------------------- */

static void keep_pending(struct azure_job *j, const cJSON *operation)
{
    const char *id = j->p.change_id;

    j->p.change_id = "";
    j->p.pending_plan = "";
    j->p.pending_quantity = 0;
    if (operation && azure_pending(operation, j->a, &j->p) && *id &&
        !azure_same(id, j->p.change_id)) {
        j->p.change_id = j->p.pending_plan = "";
        j->p.pending_quantity = 0;
    }
}

/* The service answers {"operations":[]}, the emulator a bare list. */
static void on_operations(struct azure_job *j, const struct azure_answer *a)
{
    const cJSON *list = cJSON_IsArray(a->json) ? a->json : json_arr(a->json, "operations");
    const cJSON *op;

    if (a->cls != MARKET_OK)
        j->side_code = a->code;
    cJSON_ArrayForEach(op, list)
    {
        if (a->cls == MARKET_OK && azure_pending(op, j->a, &j->p))
            break;
    }
    done(j);
}

static void on_read(struct azure_job *j, const struct azure_answer *a)
{
    const char *change = j->p.change_id, *plan = j->p.pending_plan;
    uint64_t quantity = j->p.pending_quantity;

    if (a->cls != MARKET_OK) {
        azure_job_end(j, a->cls, a->code, a->retry_after_ms);
        return;
    }
    if (!take(j, a->json))
        return;
    if (j->p.standing == STANDING_ENDED) {
        done(j);
    } else if (*change) {
        j->p.change_id = change;
        j->p.pending_plan = plan;
        j->p.pending_quantity = quantity;
        done(j);
    } else if (j->text.n || j->p.standing != STANDING_ACTIVE) {
        done(j);
    } else {
        azure_get_operation(j, "", on_operations);
    }
}

/* 400 and 404: there is no such operation, so nothing waits (and the event that named it may be
 * forged). */
static void on_operation(struct azure_job *j, const struct azure_answer *a)
{
    if (a->cls != MARKET_OK && a->status != 400 && a->status != 404) {
        azure_job_end(j, a->cls, a->code, a->retry_after_ms);
        return;
    }
    j->p.change_off = a->cls == MARKET_OK && azure_failed(a->json, &j->p);
    keep_pending(j, a->cls == MARKET_OK ? a->json : NULL);
    azure_get(j, j->p.purchase, on_read);
}

/* j->text: a change was asked for by its id. */
static void begin_refresh(struct azure_job *j)
{
    if (!*j->p.purchase)
        azure_job_end(j, MARKET_GONE, "NoSubscriptionId", 0);
    else if (*j->p.change_id)
        azure_get_operation(j, j->p.change_id, on_operation);
    else
        azure_get(j, j->p.purchase, on_read);
}

void azure_refresh(struct market *m, const struct market_purchase *known, market_result_cb *cb,
                   void *arg)
{
    struct azure_job *j = azure_job_new(azure_of(m), 16 * 1024, begin_refresh, result_end, arg);

    if (!j) {
        cb(arg, &(struct market_result){MARKET_RETRY, "NoMemory", 0, market_purchase_none});
        return;
    }
    j->cb.result = cb;
    j->p.standing = known->standing;
    j->p.granted = known->granted;
    j->p.unattended = known->unattended;
    j->p.purchase = azure_id(j->a, str_of(known->purchase));
    j->p.change_id = azure_id(j->a, str_of(known->change_id));
    j->text = str_of(j->p.change_id);
    j->p.read_ms = clock_wall_ms();
}
