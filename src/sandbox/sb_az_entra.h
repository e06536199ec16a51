/*
 * sb_az_entra: Entra: key sets and metadata (OpenID Connect Discovery), the token endpoints v1 and
 * v2 (client credentials with secret or certificate, authorization code), the sign-in page.
 * Addresses: /entra/{tenant}/...; issuers are Microsoft's real strings.
 */
#ifndef LM_SB_AZ_ENTRA_H
#define LM_SB_AZ_ENTRA_H

#include "sandbox/sb_az_call.h"

#define SB_AZ_ENTRA      "/entra/"
#define SB_AZ_CODE_MS    600000
#define SB_AZ_NONCE      257
#define SB_AZ_CHALLENGES 129

/* An authorization code, spent at the first use. */
struct sb_az_code {
    char value[129];
    char redirect[512];
    char challenge[SB_AZ_CHALLENGES];
    char nonce[SB_AZ_NONCE];
    const struct sb_az_person *who;
    bool email, spent;
    int64_t expires_ms;
};

/* False: no such address. */
bool sb_az_entra(struct sb_az_call *c);
/* c->id is the tenant in the path. The form is c->in. */
void sb_az_grant(struct sb_az_call *c);    /* v2.0/token */
void sb_az_grant_v1(struct sb_az_call *c); /* token */
void sb_az_authorize(struct sb_az_call *c);
/* True when the client's secret or assertion in the form is good; otherwise the refusal is
 * written. secret: "" = the client has none. */
bool sb_az_proves(struct sb_az_call *c, const char *client, const char *secret, const char *cert);

#endif
