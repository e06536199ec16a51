#include "sandbox/sb_auth.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/hash.h"
#include "sandbox/sb_canon.h"
#include "sandbox/sb_session.h"

#define ALGORITHM "AWS4-HMAC-SHA256"

/* "20260601T120000Z" */
static int parse_stamp(struct str s, int64_t *ms)
{
    char iso[24];

    if (s.n != 16 || s.p[8] != 'T' || s.p[15] != 'Z')
        return -EINVAL;
    snprintf(iso, sizeof(iso), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", s.p, s.p + 4, s.p + 6, s.p + 9,
             s.p + 11, s.p + 13);
    return clock_parse_iso(str_of(iso), ms);
}

static bool split_scope(struct str v, struct sb_auth_parts *out)
{
    struct str rest, last;

    out->key = str_cut(v, '/', &rest);
    out->date = str_cut(rest, '/', &rest);
    out->region = str_cut(rest, '/', &rest);
    out->service = str_cut(rest, '/', &last);
    return out->key.n && out->date.n == 8 && out->region.n && out->service.n &&
           str_is(last, "aws4_request");
}

enum sb_auth sb_auth_parse(const struct sb_req *req, struct sb_auth_parts *out)
{
    struct str rest = sb_req_header(req, "authorization"), v;
    bool scope = false;

    *out = (struct sb_auth_parts){.stamp_ms = 0};
    if (rest.n == 0)
        return SB_AUTH_MISSING;
    if (!str_starts(rest, STR(ALGORITHM " ")))
        return SB_AUTH_INCOMPLETE;
    rest = str_from(rest, sizeof(ALGORITHM));
    while (rest.n > 0) {
        struct str item = str_trim(str_cut(rest, ',', &rest));
        struct str key = str_cut(item, '=', &v);
        if (str_is(key, "Credential"))
            scope = split_scope(v, out);
        else if (str_is(key, "SignedHeaders"))
            out->signed_headers = v;
        else if (str_is(key, "Signature"))
            out->signature = v;
        else
            return SB_AUTH_INCOMPLETE;
    }
    out->stamp = sb_req_header(req, "x-amz-date");
    if (!scope || out->signed_headers.n == 0 || out->signature.n != 64 ||
        parse_stamp(out->stamp, &out->stamp_ms))
        return SB_AUTH_INCOMPLETE;
    return SB_AUTH_OK;
}

static void derive(const struct sb_auth_parts *a, struct str secret, uint8_t key[HASH_LEN])
{
    uint8_t k[HASH_LEN];
    char first[300];
    int n = snprintf(first, sizeof(first), "AWS4%.*s", STR_FMT(secret));

    hash_hmac(str_make(first, (size_t)n), a->date, k);
    hash_hmac(str_make((char *)k, HASH_LEN), a->region, key);
    hash_hmac(str_make((char *)key, HASH_LEN), a->service, k);
    hash_hmac(str_make((char *)k, HASH_LEN), STR("aws4_request"), key);
}

int sb_auth_sign(const struct sb_req *req, const struct sb_auth_parts *a, struct str secret,
                 char hex[65])
{
    uint8_t key[HASH_LEN], mac[HASH_LEN];
    char digest[HASH_HEX];
    struct buf b;
    int rc;

    if (secret.n > 256)
        return -EINVAL;
    buf_init(&b, 1u << 20);
    rc = sb_canon_request(req, a->signed_headers, &b);
    if (rc)
        goto out;
    hash_sha256_hex(buf_view(&b), digest);
    buf_reset(&b);
    buf_fmt(&b, ALGORITHM "\n%.*s\n%.*s/%.*s/%.*s/aws4_request\n%s", STR_FMT(a->stamp),
            STR_FMT(a->date), STR_FMT(a->region), STR_FMT(a->service), digest);
    derive(a, secret, key);
    hash_hmac(str_make((char *)key, HASH_LEN), buf_view(&b), mac);
    rc = buf_err(&b);
    buf_reset(&b);
    enc_hex(&b, mac, HASH_LEN);
    if (rc == 0)
        rc = str_copy(buf_view(&b), hex, 65);
out:
    buf_free(&b);
    return rc;
}

static bool in_list(struct str list, struct str name)
{
    struct str rest = list;

    while (rest.n > 0) {
        if (str_ieq(str_cut(rest, ';', &rest), name))
            return true;
    }
    return false;
}

static bool covers(const struct sb_req *req, struct str list)
{
    if (!in_list(list, STR("host")))
        return false;
    for (size_t i = 0; i < req->nh; i++) {
        struct str name = req->h[i].name;
        if (str_ieq(str_sub(name, 0, 6), STR("x-amz-")) && !in_list(list, name))
            return false;
    }
    return true;
}

/* The secret behind the key, with the session token checked. */
static enum sb_auth secret_of(const struct sb *s, const struct sb_req *req, struct str key,
                              struct str *secret)
{
    struct str token = sb_req_header(req, "x-amz-security-token");
    const struct sb_session *n = sb_session_find(s, key);

    if (n) {
        *secret = str_of(n->secret);
        if (!str_eq_secret(token, str_of(n->token)))
            return SB_AUTH_UNKNOWN_KEY;
        return n->expires_ms > sb_core_now(s) ? SB_AUTH_OK : SB_AUTH_TOKEN_EXPIRED;
    }
    *secret = str_of(s->conf.secret);
    if (!str_is(key, s->conf.access_key) || !str_eq_secret(token, str_of(s->conf.session_token)))
        return SB_AUTH_UNKNOWN_KEY;
    return SB_AUTH_OK;
}

static enum sb_auth check_clock(const struct sb *s, int64_t stamp)
{
    int64_t diff = stamp - sb_core_now(s);

    if (diff > SB_AUTH_SKEW_MS)
        return SB_AUTH_TOO_NEW;
    if (diff < -3 * SB_AUTH_SKEW_MS)
        return SB_AUTH_EXPIRED;
    return diff < -SB_AUTH_SKEW_MS ? SB_AUTH_TOO_OLD : SB_AUTH_OK;
}

enum sb_auth sb_auth_check(const struct sb *s, const struct sb_req *req, const char *service,
                           const char *region, struct sb_auth_parts *a)
{
    struct str secret = STR("");
    enum sb_auth rc = sb_auth_parse(req, a);
    char hex[65];

    if (rc != SB_AUTH_OK)
        return rc;
    if (!covers(req, a->signed_headers))
        return SB_AUTH_INCOMPLETE;
    rc = secret_of(s, req, a->key, &secret);
    if (rc == SB_AUTH_UNKNOWN_KEY)
        return rc;
    if (!str_is(a->service, service) || (region && !str_is(a->region, region)) ||
        !str_eq(a->date, str_sub(a->stamp, 0, 8)))
        return SB_AUTH_SCOPE;
    if (sb_auth_sign(req, a, secret, hex) || !str_eq_secret(a->signature, str_of(hex)))
        return SB_AUTH_MISMATCH;
    if (rc == SB_AUTH_TOKEN_EXPIRED)
        return rc;
    return check_clock(s, a->stamp_ms);
}
