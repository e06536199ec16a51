#include "sandbox/sb_core.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "sandbox/sb_az.h"
#include "sandbox/sb_gcp.h"
#include "sandbox/sb_post.h"
#include "sandbox/sb_snskey.h"

static int init_lock(struct sb *s)
{
    pthread_condattr_t attr;
    int rc = pthread_condattr_init(&attr);

    if (rc)
        return -rc;
    rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    if (rc == 0)
        rc = pthread_cond_init(&s->cv, &attr);
    pthread_condattr_destroy(&attr);
    if (rc == 0)
        rc = pthread_mutex_init(&s->mu, NULL);
    return -rc;
}

int sb_core_init(struct sb *s, const struct sb_conf *conf)
{
    memset(s, 0, sizeof(*s));
    s->conf = *conf;
    s->next_purchase = 1;
    sb_vec_init(&s->products, 64);
    sb_vec_init(&s->purchases, 20000);
    sb_vec_init(&s->tokens, 50000);
    sb_vec_init(&s->records, 500000);
    sb_vec_init(&s->sessions, 10000);
    sb_vec_init(&s->faults, 256);
    sb_vec_init(&s->calls, 128);
    sb_queue_init(&s->queue);
    sb_ledger_init(&s->ledger);
    s->gcp = sb_gcp_new();
    return s->gcp ? init_lock(s) : -ENOMEM;
}

void sb_core_free(struct sb *s)
{
    struct sb_vec *all[] = {&s->products, &s->purchases, &s->tokens, &s->records,
                            &s->sessions, &s->faults,    &s->calls};

    sb_post_free(s);
    sb_az_free(s);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        sb_vec_free(all[i]);
    sb_queue_free(&s->queue);
    sb_ledger_free(&s->ledger);
    sb_snskey_free(&s->sns);
    sb_gcp_free(&s->gcp);
    pthread_cond_destroy(&s->cv);
    pthread_mutex_destroy(&s->mu);
}

int64_t sb_core_now(const struct sb *s)
{
    return clock_wall_ms() + s->offset_ms;
}

bool sb_core_wait(struct sb *s, uint64_t deadline_mono_ms)
{
    struct timespec ts = {.tv_sec = (time_t)(deadline_mono_ms / 1000),
                          .tv_nsec = (long)(deadline_mono_ms % 1000) * 1000000};

    if (s->stopping || clock_mono_ms() >= deadline_mono_ms)
        return false;
    int rc = pthread_cond_timedwait(&s->cv, &s->mu, &ts);
    return rc != ETIMEDOUT && !s->stopping;
}

void sb_core_hold(struct sb *s, uint64_t ms)
{
    uint64_t end = clock_mono_ms() + ms;

    while (!s->stopping && clock_mono_ms() < end)
        sb_core_wait(s, end);
}

void sb_core_announce(struct sb *s)
{
    pthread_cond_broadcast(&s->cv);
}

void sb_core_stop(struct sb *s)
{
    pthread_mutex_lock(&s->mu);
    s->stopping = true;
    pthread_cond_broadcast(&s->cv);
    pthread_mutex_unlock(&s->mu);
}
