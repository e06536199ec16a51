/* queue_bench: a synchronous hand on the store, for measuring. Every failure ends the program. */
#ifndef LM_QUEUE_BENCH_H
#define LM_QUEUE_BENCH_H

#include "base/arena.h"
#include "store/store.h"

enum { QB_SLOTS = 50, QB_CONNECTIONS = 32, QB_ID = 64, QB_MIB = 1 << 20 };

struct qb_call {
    int rc;
    bool done;
    struct arena *a; /* where rows are kept; NULL: they are not */
    struct store_rows rows;
};

extern uv_loop_t qb_loop;
extern struct cfg_redis qb_cfg;
extern char qb_payload[160]; /* makes a task as large as the peer's job */

void qb_must(int rc, const char *what);
struct store *qb_open(void);
void qb_on_done(void *arg, int rc, const struct store_rows *rows);
struct store_rows qb_call(struct store *s, enum store_script script, const struct str *args,
                          size_t n, struct arena *a);
void qb_init(struct store *s);
void qb_add(struct store *s, uint64_t i, const char *data);
/* n tasks with the payload, pipelined. */
void qb_fill(struct store *s, uint64_t n);
struct store_rows qb_claim(struct store *s, unsigned max, struct arena *a);
void qb_start_finish(struct store *s, const struct store_row *task, struct qb_call *c);
/* As a worker without a free slot does: the answer's row 1, if any, is the next task. */
struct store_rows qb_finish_next(struct store *s, const struct store_row *task, struct arena *a);
double qb_per_second(uint64_t n, uint64_t started_us);

void qb_pickup(struct store *s, uint64_t n, uint64_t rate);
void qb_submit(const char *path);

#endif
