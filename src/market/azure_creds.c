/* Client credentials of our app registration (RFC 6749 4.4; RFC 7523 2.2 with a certificate). The
 * files are read anew for each token, so that a replaced secret needs no restart. */
#include <errno.h>
#include <sodium.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/rand.h"
#include "market/azure.h"

enum { FILE_MAX = 64 * 1024, ASSERTION_S = 600 };

static void wipe(struct buf *b)
{
    if (b->p)
        sodium_memzero(b->p, b->cap);
    buf_free(b);
}

static void field(struct buf *b, const char *name, struct str value)
{
    if (b->len)
        buf_ch(b, '&');
    buf_fmt(b, "%s=", name);
    enc_pct(b, value);
}

static void payload(const struct azure_creds *c, struct buf *out)
{
    int64_t now = clock_wall_ms() / 1000;
    char jti[33];
    struct jsonw w;

    rand_hex(jti, 16);
    jsonw_init(&w, out);
    jsonw_obj(&w);
    jsonw_kvs(&w, "aud", str_of(c->url));
    jsonw_kvs(&w, "iss", str_of(c->cfg->client_id));
    jsonw_kvs(&w, "sub", str_of(c->cfg->client_id));
    jsonw_kvs(&w, "jti", str_of(jti));
    jsonw_kvi(&w, "nbf", now);
    jsonw_kvi(&w, "iat", now);
    jsonw_kvi(&w, "exp", now + ASSERTION_S);
    jsonw_obj_end(&w);
}

static int assertion(const struct azure_creds *c, struct str cert, struct str pem, struct buf *out)
{
    struct jwt_key *key = NULL;
    struct buf head, body;
    int rc;

    buf_init(&head, 512);
    buf_init(&body, 4096);
    buf_cat(&head, "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"x5t\":\"");
    rc = jwt_x5t(cert, &head);
    buf_cat(&head, "\"}");
    payload(c, &body);
    if (rc == 0)
        rc = jwt_key_load(pem, &key);
    if (rc == 0)
        rc = jwt_sign(key, buf_view(&head), buf_view(&body), out);
    jwt_key_free(&key);
    buf_free(&head);
    buf_free(&body);
    return rc;
}

static int add_assertion(const struct azure_creds *c, struct buf *form, const char **why)
{
    struct buf cert, pem, token;
    int rc;

    buf_init(&cert, FILE_MAX);
    buf_init(&pem, FILE_MAX);
    buf_init(&token, JWT_MAX);
    *why = "CertificateUnreadable";
    rc = file_read(c->cfg->certificate_file, &cert);
    if (rc == 0) {
        *why = "KeyFileUnreadable";
        rc = file_read(c->cfg->key_file, &pem);
    }
    if (rc == 0) {
        *why = "CertificateOrKeyUnusable";
        rc = assertion(c, buf_view(&cert), buf_view(&pem), &token);
    }
    if (rc == 0) {
        field(form, "client_assertion_type",
              STR("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
        field(form, "client_assertion", buf_view(&token));
    }
    wipe(&cert);
    wipe(&pem);
    wipe(&token);
    return rc;
}

static int add_secret(const struct azure_creds *c, struct buf *form, const char **why)
{
    struct buf secret;
    int rc;

    buf_init(&secret, 4096);
    *why = "SecretFileUnreadable";
    rc = file_read_secret(c->cfg->client_secret_file, &secret);
    if (rc == 0 && secret.len == 0)
        rc = -ENODATA;
    if (rc == 0)
        field(form, "client_secret", buf_view(&secret));
    wipe(&secret);
    return rc;
}

int azure_creds_make(void *arg, unsigned step, struct str previous, struct oauth_request *rq,
                     const char **why)
{
    const struct azure_creds *c = arg;

    (void)step;
    (void)previous;
    buf_cat(&rq->url, c->url);
    field(&rq->body, "grant_type", STR("client_credentials"));
    field(&rq->body, "client_id", str_of(c->cfg->client_id));
    if (c->cfg->token_version == CFG_TOKEN_V1)
        field(&rq->body, "resource", STR(AZURE_MARKETPLACE_APP));
    else
        field(&rq->body, "scope", STR(AZURE_MARKETPLACE_APP "/.default"));
    return *c->cfg->certificate_file ? add_assertion(c, &rq->body, why)
                                     : add_secret(c, &rq->body, why);
}
