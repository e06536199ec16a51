#include <stdio.h>
#include <string.h>

#include "sandbox/sb_gcp_auth.h"
#include "sandbox/sb_gcp_call.h"
#include "sandbox/sb_gcp_token.h"

#define TYPE      "urn:ietf:params:oauth:token-type:"
#define EXCHANGE  "urn:ietf:params:oauth:grant-type:token-exchange"
#define PLATFORM  "https://www.googleapis.com/auth/cloud-platform"
#define IAM       "/gcp/iam/v1/projects/-/serviceAccounts/"
#define FEDERATED "principal://sandbox/subject/lastmile"
#define ACCOUNTS  "instance/service-accounts/"

/* One field of the form; "" when absent or broken. */
static const char *field(const struct sb_req *req, const char *name, char *out, size_t cap)
{
    if (sb_req_field(req->body, name, out, cap))
        out[0] = '\0';
    return out;
}

void sb_gcp_fed_sts(struct sb *s, const struct sb_req *req, struct sb_resp *resp)
{
    const struct sb_gcp_keys *k = sb_gcp_keys(s);
    char v[SB_GCP_TOKEN], scope[300];

    if (!str_is(req->method, "POST") ||
        strcmp(field(req, "grant_type", v, sizeof(v)), EXCHANGE) != 0)
        sb_gcp_auth_error(resp, 400, "unsupported_grant_type", "Unsupported grant_type");
    else if (strcmp(field(req, "audience", v, sizeof(v)), SB_GCP_POOL) != 0)
        sb_gcp_auth_error(resp, 400, "invalid_target",
                          "The target service indicated by the "
                          "\"audience\" parameters is invalid.");
    else if (strcmp(field(req, "requested_token_type", v, sizeof(v)), TYPE "access_token") != 0)
        sb_gcp_auth_error(resp, 400, "invalid_request", "Invalid requested_token_type");
    else if (strcmp(field(req, "subject_token_type", v, sizeof(v)), TYPE "jwt") != 0)
        sb_gcp_auth_error(resp, 400, "invalid_request", "Invalid subject_token_type");
    else if (!k ||
             !str_eq_secret(str_of(field(req, "subject_token", v, sizeof(v))), str_of(k->subject)))
        sb_gcp_auth_error(resp, 400, "invalid_grant", "The subject token is not valid.");
    else if (!str_starts(str_of(field(req, "scope", scope, sizeof(scope))), STR("https://")))
        sb_gcp_auth_error(resp, 400, "invalid_scope", "Missing scope");
    else
        sb_gcp_auth_answer(s, resp, sb_gcp_auth_new(s, FEDERATED, str_of(scope)),
                           TYPE "access_token");
}

/* "3600s" or absent. */
static bool good_lifetime(const cJSON *in)
{
    struct str v = json_str(in, "lifetime");
    uint64_t n;

    return v.n == 0 ||
           (str_ends(v, STR("s")) && str_u64(str_sub(v, 0, v.n - 1), 3600, &n) == 0 && n > 0);
}

static bool join_scopes(const cJSON *in, struct buf *out)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, json_arr(in, "scope"))
    {
        if (!cJSON_IsString(item))
            return false;
        if (out->len)
            buf_ch(out, ' ');
        buf_cat(out, item->valuestring);
    }
    return out->len > 0 && buf_err(out) == 0;
}

static void impersonate(struct sb *s, const cJSON *in, struct sb_resp *resp)
{
    const struct sb_gcp_bearer *b;
    struct jsonw w;
    struct buf scope;

    buf_init(&scope, 299);
    if (!join_scopes(in, &scope) || !good_lifetime(in)) {
        sb_gcp_write_error(resp, "INVALID_ARGUMENT", "Request contains an invalid argument.");
        buf_free(&scope);
        return;
    }
    b = sb_gcp_auth_new(s, SB_GCP_EMAIL, buf_view(&scope));
    buf_free(&scope);
    if (!b) {
        sb_gcp_write_error(resp, "INTERNAL", "there is no room for a token");
        return;
    }
    resp->ctype = "application/json; charset=UTF-8";
    jsonw_init(&w, &resp->body);
    jsonw_obj(&w);
    jsonw_kvs(&w, "accessToken", str_of(b->token));
    sb_gcp_kv_time(&w, "expireTime", b->expires_ms / 1000 * 1000);
    jsonw_obj_end(&w);
}

void sb_gcp_fed_iam(struct sb *s, const struct sb_req *req, struct sb_resp *resp)
{
    const struct sb_gcp_bearer *who = sb_gcp_auth_bearer(s, req);
    cJSON *in = NULL;

    if (!who)
        sb_gcp_write_error(resp, "UNAUTHENTICATED",
                           "Request had invalid authentication credentials.");
    else if (!str_is(req->path, IAM SB_GCP_EMAIL ":generateAccessToken") ||
             !str_is(req->method, "POST"))
        sb_gcp_write_error(resp, "NOT_FOUND", "Not found; Gaia id not found for email");
    else if (strcmp(who->email, FEDERATED) != 0)
        sb_gcp_write_error(resp, "PERMISSION_DENIED",
                           "Permission 'iam.serviceAccounts.getAccessToken' denied on resource "
                           "(or it may not exist).");
    else if (json_parse(req->body, SB_BODY_MAX, &in) || !cJSON_IsObject(in))
        sb_gcp_write_error(resp, "INVALID_ARGUMENT", "Invalid JSON payload received.");
    else
        impersonate(s, in, resp);
    cJSON_Delete(in);
}

static void identity(struct sb *s, const struct sb_req *req, struct sb_resp *resp)
{
    char aud[1024];

    resp->ctype = "text/html";
    if (sb_req_field(req->query, "audience", aud, sizeof(aud)))
        sb_resp_text(resp, 400, "non-empty audience parameter required");
    else if (sb_gcp_token_identity(s, str_of(aud), &resp->body))
        sb_resp_text(resp, 500, "no key could be made");
}

void sb_gcp_fed_metadata(struct sb *s, const struct sb_req *req, struct sb_resp *resp)
{
    struct str path = req->path, rest, account;

    if (str_starts(path, STR("/gcp/metadata/")))
        path = str_from(path, sizeof("/gcp/metadata") - 1);
    sb_resp_header(resp, "Metadata-Flavor", "Google");
    sb_resp_header(resp, "Server", "Metadata Server for VM");
    if (!str_is(sb_req_header(req, "metadata-flavor"), "Google")) {
        sb_resp_text(resp, 403, "Missing Metadata-Flavor:Google header.");
        return;
    }
    if (!str_starts(path, STR("/computeMetadata/v1/")) || !str_is(req->method, "GET")) {
        sb_resp_text(resp, 404, "not found");
        return;
    }
    path = str_from(path, sizeof("/computeMetadata/v1/") - 1);
    rest = str_from(path, sizeof(ACCOUNTS) - 1);
    account = str_cut(rest, '/', &rest);
    if (str_is(path, "project/project-id"))
        buf_cat(&resp->body, "acme-public");
    else if (!str_starts(path, STR(ACCOUNTS)) ||
             (!str_is(account, "default") && !str_is(account, SB_GCP_EMAIL)))
        sb_resp_text(resp, path.n == 0 ? 200 : 404, path.n == 0 ? "instance/" : "not found");
    else if (str_is(rest, "token"))
        sb_gcp_auth_answer(s, resp, sb_gcp_auth_new(s, SB_GCP_EMAIL, STR(PLATFORM)), NULL);
    else if (str_is(rest, "email"))
        buf_cat(&resp->body, SB_GCP_EMAIL);
    else if (str_is(rest, "identity"))
        identity(s, req, resp);
    else
        sb_resp_text(resp, 404, "not found");
}
