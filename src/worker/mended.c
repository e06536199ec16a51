/*
 * mended: what waits because credentials were refused is looked at as soon as somebody mended them:
 * at a SIGHUP, and when a file that holds one was replaced or written. The directories are watched
 * (a file that is replaced by a rename is another one); where that cannot be, on a network's disk,
 * the signal helps.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "worker/worker.h"

enum { FILES_MAX = MARKETS_MAX * 4 + 1, PAGE = 200, SETTLE_MS = 300, TOKEN_MS = 1500 };

struct watched {
    uv_fs_event_t event;
    struct mended *of;
    size_t market; /* MARKETS_MAX: of no marketplace */
    struct stat was;
    char path[];
};

struct mended {
    struct worker *w;
    uv_timer_t look, go;
    unsigned open; /* handles */
    struct watched *files[FILES_MAX];
    size_t n;
};

/* --- the tasks ------------------------------------------------------------------------------ */

struct walk {
    struct worker *w;
    unsigned shard;
    char role[8], cursor[24];
};

static void hasten(struct walk *k);

static void hastened(void *arg, int rc, const struct store_rows *rows)
{
    struct walk *k = arg;
    int64_t n = rc ? 0 : store_row_int(&rows->row[0], "hastened", 0);

    if (n)
        LOG(LOG_INFO, "mended.hastened", F("role", k->role), FI("shard", k->shard), FI("tasks", n));
    if (rc || str_copy(store_get(rows, "cursor"), k->cursor, sizeof(k->cursor)) ||
        strcmp(k->cursor, "0") == 0)
        free(k);
    else
        hasten(k);
}

static void hasten(struct walk *k)
{
    char count[16];
    struct str args[4] = {str_of(k->cursor), {count, 0}, str_of(k->role), STR("config")};

    args[1].n = (size_t)snprintf(count, sizeof(count), "%d", PAGE);
    store_call(k->w->store, k->shard, STORE_HASTEN, args, 4, hastened, k);
}

static void hasten_all(struct worker *w)
{
    const unsigned with_secrets = w->roles & (ROLE_MARKET | ROLE_NOTIFY);

    for (size_t i = 0; i < ROLES; i++)
        for (unsigned s = 0; (with_secrets & cfg_reader_table[i].bit) && s < store_shards(w->store);
             s++) {
            struct walk *k = calloc(1, sizeof(*k));

            if (!k)
                return;
            k->w = w;
            k->shard = s;
            snprintf(k->role, sizeof(k->role), "%s", cfg_reader_table[i].name);
            snprintf(k->cursor, sizeof(k->cursor), "0");
            hasten(k);
        }
    poll_wake(w);
}

/* --- the files ------------------------------------------------------------------------------ */

static void closed(uv_handle_t *h)
{
    struct mended *d = h->data;

    if (--d->open)
        return;
    for (size_t i = 0; i < d->n; i++)
        free(d->files[i]);
    free(d);
}

static void close_handle(struct mended *d, uv_handle_t *h)
{
    h->data = d;
    uv_close(h, closed);
}

static void stat_of(const char *path, struct stat *out)
{
    if (stat(path, out))
        memset(out, 0, sizeof(*out));
}

static bool is_other(const struct stat *a, const struct stat *b)
{
    return a->st_ino != b->st_ino || a->st_dev != b->st_dev || a->st_size != b->st_size ||
           a->st_mtim.tv_sec != b->st_mtim.tv_sec || a->st_mtim.tv_nsec != b->st_mtim.tv_nsec ||
           a->st_mode != b->st_mode || a->st_uid != b->st_uid || a->st_gid != b->st_gid;
}

/* The new credentials had the time to become a token. */
static void go(uv_timer_t *timer)
{
    struct mended *d = timer->data;

    hasten_all(d->w);
}

static void look(uv_timer_t *timer)
{
    struct mended *d = timer->data;
    const struct snapshot *s = d->w->now;
    bool any = false;

    for (size_t i = 0; i < d->n; i++) {
        struct watched *f = d->files[i];
        struct stat now;

        stat_of(f->path, &now);
        if (!is_other(&now, &f->was))
            continue;
        f->was = now;
        if (now.st_ino == 0)
            continue; /* between the old one and the new one */
        any = true;
        LOG(LOG_INFO, "mended.file", F("file", f->path));
        if (f->market < MARKETS_MAX && s->markets[f->market] && s->market_ops[f->market]->mended)
            s->market_ops[f->market]->mended(s->markets[f->market]);
    }
    if (any)
        uv_timer_start(&d->go, go, TOKEN_MS, 0);
}

static void changed(uv_fs_event_t *e, const char *name, int events, int status)
{
    struct mended *d = ((struct watched *)e->data)->of;

    (void)name;
    (void)events;
    if (status == 0 && !uv_is_active((uv_handle_t *)&d->look))
        uv_timer_start(&d->look, look, SETTLE_MS, 0);
}

static void watch(struct mended *d, const char *path, size_t market)
{
    const char *slash = strrchr(path, '/');
    size_t n = strlen(path) + 1;
    struct watched *f;
    char dir[4096];

    if (!*path || d->n == FILES_MAX ||
        str_copy(slash ? str_make(path, slash == path ? 1 : (size_t)(slash - path)) : STR("."), dir,
                 sizeof(dir)))
        return;
    f = calloc(1, sizeof(*f) + n);
    if (!f)
        return;
    memcpy(f->path, path, n);
    f->of = d;
    f->market = market;
    stat_of(path, &f->was);
    uv_fs_event_init(d->w->loop, &f->event);
    f->event.data = f;
    d->open++;
    d->files[d->n++] = f;
    if (uv_fs_event_start(&f->event, changed, dir, 0))
        LOG(LOG_WARN, "mended.not_watched", F("file", path));
}

static void watch_live(void *arg, const struct cfg_secret *s)
{
    struct mended *d = arg;

    if (s->is_live && (s->readers & d->w->roles))
        watch(d, s->path, s->market < MARKETS_MAX ? s->market : MARKETS_MAX);
}

void mended_start(struct worker *w)
{
    struct mended *d = calloc(1, sizeof(*d));

    if (!d)
        return;
    d->w = w;
    uv_timer_init(w->loop, &d->look);
    uv_timer_init(w->loop, &d->go);
    d->look.data = d->go.data = d;
    d->open = 2;
    w->mended = d;
    config_secrets(w->now->cfg, watch_live, d);
}

void mended_stop(struct worker *w)
{
    struct mended *d = w->mended;

    w->mended = NULL;
    if (!d)
        return;
    for (size_t i = 0; i < d->n; i++)
        close_handle(d, (uv_handle_t *)&d->files[i]->event);
    close_handle(d, (uv_handle_t *)&d->look);
    close_handle(d, (uv_handle_t *)&d->go);
}

void mended_reload(struct worker *w)
{
    mended_stop(w);
    mended_start(w);
    hasten_all(w);
}
