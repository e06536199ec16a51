#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "sandbox/sb_az_entra.h"

#define ASSERTION "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define SKEW_MS   300000

/* The audience of an assertion is the token endpoint: by Microsoft's name or by ours. */
static bool audience_good(const struct sb_az_call *c, struct str aud)
{
    static const char *const hosts[] = {"https://login.microsoftonline.com/", NULL, NULL};
    static const char *const ends[] = {"/oauth2/v2.0/token", "/oauth2/token", "/v2.0"};
    char own[2][48], want[256];

    snprintf(own[0], sizeof(own[0]), "http://127.0.0.1:%u" SB_AZ_ENTRA, c->s->port);
    snprintf(own[1], sizeof(own[1]), "http://localhost:%u" SB_AZ_ENTRA, c->s->port);
    for (size_t h = 0; h < 3; h++) {
        for (size_t e = 0; e < 3; e++) {
            snprintf(want, sizeof(want), "%s%.*s%s", hosts[h] ? hosts[h] : own[h - 1],
                     STR_FMT(c->id), ends[e]);
            if (str_is(aud, want))
                return true;
        }
    }
    return false;
}

static bool header_good(const cJSON *h, const char *pem)
{
    char sha1[28], sha256[44];
    struct str x5t = json_str(h, "x5t"), x5t256 = json_str(h, "x5t#S256");

    if (sb_jws_thumbprint(str_of(pem), sha1, sha256) || (x5t.n == 0 && x5t256.n == 0))
        return false;
    return (x5t.n == 0 || str_is(x5t, sha1)) && (x5t256.n == 0 || str_is(x5t256, sha256));
}

static bool claims_good(struct sb_az_call *c, const cJSON *j, const char *client)
{
    int64_t now = clock_wall_ms(), exp = 0, nbf = now / 1000;

    if (!str_is(json_str(j, "iss"), client) || !str_is(json_str(j, "sub"), client) ||
        json_str(j, "jti").n == 0)
        sb_az_refuse(
            c, 401, "invalid_client", 700021,
            "Client assertion application identifier doesn't match 'client_id' parameter.");
    else if (!audience_good(c, json_str(j, "aud")))
        sb_az_refuse(c, 401, "invalid_client", 700023,
                     "Client assertion audience claim does not match Realm issuer.");
    else if (json_int(j, "exp", &exp) || exp * 1000 + SKEW_MS <= now ||
             (json_get(j, "nbf") && json_int(j, "nbf", &nbf)) || nbf * 1000 > now + SKEW_MS ||
             exp * 1000 > now + SB_DAY_MS)
        sb_az_refuse(c, 401, "invalid_client", 700024,
                     "Client assertion is not within its valid time range.");
    else
        return true;
    return false;
}

static bool assertion_good(struct sb_az_call *c, const char *client, const char *cert)
{
    cJSON *header = NULL, *claims = NULL;
    struct buf h, p;
    bool ok;

    buf_init(&h, 16384);
    buf_init(&p, 16384);
    ok = cert[0] && str_is(json_str(c->in, "client_assertion_type"), ASSERTION) &&
         sb_jws_verify_pem(json_str(c->in, "client_assertion"), str_of(cert), &h, &p) == 0 &&
         json_parse(buf_view(&h), 16384, &header) == 0 &&
         json_parse(buf_view(&p), 16384, &claims) == 0 && header_good(header, cert);
    if (!ok)
        sb_az_refuse(c, 401, "invalid_client", 700027,
                     "The certificate with identifier used to sign the client assertion is not "
                     "registered on application.");
    else
        ok = claims_good(c, claims, client);
    cJSON_Delete(header);
    cJSON_Delete(claims);
    buf_free(&h);
    buf_free(&p);
    return ok;
}

bool sb_az_proves(struct sb_az_call *c, const char *client, const char *secret, const char *cert)
{
    struct str sent = json_str(c->in, "client_secret");

    if (json_str(c->in, "client_assertion").n > 0)
        return assertion_good(c, client, cert);
    if (sent.n == 0)
        sb_az_refuse(c, 401, "invalid_client", 7000218,
                     "The request body must contain the following parameter: 'client_assertion' or "
                     "'client_secret'.");
    else if (!secret[0] || !str_is(sent, secret))
        sb_az_refuse(c, 401, "invalid_client", 7000215, "Invalid client secret provided.");
    else if (c->az->set.secret_expired)
        sb_az_refuse(c, 401, "invalid_client", 7000222,
                     "The provided client secret keys for the app are expired. Visit the Azure "
                     "portal to create new keys for your app.");
    else
        return true;
    return false;
}
