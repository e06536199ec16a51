#include "sandbox/sb_ops.h"
#include "sandbox/sb_token.h"

int sb_resolve_customer(struct sb_call *c)
{
    struct str value = json_str(c->in, "RegistrationToken");
    const struct sb_token *t;

    if (value.n == 0)
        return sb_call_fail(c, "InvalidTokenException", "Registration token is invalid");
    t = sb_token_find(c->s, value);
    if (!t)
        return sb_call_fail(c, "InvalidTokenException", "Registration token is invalid");
    sb_call_about(c, t->purchase->id);
    if (t->expires_ms <= sb_core_now(c->s))
        return sb_call_fail(c, "ExpiredTokenException",
                            "The submitted registration token has "
                            "expired");
    const struct sb_purchase *p = t->purchase;
    jsonw_obj(&c->w);
    if (p->product->mode == SB_MODE_LEGACY)
        jsonw_kvs(&c->w, "CustomerIdentifier", str_of(p->customer));
    jsonw_kvs(&c->w, "CustomerAWSAccountId", str_of(p->account));
    if (p->product->mode == SB_MODE_CONCURRENT)
        jsonw_kvs(&c->w, "LicenseArn", str_of(p->license_arn));
    jsonw_kvs(&c->w, "ProductCode", str_of(p->product->code));
    jsonw_obj_end(&c->w);
    return 0;
}
