#include "hooks/hook_trust.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

/* The application by which Microsoft's marketplace calls ([HOOK], "Securing your webhooks"). */
#define MARKETPLACE_APP "20e940b3-4c77-4b0b-9a53-9e16a1b010a7"

enum {
    AZURE_SKEW_S = 300,
    AZURE_LIFE_S = 25 * 3600, /* Entra gives 60 to 90 minutes, at most a day */
    GCP_SKEW_S = 60,
    GCP_LIFE_S = 2 * 3600, /* Google gives one hour */
    ID_MAX = 64,
    ISS_MAX = 128
};

/* Entra writes its GUIDs in lower case; people copy them as they come. */
static bool guid(const char *from, char out[ID_MAX])
{
    size_t n = strlen(from);

    if (n == 0 || n >= ID_MAX)
        return false;
    for (size_t i = 0; i <= n; i++)
        out[i] = from[i] >= 'A' && from[i] <= 'Z' ? (char)(from[i] - 'A' + 'a') : from[i];
    return true;
}

/* A version 1 token names its caller in appid, a version 2 token in azp. */
static bool called_by_marketplace(const cJSON *claims, const char *v1_issuer)
{
    bool v1 = str_is(json_str(claims, "iss"), v1_issuer);

    return str_is(json_str(claims, v1 ? "appid" : "azp"), MARKETPLACE_APP);
}

static enum jwt_fault azure(const struct cfg_market *m, const struct jwk_set *keys,
                            struct str token, int64_t now_ms, cJSON **claims)
{
    char tid[ID_MAX], aud[ID_MAX], v1[ISS_MAX], v2[ISS_MAX];
    enum jwt_fault f;

    if (!guid(m->azure.tenant_id, tid) || !guid(m->azure.client_id, aud))
        return JWT_AUDIENCE;
    snprintf(v1, sizeof(v1), "https://sts.windows.net/%s/", tid);
    snprintf(v2, sizeof(v2), "https://login.microsoftonline.com/%s/v2.0", tid);
    const char *const issuers[] = {v1, v2, NULL}, *const audiences[] = {aud, NULL};
    const struct jwt_claim tenant = {"tid", tid};
    const struct jwt_want want = {.now_ms = now_ms,
                                  .skew_s = AZURE_SKEW_S,
                                  .max_life_s = AZURE_LIFE_S,
                                  .issuers = issuers,
                                  .audiences = audiences,
                                  .claims = &tenant,
                                  .nclaims = 1};

    f = jwt_verify(keys, token, &want, claims);
    return f == JWT_OK && !called_by_marketplace(*claims, v1) ? JWT_CLAIM : f;
}

static enum jwt_fault gcp(const struct cfg_market *m, const struct jwk_set *keys, struct str token,
                          int64_t now_ms, cJSON **claims)
{
    static const char *const issuers[] = {"https://accounts.google.com", "accounts.google.com",
                                          NULL};
    const char *const audiences[] = {m->gcp.push_audience, NULL};
    const struct jwt_claim account = {"email", m->gcp.push_account};
    const struct jwt_want want = {.now_ms = now_ms,
                                  .skew_s = GCP_SKEW_S,
                                  .max_life_s = GCP_LIFE_S,
                                  .issuers = issuers,
                                  .audiences = audiences,
                                  .claims = &account,
                                  .nclaims = 1};
    enum jwt_fault f;

    f = jwt_verify(keys, token, &want, claims);
    return f == JWT_OK && !json_bool(*claims, "email_verified", false) ? JWT_CLAIM : f;
}

bool hook_trusts(const struct cfg_market *m)
{
    if (strcmp(m->channel, "azure") == 0)
        return m->azure.tenant_id[0] && m->azure.client_id[0];
    return strcmp(m->channel, "gcp") == 0 && m->gcp.push_audience[0] && m->gcp.push_account[0];
}

enum jwt_fault hook_trust(const struct cfg_market *m, const struct jwk_set *keys, struct str token,
                          int64_t now_ms, int64_t *until_ms)
{
    cJSON *claims = NULL;
    enum jwt_fault f = JWT_AUDIENCE;
    int64_t exp = 0;

    *until_ms = 0;
    if (!hook_trusts(m))
        return f;
    f = strcmp(m->channel, "azure") == 0 ? azure(m, keys, token, now_ms, &claims)
                                         : gcp(m, keys, token, now_ms, &claims);
    if (f == JWT_OK && json_int(claims, "exp", &exp) == 0)
        *until_ms = exp * 1000;
    cJSON_Delete(claims);
    return f;
}
