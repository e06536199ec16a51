/*
 * script: the embedded Lua programs: name, text and the SHA-1 that EVALSHA knows them by.
 * script_init() once per process before the rest; later calls do nothing.
 */
#ifndef LM_SCRIPT_H
#define LM_SCRIPT_H

#include <stdbool.h>

#include "store/sha1.h"
#include "store/store.h"

struct script {
    const char *name;
    bool writes;
    struct str text;
    char sha[SHA1_HEX];
    char before[40], after[40]; /* crash points */
};

int script_init(void); /* 0, or -ENOENT: a program is missing in this build */
const struct script *script_get(enum store_script s);

#endif
