/* The sign-up token (x-gcp-marketplace-token). Its issuer is compared with a constant before
 * anything is fetched, and what it names is never an address to us. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "market/gcp.h"

/* Documented life: 5 minutes. */
enum { SKEW_S = 60, LIFE_S = 3600 };

const char gcp_issuer[] = "https://www.googleapis.com/robot/v1/metadata/x509/"
                          "cloud-commerce-partner@system.gserviceaccount.com";

/* Of a token that is not verified: only picks between "ask again" and "unknown". */
static int64_t peek_iat(struct str token)
{
    char text[JWT_MAX];
    struct str rest, body;
    cJSON *json = NULL;
    int64_t iat = 0;
    ssize_t n;

    (void)str_cut(token, '.', &rest);
    body = str_cut(rest, '.', &rest);
    n = enc_b64url_dec(body, text, sizeof(text));
    if (n > 0 && json_parse(str_make(text, (size_t)n), sizeof(text), &json) == 0 &&
        json_int(json, "iat", &iat))
        iat = 0;
    cJSON_Delete(json);
    return iat;
}

int gcp_token_begin(struct gcp_job *j, const char **why)
{
    char iss[sizeof(gcp_issuer)], kid[JWK_KID_MAX + 1];

    *why = jwt_fault_name(JWT_MALFORMED);
    if (j->text.n == 0 || j->text.n > JWT_MAX)
        return -EBADMSG;
    if (jwt_peek(j->text, "iss", iss, sizeof(iss)) || strcmp(iss, gcp_issuer) != 0) {
        *why = jwt_fault_name(JWT_ISSUER);
        return -EBADMSG;
    }
    if (jwt_kid(j->text, kid, sizeof(kid)) || !*kid)
        return -EBADMSG;
    j->iat = peek_iat(j->text);
    /* Nor can a time in the future buy another fetch. */
    if (j->iat > clock_wall_ms() / 1000 + SKEW_S) {
        *why = jwt_fault_name(JWT_NOT_YET);
        return -EBADMSG;
    }
    j->kid = gcp_keep(j->a, str_of(kid));
    *why = "";
    return 0;
}

/* Whether "orders" holds texts or objects is not documented; both have been seen. */
static void take_order(struct gcp_job *j, const cJSON *e)
{
    static const char *const keys[] = {"orderId", "order_id", "id", "entitlement", "name"};
    struct str id = {NULL, 0};

    if (cJSON_IsString(e))
        id = str_of(e->valuestring);
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys) && id.n == 0; i++)
        id = json_str(e, keys[i]);
    id = gcp_last(id);
    if (gcp_id_ok(id) && j->norders < GCP_ORDERS)
        j->orders[j->norders++] = gcp_keep(j->a, id);
}

static void take_orders(struct gcp_job *j, const cJSON *orders)
{
    const cJSON *e;

    if (!cJSON_IsArray(orders)) {
        take_order(j, orders);
        return;
    }
    cJSON_ArrayForEach(e, orders)
    {
        take_order(j, e);
    }
}

static enum market_class class_of(enum jwt_fault f)
{
    if (f == JWT_EXPIRED)
        return MARKET_EXPIRED;
    /* Google's signature is good: it is meant for another product. */
    return f == JWT_AUDIENCE ? MARKET_PRODUCT : MARKET_INVALID;
}

/* Five minutes are soon over while Google, or we, are in trouble: what counts is when it came. */
static enum jwt_fault verify(struct gcp_job *j, struct jwt_want *want, cJSON **claims)
{
    enum jwt_fault fault = jwt_verify(j->m->certs.set, j->text, want, claims), then;

    if (fault != JWT_EXPIRED || j->arrived_ms <= 0 || j->arrived_ms >= want->now_ms)
        return fault;
    want->now_ms = j->arrived_ms;
    then = jwt_verify(j->m->certs.set, j->text, want, claims);
    j->late = then == JWT_OK;
    return then == JWT_NOT_YET ? fault : then;
}

enum market_class gcp_token_verify(struct gcp_job *j, const char **code)
{
    const char *const issuers[] = {gcp_issuer, NULL};
    struct jwt_want want = {.now_ms = clock_wall_ms(),
                            .skew_s = SKEW_S,
                            .max_life_s = LIFE_S,
                            .issuers = issuers,
                            .audiences = j->m->cfg->gcp.audiences};
    enum jwt_fault fault;
    const cJSON *google;
    struct str sub, user;
    cJSON *claims = NULL;

    *code = "NoAudience";
    if (!want.audiences || !want.audiences[0])
        return MARKET_CONFIG;
    fault = verify(j, &want, &claims);
    /* Documented as one text; a list would address others as well. */
    if (fault == JWT_OK && !cJSON_IsString(json_get(claims, "aud"))) {
        cJSON_Delete(claims);
        fault = JWT_AUDIENCE;
    }
    *code = jwt_fault_name(fault);
    if (fault)
        return class_of(fault);
    sub = json_str(claims, "sub");
    *code = "subject";
    if (gcp_id_ok(sub)) {
        google = json_obj(claims, "google");
        user = json_str(google, "user_identity");
        j->p.account = gcp_keep(j->a, sub);
        if (gcp_id_ok(user))
            j->p.purchaser.object = gcp_keep(j->a, user);
        take_orders(j, json_get(claims, "orders"));
        take_orders(j, json_get(google, "orders"));
        *code = "";
    }
    cJSON_Delete(claims);
    return **code ? MARKET_INVALID : MARKET_OK;
}
