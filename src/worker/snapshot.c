#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "worker/worker.h"

static void close_all(struct snapshot *s)
{
    for (size_t i = 0; i < MARKETS_MAX; i++)
        if (s->markets[i])
            s->market_ops[i]->close(s->markets[i]);
    for (size_t i = 0; i < s->nengines; i++)
        s->engine_ops[i]->close(s->engines[i]);
    config_free(&s->cfg);
    free(s);
}

static int open_markets(struct worker *w, struct snapshot *s, struct buf *why)
{
    const char *err = "";

    for (size_t i = 0; i < s->cfg->nmarkets; i++) {
        const struct cfg_market *m = &s->cfg->markets[i];
        int rc = -ENOTSUP;

        s->market_ops[i] = market_find(m->channel);
        if (s->market_ops[i])
            rc = s->market_ops[i]->open(w->loop, w->http, m, &s->markets[i], &err);
        if (rc) {
            buf_fmt(why, "marketplace %s/%s: %s\n", m->channel, m->name,
                    s->market_ops[i] ? err : "this version does not speak to it");
            return rc;
        }
    }
    return 0;
}

static int open_engines(struct worker *w, struct snapshot *s, struct buf *why)
{
    const char *err = "";

    for (size_t i = 0; i < s->cfg->ntemplates; i++) {
        const struct engine_ops *ops = engine_find(s->cfg->templates[i].engine), *have;
        int rc;

        if (snapshot_engine(s, s->cfg->templates[i].engine, &have))
            continue;
        rc = ops && s->nengines < ENGINES_MAX
                 ? ops->open(w->loop, s->cfg, &s->engines[s->nengines], &err)
                 : -ENOTSUP;
        if (rc) {
            buf_fmt(why, "engine %s: %s\n", s->cfg->templates[i].engine, ops ? err : "unknown");
            return rc;
        }
        s->engine_ops[s->nengines++] = ops;
    }
    return 0;
}

int snapshot_open(struct worker *w, const char *path, struct snapshot **out, struct buf *why)
{
    struct snapshot *s = calloc(1, sizeof(*s));
    int rc;

    if (!s)
        return -ENOMEM;
    s->refs = 1;
    rc = config_load(path, &s->cfg, why);
    if (rc) {
        free(s);
        return rc;
    }
    if (s->cfg->nmarkets > MARKETS_MAX || s->cfg->ntemplates > TEMPLATES_MAX) {
        buf_cat(why, "too many marketplaces or templates\n");
        rc = -E2BIG;
    }
    if (rc == 0)
        rc = config_check_secrets(s->cfg, w->roles, why);
    if (rc == 0 && (w->roles & ROLE_MARKET))
        rc = open_markets(w, s, why);
    if (rc == 0 && (w->roles & ROLE_DEPLOY))
        rc = open_engines(w, s, why);
    if (rc) {
        close_all(s);
        return rc;
    }
    *out = s;
    return 0;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
    s->refs++;
    return s;
}

void snapshot_unref(struct snapshot **sp)
{
    struct snapshot *s = *sp;

    *sp = NULL;
    if (s && --s->refs == 0)
        close_all(s);
}

struct market *snapshot_market(const struct snapshot *s, struct str channel, struct str product,
                               const struct market_ops **ops, const struct cfg_market **cfg)
{
    const struct cfg_market *m = config_market(s->cfg, channel, product);
    size_t i = m ? (size_t)(m - s->cfg->markets) : 0;

    *cfg = m;
    if (!m)
        return NULL;
    *ops = s->market_ops[i];
    return s->markets[i];
}

struct engine *snapshot_engine(const struct snapshot *s, const char *name,
                               const struct engine_ops **ops)
{
    for (size_t i = 0; i < s->nengines; i++)
        if (strcmp(s->engine_ops[i]->name, name) == 0) {
            *ops = s->engine_ops[i];
            return s->engines[i];
        }
    return NULL;
}
