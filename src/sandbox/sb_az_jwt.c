#include "sandbox/sb_az_jwt.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/hash.h"

#define OTHER   "0bad0000-3333-4000-8000-00000000bad0"
#define LIFE_S  3900
#define CLAIMS  8192
#define SKEW_MS 300000

static const struct {
    const char *word;
    uint32_t bit;
} words[] = {
    {"alg-none", SB_AZ_W_NONE},
    {"hs256", SB_AZ_W_HS256},
    {"unknown-kid", SB_AZ_W_KID},
    {"wrong-key", SB_AZ_W_KEY},
    {"wrong-aud", SB_AZ_W_AUD},
    {"wrong-iss", SB_AZ_W_ISS},
    {"wrong-tid", SB_AZ_W_TID},
    {"wrong-caller", SB_AZ_W_CALLER},
    {"swapped", SB_AZ_W_SWAPPED},
    {"expired", SB_AZ_W_EXPIRED},
    {"future", SB_AZ_W_FUTURE},
    {"wrong-nonce", SB_AZ_W_NONCE},
    {"no-authorization", SB_AZ_W_NO_AUTH},
    {"two-authorizations", SB_AZ_W_TWO_AUTH},
    {"garbage", SB_AZ_W_GARBAGE},
    {"huge-body", SB_AZ_W_HUGE},
    {"forged", SB_AZ_W_FORGED},
    {"other-type", SB_AZ_W_TYPE},
};

int sb_az_wrong(const cJSON *list, uint32_t *out)
{
    const cJSON *o;

    *out = 0;
    cJSON_ArrayForEach(o, list)
    {
        uint32_t bit = 0;
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
            if (cJSON_IsString(o) && str_is(str_of(o->valuestring), words[i].word))
                bit = words[i].bit;
        }
        if (!bit)
            return -EINVAL;
        *out |= bit;
    }
    return 0;
}

static enum sb_jws_how how_of(uint32_t wrong)
{
    return wrong & SB_AZ_W_NONE    ? SB_JWS_NONE
           : wrong & SB_AZ_W_HS256 ? SB_JWS_HS256
           : wrong & SB_AZ_W_KID   ? SB_JWS_UNKNOWN_KID
           : wrong & SB_AZ_W_KEY   ? SB_JWS_WRONG_KEY
                                   : SB_JWS_GOOD;
}

/* iat, nbf, exp by the real clock, whatever the store's says; far outside any tolerance when they
 * are meant to be wrong. */
static void write_times(struct jsonw *w, int64_t life_s, uint32_t wrong)
{
    int64_t now = clock_wall_ms() / 1000;

    if (wrong & SB_AZ_W_EXPIRED)
        now -= life_s + 3600;
    if (wrong & SB_AZ_W_FUTURE)
        now += 3600;
    jsonw_kvi(w, "iat", now);
    jsonw_kvi(w, "nbf", now);
    jsonw_kvi(w, "exp", now + life_s);
}

static void write_issuer(struct jsonw *w, const char *tid, int version, uint32_t wrong)
{
    char iss[160];

    if (wrong & SB_AZ_W_ISS)
        tid = OTHER;
    if (version == 1)
        snprintf(iss, sizeof(iss), "https://sts.windows.net/%s/", tid);
    else
        snprintf(iss, sizeof(iss), "https://login.microsoftonline.com/%s/v2.0", tid);
    jsonw_kvs(w, "iss", str_of(iss));
}

static void write_random(struct jsonw *w, const char *key, size_t n)
{
    char text[96];

    sb_id_alnum("", n, text, sizeof(text));
    jsonw_kvs(w, key, str_of(text));
}

static int sign(struct sb *s, enum sb_jws_how how, const struct buf *claims, struct buf *out)
{
    int rc = buf_err(claims);

    return rc ? rc : sb_jws_sign(s->az->keys, how, true, buf_view(claims), out);
}

int sb_az_jwt_webhook(struct sb *s, uint32_t wrong, struct buf *out)
{
    const struct sb_az_seller *l = &s->az->seller;
    const char *tid = wrong & SB_AZ_W_TID ? OTHER : l->tenant;
    bool swapped = wrong & SB_AZ_W_SWAPPED;
    const char *aud = wrong & SB_AZ_W_AUD ? OTHER : swapped ? SB_AZ_RESOURCE : l->client;
    const char *caller = wrong & SB_AZ_W_CALLER ? OTHER : swapped ? l->client : SB_AZ_RESOURCE;
    int version = s->az->set.jwt_version == 1 ? 1 : 2;
    struct buf claims;
    struct jsonw w;

    buf_init(&claims, CLAIMS);
    jsonw_init(&w, &claims);
    jsonw_obj(&w);
    jsonw_kvs(&w, "aud", str_of(aud));
    write_issuer(&w, tid, version, wrong);
    write_times(&w, LIFE_S, wrong);
    write_random(&w, "aio", 40);
    jsonw_kvs(&w, version == 1 ? "appid" : "azp", str_of(caller));
    jsonw_kvs(&w, version == 1 ? "appidacr" : "azpacr", STR("2"));
    jsonw_kvs(&w, "oid", str_of(s->az->service_oid));
    write_random(&w, "rh", 30);
    jsonw_kvs(&w, "sub", str_of(s->az->service_oid));
    jsonw_kvs(&w, "tid", str_of(tid));
    write_random(&w, "uti", 22);
    jsonw_kvs(&w, "ver", version == 1 ? STR("1.0") : STR("2.0"));
    jsonw_obj_end(&w);
    int rc = sign(s, how_of(wrong), &claims, out);
    buf_free(&claims);
    return rc;
}

int sb_az_jwt_access(struct sb *s, const char *aud, int64_t life_s, struct buf *out)
{
    const struct sb_az_seller *l = &s->az->seller;
    struct buf claims;
    struct jsonw w;

    buf_init(&claims, CLAIMS);
    jsonw_init(&w, &claims);
    jsonw_obj(&w);
    jsonw_kvs(&w, "aud", str_of(aud));
    write_issuer(&w, l->tenant, 1, 0);
    write_times(&w, life_s, 0);
    write_random(&w, "aio", 40);
    jsonw_kvs(&w, "appid", str_of(l->client));
    jsonw_kvs(&w, "appidacr", l->secret[0] ? STR("1") : STR("2"));
    jsonw_kvs(&w, "oid", str_of(s->az->service_oid));
    jsonw_kvs(&w, "sub", str_of(s->az->service_oid));
    jsonw_kvs(&w, "tid", str_of(l->tenant));
    write_random(&w, "uti", 22);
    jsonw_kvs(&w, "ver", STR("1.0"));
    jsonw_obj_end(&w);
    int rc = sign(s, SB_JWS_GOOD, &claims, out);
    buf_free(&claims);
    return rc;
}

/* One subject per person and app, as Entra's pairwise identifiers are. */
static void write_subject(const struct sb *s, struct jsonw *w, const struct sb_az_person *p)
{
    uint8_t mac[HASH_LEN];
    struct buf b;

    buf_init(&b, 64);
    hash_hmac(str_of(s->az->seller.signin), str_of(p->oid), mac);
    enc_b64url(&b, mac, sizeof(mac));
    jsonw_kvs(w, "sub", buf_view(&b));
    buf_free(&b);
}

int sb_az_jwt_id(struct sb *s, const struct sb_az_person *p, struct str nonce, bool email,
                 uint32_t wrong, struct buf *out)
{
    const char *tid = wrong & SB_AZ_W_TID ? OTHER : p->tid;
    struct buf claims;
    struct jsonw w;

    buf_init(&claims, CLAIMS);
    jsonw_init(&w, &claims);
    jsonw_obj(&w);
    jsonw_kvs(&w, "ver", STR("2.0"));
    write_issuer(&w, tid, 2, wrong);
    write_subject(s, &w, p);
    jsonw_kvs(&w, "aud", str_of(wrong & SB_AZ_W_AUD ? OTHER : s->az->seller.signin));
    write_times(&w, LIFE_S, wrong);
    jsonw_kvs(&w, "name", str_of(p->shown));
    jsonw_kvs(&w, "preferred_username", str_of(p->login));
    jsonw_kvs(&w, "oid", str_of(p->oid));
    if (email)
        jsonw_kvs_opt(&w, "email", str_of(p->email));
    jsonw_kvs(&w, "tid", str_of(tid));
    if (wrong & SB_AZ_W_NONCE)
        write_random(&w, "nonce", 22);
    else
        jsonw_kvs_opt(&w, "nonce", nonce);
    write_random(&w, "aio", 40);
    jsonw_obj_end(&w);
    int rc = sign(s, how_of(wrong), &claims, out);
    buf_free(&claims);
    return rc;
}

bool sb_az_jwt_check(struct sb *s, struct str token)
{
    int64_t now = clock_wall_ms(), exp = 0, nbf = 0;
    const struct sb_az_seller *l = &s->az->seller;
    cJSON *c = NULL;
    struct buf b;

    buf_init(&b, CLAIMS);
    bool ok =
        sb_jws_verify(s->az->keys, token, &b) == 0 && json_parse(buf_view(&b), CLAIMS, &c) == 0;
    ok = ok && json_int(c, "exp", &exp) == 0 && json_int(c, "nbf", &nbf) == 0 && exp * 1000 > now &&
         nbf * 1000 <= now + SKEW_MS && str_is(json_str(c, "aud"), SB_AZ_RESOURCE) &&
         str_is(json_str(c, "appid"), l->client) && str_is(json_str(c, "tid"), l->tenant) &&
         json_str(c, "oid").n > 0;
    cJSON_Delete(c);
    buf_free(&b);
    return ok;
}
