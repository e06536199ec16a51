/* cfg_suggest: "did you mean". */
#ifndef LM_CFG_SUGGEST_H
#define LM_CFG_SUGGEST_H

#include "base/arena.h"

/* "; did you mean 'x'?" with the nearest of n words, or "" when none is near. Never NULL. */
const char *cfg_suggest(struct arena *a, struct str got, const char *const *words, size_t n);

#endif
