#include "net/oauth_reply.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"

enum { LIFE_UNKNOWN_MS = 5 * 60000, LIFE_MAX_S = 7 * 86400 };

static const struct {
    int rc;
    enum oauth_class cls;
    const char *code;
} transport[] = {
    {-ETIMEDOUT, OAUTH_RETRY, "Timeout"},         {-ECONNREFUSED, OAUTH_RETRY, "ConnectionRefused"},
    {-EHOSTUNREACH, OAUTH_RETRY, "NameNotFound"}, {-EHOSTDOWN, OAUTH_RETRY, "CircuitOpen"},
    {-EMSGSIZE, OAUTH_RETRY, "ReplyTooBig"},      {-EPROTO, OAUTH_RETRY, "TruncatedReply"},
    {-ECANCELED, OAUTH_RETRY, "Canceled"},        {-EKEYREJECTED, OAUTH_CONFIG, "TlsNotVerified"},
    {-EACCES, OAUTH_CONFIG, "AddressRefused"},    {-EINVAL, OAUTH_CONFIG, "BadEndpoint"},
};

/* RFC 6749 4.1.2.1, RFC 8628 3.5: errors that pass although their status is 400. */
static const char *const passing[] = {"temporarily_unavailable", "server_error", "slow_down"};

void oauth_json_wipe(cJSON **j)
{
    if (!*j)
        return;
    for (const cJSON *v = (*j)->child; v; v = v->next)
        if (cJSON_IsString(v))
            sodium_memzero(v->valuestring, strlen(v->valuestring));
    cJSON_Delete(*j);
    *j = NULL;
}

static bool is_word(struct str s)
{
    if (s.n == 0 || s.n >= OAUTH_CODE)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c <= 0x20 || c > 0x7e || c == '"' || c == '<' || c == '>' || c == '&')
            return false;
    }
    return true;
}

/* "AADSTS7000222: The provided client secret keys ... are expired." */
static bool entra_code(const cJSON *j, char code[OAUTH_CODE])
{
    const cJSON *first = cJSON_GetArrayItem(json_arr(j, "error_codes"), 0);
    struct str text = json_str(j, "error_description"), rest;
    uint64_t n;

    if (str_starts(text, STR("AADSTS"))) {
        text = str_cut(str_from(text, 6), ':', &rest);
        if (str_u64(text, UINT32_MAX, &n) == 0) {
            snprintf(code, OAUTH_CODE, "AADSTS%llu", (unsigned long long)n);
            return true;
        }
    }
    if (!cJSON_IsNumber(first) || !(first->valuedouble > 0 && first->valuedouble < 1e9))
        return false;
    snprintf(code, OAUTH_CODE, "AADSTS%.0f", first->valuedouble);
    return true;
}

static bool passes(struct str error)
{
    for (size_t i = 0; i < sizeof(passing) / sizeof(*passing); i++)
        if (str_is(error, passing[i]))
            return true;
    return false;
}

static enum oauth_class refusal(const struct http_reply *r, char code[OAUTH_CODE])
{
    bool busy = r->status >= 500 || r->status == 429 || r->status == 408;
    struct str error;
    cJSON *j = NULL;

    snprintf(code, OAUTH_CODE, "Http%d", r->status);
    if (json_parse(r->body, OAUTH_REPLY_MAX, &j))
        return busy ? OAUTH_RETRY : OAUTH_CONFIG;
    error = json_str(j, "error");
    if (error.n == 0)
        error = json_str(json_obj(j, "error"), "status");
    busy |= passes(error);
    if (!entra_code(j, code) && is_word(error))
        (void)str_copy(error, code, OAUTH_CODE);
    cJSON_Delete(j);
    return busy ? OAUTH_RETRY : OAUTH_CONFIG;
}

enum oauth_class oauth_reply_class(const struct http_reply *r, char code[OAUTH_CODE])
{
    *code = '\0';
    if (r->rc == 0 && r->status >= 200 && r->status < 300)
        return OAUTH_OK;
    if (r->rc == 0)
        return refusal(r, code);
    for (size_t i = 0; i < sizeof(transport) / sizeof(*transport); i++)
        if (transport[i].rc == r->rc) {
            snprintf(code, OAUTH_CODE, "%s", transport[i].code);
            return transport[i].cls;
        }
    snprintf(code, OAUTH_CODE, "TransportError");
    return OAUTH_RETRY;
}

/* Entra's v1 endpoint writes numbers as texts. */
static int life_of(const cJSON *j, int64_t now_ms, int64_t *life_ms)
{
    const cJSON *v = json_get(j, "expires_in");
    struct str when = json_str(j, "expireTime");
    uint64_t s = 0;
    int64_t n = 0;

    if (cJSON_IsString(v)) {
        if (str_u64(str_trim(str_of(v->valuestring)), LIFE_MAX_S, &s))
            return -EBADMSG;
        n = (int64_t)s * 1000;
    } else if (cJSON_IsNumber(v)) {
        if (!(v->valuedouble >= 0 && v->valuedouble <= LIFE_MAX_S))
            return -EBADMSG;
        n = (int64_t)(v->valuedouble * 1000);
    } else if (when.n) {
        if (clock_parse_iso(when, &n))
            return -EBADMSG;
        n -= now_ms;
    } else {
        n = LIFE_UNKNOWN_MS;
    }
    *life_ms = n;
    return n > 0 && n <= LIFE_MAX_S * 1000LL ? 0 : -EBADMSG;
}

int oauth_reply_token(struct str body, int64_t now_ms, struct buf *token, int64_t *life_ms)
{
    struct str text, type;
    cJSON *j = NULL;
    int rc = -EBADMSG;

    if (json_parse(body, OAUTH_REPLY_MAX, &j))
        return rc;
    text = json_str(j, "access_token");
    if (text.n == 0)
        text = json_str(j, "accessToken");
    type = json_str(j, "token_type");
    if (text.n == 0 || text.n > OAUTH_TOKEN_MAX || (type.n && !str_ieq(type, STR("bearer"))))
        goto out;
    /* It becomes part of a header line. */
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] <= 0x20 || (unsigned char)text.p[i] > 0x7e)
            goto out;
    rc = life_of(j, now_ms, life_ms);
    if (rc == 0)
        buf_str(token, text);
    if (rc == 0 && buf_err(token))
        rc = -EBADMSG;
out:
    oauth_json_wipe(&j);
    return rc;
}
