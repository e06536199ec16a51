/*
 * What we tell Google about a purchase. The record is read before anything is sent, so a verb that
 * was obeyed already sends nothing, and one of another product is never approved. After a refusal
 * (400, 409) it is read once more and its state decides: a code alone is never success.
 */
#include <string.h>

#include "market/gcp.h"

/* Approve and reject cut a reason at 256 bytes. */
enum { REASON_MAX = 256, MESSAGE_MAX = 1024, BODY_MAX = 16 * 1024 };

enum act { ACT_SEND, ACT_DONE, ACT_GONE, ACT_RETRY, ACT_REFUSED, ACT_NEVER };

static void again(struct gcp_job *j);

/* Whole characters only. */
static struct str cut(struct str s, size_t max)
{
    if (s.n <= max)
        return s;
    while (max && ((unsigned char)s.p[max] & 0xc0) == 0x80)
        max--;
    return str_sub(s, 0, max);
}

static void on_told(struct gcp_job *j, const struct gcp_answer *a)
{
    if (a->cls == MARKET_OK) {
        if (j->verb == MARKET_SIGNUP)
            gcp_approved_add(j->m, j->p.account);
        gcp_job_end(j, MARKET_OK, "", 0);
    } else if (a->status == 400 || a->status == 409) {
        j->refused = a->code;
        again(j);
    } else {
        gcp_job_end(j, a->cls, a->code, a->retry_after_ms);
    }
}

/* --- the account ------------------------------------------------------------------------- */

static void send_signup(struct gcp_job *j)
{
    struct buf body;
    struct jsonw w;

    buf_init(&body, BODY_MAX);
    jsonw_init(&w, &body);
    jsonw_obj(&w);
    jsonw_kvs(&w, "approvalName", STR("signup"));
    jsonw_kvs_opt(&w, "reason", cut(j->text, REASON_MAX));
    jsonw_obj_end(&w);
    gcp_call(j, &gcp_post, gcp_account_url(j, ":approve"), &body, on_told);
    buf_free(&body);
}

static void signup_read(struct gcp_job *j)
{
    if (j->signup == SIGNUP_APPROVED)
        gcp_job_end(j, MARKET_OK, "", 0);
    else if (j->signup == SIGNUP_UNREAD)
        gcp_job_end(j, MARKET_GONE, "AccountNotFound", 0);
    else if (j->signup == SIGNUP_REJECTED)
        gcp_job_end(j, MARKET_CONFIG, "SignupRejected", 0);
    else if (j->refused)
        gcp_job_end(j, MARKET_CONFIG, j->refused, 0);
    else
        send_signup(j);
}

static void read_account(struct gcp_job *j)
{
    if (!gcp_id_ok(str_of(j->p.account))) {
        gcp_job_end(j, MARKET_CONFIG, "NoAccount", 0);
        return;
    }
    j->after = signup_read;
    gcp_account(j);
}

/* --- the entitlement --------------------------------------------------------------------- */

static bool waits(const struct gcp_job *j)
{
    return str_is(str_of(j->state->name), "ENTITLEMENT_ACTIVATION_REQUESTED");
}

static enum act commit(struct gcp_job *j, const char **code)
{
    if (j->p.standing == STANDING_SCHEDULED || j->state->in_service)
        return ACT_DONE;
    *code = j->state->name;
    if (!waits(j))
        return j->p.standing == STANDING_ENDED ? ACT_GONE : ACT_REFUSED;
    return ACT_SEND;
}

/* What was active once never waits again. */
static enum act reject(struct gcp_job *j, const char **code)
{
    *code = j->state->name;
    if (j->p.standing == STANDING_ENDED)
        return ACT_DONE;
    return waits(j) ? ACT_SEND : ACT_NEVER;
}

static enum act progress(struct gcp_job *j, const char **code)
{
    (void)code;
    return waits(j) || j->state->change_asked ? ACT_SEND : ACT_DONE;
}

/* The buyer may have withdrawn the change: then nothing waits. Or asked for another plan
 * meanwhile: then our answer was to another question. */
static enum act change(struct gcp_job *j, const char **code)
{
    if (!j->state->change_asked)
        return ACT_DONE;
    *code = "OtherChange";
    return strcmp(j->p.change_id, j->orders[0]) == 0 ? ACT_SEND : ACT_RETRY;
}

static void no_body(struct gcp_job *j, struct jsonw *w)
{
    (void)j;
    (void)w;
}

static void reason_body(struct gcp_job *j, struct jsonw *w)
{
    jsonw_kvs(w, "reason", j->text.n ? cut(j->text, REASON_MAX) : STR("Rejected"));
}

static void message_body(struct gcp_job *j, struct jsonw *w)
{
    jsonw_kvs(w, "messageToUser", cut(j->text, MESSAGE_MAX));
}

static void accept_body(struct gcp_job *j, struct jsonw *w)
{
    jsonw_kvs(w, "pendingPlanName", str_of(j->p.change_id));
}

static void refuse_body(struct gcp_job *j, struct jsonw *w)
{
    accept_body(j, w);
    reason_body(j, w);
}

struct verb {
    enum act (*decide)(struct gcp_job *j, const char **code);
    void (*body)(struct gcp_job *j, struct jsonw *w);
    const char *path; /* after the entitlement's name */
    const struct gcp_op *op;
    bool needs_signup;
    bool gone_is_done;
};

static const struct verb verbs[] = {
    [MARKET_COMMIT] = {commit, no_body, ":approve", &gcp_post, true, false},
    [MARKET_REJECT] = {reject, reason_body, ":reject", &gcp_post, false, true},
    [MARKET_PROGRESS] = {progress, message_body, "?updateMask=messageToUser", &gcp_patch, false,
                         false},
    [MARKET_ACCEPT_CHANGE] = {change, accept_body, ":approvePlanChange", &gcp_post, false, false},
    [MARKET_REJECT_CHANGE] = {change, refuse_body, ":rejectPlanChange", &gcp_post, false, false},
};

static const struct verb *verb_of(enum market_verb v)
{
    bool known = (size_t)v < sizeof(verbs) / sizeof(*verbs) && verbs[v].decide;

    return known ? &verbs[v] : NULL;
}

static void send_verb(struct gcp_job *j)
{
    const struct verb *v = verb_of(j->verb);
    struct buf body;
    struct jsonw w;

    buf_init(&body, BODY_MAX);
    jsonw_init(&w, &body);
    jsonw_obj(&w);
    v->body(j, &w);
    jsonw_obj_end(&w);
    gcp_call(j, v->op, gcp_entitlement_url(j, v->path), &body, on_told);
    buf_free(&body);
}

static void approved_read(struct gcp_job *j)
{
    if (j->signup == SIGNUP_APPROVED)
        send_verb(j);
    else if (j->signup == SIGNUP_PENDING)
        gcp_job_end(j, MARKET_RETRY, "SignupPending", 0);
    else
        gcp_job_end(j, MARKET_CONFIG,
                    j->signup == SIGNUP_REJECTED ? "SignupRejected" : "AccountNotFound", 0);
}

static void act(struct gcp_job *j)
{
    const struct verb *v = verb_of(j->verb);
    const char *code = "";

    switch (v->decide(j, &code)) {
    case ACT_DONE:
        gcp_job_end(j, MARKET_OK, "", 0);
        return;
    case ACT_GONE:
        gcp_job_end(j, MARKET_GONE, code, 0);
        return;
    case ACT_RETRY:
        gcp_job_end(j, MARKET_RETRY, code, 0);
        return;
    case ACT_REFUSED:
        gcp_job_end(j, MARKET_CONFIG, code, 0);
        return;
    case ACT_NEVER:
        gcp_job_end(j, MARKET_REFUSED, code, 0);
        return;
    case ACT_SEND:
        break;
    }
    if (j->refused) {
        /* Perhaps because the sign-up was taken back: the next one looks. */
        gcp_approved_drop(j->m, j->p.account);
        gcp_job_end(j, MARKET_CONFIG, j->refused, 0);
    } else if (v->needs_signup && *j->p.account && !gcp_approved_has(j->m, j->p.account)) {
        j->after = approved_read;
        gcp_account(j);
    } else {
        send_verb(j);
    }
}

/* --- the verb ---------------------------------------------------------------------------- */

static void tell_end(struct gcp_job *j, enum market_class cls, const char *code,
                     uint64_t retry_after_ms)
{
    const struct verb *v = verb_of(j->verb);

    /* Rejected orders are removed. */
    if (cls == MARKET_GONE && v && v->gone_is_done)
        cls = MARKET_OK;
    j->cb.verb(j->arg, cls, code, retry_after_ms);
}

static void again(struct gcp_job *j)
{
    if (j->verb == MARKET_SIGNUP && *j->p.account) {
        read_account(j);
    } else {
        j->after = j->verb == MARKET_SIGNUP ? read_account : act;
        gcp_entitlement(j);
    }
}

static void begin(struct gcp_job *j)
{
    if (j->verb == MARKET_SIGNUP || verb_of(j->verb))
        again(j);
    else
        gcp_job_end(j, MARKET_REFUSED, "NotOffered", 0);
}

void gcp_tell(struct market *m, enum market_verb verb, const struct market_purchase *known,
              struct str text, market_verb_cb *cb, void *arg)
{
    struct gcp_job *j = gcp_job_new(m, 64 * 1024, begin, tell_end, arg);

    if (!j) {
        cb(arg, MARKET_RETRY, "NoMemory", 0);
        return;
    }
    j->cb.verb = cb;
    j->verb = verb;
    gcp_known(j, known);
    j->orders[0] = j->p.change_id;
    j->text = arena_str(j->a, cut(text, MESSAGE_MAX));
}
