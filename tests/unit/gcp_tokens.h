/* gcp_tokens: sign-up tokens made here, and what became of the last one. */
#ifndef LM_TEST_GCP_TOKENS_H
#define LM_TEST_GCP_TOKENS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gcp_rig.h"

#define HEAD "{\"alg\":\"RS256\",\"kid\":\"kid-1\",\"typ\":\"JWT\"}"
#define ISS                                                                                        \
    "https://www.googleapis.com/robot/v1/metadata/x509/"                                           \
    "cloud-commerce-partner@system.gserviceaccount.com"
#define MINE "'productExternalName':'" PRODUCT "','plan':'pro','account':'a1'"

static struct buf token;

static inline void need_peer(void)
{
    if (!peer.port)
        skip();
}

static inline void expect(enum market_class cls, const char *code)
{
    if (got.cls != cls || strcmp(got.code, code) != 0)
        print_error("got %s %s\n", market_class_name(got.cls), got.code);
    assert_int_equal(got.cls, cls);
    assert_string_equal(got.code, code);
}

static inline void parts(const char *head, const char *body)
{
    buf_reset(&token);
    enc_b64url(&token, head, strlen(head));
    buf_ch(&token, '.');
    enc_b64url(&token, body, strlen(body));
}

static inline void sign_rsa(const struct rig_key *k)
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    unsigned char sig[512];
    size_t n = sizeof(sig);

    EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, k->pkey);
    EVP_DigestSign(c, sig, &n, (const unsigned char *)token.p, token.len);
    EVP_MD_CTX_free(c);
    buf_ch(&token, '.');
    enc_b64url(&token, sig, n);
}

/* The usual payload with `more` in front; a name in `but` is left out of the usual. */
static inline const char *payload(const char *more, const char *but)
{
    static char out[40000];
    long long now = clock_wall_ms() / 1000;
    char exp[32], iat[32];
    const struct {
        const char *name, *value;
    } usual[] = {{"iss", "\"" ISS "\""},
                 {"aud", "\"saas.example\""},
                 {"sub", "\"a1\""},
                 {"iat", iat},
                 {"exp", exp}};
    int at = snprintf(out, sizeof(out), "{%s", more);

    snprintf(iat, sizeof(iat), "%lld", now - 5);
    snprintf(exp, sizeof(exp), "%lld", now + 295);
    for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++)
        if (!strstr(but, usual[i].name))
            at += snprintf(out + at, sizeof(out) - (size_t)at, "%s\"%s\":%s", at > 1 ? "," : "",
                           usual[i].name, usual[i].value);
    snprintf(out + at, sizeof(out) - (size_t)at, "}");
    return out;
}

static inline void make(const char *head, const char *more, const char *but,
                        const struct rig_key *k)
{
    parts(head, payload(more, but));
    sign_rsa(k);
}

static inline void go(void)
{
    resolve(buf_view(&token));
}

#endif
