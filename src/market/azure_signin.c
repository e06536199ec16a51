/* The buyer's sign-in: authorization code with PKCE (RFC 6749 4.1, RFC 7636), the id token checked
 * by OpenID Connect core 3.1.3.7 and Microsoft's rule for tokens of any tenant: `iss` is the
 * template filled with the token's own `tid`. */
#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/file.h"
#include "base/json.h"
#include "market/azure.h"

#define MINUTE_MS 60000ULL

enum { SKEW_S = 300, KEYS_MS = 24 * 60 * MINUTE_MS, KEYS_AGAIN_MS = 5 * MINUTE_MS };

static void redeem(struct azure_job *j);

static void identity_end(struct azure_job *j, enum market_class cls, const char *code,
                         uint64_t retry_after_ms)
{
    (void)retry_after_ms;
    j->cb.identity(j->arg, cls, code, cls == MARKET_OK ? &j->who : NULL);
}

/* --- the id token ------------------------------------------------------------------------ */

static const char *identity(struct azure_job *j, const cJSON *claims)
{
    struct market_identity *w = &j->who;
    struct buf b;
    bool same;

    w->tenant = azure_id(j->a, json_str(claims, "tid"));
    w->object = azure_id(j->a, json_str(claims, "oid"));
    w->name = azure_text(j->a, claims, "name");
    w->email = azure_text(j->a, claims, "email");
    if (!*w->email)
        w->email = azure_text(j->a, claims, "preferred_username");
    if (!*w->tenant || !*w->object)
        return "NoTenantOrObject";
    buf_init(&b, 160);
    buf_fmt(&b, "https://login.microsoftonline.com/%.*s/v2.0", STR_FMT(json_str(claims, "tid")));
    same = buf_err(&b) == 0 && str_eq(json_str(claims, "iss"), buf_view(&b));
    buf_free(&b);
    return same ? NULL : jwt_fault_name(JWT_ISSUER);
}

static enum jwt_fault check(struct azure_job *j, cJSON **claims)
{
    const char *const audiences[] = {j->m->cfg->azure.sign_in_client_id, NULL};
    const char *nonce = arena_dup(j->a, j->sign_in.nonce);
    const struct jwt_claim wanted[] = {{"nonce", nonce ? nonce : ""}};
    const struct jwt_want want = {.now_ms = clock_wall_ms(),
                                  .skew_s = SKEW_S,
                                  .audiences = audiences,
                                  .claims = wanted,
                                  .nclaims = 1};

    return jwt_verify(j->m->sign_in_keys, j->id_token, &want, claims);
}

/* --- keys of all tenants -------------------------------------------------------------------- */

static bool keys_older(const struct azure *m, uint64_t ms)
{
    return !m->sign_in_keys || clock_mono_ms() - m->sign_in_keys_at >= ms;
}

static void verify(struct azure_job *j);

static void on_keys(struct azure_job *j, const struct azure_answer *a)
{
    struct jwk_set *set = NULL;
    char *text;

    if (a->cls == MARKET_OK) {
        text = cJSON_PrintUnformatted(a->json);
        if (text && jwk_set_parse(str_of(text), &set) == 0) {
            jwk_set_free(&j->m->sign_in_keys);
            j->m->sign_in_keys = set;
            j->m->sign_in_keys_at = clock_mono_ms();
        }
        cJSON_free(text);
    }
    if (!j->m->sign_in_keys)
        azure_job_end(j, a->cls == MARKET_OK ? MARKET_RETRY : a->cls,
                      a->cls == MARKET_OK ? "NoKeys" : a->code, a->retry_after_ms);
    else if (j->id_token.n)
        verify(j);
    else
        redeem(j);
}

static void fetch_keys(struct azure_job *j)
{
    struct azure_request rq = {.method = "GET"};

    rq.url = arena_fmt(j->a, "%s/common/discovery/v2.0/keys", j->m->login);
    azure_call(j, &rq, on_keys);
}

/* An unknown key: perhaps they rolled. Asked for anew at most every few minutes. */
static void verify(struct azure_job *j)
{
    cJSON *claims = NULL;
    enum jwt_fault f = check(j, &claims);
    const char *why;

    if (f == JWT_KID && !j->keys_refetched && keys_older(j->m, KEYS_AGAIN_MS)) {
        j->keys_refetched = true;
        fetch_keys(j);
        return;
    }
    why = f == JWT_OK ? identity(j, claims) : jwt_fault_name(f);
    cJSON_Delete(claims);
    azure_job_end(j, why ? MARKET_INVALID : MARKET_OK, why ? why : "", 0);
}

/* --- the code ------------------------------------------------------------------------------- */

/* What signing in again can mend. Anything else (invalid_client, unauthorized_client, a redirect
 * address that is not registered) is ours to mend. */
static bool is_buyers(const cJSON *answer)
{
    static const char *const errors[] = {"invalid_grant", "interaction_required",
                                         "consent_required", "login_required", "access_denied"};

    for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
        if (str_is(json_str(answer, "error"), errors[i]))
            return true;
    return false;
}

static void on_redeemed(struct azure_job *j, const struct azure_answer *a)
{
    struct str token = json_str(a->json, "id_token");

    if (a->cls != MARKET_OK) {
        bool theirs = a->status >= 400 && a->status < 500 && is_buyers(a->json);
        enum market_class cls = a->cls == MARKET_GONE ? MARKET_CONFIG : a->cls;

        azure_job_end(j, theirs ? MARKET_INVALID : cls, a->code, a->retry_after_ms);
        return;
    }
    j->id_token = arena_str(j->a, token);
    if (token.n == 0 || token.n > JWT_MAX || j->id_token.n != token.n)
        azure_job_end(j, MARKET_INVALID, "NoIdToken", 0);
    else
        verify(j);
}

static void field(struct buf *b, const char *name, struct str value)
{
    if (b->len)
        buf_ch(b, '&');
    buf_fmt(b, "%s=", name);
    enc_pct(b, value);
}

static int add_secret(const struct cfg_azure *cfg, struct buf *form)
{
    struct buf secret;
    int rc;

    if (!*cfg->sign_in_secret_file)
        return 0;
    buf_init(&secret, 4096);
    rc = file_read_secret(cfg->sign_in_secret_file, &secret);
    if (rc == 0)
        field(form, "client_secret", buf_view(&secret));
    if (secret.p)
        sodium_memzero(secret.p, secret.cap);
    buf_free(&secret);
    return rc;
}

static void redeem(struct azure_job *j)
{
    struct azure_request rq = {.method = "POST", .type = "application/x-www-form-urlencoded"};
    const struct cfg_azure *cfg = &j->m->cfg->azure;
    struct buf form;
    int rc;

    buf_init(&form, 32 * 1024);
    field(&form, "grant_type", STR("authorization_code"));
    field(&form, "client_id", str_of(cfg->sign_in_client_id));
    field(&form, "scope", STR("openid profile email"));
    field(&form, "code", j->sign_in.code);
    field(&form, "redirect_uri", j->sign_in.redirect_uri);
    field(&form, "code_verifier", j->sign_in.verifier);
    rc = add_secret(cfg, &form);
    rq.url = arena_fmt(j->a, "%s/common/oauth2/v2.0/token", j->m->login);
    rq.body = buf_view(&form);
    if (rc)
        azure_job_end(j, MARKET_CONFIG, "SignInSecretUnreadable", 0);
    else if (buf_err(&form))
        azure_job_end(j, MARKET_INVALID, "CodeTooLong", 0);
    else
        azure_call(j, &rq, on_redeemed);
    if (form.p)
        sodium_memzero(form.p, form.cap);
    buf_free(&form);
}

/* The keys first: a code is good for one use and ten minutes. */
static void begin(struct azure_job *j)
{
    if (!*j->m->cfg->azure.sign_in_client_id)
        azure_job_end(j, MARKET_CONFIG, "NoSignInClient", 0);
    else if (j->sign_in.code.n == 0 || j->sign_in.verifier.n == 0 || j->sign_in.nonce.n == 0)
        azure_job_end(j, MARKET_INVALID, "NoCode", 0);
    else if (keys_older(j->m, KEYS_MS))
        fetch_keys(j);
    else
        redeem(j);
}

void azure_sign_in(struct market *m, const struct market_sign_in *s, market_identity_cb *cb,
                   void *arg)
{
    size_t room = s->code.n + s->verifier.n + s->nonce.n + s->redirect_uri.n;
    struct azure_job *j = azure_job_new(azure_of(m), 4 * room, begin, identity_end, arg);

    if (!j) {
        cb(arg, MARKET_RETRY, "NoMemory", NULL);
        return;
    }
    j->cb.identity = cb;
    j->sign_in.code = arena_str(j->a, s->code);
    j->sign_in.verifier = arena_str(j->a, s->verifier);
    j->sign_in.nonce = arena_str(j->a, s->nonce);
    j->sign_in.redirect_uri = arena_str(j->a, s->redirect_uri);
}
