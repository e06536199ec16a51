#include "sandbox/sb_gcp_token.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/hash.h"

#define OIDC_ISS "https://accounts.google.com"
#define SIGNUP_S 300
#define OIDC_S   3600

/* What can be wrong. Claims deviate by name in the writers; the rest is in how it is signed. */
static const struct {
    const char *name;
    enum sb_jws_how how;
    bool signup, push;
} kinds[] = {
    {"", SB_JWS_GOOD, true, true},
    {"genuine", SB_JWS_GOOD, true, true},
    {"alg-none", SB_JWS_NONE, true, true},
    {"hs256", SB_JWS_GOOD, true, false},
    {"hs256-key", SB_JWS_HS256, true, true},
    {"unknown-kid", SB_JWS_UNKNOWN_KID, true, true},
    {"wrong-key", SB_JWS_WRONG_KEY, true, true},
    {"no-kid", SB_JWS_GOOD, true, false},
    {"garbage", SB_JWS_GOOD, true, true},
    {"wrong-iss", SB_JWS_GOOD, true, true},
    {"wrong-aud", SB_JWS_GOOD, true, true},
    {"aud-array", SB_JWS_GOOD, true, false},
    {"expired", SB_JWS_GOOD, true, true},
    {"future", SB_JWS_GOOD, true, true},
    {"long-life", SB_JWS_GOOD, true, false},
    {"no-exp", SB_JWS_GOOD, true, false},
    {"empty-sub", SB_JWS_GOOD, true, false},
    {"odd-sub", SB_JWS_GOOD, true, false},
    {"wrong-email", SB_JWS_GOOD, false, true},
    {"unverified", SB_JWS_GOOD, false, true},
    {"swapped", SB_JWS_GOOD, false, true},
};

static int find_kind(struct str name, bool push, enum sb_jws_how *how)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!str_is(name, kinds[i].name) || !(push ? kinds[i].push : kinds[i].signup))
            continue;
        *how = kinds[i].how;
        return 0;
    }
    return -EINVAL;
}

int64_t sb_gcp_token_now(const struct sb *s)
{
    return (clock_wall_ms() + s->gcp->set.auth_skew_ms) / 1000;
}

static void write_times(const struct sb *s, struct jsonw *w, struct str kind, int64_t life)
{
    int64_t iat = sb_gcp_token_now(s);

    if (str_is(kind, "expired"))
        iat -= 2 * life + 3600;
    if (str_is(kind, "future"))
        iat += 7200;
    if (str_is(kind, "long-life"))
        life = 30 * 86400;
    jsonw_kvi(w, "iat", iat);
    if (!str_is(kind, "no-exp"))
        jsonw_kvi(w, "exp", iat + life);
}

static void write_orders(struct jsonw *w, const char *order, bool objects)
{
    jsonw_key(w, "orders");
    jsonw_arr(w);
    if (objects) {
        jsonw_obj(w);
        jsonw_kvs(w, "orderId", str_of(order));
        jsonw_obj_end(w);
    } else {
        jsonw_str(w, str_of(order));
    }
    jsonw_arr_end(w);
}

static void write_google(struct jsonw *w, const struct sb_gcp_signup *t, int orders)
{
    jsonw_key(w, "google");
    jsonw_obj(w);
    jsonw_key(w, "roles");
    jsonw_arr(w);
    jsonw_str(w, t->role.n ? t->role : STR("account_admin"));
    jsonw_arr_end(w);
    jsonw_kvs(w, "user_identity", t->user.n ? t->user : str_of(t->account->user));
    if (t->ent && orders == SB_GCP_ORDERS_GOOGLE)
        write_orders(w, t->ent->order_id, false);
    jsonw_obj_end(w);
    if (t->ent && (orders == SB_GCP_ORDERS_STRINGS || orders == SB_GCP_ORDERS_OBJECTS))
        write_orders(w, t->ent->order_id, orders == SB_GCP_ORDERS_OBJECTS);
}

static void write_aud(struct jsonw *w, const struct sb_gcp_signup *t)
{
    struct str aud = t->aud.n ? t->aud : str_of(t->product->audience);

    if (str_is(t->kind, "wrong-aud"))
        aud = STR("other.example");
    jsonw_key(w, "aud");
    if (str_is(t->kind, "aud-array")) {
        jsonw_arr(w);
        jsonw_str(w, aud);
        jsonw_str(w, STR("other.example"));
        jsonw_arr_end(w);
    } else {
        jsonw_str(w, aud);
    }
}

static void write_signup(const struct sb *s, struct jsonw *w, const struct sb_gcp_signup *t)
{
    struct str sub = t->sub.n ? t->sub : str_of(t->account->id);

    if (str_is(t->kind, "empty-sub"))
        sub = STR("");
    if (str_is(t->kind, "odd-sub"))
        sub = STR("../accounts/*?x=1\r\n{\"a\"}");
    jsonw_obj(w);
    jsonw_kvs(w, "iss",
              str_is(t->kind, "wrong-iss")
                  ? STR("https://evil.example/robot/v1/metadata/x509/" SB_GCP_PARTNER)
                  : STR(SB_GCP_ISS));
    write_times(s, w, t->kind, t->life_s > 0 ? t->life_s : SIGNUP_S);
    write_aud(w, t);
    jsonw_kvs(w, "sub", sub);
    write_google(w, t, t->orders < 0 ? s->gcp->set.orders : t->orders);
    jsonw_obj_end(w);
}

/* HMAC with the text of the published certificate. */
static int sign_with_cert(struct sb_jws *ring, struct str payload, struct buf *out)
{
    const char *kid = sb_jws_current(ring);
    uint8_t mac[HASH_LEN];
    cJSON *map = NULL;
    struct buf certs, head;
    int rc;

    buf_init(&certs, 65536);
    buf_init(&head, 512);
    rc = sb_jws_certs(ring, &certs);
    if (rc == 0)
        rc = json_parse(buf_view(&certs), 65536, &map);
    buf_fmt(&head, "{\"alg\":\"HS256\",\"kid\":\"%s\",\"typ\":\"JWT\"}", kid);
    buf_reset(&certs);
    enc_b64url(&certs, buf_cstr(&head), head.len);
    buf_ch(&certs, '.');
    enc_b64url(&certs, payload.p, payload.n);
    if (rc == 0) {
        hash_hmac(json_str(map, kid), buf_view(&certs), mac);
        buf_str(out, buf_view(&certs));
        buf_ch(out, '.');
        enc_b64url(out, mac, sizeof(mac));
        rc = buf_err(out) ? buf_err(out) : buf_err(&certs);
    }
    cJSON_Delete(map);
    buf_free(&head);
    buf_free(&certs);
    return rc;
}

static int sign(struct sb_jws *ring, struct str kind, enum sb_jws_how how, const struct buf *claims,
                struct buf *out)
{
    if (buf_err(claims))
        return -ENOBUFS;
    if (str_is(kind, "garbage")) {
        buf_cat(out, "eyJ.not-a-token");
        return buf_err(out);
    }
    if (str_is(kind, "hs256"))
        return sign_with_cert(ring, buf_view(claims), out);
    if (str_is(kind, "no-kid"))
        return sb_jws_sign_raw(ring, STR("{\"alg\":\"RS256\",\"typ\":\"JWT\"}"), buf_view(claims),
                               out);
    return sb_jws_sign(ring, how, false, buf_view(claims), out);
}

int sb_gcp_token_signup(struct sb *s, const struct sb_gcp_signup *t, struct buf *out)
{
    const struct sb_gcp_keys *k = sb_gcp_keys(s);
    enum sb_jws_how how;
    struct jsonw w;
    struct buf b;
    int rc = find_kind(t->kind, false, &how);

    if (rc || !k)
        return rc ? rc : -ENOMEM;
    buf_init(&b, SB_GCP_TOKEN);
    jsonw_init(&w, &b);
    write_signup(s, &w, t);
    rc = sign(k->partner, t->kind, how, &b, out);
    buf_free(&b);
    return rc;
}

static void write_oidc(const struct sb *s, struct jsonw *w, struct str how, struct str aud,
                       struct str email)
{
    if (str_is(how, "wrong-email"))
        email = STR("attacker@evil.iam.gserviceaccount.com");
    jsonw_obj(w);
    jsonw_kvs(w, "aud", str_is(how, "wrong-aud") ? STR("https://other.example/push") : aud);
    jsonw_kvs(w, "azp", STR("100000000000000000001"));
    jsonw_kvs(w, "email", email);
    jsonw_kvb(w, "email_verified", !str_is(how, "unverified"));
    write_times(s, w, how, OIDC_S);
    jsonw_kvs(w, "iss",
              str_is(how, "wrong-iss") ? STR("https://accounts.evil.example") : STR(OIDC_ISS));
    jsonw_kvs(w, "sub", STR("100000000000000000001"));
    jsonw_obj_end(w);
}

static int oidc(struct sb *s, struct str kind, struct str aud, struct str email, struct buf *out)
{
    const struct sb_gcp_keys *k = sb_gcp_keys(s);
    enum sb_jws_how how;
    struct jsonw w;
    struct buf b;
    int rc = find_kind(kind, true, &how);

    if (rc || !k)
        return rc ? rc : -ENOMEM;
    buf_init(&b, SB_GCP_TOKEN);
    jsonw_init(&w, &b);
    write_oidc(s, &w, kind, aud, email);
    rc = sign(str_is(kind, "swapped") ? k->partner : k->oidc, kind, how, &b, out);
    buf_free(&b);
    return rc;
}

int sb_gcp_token_push(struct sb *s, const struct sb_gcp_sub *q, struct str how, struct buf *out)
{
    return oidc(s, how, str_of(q->push_audience[0] ? q->push_audience : q->push_url),
                str_of(q->push_account), out);
}

int sb_gcp_token_identity(struct sb *s, struct str aud, struct buf *out)
{
    return oidc(s, STR(""), aud, STR(SB_GCP_EMAIL), out);
}
