#include "pages/signin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "base/hash.h"
#include "base/rand.h"

enum { ATTEMPT_BYTES = 16, TAG = 8, MESSAGE = 128 };

static const char path[] = "signin/azure";
/* Nothing that an administrator would have to consent to (certification policy 1000.3). */
static const char scope[] = "openid profile email";

static void derive(const struct reg_id *id, const char *what, struct str attempt,
                   char out[SIGNIN_TEXT])
{
    uint8_t mac[HASH_LEN];
    char message[MESSAGE];
    struct buf b;
    int n = snprintf(message, sizeof(message), "lastmile sign-in %s %.*s", what, STR_FMT(attempt));

    hash_hmac(id->rand, str_make(message, (size_t)n), mac);
    buf_init(&b, SIGNIN_TEXT - 1);
    enc_b64url(&b, mac, sizeof(mac));
    str_copy(buf_view(&b), out, SIGNIN_TEXT);
    buf_free(&b);
}

int signin_derive(const struct reg_id *id, struct str attempt, struct signin *out)
{
    uint8_t bytes[ATTEMPT_BYTES];

    if (attempt.n != SIGNIN_ATTEMPT - 1 ||
        enc_b64url_dec(attempt, bytes, sizeof(bytes)) != ATTEMPT_BYTES)
        return -EINVAL;
    str_copy(attempt, out->attempt, sizeof(out->attempt));
    derive(id, "state", attempt, out->state);
    derive(id, "nonce", attempt, out->nonce);
    derive(id, "verifier", attempt, out->verifier);
    return 0;
}

void signin_begin(const struct reg_id *id, struct signin *out)
{
    uint8_t bytes[ATTEMPT_BYTES];
    char attempt[SIGNIN_ATTEMPT];
    struct buf b;

    rand_bytes(bytes, sizeof(bytes));
    buf_init(&b, sizeof(attempt) - 1);
    enc_b64url(&b, bytes, sizeof(bytes));
    str_copy(buf_view(&b), attempt, sizeof(attempt));
    buf_free(&b);
    signin_derive(id, str_of(attempt), out);
}

const char *signin_redirect_uri(struct req *r)
{
    const struct front *f = r->app;

    return arena_fmt(r->arena, "%s%s/%s", f->cfg->front.public_url, f->base, path);
}

static void param(struct buf *b, const char *name, struct str value)
{
    buf_ch(b, str_chr(buf_view(b), '?') < 0 ? '?' : '&');
    buf_cat(b, name);
    buf_ch(b, '=');
    enc_pct(b, value);
}

static void challenge(const struct signin *s, char out[SIGNIN_TEXT])
{
    uint8_t hash[HASH_LEN];
    struct buf b;

    hash_sha256(str_of(s->verifier), hash);
    buf_init(&b, SIGNIN_TEXT - 1);
    enc_b64url(&b, hash, sizeof(hash));
    str_copy(buf_view(&b), out, SIGNIN_TEXT);
    buf_free(&b);
}

const char *signin_authorize_url(struct req *r, const struct cfg_market *m, const struct signin *s)
{
    enum { LONGEST = 4096 };
    const char *back = signin_redirect_uri(r), *url = NULL;
    char hashed[SIGNIN_TEXT];
    struct buf b;

    challenge(s, hashed);
    buf_init(&b, LONGEST);
    buf_cat(&b, m->azure.login_endpoint);
    buf_cat(&b, "/common/oauth2/v2.0/authorize"); /* work, school and personal accounts */
    param(&b, "client_id", str_of(m->azure.sign_in_client_id));
    param(&b, "response_type", STR("code"));
    param(&b, "response_mode", STR("query"));
    param(&b, "redirect_uri", str_of(back));
    param(&b, "scope", str_of(scope));
    param(&b, "state", str_of(s->state));
    param(&b, "nonce", str_of(s->nonce));
    param(&b, "code_challenge", str_of(hashed));
    param(&b, "code_challenge_method", STR("S256"));
    param(&b, "prompt", STR("select_account"));
    if (back && buf_err(&b) == 0)
        url = arena_dup(r->arena, buf_view(&b));
    buf_free(&b);
    return url;
}

static bool over_tls(const struct req *r)
{
    const struct front *f = r->app;

    return str_starts(str_of(f->cfg->front.public_url), STR("https://"));
}

/* RFC 6265bis 4.1.3: with the prefix a browser takes it over TLS only. */
static const char *cookie_name(struct req *r, struct str state)
{
    return arena_fmt(r->arena, "%slm-signin-%.*s", over_tls(r) ? "__Secure-" : "", TAG, state.p);
}

static const char *cookie(struct req *r, struct str state, const char *value, int seconds)
{
    const struct front *f = r->app;
    const char *name = cookie_name(r, state);

    if (!name || !value)
        return NULL;
    return arena_fmt(r->arena, "%s=%s; Path=%s/%s; Max-Age=%d; HttpOnly; SameSite=Lax%s", name,
                     value, f->base, path, seconds, over_tls(r) ? "; Secure" : "");
}

const char *signin_cookie(struct req *r, const struct reg_id *id, const struct signin *s)
{
    return cookie(r, str_of(s->state), arena_fmt(r->arena, "%s.%s", id->text, s->attempt),
                  SIGNIN_COOKIE_MS / 1000);
}

const char *signin_cookie_gone(struct req *r, struct str state)
{
    return cookie(r, state, "", 0);
}

/* First cookie of that name (RFC 6265 4.2.1). */
static struct str cookie_value(const struct req *r, const char *name)
{
    struct str header = req_param(r, "HTTP_COOKIE"), value;

    while (header.n > 0) {
        struct str one = str_trim(str_cut(header, ';', &header));

        if (str_is(str_cut(one, '=', &value), name))
            return value;
    }
    return str_make(NULL, 0);
}

int signin_find(struct req *r, struct str state, struct reg_id *id, struct signin *out)
{
    const char *name = state.n == SIGNIN_TEXT - 1 ? cookie_name(r, state) : NULL;
    struct str value = name ? cookie_value(r, name) : str_make(NULL, 0);
    ptrdiff_t dot = str_rchr(value, '.');

    if (dot < 0 || reg_id_parse(r, str_sub(value, 0, (size_t)dot), id) ||
        signin_derive(id, str_from(value, (size_t)dot + 1), out) ||
        !str_eq_secret(state, str_of(out->state)))
        return -ENOENT;
    return 0;
}
