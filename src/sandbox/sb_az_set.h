/* sb_az_set: the settings of docs/sandbox.md, by name. */
#ifndef LM_SB_AZ_SET_H
#define LM_SB_AZ_SET_H

#include "sandbox/sb_az.h"

/* Takes over every member that is a setting. 0, or -EINVAL with a sentence and no change. */
int sb_az_set(struct sb_az_set *set, const cJSON *in, const char **why);
void sb_az_set_write(struct jsonw *w, const struct sb_az_set *set);

#endif
