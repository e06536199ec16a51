/*
 * sb_gcp_key: the keys of the Google side: two rings that sign (marketplace tokens, and the
 * OpenID tokens of Pub/Sub push), and the one service account of the seller, whose private key
 * the sandbox makes and hands out as a key file.
 */
#ifndef LM_SB_GCP_KEY_H
#define LM_SB_GCP_KEY_H

#include "sandbox/sb_gcp.h"
#include "sandbox/sb_jws.h"

#define SB_GCP_POOL                                                                                \
    "//iam.googleapis.com/projects/528000000000/locations/global/workloadIdentityPools/"           \
    "lastmile/providers/sandbox"

struct sb_gcp_keys {
    struct sb_jws *partner, *oidc;
    bool two[2];      /* sb_gcp_certs.c has made the second key of either */
    char *pem;        /* private key of the service account, PKCS#8; NULL until needed */
    char kid[41];     /* private_key_id */
    char subject[65]; /* the external account's subject token */
};

/* NULL: no memory. Owned by s->gcp. */
struct sb_gcp_keys *sb_gcp_keys(struct sb *s);
void sb_gcp_keys_free(struct sb_gcp_keys **k);
/* Makes the service account's key if there is none. 0, -ENOMEM or -EIO. */
int sb_gcp_key_need(struct sb *s);
/* Uses this key from now on: what an earlier run handed out. 0, -EINVAL, -ENOMEM. */
int sb_gcp_key_adopt(struct sb *s, struct str pem, struct str kid);
/* Appends the key file (JSON, "type":"service_account"). Errors of sb_gcp_key_need(), -ENOBUFS. */
int sb_gcp_key_file(struct sb *s, struct buf *out);
/* Appends a file of "type":"external_account" whose subject token stands in the file `subject`. */
int sb_gcp_key_external(struct sb *s, struct str subject, struct buf *out);
/* Keeps the key file at path: takes its key over when there is one already, then writes it anew
 * with this run's token_uri. 0 or -errno. */
int sb_gcp_key_keep(struct sb *s, const char *path);

#endif
