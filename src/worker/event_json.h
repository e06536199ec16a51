/* event_json: a canonical event as stored JSON and back. */
#ifndef LM_EVENT_JSON_H
#define LM_EVENT_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "market/market.h"

void event_json_write(const struct market_event *e, struct buf *out);
/* Strings are copied into the arena; missing members are "" and 0. 0 or -EINVAL. */
int event_json_read(struct str text, struct arena *a, struct market_event *out);

#endif
