/*
 * sb_gcp_state: the Google side in GET state, and in the file that --state keeps across restarts
 * (with secrets: message data, access tokens, the service account's key).
 */
#ifndef LM_SB_GCP_STATE_H
#define LM_SB_GCP_STATE_H

#include "sandbox/sb_gcp.h"
#include "sandbox/sb_gcp_field.h"

/* The members of the records; sb_gcp_restore.c reads what sb_gcp_state.c writes. */
extern const struct sb_gcp_field sb_gcp_set_fields[], sb_gcp_account_fields[], sb_gcp_ent_fields[],
    sb_gcp_sub_fields[], sb_gcp_bearer_fields[];

/* One object. */
void sb_gcp_state_write(const struct sb *s, struct jsonw *w, bool secrets);
/* Members of the object that is open: what GET gcp/purchases/{id} shows. */
void sb_gcp_state_ent(const struct sb_gcp_ent *e, struct jsonw *w);
void sb_gcp_state_account(const struct sb_gcp_account *a, struct jsonw *w);
/* From such an object (NULL: nothing to do) into a sandbox whose products are loaded. 0, -EINVAL,
 * -ENOMEM, -ENOBUFS. */
int sb_gcp_state_load(struct sb *s, const cJSON *o);

#endif
