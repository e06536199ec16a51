/*
 * state: state.json in the run directory: what runs at this moment, for the next keeper, for
 * observers and for people. Belongs to one boot: another boot_id means nothing of it is alive.
 * Written before an instance may run its first instruction, so no process is ever unrecorded.
 */
#ifndef LM_KEEPER_STATE_H
#define LM_KEEPER_STATE_H

#include "base/json.h"
#include "keeper.h"

int state_write(struct keeper *k);
/* The fields of state.json and of every answer on ctl, into an open object. */
void state_fields(const struct keeper *k, struct jsonw *w);
/* Takes over instances that still run; those that may not be kept are put into STOPPING.
 * -ENOENT when there is no state of this boot. */
int state_adopt(struct keeper *k);

#endif
