/*
 * sb_az_state: the azure part of what the sandbox remembers, in the document of sb_state.
 */
#ifndef LM_SB_AZ_STATE_H
#define LM_SB_AZ_STATE_H

#include "sandbox/sb_az.h"

/* Members of a subscription, without the braces. */
void sb_az_state_sub(const struct sb *s, struct jsonw *w, const struct sb_az_sub *sub);
/* The member "azure"; nothing without a publisher. secrets: whatever a restart needs. */
void sb_az_state_write(const struct sb *s, struct jsonw *w, bool secrets);
/* The reverse, into a fresh sandbox with the same listings; takes the lock itself.
 * 0, -EINVAL or -errno. */
int sb_az_state_load(struct sb *s, const cJSON *doc);

#endif
