/* conn_internal: between conn.c (life, deadlines, bytes out) and conn_work.c (requests). */
#ifndef LM_CONN_INTERNAL_H
#define LM_CONN_INTERNAL_H

#include "conn.h"

struct conn *conn_check(void *p);
void conn_read_on(struct conn *c, bool on);
/* The deadline follows from what the connection waits for. */
void conn_set_deadline(struct conn *c);
/* Everything is written or under way: what now. */
void conn_settle(struct conn *c);
/* Writes what it can at once; the rest is written later and holds the connection up meanwhile. */
void conn_flush(struct conn *c, struct buf *out);

/* conn_work.c */
void conn_input(struct conn *c, struct str in);
/* The parser has a request: give it to a handler. */
void conn_dispatch(struct conn *c);

#endif
