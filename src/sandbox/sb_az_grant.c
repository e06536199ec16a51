#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/hash.h"
#include "base/rand.h"
#include "sandbox/sb_az_entra.h"
#include "sandbox/sb_az_jwt.h"

#define DEFAULT_RESOURCE "00000002-0000-0000-c000-000000000000"

static int64_t lifetime(const struct sb_az_call *c)
{
    return c->az->set.token_s > 0 ? c->az->set.token_s : 3600 + (int64_t)rand_below(1800);
}

static void no_store(struct sb_az_call *c)
{
    sb_resp_header(c->resp, "Cache-Control", "no-store, no-cache");
    sb_resp_header(c->resp, "Pragma", "no-cache");
}

static void number_text(struct jsonw *w, const char *key, int64_t v)
{
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)v);
    jsonw_kvs(w, key, str_of(text));
}

/* Version 1 writes every number as a string. */
static void answer(struct sb_az_call *c, const char *resource, bool v2)
{
    int64_t life = lifetime(c), now = clock_wall_ms() / 1000;
    struct buf token;

    buf_init(&token, 16384);
    if (sb_az_jwt_access(c->s, resource, life, &token)) {
        sb_az_refuse(c, 500, "server_error", 50000, "The token cannot be signed.");
        buf_free(&token);
        return;
    }
    no_store(c);
    jsonw_obj(&c->w);
    jsonw_kvs(&c->w, "token_type", STR("Bearer"));
    if (v2) {
        jsonw_kvi(&c->w, "expires_in", life - 1);
        jsonw_kvi(&c->w, "ext_expires_in", life - 1);
    } else {
        number_text(&c->w, "expires_in", life - 1);
        number_text(&c->w, "ext_expires_in", life - 1);
        number_text(&c->w, "expires_on", now + life);
        number_text(&c->w, "not_before", now - 300);
        jsonw_kvs(&c->w, "resource", str_of(resource));
    }
    jsonw_kvs(&c->w, "access_token", buf_view(&token));
    jsonw_obj_end(&c->w);
    buf_free(&token);
}

static bool is_seller(struct sb_az_call *c)
{
    const struct sb_az_seller *l = &c->az->seller;

    if (!str_is(json_str(c->in, "client_id"), l->client)) {
        sb_az_refuse(c, 400, "unauthorized_client", 700016,
                     "The application was not found in the directory.");
        return false;
    }
    if (!str_ieq(c->id, str_of(l->tenant))) {
        sb_az_refuse(c, 400, "unauthorized_client", 700016,
                     "The application was not found in this directory.");
        return false;
    }
    return sb_az_proves(c, l->client, l->secret, l->cert);
}

static void client_credentials(struct sb_az_call *c)
{
    struct str scope = json_str(c->in, "scope");

    if (!is_seller(c))
        return;
    if (scope.n == 0)
        sb_az_refuse(c, 400, "invalid_request", 900144,
                     "The request body must contain the following parameter: 'scope'.");
    else if (!str_ends(scope, STR("/.default")) || str_chr(scope, ' ') >= 0)
        sb_az_refuse(c, 400, "invalid_scope", 1002012,
                     "The provided value for scope is not valid.");
    else if (!str_is(scope, SB_AZ_RESOURCE "/.default"))
        sb_az_refuse(c, 400, "invalid_resource", 500011,
                     "The resource principal was not found in the tenant.");
    else
        answer(c, SB_AZ_RESOURCE, true);
}

/* Any resource is granted here; the API refuses tokens that are not for it. */
void sb_az_grant_v1(struct sb_az_call *c)
{
    char resource[128];

    if (!str_is(json_str(c->in, "grant_type"), "client_credentials")) {
        sb_az_refuse(c, 400, "unsupported_grant_type", 70003, "The grant type is not supported.");
        return;
    }
    if (!is_seller(c))
        return;
    if (str_copy(json_str(c->in, "resource"), resource, sizeof(resource)) || !resource[0])
        snprintf(resource, sizeof(resource), DEFAULT_RESOURCE);
    answer(c, resource, false);
}

static struct sb_az_code *find_code(const struct sb_az_call *c)
{
    struct str value = json_str(c->in, "code");

    for (size_t i = 0; i < c->az->codes.n; i++) {
        struct sb_az_code *code = c->az->codes.p[i];
        if (value.n > 0 && str_is(value, code->value))
            return code;
    }
    return NULL;
}

/* RFC 7636 section 4.6: BASE64URL(SHA256(verifier)) is the challenge. */
static bool verifier_fits(struct str verifier, const char *challenge)
{
    uint8_t raw[HASH_LEN];
    struct buf b;

    if (verifier.n < 43 || verifier.n > 128)
        return false;
    buf_init(&b, 64);
    hash_sha256(verifier, raw);
    enc_b64url(&b, raw, sizeof(raw));
    bool ok = str_is(buf_view(&b), challenge);
    buf_free(&b);
    return ok;
}

static bool code_good(struct sb_az_call *c, struct sb_az_code *code)
{
    if (!code)
        sb_az_refuse(c, 400, "invalid_grant", 9002313, "The code is malformed or unknown.");
    else if (code->spent)
        sb_az_refuse(c, 400, "invalid_grant", 54005, "The code was already redeemed.");
    else if (code->expires_ms <= sb_core_now(c->s))
        sb_az_refuse(c, 400, "invalid_grant", 70008, "The code has expired.");
    else if (!str_is(json_str(c->in, "redirect_uri"), code->redirect))
        sb_az_refuse(c, 400, "invalid_grant", 500112,
                     "The reply address does not match the one of the authorization request.");
    else if (!verifier_fits(json_str(c->in, "code_verifier"), code->challenge))
        sb_az_refuse(c, 400, "invalid_grant", 501481,
                     "The Code_Verifier does not match the code_challenge.");
    else
        return true;
    return false;
}

static void write_id_token(struct sb_az_call *c, const struct sb_az_code *code)
{
    uint32_t wrong = c->az->set.signin_attack;
    int64_t life = lifetime(c);
    struct buf token;

    c->az->set.signin_attack = 0;
    buf_init(&token, 16384);
    if (sb_az_jwt_id(c->s, code->who, str_of(code->nonce), code->email, wrong, &token)) {
        sb_az_refuse(c, 500, "server_error", 50000, "The token cannot be signed.");
        buf_free(&token);
        return;
    }
    no_store(c);
    jsonw_obj(&c->w);
    jsonw_kvs(&c->w, "token_type", STR("Bearer"));
    jsonw_kvs(&c->w, "scope", code->email ? STR("openid profile email") : STR("openid profile"));
    jsonw_kvi(&c->w, "expires_in", life - 1);
    jsonw_kvi(&c->w, "ext_expires_in", life - 1);
    jsonw_kvs(&c->w, "access_token", STR("sandbox-graph-token"));
    jsonw_kvs(&c->w, "id_token", buf_view(&token));
    jsonw_obj_end(&c->w);
    buf_free(&token);
    snprintf(c->detail, sizeof(c->detail), "id token for %s%s", code->who->name,
             wrong ? ", spoilt" : "");
}

static void authorization_code(struct sb_az_call *c)
{
    const struct sb_az_seller *l = &c->az->seller;
    struct sb_az_code *code = find_code(c);

    if (!str_is(json_str(c->in, "client_id"), l->signin)) {
        sb_az_refuse(c, 400, "unauthorized_client", 700016,
                     "The application was not found in the directory.");
        return;
    }
    if (l->signin_secret[0] && !sb_az_proves(c, l->signin, l->signin_secret, ""))
        return;
    if (!code_good(c, code))
        return;
    code->spent = true;
    write_id_token(c, code);
}

void sb_az_grant(struct sb_az_call *c)
{
    struct str grant = json_str(c->in, "grant_type");

    if (str_is(grant, "client_credentials"))
        client_credentials(c);
    else if (str_is(grant, "authorization_code"))
        authorization_code(c);
    else
        sb_az_refuse(c, 400, "unsupported_grant_type", 70003, "The grant type is not supported.");
}
