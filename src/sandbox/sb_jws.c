#include "sandbox/sb_jws.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "base/hash.h"
#include "sandbox/sb_jwkey.h"

#define TOKEN_MAX 65536

struct sb_jws {
    const char *cn;
    enum sb_jws_kid form;
    struct sb_jwkey key[SB_JWS_KEYS]; /* newest first */
    size_t n;
    struct sb_jwkey foreign; /* never published */
};

struct sb_jws *sb_jws_new(const char *cn, enum sb_jws_kid form)
{
    struct sb_jws *ring = calloc(1, sizeof(*ring));

    if (ring) {
        ring->cn = cn;
        ring->form = form;
    }
    return ring;
}

void sb_jws_free(struct sb_jws **ring)
{
    if (!*ring)
        return;
    for (size_t i = 0; i < (*ring)->n; i++)
        sb_jwkey_free(&(*ring)->key[i]);
    sb_jwkey_free(&(*ring)->foreign);
    free(*ring);
    *ring = NULL;
}

int sb_jws_rotate(struct sb_jws *ring, bool overlap)
{
    size_t keep = !overlap ? 0 : ring->n < SB_JWS_KEYS ? ring->n : SB_JWS_KEYS - 1;
    struct sb_jwkey k;
    int rc = sb_jwkey_make(&k, ring->cn, ring->form);

    if (rc)
        return rc;
    for (size_t i = keep; i < ring->n; i++)
        sb_jwkey_free(&ring->key[i]);
    memmove(&ring->key[1], &ring->key[0], keep * sizeof(ring->key[0]));
    ring->key[0] = k;
    ring->n = keep + 1;
    return 0;
}

static int ready(struct sb_jws *ring)
{
    return ring->n ? 0 : sb_jws_rotate(ring, true);
}

const char *sb_jws_current(struct sb_jws *ring)
{
    return ready(ring) ? "" : ring->key[0].kid;
}

static void write_header(const struct sb_jwkey *k, const char *alg, bool x5t, struct buf *out)
{
    struct jsonw w;

    jsonw_init(&w, out);
    jsonw_obj(&w);
    jsonw_kvs(&w, "typ", STR("JWT"));
    jsonw_kvs(&w, "alg", str_of(alg));
    if (x5t)
        jsonw_kvs(&w, "x5t", str_of(k->x5t));
    jsonw_kvs(&w, "kid", str_of(k->kid));
    jsonw_obj_end(&w);
}

/* The classic confusion: the receiver's public key used as an HMAC secret. */
static int sign_hmac(const struct sb_jwkey *k, struct str text, struct buf *out)
{
    uint8_t mac[HASH_LEN];
    struct buf pem;

    buf_init(&pem, 8192);
    int rc = sb_jwkey_public_pem(k, &pem);
    if (rc == 0) {
        hash_hmac(buf_view(&pem), text, mac);
        enc_b64url(out, mac, sizeof(mac));
        rc = buf_err(out);
    }
    buf_free(&pem);
    return rc;
}

static int assemble(const struct sb_jwkey *k, enum sb_jws_how how, struct str header,
                    struct str payload, struct buf *out)
{
    struct buf text;
    int rc;

    buf_init(&text, TOKEN_MAX);
    enc_b64url(&text, header.p, header.n);
    buf_ch(&text, '.');
    enc_b64url(&text, payload.p, payload.n);
    rc = buf_err(&text);
    if (rc == 0) {
        buf_str(out, buf_view(&text));
        buf_ch(out, '.');
        rc = buf_err(out);
    }
    if (rc == 0 && how != SB_JWS_NONE)
        rc = how == SB_JWS_HS256 ? sign_hmac(k, buf_view(&text), out)
                                 : sb_jwkey_sign(k, buf_view(&text), out);
    buf_free(&text);
    return rc;
}

int sb_jws_sign(struct sb_jws *ring, enum sb_jws_how how, bool x5t, struct str payload,
                struct buf *out)
{
    bool foreign = how == SB_JWS_UNKNOWN_KID || how == SB_JWS_WRONG_KEY;
    const char *alg = how == SB_JWS_NONE ? "none" : how == SB_JWS_HS256 ? "HS256" : "RS256";
    struct buf header;
    int rc = ready(ring);

    if (rc == 0 && foreign && !ring->foreign.key)
        rc = sb_jwkey_make(&ring->foreign, ring->cn, ring->form);
    if (rc)
        return rc;
    buf_init(&header, 1024);
    write_header(how == SB_JWS_UNKNOWN_KID ? &ring->foreign : &ring->key[0], alg, x5t, &header);
    rc = buf_err(&header);
    if (rc == 0)
        rc = assemble(foreign ? &ring->foreign : &ring->key[0], how, buf_view(&header), payload,
                      out);
    buf_free(&header);
    return rc;
}

int sb_jws_sign_raw(struct sb_jws *ring, struct str header, struct str payload, struct buf *out)
{
    int rc = ready(ring);

    return rc ? rc : assemble(&ring->key[0], SB_JWS_GOOD, header, payload, out);
}

int sb_jws_jwks(struct sb_jws *ring, struct str issuer, struct buf *out)
{
    struct jsonw w;
    int rc = ready(ring);

    jsonw_init(&w, out);
    jsonw_obj(&w);
    jsonw_key(&w, "keys");
    jsonw_arr(&w);
    for (size_t i = 0; rc == 0 && i < ring->n; i++)
        rc = sb_jwkey_write(&ring->key[i], ring->form, issuer, &w);
    jsonw_arr_end(&w);
    jsonw_obj_end(&w);
    return rc ? rc : buf_err(out);
}

int sb_jws_certs(struct sb_jws *ring, struct buf *out)
{
    struct buf pem;
    struct jsonw w;
    int rc = ready(ring);

    buf_init(&pem, 8192);
    jsonw_init(&w, out);
    jsonw_obj(&w);
    for (size_t i = 0; rc == 0 && i < ring->n; i++) {
        buf_reset(&pem);
        rc = sb_jwkey_cert_pem(&ring->key[i], &pem);
        jsonw_kvs(&w, ring->key[i].kid, buf_view(&pem));
    }
    jsonw_obj_end(&w);
    buf_free(&pem);
    return rc ? rc : buf_err(out);
}

struct parts {
    struct str signed_text;
    struct buf header, payload, sig;
};

static void parts_free(struct parts *p)
{
    buf_free(&p->header);
    buf_free(&p->payload);
    buf_free(&p->sig);
}

static int decode(struct str b64, struct buf *out)
{
    unsigned char raw[16384];
    ssize_t n = enc_b64url_dec(b64, raw, sizeof(raw));

    if (n < 0)
        return -EBADMSG;
    buf_add(out, raw, (size_t)n);
    return buf_err(out);
}

static int split(struct str token, struct parts *p)
{
    ptrdiff_t dot = str_rchr(token, '.');
    struct str payload, header;
    int rc;

    *p = (struct parts){.signed_text = dot > 0 ? str_sub(token, 0, (size_t)dot) : STR("")};
    buf_init(&p->header, 16384);
    buf_init(&p->payload, 16384);
    buf_init(&p->sig, 1024);
    header = str_cut(p->signed_text, '.', &payload);
    if (token.n > TOKEN_MAX || header.n == 0 || payload.n == 0)
        return -EBADMSG;
    rc = decode(header, &p->header);
    if (rc == 0)
        rc = decode(payload, &p->payload);
    return rc ? rc : decode(str_from(token, (size_t)dot + 1), &p->sig);
}

static int is_rs256(const struct buf *header)
{
    cJSON *h = NULL;
    int rc = json_parse(buf_view(header), 16384, &h) ? -EBADMSG : 0;

    if (rc == 0 && !str_is(json_str(h, "alg"), "RS256"))
        rc = -EBADMSG;
    cJSON_Delete(h);
    return rc;
}

int sb_jws_verify(struct sb_jws *ring, struct str token, struct buf *payload)
{
    struct parts p;
    bool good = false;
    int rc = split(token, &p);

    if (rc == 0)
        rc = is_rs256(&p.header);
    for (size_t i = 0; rc == 0 && !good && i < ring->n; i++)
        good = sb_jwkey_good(ring->key[i].key, p.signed_text, buf_view(&p.sig));
    if (rc == 0 && !good)
        rc = -EBADMSG;
    if (rc == 0) {
        buf_str(payload, buf_view(&p.payload));
        rc = buf_err(payload);
    }
    parts_free(&p);
    return rc;
}

int sb_jws_verify_pem(struct str token, struct str pem, struct buf *header, struct buf *payload)
{
    EVP_PKEY *key = sb_jwkey_read(pem);
    struct parts p;
    int rc = split(token, &p);

    if (!key)
        rc = -EINVAL;
    if (rc == 0)
        rc = is_rs256(&p.header);
    if (rc == 0 && !sb_jwkey_good(key, p.signed_text, buf_view(&p.sig)))
        rc = -EBADMSG;
    if (rc == 0) {
        buf_str(header, buf_view(&p.header));
        buf_str(payload, buf_view(&p.payload));
        rc = buf_err(header) ? buf_err(header) : buf_err(payload);
    }
    parts_free(&p);
    EVP_PKEY_free(key);
    return rc;
}

int sb_jws_thumbprint(struct str pem, char sha1[28], char sha256[44])
{
    X509 *x = sb_jwkey_read_cert(pem);
    int rc = x ? sb_jwkey_print(x, EVP_sha1(), sha1, 28) : -EINVAL;

    if (rc == 0)
        rc = sb_jwkey_print(x, EVP_sha256(), sha256, 44);
    X509_free(x);
    return rc;
}
