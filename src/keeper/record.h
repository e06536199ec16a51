/*
 * record: what must outlive a reboot, beside the data directory: the wanted state, the highest
 * fence, the specs, the name of the archive of a running delete. Written (fsync, rename) before
 * an order is acknowledged; removed last of all when a tenant is deleted.
 *
 *   {"tenant":"t0-x","desired":"running","fence":7,"want":{spec},"good":{spec}|absent,
 *    "failed":"why","archive":"t0-x-20261123T010203Z.tar.gz"}
 */
#ifndef LM_KEEPER_RECORD_H
#define LM_KEEPER_RECORD_H

#include "keeper.h"

int record_write(const struct keeper *k);
/* Fills desired, fence, want, good, failed, archive. -ENOENT: a new tenant. */
int record_read(struct keeper *k);
const char *record_desired_name(enum keeper_desired d);

#endif
