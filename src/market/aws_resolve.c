/* ResolveCustomer: the buyer's token becomes a purchase. */
#include <sodium.h>
#include <string.h>

#include "market/aws.h"

enum { TOKEN_MAX = 16 * 1024, BODY_MAX = TOKEN_MAX * 6 + 256, ID_MAX = 255 };

void aws_result_end(struct aws_job *j, enum market_class cls, const char *code,
                    uint64_t retry_after_ms)
{
    struct market_result r = {.cls = cls, .code = code, .retry_after_ms = retry_after_ms};

    r.purchase = cls == MARKET_OK ? j->p : market_purchase_none;
    j->cb.result(j->arg, &r);
}

static void done(struct aws_job *j)
{
    aws_job_end(j, MARKET_OK, j->side_code, 0);
}

/* Model patterns: account ^[0-9]+$, identifiers ^[-a-zA-Z0-9/=:_.@]*$ up to 255. */
static bool id_ok(struct str s, bool digits)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!(c >= '0' && c <= '9') && (digits || !(letter || (c && strchr("-/=:_.@", c)))))
            return false;
    }
    return s.n <= ID_MAX;
}

/* The key of the purchase, or why there is none. */
static const char *take_purchase(struct aws_job *j, const cJSON *json)
{
    struct str license = json_str(json, "LicenseArn");
    struct str customer = json_str(json, "CustomerIdentifier");
    struct str account = json_str(json, "CustomerAWSAccountId");
    struct str code = json_str(json, "ProductCode");

    if (!id_ok(customer, false) || !id_ok(account, true) || !id_ok(code, false) ||
        license.n > 4 * ID_MAX || !str_text(license))
        return "MalformedReply";
    j->p.license = aws_keep(j->a, license);
    j->p.customer = aws_keep(j->a, customer);
    j->p.account = aws_keep(j->a, account);
    j->p.product_code = aws_keep(j->a, code);
    if (j->m->cfg->mode == CFG_CONCURRENT) {
        j->p.purchase = aws_license_id(j->a, license);
        return *j->p.purchase ? NULL : "NoLicenseArn";
    }
    if (customer.n == 0)
        return "NoCustomerIdentifier";
    j->p.purchase = arena_fmt(j->a, "%s/%s", j->p.product_code, j->p.customer);
    return j->p.purchase ? NULL : "NoMemory";
}

static void on_resolved(struct aws_job *j, const struct aws_answer *a)
{
    const struct cfg_market *cfg = j->m->cfg;
    const char *trouble;

    if (a->cls != MARKET_OK) {
        aws_job_end(j, a->cls, a->code, a->retry_after_ms);
        return;
    }
    /* The product first: what follows assumes that the purchase is of this one. */
    if (!*cfg->product_code || !str_is(json_str(a->json, "ProductCode"), cfg->product_code)) {
        bool none = json_str(a->json, "ProductCode").n == 0;

        aws_job_end(j, none ? MARKET_RETRY : MARKET_PRODUCT,
                    none ? "MalformedReply" : "OtherProduct", 0);
        return;
    }
    trouble = take_purchase(j, a->json);
    if (trouble) {
        /* The listing's mode is not the configured one, or AWS's answer is broken. */
        aws_job_end(j, str_is(str_of(trouble), "MalformedReply") ? MARKET_RETRY : MARKET_CONFIG,
                    trouble, 0);
        return;
    }
    j->p.granted = !*cfg->queue_url;
    j->after_entitlements = done;
    if (cfg->contract)
        aws_entitle(j);
    else
        done(j);
}

static void begin(struct aws_job *j)
{
    struct buf body;
    struct jsonw w;

    if (j->token.n == 0 || j->token.n > TOKEN_MAX || !str_utf8(j->token)) {
        aws_job_end(j, MARKET_INVALID, "", 0);
        return;
    }
    buf_init(&body, BODY_MAX);
    jsonw_init(&w, &body);
    jsonw_obj(&w);
    jsonw_kvs(&w, "RegistrationToken", j->token);
    jsonw_obj_end(&w);
    aws_call(j, &aws_resolve_customer, &body, on_resolved);
    if (body.p)
        sodium_memzero(body.p, body.cap);
    buf_free(&body);
}

void aws_resolve(struct market *m, struct str token, int64_t arrived_ms, market_result_cb *cb,
                 void *arg)
{
    struct aws_job *j = aws_job_new(aws_of(m), token.n, begin, aws_result_end, arg);

    (void)arrived_ms; /* AWS judges its tokens */
    if (!j) {
        cb(arg, &(struct market_result){MARKET_RETRY, "NoMemory", 0, market_purchase_none});
        return;
    }
    j->cb.result = cb;
    j->p = market_purchase_none;
    j->token = arena_str(j->a, token);
}
