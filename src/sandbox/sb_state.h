/*
 * sb_state: everything the sandbox remembers as one JSON document. With secrets (tokens, message
 * bodies, sessions) it is what --state keeps across restarts; without, it is GET state.
 */
#ifndef LM_SB_STATE_H
#define LM_SB_STATE_H

#include "base/json.h"
#include "sandbox/sb_core.h"
#include "sandbox/sb_purchase.h"

void sb_state_purchase(const struct sb *s, struct jsonw *w, const struct sb_purchase *p);
void sb_state_write(const struct sb *s, struct jsonw *w, bool secrets);
/* Writes conf.state_path when something changed. 0 or -errno. */
int sb_state_save(struct sb *s);
/* Reads it into a fresh sandbox whose products are loaded. 0 (also when the file is absent),
 * -EINVAL, -errno. */
int sb_state_load(struct sb *s);

#endif
