/*
 * sb_gcp_token: the tokens that Google signs. Marketplace tokens of the sign-up and login POST
 * (partner documentation, "Integrate your app with Google Cloud Marketplace": RS256, five
 * minutes, keys as a map from kid to X.509 certificate), and OpenID tokens of Pub/Sub push
 * ("Authenticate push subscriptions": an hour, keys as JWKS). Times are real ones plus
 * settings.auth_skew_ms.
 */
#ifndef LM_SB_GCP_TOKEN_H
#define LM_SB_GCP_TOKEN_H

#include "sandbox/sb_gcp_key.h"
#include "sandbox/sb_msg.h"

#define SB_GCP_FIELD   "x-gcp-marketplace-token"
#define SB_GCP_PARTNER "cloud-commerce-partner@system.gserviceaccount.com"
#define SB_GCP_ISS     "https://www.googleapis.com/robot/v1/metadata/x509/" SB_GCP_PARTNER
#define SB_GCP_TOKEN   16384

struct sb_gcp_signup {
    const struct sb_gcp_product *product;
    const struct sb_gcp_account *account;
    const struct sb_gcp_ent *ent; /* NULL: no orders */
    struct str kind;              /* what is wrong with it (docs/sandbox.md); empty: nothing */
    struct str role, user, aud, sub;
    int orders; /* SB_GCP_ORDERS_...; -1: the setting */
    int64_t life_s;
};

/* Appends a token. 0, -EINVAL (unknown kind), -EIO, -ENOMEM, -ENOBUFS. */
int sb_gcp_token_signup(struct sb *s, const struct sb_gcp_signup *t, struct buf *out);
/* The value of a push request's Authorization header, without "Bearer ". how empty: a good one.
 * The same errors. */
int sb_gcp_token_push(struct sb *s, const struct sb_gcp_sub *q, struct str how, struct buf *out);
/* An OpenID token of the service account, as the metadata server gives them. */
int sb_gcp_token_identity(struct sb *s, struct str aud, struct buf *out);
/* Seconds since 1970 by Google's clock. */
int64_t sb_gcp_token_now(const struct sb *s);
/* The key documents below /gcp/certs/. False: not one of these. */
bool sb_gcp_token_certs(struct sb *s, const struct sb_req *req, struct sb_resp *resp);

#endif
