/*
 * sb_core: the sandbox itself: its configuration, its lock, its clock and everything it
 * remembers. One lock (mu) guards all of struct sb; every function of this program that takes a
 * struct sb is called with it held unless it says otherwise. Waits happen on cv with a deadline
 * and give the lock up meanwhile, so look-ups must be repeated after a wait.
 */
#ifndef LM_SB_CORE_H
#define LM_SB_CORE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "sandbox/sb_ledger.h"
#include "sandbox/sb_queue.h"
#include "sandbox/sb_vec.h"

#define SB_HOUR_MS 3600000
#define SB_DAY_MS  86400000

struct sb_gcp;
struct sb_sns;
struct sb_posts;
struct sb_az;

struct sb_conf {
    char access_key[129];
    char secret[257];
    char session_token[2049]; /* "" = long-term key */
    char seller[16];          /* AWS account of the seller */
    int sns_version;          /* SignatureVersion 1 or 2 */
    const char *sns_cert_url; /* what envelopes name */
    const char *state_path;   /* NULL = memory only */
};

struct sb {
    pthread_mutex_t mu;
    pthread_cond_t cv; /* CLOCK_MONOTONIC */
    bool stopping;
    bool dirty;        /* remembered state changed since the last save */
    int64_t offset_ms; /* sandbox clock minus wall clock */
    unsigned port;
    unsigned next_purchase;
    struct sb_conf conf;
    struct sb_vec products;  /* struct sb_product */
    struct sb_vec purchases; /* struct sb_purchase */
    struct sb_vec tokens;    /* struct sb_token */
    struct sb_vec records;   /* struct sb_record */
    struct sb_vec sessions;  /* struct sb_session */
    struct sb_vec faults;    /* struct sb_fault */
    struct sb_vec calls;     /* struct sb_calls */
    struct sb_queue queue;
    struct sb_ledger ledger;
    struct sb_sns *sns;
    struct sb_gcp *gcp;     /* sb_gcp.h; never NULL */
    struct sb_posts *posts; /* NULL until the first sb_post_add() */
    struct sb_az *az;       /* NULL without an Azure seller */
    struct {
        int64_t second;
        unsigned used;
    } meter_rate;
};

/* 0 or -errno. conf is copied; its pointers must live as long as s. */
int sb_core_init(struct sb *s, const struct sb_conf *conf);
void sb_core_free(struct sb *s);
int64_t sb_core_now(const struct sb *s); /* UTC milliseconds by the sandbox's clock */
/* Gives the lock up until a change is announced or the monotonic deadline has passed. False when
 * the time is over or the sandbox is stopping. */
bool sb_core_wait(struct sb *s, uint64_t deadline_mono_ms);
/* Sleeps so long, less only when the sandbox stops. */
void sb_core_hold(struct sb *s, uint64_t ms);
/* Wakes every waiter. */
void sb_core_announce(struct sb *s);
/* Takes the lock itself; from then on every wait ends at once. */
void sb_core_stop(struct sb *s);

#endif
