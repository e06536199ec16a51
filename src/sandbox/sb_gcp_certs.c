#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sandbox/sb_aws.h"
#include "sandbox/sb_gcp_call.h"
#include "sandbox/sb_gcp_token.h"

#define BASE "/gcp/certs/"

static const struct {
    const char *path;
    bool partner, jwks;
} documents[] = {
    {BASE "robot/v1/metadata/x509/" SB_GCP_PARTNER, true, false},
    {BASE "robot/v1/metadata/jwk/" SB_GCP_PARTNER, true, true},
    {BASE "oauth2/v1/certs", false, false},
    {BASE "oauth2/v3/certs", false, true},
};

/* An "@" may come escaped. */
static bool same_path(struct str path, const char *want)
{
    struct str host, name = str_cut(path, '%', &host);
    const char *at = strchr(want, '@');

    if (str_is(path, want))
        return true;
    return at && str_eq(name, str_make(want, (size_t)(at - want))) && str_starts(host, STR("40")) &&
           str_is(str_from(host, 2), at + 1);
}

/* At least two keys are published, as Google does: one of them is made only now. */
static int write_keys(struct sb_gcp_keys *k, bool partner, bool jwks, struct buf *out)
{
    struct sb_jws *ring = partner ? k->partner : k->oidc;
    int rc = sb_jws_current(ring)[0] ? 0 : -EIO;

    if (rc == 0 && !k->two[partner]) {
        rc = sb_jws_rotate(ring, true);
        k->two[partner] = rc == 0;
    }
    if (rc)
        return rc;
    return jwks ? sb_jws_jwks(ring, STR(""), out) : sb_jws_certs(ring, out);
}

static void answer(struct sb *s, bool partner, bool jwks, struct sb_resp *resp)
{
    struct sb_gcp_keys *k = sb_gcp_keys(s);
    char age[80];

    if (!k || write_keys(k, partner, jwks, &resp->body)) {
        sb_gcp_write_error(resp, "INTERNAL", "no key could be made");
        return;
    }
    snprintf(age, sizeof(age), "public, max-age=%lld, must-revalidate, no-transform",
             (long long)s->gcp->set.certs_age_s);
    sb_resp_header(resp, "Cache-Control", age);
    resp->ctype = "application/json; charset=UTF-8";
}

bool sb_gcp_token_certs(struct sb *s, const struct sb_req *req, struct sb_resp *resp)
{
    enum sb_fault_kind kind;
    uint64_t ms;

    for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
        if (!same_path(req->path, documents[i].path))
            continue;
        kind = sb_fault_call(s, "GcpCerts", &ms);
        if (!sb_gcp_struck(s, resp, kind, ms)) {
            answer(s, documents[i].partner, documents[i].jwks, resp);
            sb_fault_spoil(s, resp, kind, ms);
        }
        sb_aws_count(s, "GcpCerts", resp->status == 200);
        sb_ledger_add(&s->ledger, sb_core_now(s), "gcp.GcpCerts", "",
                      resp->status == 200 ? "ok" : "refused",
                      documents[i].partner ? "partner" : "oidc");
        return true;
    }
    return false;
}
