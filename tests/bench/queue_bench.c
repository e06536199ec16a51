/*
 * queue_bench: the queue of the store measured alone, as peers/bullmq_bench.js measures BullMQ.
 *
 *   queue_bench SOCKET enqueue N         tasks added one after the other
 *   queue_bench SOCKET slots1 N          claim one; each finish brings the next, N times
 *   queue_bench SOCKET slotsN N          claim up to 50, finish them pipelined
 *   queue_bench SOCKET pickup N RATE     add RATE a second; how late is each claimed
 *   queue_bench SOCKET submit FILE       bare STORE_SUBMIT, 32 connections; FILE: reg hashes
 *
 * One JSON object on stdout. The store is initialised for one shard when it is empty.
 */
#include "queue_bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"

static void enqueue(struct store *s, uint64_t n)
{
    uint64_t start = clock_mono_us();

    for (uint64_t i = 0; i < n; i++)
        qb_add(s, i, qb_payload);
    printf("{\"per_second\":%.0f}\n", qb_per_second(n, start));
}

/* Claims up to max and finishes them; how many there were. */
static size_t turn_of(struct store *s, unsigned max)
{
    struct arena *a = arena_new(65536, 16 * QB_MIB);
    struct store_rows rows = qb_claim(s, max, a);
    struct qb_call calls[QB_SLOTS];

    for (size_t i = 1; i < rows.n; i++)
        qb_start_finish(s, &rows.row[i], &calls[i - 1]);
    for (size_t i = 1; i < rows.n; i++) {
        while (!calls[i - 1].done)
            uv_run(&qb_loop, UV_RUN_ONCE);
        qb_must(calls[i - 1].rc, "finish");
    }
    arena_free(&a);
    return rows.n - 1;
}

static void slots(struct store *s, uint64_t n)
{
    uint64_t done = 0, start;

    qb_fill(s, n);
    start = clock_mono_us();
    while (done < n)
        done += turn_of(s, QB_SLOTS);
    printf("{\"per_second\":%.0f}\n", qb_per_second(n, start));
}

static void one_slot(struct store *s, uint64_t n)
{
    struct arena *now = arena_new(65536, 16 * QB_MIB), *next;
    struct store_rows rows;
    uint64_t start;

    qb_fill(s, n);
    start = clock_mono_us();
    rows = qb_claim(s, 1, now);
    for (uint64_t i = 0; i < n; i++) {
        qb_must(rows.n > 1 ? 0 : -ENOENT, "a task is missing");
        next = arena_new(65536, 16 * QB_MIB);
        rows = qb_finish_next(s, &rows.row[1], next);
        arena_free(&now);
        now = next;
    }
    printf("{\"per_second\":%.0f}\n", qb_per_second(n, start));
    arena_free(&now);
}

int main(int argc, char **argv)
{
    uint64_t n = 0, rate = 100;
    struct store *s;

    if (argc < 4) {
        fprintf(stderr, "usage: queue_bench SOCKET enqueue|slots1|slotsN|pickup N [RATE]\n"
                        "       queue_bench SOCKET submit FILE\n");
        return 2;
    }
    qb_must(crypto_init(), "crypto");
    qb_must(uv_loop_init(&qb_loop), "loop");
    qb_cfg.socket = argv[1];
    qb_cfg.host = qb_cfg.user = qb_cfg.password_file = "";
    qb_cfg.front_user = qb_cfg.front_password_file = qb_cfg.worker_user =
        qb_cfg.worker_password_file = "";
    qb_cfg.cli_user = qb_cfg.cli_password_file = "";
    memset(qb_payload, 'x', sizeof(qb_payload) - 1);
    s = qb_open();
    qb_init(s);
    if (strcmp(argv[2], "submit") == 0) {
        qb_submit(argv[3]);
        return 0;
    }
    qb_must(str_u64(str_of(argv[3]), 10000000, &n), "N");
    if (argc > 4)
        qb_must(str_u64(str_of(argv[4]), 1000, &rate), "RATE");
    if (strcmp(argv[2], "enqueue") == 0)
        enqueue(s, n);
    else if (strcmp(argv[2], "slots1") == 0)
        one_slot(s, n);
    else if (strcmp(argv[2], "slotsN") == 0)
        slots(s, n);
    else if (strcmp(argv[2], "pickup") == 0)
        qb_pickup(s, n, rate);
    else
        qb_must(-EINVAL, argv[2]);
    return 0;
}
