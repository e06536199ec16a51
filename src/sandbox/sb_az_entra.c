#include "sandbox/sb_az_entra.h"

#include <stdio.h>
#include <string.h>

#include "sandbox/sb_call.h"

static bool is_common(struct str tenant)
{
    return str_is(tenant, "common") || str_is(tenant, "organizations");
}

static void base(const struct sb_az_call *c, char out[128])
{
    snprintf(out, 128, "http://127.0.0.1:%u" SB_AZ_ENTRA "%.*s", c->s->port, STR_FMT(c->id));
}

static void issuer(const struct sb_az_call *c, bool v2, char out[160])
{
    bool common = is_common(c->id);

    if (v2)
        snprintf(out, 160, "https://login.microsoftonline.com/%.*s/v2.0",
                 common ? 10 : (int)c->id.n, common ? "{tenantid}" : c->id.p);
    else
        snprintf(out, 160, "https://sts.windows.net/%.*s/", common ? 10 : (int)c->id.n,
                 common ? "{tenantid}" : c->id.p);
}

static void strings(struct jsonw *w, const char *key, const char *const *all, size_t n)
{
    jsonw_key(w, key);
    jsonw_arr(w);
    for (size_t i = 0; i < n; i++)
        jsonw_str(w, str_of(all[i]));
    jsonw_arr_end(w);
}

static void address(struct jsonw *w, const char *key, const char *begin, const char *end)
{
    char text[256];

    snprintf(text, sizeof(text), "%s%s", begin, end);
    jsonw_kvs(w, key, str_of(text));
}

static void metadata(struct sb_az_call *c, bool v2)
{
    static const char *const auth[] = {"client_secret_post", "private_key_jwt"};
    static const char *const modes[] = {"query"};
    static const char *const types[] = {"code"};
    static const char *const subjects[] = {"pairwise"};
    static const char *const algs[] = {"RS256"};
    static const char *const scopes[] = {"openid", "profile", "email"};
    char at[128], iss[160];

    base(c, at);
    issuer(c, v2, iss);
    sb_resp_header(c->resp, "Cache-Control", "max-age=86400, private");
    jsonw_obj(&c->w);
    address(&c->w, "token_endpoint", at, v2 ? "/oauth2/v2.0/token" : "/oauth2/token");
    strings(&c->w, "token_endpoint_auth_methods_supported", auth, 2);
    address(&c->w, "jwks_uri", at, v2 ? "/discovery/v2.0/keys" : "/discovery/keys");
    strings(&c->w, "response_modes_supported", modes, 1);
    strings(&c->w, "subject_types_supported", subjects, 1);
    strings(&c->w, "id_token_signing_alg_values_supported", algs, 1);
    strings(&c->w, "response_types_supported", types, 1);
    strings(&c->w, "scopes_supported", scopes, 3);
    jsonw_kvs(&c->w, "issuer", str_of(iss));
    address(&c->w, "authorization_endpoint", at, "/oauth2/v2.0/authorize");
    jsonw_obj_end(&c->w);
}

static void metadata_v2(struct sb_az_call *c)
{
    metadata(c, true);
}

static void metadata_v1(struct sb_az_call *c)
{
    metadata(c, false);
}

static void keys(struct sb_az_call *c, bool v2)
{
    char iss[160];

    issuer(c, v2, iss);
    sb_resp_header(c->resp, "Cache-Control", "max-age=86400, private");
    if (sb_jws_jwks(c->az->keys, str_of(v2 ? iss : NULL), &c->resp->body))
        sb_az_refuse(c, 500, "server_error", 50000, "No key could be made.");
}

static void keys_v2(struct sb_az_call *c)
{
    keys(c, true);
}

static void keys_v1(struct sb_az_call *c)
{
    keys(c, false);
}

static const struct {
    const char *method, *path, *name;
    sb_az_fn fn;
} routes[] = {
    {"GET", "v2.0/.well-known/openid-configuration", "EntraMetadata", metadata_v2},
    {"GET", ".well-known/openid-configuration", "EntraMetadata", metadata_v1},
    {"GET", "discovery/v2.0/keys", "EntraKeys", keys_v2},
    {"GET", "discovery/keys", "EntraKeys", keys_v1},
    {"POST", "oauth2/v2.0/token", "EntraToken", sb_az_grant},
    {"POST", "oauth2/token", "EntraToken", sb_az_grant_v1},
    {"GET", "oauth2/v2.0/authorize", "EntraAuthorize", sb_az_authorize},
    {"POST", "oauth2/v2.0/authorize", "EntraAuthorize", sb_az_authorize},
};

static bool known_tenant(const struct sb_az_call *c)
{
    const struct sb_az_person *p;

    if (is_common(c->id) || str_is(c->id, "consumers") || str_ieq(c->id, str_of(SB_AZ_MSA)) ||
        str_ieq(c->id, str_of(c->az->seller.tenant)))
        return true;
    for (size_t i = 0; (p = sb_az_person_at(i)) != NULL; i++) {
        if (str_ieq(c->id, str_of(p->tid)))
            return true;
    }
    return false;
}

static void checked(struct sb_az_call *c)
{
    bool post = str_is(c->req->method, "POST");

    if (!known_tenant(c))
        sb_az_refuse(c, 400, "invalid_request", 90002, "Tenant not found.");
    else if (post && (c->req->too_big || sb_call_form(c->req->body, &c->in)))
        sb_az_refuse(c, 400, "invalid_request", 900144, "The request body cannot be read.");
    else
        c->fn(c);
}

bool sb_az_entra(struct sb_az_call *c)
{
    struct str rest;

    c->id = str_cut(str_from(c->req->path, sizeof(SB_AZ_ENTRA) - 1), '/', &rest);
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (!str_is(c->req->method, routes[i].method) || !str_is(rest, routes[i].path))
            continue;
        c->fn = routes[i].fn;
        sb_az_run(c, routes[i].name, checked);
        cJSON_Delete(c->in);
        return true;
    }
    return false;
}
