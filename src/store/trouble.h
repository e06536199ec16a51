/*
 * trouble: what an error reply of Redis means (reference: the error replies of Redis 7 and 8; our
 * own refusals begin with LM).
 */
#ifndef LM_TROUBLE_H
#define LM_TROUBLE_H

#include <stdbool.h>

#include "base/str.h"

struct trouble {
    int rc;      /* as store.h lists them */
    bool renew;  /* another connection may do better (old master, full server, moved slot) */
    bool server; /* Redis is in trouble, as opposed to a script's refusal */
};

struct trouble trouble_of(struct str error);
bool trouble_is_noscript(struct str error);

#endif
