#include "sandbox/sb_gcp_auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/sb_aws.h"
#include "sandbox/sb_gcp_call.h"
#include "sandbox/sb_gcp_token.h"

#define AUTH     "https://www.googleapis.com/auth/"
#define GRANT    "urn:ietf:params:oauth:grant-type:jwt-bearer"
#define REAL_AUD "https://oauth2.googleapis.com/token"
#define SKEW_S   300
#define HOUR_S   3600

const struct sb_gcp_bearer *sb_gcp_auth_bearer(const struct sb *s, const struct sb_req *req)
{
    struct str text = sb_req_header(req, "authorization");

    if (text.n < 8 || !str_ieq(str_sub(text, 0, 7), STR("Bearer ")))
        return NULL;
    text = str_from(text, 7);
    for (size_t i = 0; i < s->gcp->bearers.n; i++) {
        const struct sb_gcp_bearer *b = s->gcp->bearers.p[i];
        if (str_is(text, b->token))
            return b->expires_ms > sb_core_now(s) ? b : NULL;
    }
    return NULL;
}

bool sb_gcp_auth_scoped(const struct sb_gcp_bearer *b, bool pubsub)
{
    struct str word, rest = str_of(b->scope);

    while (rest.n > 0) {
        word = str_cut(rest, ' ', &rest);
        if (str_is(word, AUTH "cloud-platform") || (pubsub && str_is(word, AUTH "pubsub")))
            return true;
    }
    return false;
}

static void drop_expired(struct sb *s)
{
    for (size_t i = s->gcp->bearers.n; i-- > 0;) {
        const struct sb_gcp_bearer *b = s->gcp->bearers.p[i];
        if (b->expires_ms <= sb_core_now(s))
            sb_vec_del(&s->gcp->bearers, i);
    }
}

const struct sb_gcp_bearer *sb_gcp_auth_new(struct sb *s, const char *email, struct str scope)
{
    struct sb_gcp_bearer *b = calloc(1, sizeof(*b));

    drop_expired(s);
    if (!b || str_copy(scope, b->scope, sizeof(b->scope)) || sb_vec_add(&s->gcp->bearers, b)) {
        free(b);
        return NULL;
    }
    sb_id_hex("ya29.sandbox-", 64, b->token, sizeof(b->token));
    snprintf(b->email, sizeof(b->email), "%s", email);
    b->expires_ms = sb_core_now(s) + s->gcp->set.token_life_s * 1000;
    s->dirty = true;
    return b;
}

void sb_gcp_auth_error(struct sb_resp *resp, unsigned status, const char *error,
                       const char *description)
{
    struct jsonw w;

    buf_reset(&resp->body);
    resp->status = status;
    resp->ctype = "application/json; charset=utf-8";
    jsonw_init(&w, &resp->body);
    jsonw_obj(&w);
    jsonw_kvs(&w, "error", str_of(error));
    jsonw_kvs(&w, "error_description", str_of(description));
    jsonw_obj_end(&w);
}

void sb_gcp_auth_answer(const struct sb *s, struct sb_resp *resp, const struct sb_gcp_bearer *b,
                        const char *issued_type)
{
    struct jsonw w;

    if (!b) {
        sb_gcp_auth_error(resp, 500, "internal_failure", "there is no room for a token");
        return;
    }
    resp->ctype = "application/json; charset=utf-8";
    jsonw_init(&w, &resp->body);
    jsonw_obj(&w);
    jsonw_kvs(&w, "access_token", str_of(b->token));
    if (issued_type)
        jsonw_kvs(&w, "issued_token_type", str_of(issued_type));
    jsonw_kvi(&w, "expires_in", s->gcp->set.token_life_s - 1);
    jsonw_kvs(&w, "token_type", STR("Bearer"));
    jsonw_obj_end(&w);
}

/* NULL, or what Google says about the claims. */
static const char *judge(const struct sb *s, const cJSON *c)
{
    int64_t now = sb_gcp_token_now(s), iat = 0, exp = 0;
    char own[80];

    snprintf(own, sizeof(own), "http://127.0.0.1:%u/gcp/token", s->port);
    if (!str_is(json_str(c, "iss"), SB_GCP_EMAIL))
        return "Invalid grant: account not found";
    if (!str_is(json_str(c, "aud"), own) && !str_is(json_str(c, "aud"), REAL_AUD))
        return "Invalid JWT: Failed audience check.";
    if (json_int(c, "iat", &iat) || json_int(c, "exp", &exp) || exp - iat > HOUR_S || exp <= iat ||
        iat > now + SKEW_S || exp <= now - SKEW_S)
        return "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
               "timeframe. Check your iat and exp values in the JWT claim.";
    return NULL;
}

static bool good_scope(struct str scope)
{
    struct str word, rest = scope;

    while (rest.n > 0) {
        word = str_cut(rest, ' ', &rest);
        if (!str_starts(word, STR(AUTH)) && !str_is(word, "openid") && !str_is(word, "email"))
            return false;
    }
    return scope.n > 0;
}

static void grant(struct sb *s, struct str assertion, struct sb_resp *resp)
{
    cJSON *h = NULL, *c = NULL;
    struct buf head, claims;
    const char *why = "Invalid JWT Signature.";

    buf_init(&head, 4096);
    buf_init(&claims, 16384);
    if (sb_gcp_key_need(s) == 0 &&
        sb_jws_verify_pem(assertion, str_of(s->gcp->keys->pem), &head, &claims) == 0 &&
        json_parse(buf_view(&head), 4096, &h) == 0 &&
        json_parse(buf_view(&claims), 16384, &c) == 0 &&
        str_is(json_str(h, "kid"), s->gcp->keys->kid))
        why = judge(s, c);
    if (why)
        sb_gcp_auth_error(resp, 400, "invalid_grant", why);
    else if (!good_scope(json_str(c, "scope")))
        sb_gcp_auth_error(resp, 400, "invalid_scope",
                          "Invalid OAuth scope or ID token audience "
                          "provided.");
    else
        sb_gcp_auth_answer(s, resp, sb_gcp_auth_new(s, SB_GCP_EMAIL, json_str(c, "scope")), NULL);
    cJSON_Delete(h);
    cJSON_Delete(c);
    buf_free(&head);
    buf_free(&claims);
}

static void token(struct sb *s, const struct sb_req *req, struct sb_resp *resp)
{
    char type[200], assertion[SB_GCP_TOKEN];

    if (!str_is(req->method, "POST"))
        sb_gcp_auth_error(resp, 405, "invalid_request", "POST only");
    else if (sb_req_field(req->body, "grant_type", type, sizeof(type)) || strcmp(type, GRANT) != 0)
        sb_gcp_auth_error(resp, 400, "unsupported_grant_type", "Invalid grant_type");
    else if (sb_req_field(req->body, "assertion", assertion, sizeof(assertion)))
        sb_gcp_auth_error(resp, 400, "invalid_request", "Missing required parameter: assertion");
    else
        grant(s, str_of(assertion), resp);
}

static const struct {
    const char *path, *op;
    void (*fn)(struct sb *s, const struct sb_req *req, struct sb_resp *resp);
} doors[] = {
    {"/gcp/token", "GcpToken", token},
    {"/gcp/sts/v1/token", "GcpSts", sb_gcp_fed_sts},
    {"/gcp/iam/v1/projects/", "GcpIam", sb_gcp_fed_iam},
    {"/gcp/metadata/", "GcpMetadata", sb_gcp_fed_metadata},
    {"/computeMetadata/", "GcpMetadata", sb_gcp_fed_metadata},
};

bool sb_gcp_auth_handle(struct sb *s, const struct sb_req *req, struct sb_resp *resp)
{
    for (size_t i = 0; i < sizeof(doors) / sizeof(doors[0]); i++) {
        bool below = str_ends(str_of(doors[i].path), STR("/"));
        enum sb_fault_kind kind;
        char name[32];
        uint64_t ms;
        if (below ? !str_starts(req->path, str_of(doors[i].path))
                  : !str_is(req->path, doors[i].path))
            continue;
        kind = sb_fault_call(s, doors[i].op, &ms);
        if (!sb_gcp_struck(s, resp, kind, ms)) {
            doors[i].fn(s, req, resp);
            sb_fault_spoil(s, resp, kind, ms);
        }
        snprintf(name, sizeof(name), "gcp.%s", doors[i].op);
        sb_aws_count(s, doors[i].op, resp->status == 200);
        sb_ledger_add(&s->ledger, sb_core_now(s), name, "", resp->status == 200 ? "ok" : "refused",
                      "");
        return true;
    }
    return false;
}
