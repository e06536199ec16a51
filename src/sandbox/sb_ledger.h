/*
 * sb_ledger: what happened, in order: one JSON line per API call and per effect,
 *   {"seq":7,"time":"2026-...Z","op":"ResolveCustomer","purchase":"p1","result":"ok"}
 * The last SB_LEDGER_KEEP lines stay in memory; a file, when given, gets every line with one
 * write(2) each. Never holds a token or a key.
 */
#ifndef LM_SB_LEDGER_H
#define LM_SB_LEDGER_H

#include <stdint.h>

#include "base/buf.h"

#define SB_LEDGER_KEEP 20000

struct sb_ledger {
    char **line; /* ring of SB_LEDGER_KEEP, made at the first line */
    uint64_t seq;
    int fd;
};

void sb_ledger_init(struct sb_ledger *l);
int sb_ledger_open(struct sb_ledger *l, const char *path); /* appends; 0 or -errno */
void sb_ledger_free(struct sb_ledger *l);
/* purchase and detail may be empty. */
void sb_ledger_add(struct sb_ledger *l, int64_t now_ms, const char *op, const char *purchase,
                   const char *result, const char *detail);
/* Lines with seq > after, oldest first. */
void sb_ledger_write(const struct sb_ledger *l, uint64_t after, struct buf *out);

#endif
