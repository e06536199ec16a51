/* order: one line from ctl -> a change of what is wanted, recorded before it is answered. */
#ifndef LM_KEEPER_ORDER_H
#define LM_KEEPER_ORDER_H

#include "base/buf.h"
#include "keeper.h"

/* Always appends exactly one line. */
void order_take(struct keeper *k, struct str line, struct buf *out);

#endif
