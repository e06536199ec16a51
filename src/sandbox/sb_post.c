#include "sandbox/sb_post.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define JOBS_MAX 4096
#define IDLE_MS  3600000

struct sb_posts {
    struct sb_post_job *job[JOBS_MAX];
    size_t n;
    size_t running;
    pthread_t thread[SB_POST_THREADS];
    size_t nthreads;
    atomic_bool stop; /* read without the lock */
};

struct sb_post_job *sb_post_new(size_t max)
{
    struct sb_post_job *job = calloc(1, sizeof(*job));

    if (job)
        buf_init(&job->body, max);
    return job;
}

void sb_post_drop(struct sb_post_job **job)
{
    if (!*job)
        return;
    for (size_t i = 0; i < (*job)->nheaders; i++)
        free((*job)->header[i]);
    buf_free(&(*job)->body);
    free(*job);
    *job = NULL;
}

int sb_post_header(struct sb_post_job *job, const char *fmt, ...)
{
    va_list ap;
    struct buf b;
    int rc = 0;

    if (job->nheaders == SB_POST_HEADERS)
        return -ENOBUFS;
    buf_init(&b, 32768);
    va_start(ap, fmt);
    buf_vfmt(&b, fmt, ap);
    va_end(ap);
    char *text = buf_err(&b) ? NULL : strdup(buf_cstr(&b));
    if (text)
        job->header[job->nheaders++] = text;
    else
        rc = -ENOMEM;
    buf_free(&b);
    return rc;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct buf *b = arg;
    size_t room = SB_POST_REPLY - b->len;

    buf_add(b, p, n < room ? n : room);
    return size * n;
}

static bool set_up(CURL *h, const struct sb_post_job *job, struct curl_slist *headers,
                   struct buf *reply)
{
    long timeout = job->timeout_ms ? (long)job->timeout_ms : 10000;

    return curl_easy_setopt(h, CURLOPT_URL, job->url) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, timeout) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 0L) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 0L) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE, (long)job->body.len) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_POSTFIELDS, buf_cstr(&job->body)) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_WRITEDATA, reply) == CURLE_OK;
}

/* Like curl_easy_perform(), but looks every 50 ms whether the program ends. */
static CURLcode perform(const struct sb_posts *all, CURL *h)
{
    CURLM *m = curl_multi_init();
    CURLcode code = CURLE_ABORTED_BY_CALLBACK;
    const CURLMsg *msg;
    int running = 1, left;

    if (!m || curl_multi_add_handle(m, h)) {
        curl_multi_cleanup(m);
        return CURLE_OUT_OF_MEMORY;
    }
    while (running && !atomic_load(&all->stop)) {
        if (curl_multi_perform(m, &running) || (running && curl_multi_poll(m, NULL, 0, 50, NULL)))
            break;
    }
    while ((msg = curl_multi_info_read(m, &left)) != NULL) {
        if (msg->msg == CURLMSG_DONE)
            code = msg->data.result;
    }
    curl_multi_remove_handle(m, h);
    curl_multi_cleanup(m);
    return code;
}

static const char *error_of(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return "";
    case CURLE_OPERATION_TIMEDOUT:
        return "timeout";
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
        return "refused";
    default:
        return "failed";
    }
}

/* Without the lock. */
static unsigned send_job(const struct sb_posts *all, const struct sb_post_job *job,
                         struct buf *reply, const char **error)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    CURL *h = curl_easy_init();
    long status = 0;

    *error = "failed";
    for (size_t i = 0; headers && i < job->nheaders; i++) {
        struct curl_slist *more = curl_slist_append(headers, job->header[i]);
        if (!more)
            break;
        headers = more;
    }
    if (h && headers && set_up(h, job, headers, reply)) {
        CURLcode code = perform(all, h);
        *error = error_of(code);
        if (code == CURLE_OK)
            curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
    }
    curl_easy_cleanup(h);
    curl_slist_free_all(headers);
    return status > 0 ? (unsigned)status : 0;
}

/* The job that is due first; ties go to the one that was added first. */
static size_t next_of(const struct sb_posts *all)
{
    size_t best = 0;

    for (size_t i = 1; i < all->n; i++) {
        if (all->job[i]->due_mono_ms < all->job[best]->due_mono_ms)
            best = i;
    }
    return best;
}

static struct sb_post_job *take(struct sb_posts *all, uint64_t now, uint64_t *wait_until)
{
    size_t i = next_of(all);

    *wait_until = now + IDLE_MS;
    if (all->n == 0)
        return NULL;
    struct sb_post_job *job = all->job[i];
    if (job->due_mono_ms > now) {
        *wait_until = job->due_mono_ms;
        return NULL;
    }
    memmove(&all->job[i], &all->job[i + 1], (all->n - i - 1) * sizeof(struct sb_post_job *));
    all->n--;
    return job;
}

static void run_job(struct sb *s, struct sb_posts *all, struct sb_post_job *job)
{
    const char *error = "";
    unsigned status = 0;
    struct buf reply;

    buf_init(&reply, SB_POST_REPLY);
    all->running++;
    if (job->url[0]) {
        pthread_mutex_unlock(&s->mu);
        status = send_job(all, job, &reply, &error);
        pthread_mutex_lock(&s->mu);
    }
    all->running--;
    if (job->done && !s->stopping)
        job->done(s, job, status, error, buf_view(&reply));
    buf_free(&reply);
    sb_post_drop(&job);
    sb_core_announce(s);
}

static void *work(void *arg)
{
    struct sb *s = arg;
    struct sb_posts *all;

    pthread_mutex_lock(&s->mu);
    all = s->posts;
    while (!s->stopping) {
        uint64_t until;
        struct sb_post_job *job = take(all, clock_mono_ms(), &until);
        if (job)
            run_job(s, all, job);
        else
            sb_core_wait(s, until);
    }
    pthread_mutex_unlock(&s->mu);
    return NULL;
}

static int start(struct sb *s)
{
    sigset_t all, old;

    if (s->posts)
        return 0;
    s->posts = calloc(1, sizeof(*s->posts));
    if (!s->posts)
        return -ENOMEM;
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return -EAGAIN;
    /* Signals are the main thread's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (s->posts->nthreads < SB_POST_THREADS) {
        if (pthread_create(&s->posts->thread[s->posts->nthreads], NULL, work, s))
            break;
        s->posts->nthreads++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return 0;
}

int sb_post_add(struct sb *s, struct sb_post_job *job)
{
    int rc = start(s);

    assert(job);
    if (rc == 0)
        rc = s->posts->nthreads == 0 ? -EAGAIN : s->posts->n == JOBS_MAX ? -ENOBUFS : 0;
    if (rc) {
        sb_post_drop(&job);
        return rc;
    }
    s->posts->job[s->posts->n++] = job;
    sb_core_announce(s);
    return 0;
}

size_t sb_post_pending(const struct sb *s)
{
    return s->posts ? s->posts->n + s->posts->running : 0;
}

void sb_post_free(struct sb *s)
{
    if (!s->posts)
        return;
    sb_core_stop(s);
    atomic_store(&s->posts->stop, true);
    for (size_t i = 0; i < s->posts->nthreads; i++)
        pthread_join(s->posts->thread[i], NULL);
    for (size_t i = 0; i < s->posts->n; i++)
        sb_post_drop(&s->posts->job[i]);
    free(s->posts);
    s->posts = NULL;
}
