/*
 * cleanup: the end of a tenant: archive, wipe, forget. Archive and wipe run in a child, so that
 * the keeper goes on answering. The child inherits the lock: while it lives, no second keeper of
 * this tenant can begin the same work.
 *
 * Exactly one archive: its name is fixed in the record before the first byte is written; it is
 * made under a temporary name, synced, and renamed. A later attempt that finds the final name
 * does not archive again, so data that is half wiped can never replace a whole archive.
 */
#ifndef LM_KEEPER_CLEANUP_H
#define LM_KEEPER_CLEANUP_H

#include "keeper.h"

/* No instance is left and the tenant is to be deleted: starts or repeats the child. */
void cleanup_step(struct keeper *k, uint64_t *wake);
/* Archive and wipe, in this process. 0 or -errno; *what names the part that failed. */
int cleanup_work(const struct keeper *k, const char **what);

#endif
