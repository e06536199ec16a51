#include "pages/status_words.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "pages/notice.h"
#include "pages/when.h"

enum { KEY = 96, DETAIL_MAX = 300 };

static const char *or_name(const char *title, const char *name)
{
    return title && *title ? title : name;
}

static struct str channel_name(const struct pages *pg, const struct cfg_market *m)
{
    char key[KEY];
    struct str s;

    snprintf(key, sizeof(key), "channel.%s", m ? m->channel : "none");
    s = cat_get(&pg->cat, str_of(key));
    return s.n ? s : cat_get(&pg->cat, STR("channel.none"));
}

static bool known(const struct pages *pg, const char *key)
{
    return cat_get(&pg->cat, str_of(key)).n > 0;
}

/* Key of the second sentence. */
static const char *detail_key(const struct pages *pg, const struct status *s, char key[KEY])
{
    if (s->late)
        return "status.late.lead";
    if (strcmp(s->state, "failed") == 0 || strcmp(s->state, "stuck") == 0) {
        snprintf(key, KEY, "fail.%.*s", (int)(s->code.n < 60 ? s->code.n : 60),
                 s->code.n ? s->code.p : "");
        if (s->code.n && known(pg, key))
            return key;
    }
    if (s->mood == MOOD_TROUBLE && s->live && s->was_ready) {
        snprintf(key, KEY, "status.%s.later", s->state);
        if (known(pg, key))
            return key;
    }
    if (s->mood == MOOD_ENDED && s->delete_at > 0) {
        snprintf(key, KEY, "status.%s.until", s->state);
        if (known(pg, key))
            return key;
    }
    snprintf(key, KEY, "status.%s.lead", s->state);
    return key;
}

static const char *billing_key(const struct status *s, const struct cfg_market *m)
{
    if (s->mood != MOOD_TROUBLE)
        return NULL;
    if (strcmp(s->state, "suspended") == 0)
        return "billing.suspended";
    if (s->was_ready)
        return "billing.kept";
    return m && m->contract ? "billing.contract" : "billing.usage";
}

/* The words of the page that a refused registration shows: what to do, and whether money moved. */
static void say_refused(struct arena *a, const struct pages *pg, const struct status *s,
                        const struct cat_arg *args, size_t nargs, struct status_words *out)
{
    static const char *const parts[] = {"title", "lead", "1", "2"};
    const char *refusal = notice_refused_key(s->code);
    struct str said[4];
    char key[KEY];
    size_t i;

    for (i = 0; i < 4; i++) {
        snprintf(key, sizeof(key), "%s.%s", refusal, parts[i]);
        said[i] = cat_fmt(&pg->cat, a, key, args, nargs);
    }
    out->headline = said[0];
    out->detail = str_of(arena_fmt(a, "%.*s %.*s", STR_FMT(said[1]), STR_FMT(said[2])));
    out->billing = said[3];
}

void status_say(struct arena *a, const struct pages *pg, const struct config *cfg,
                const struct status_subject *sub, const struct status *s, struct status_words *out)
{
    const struct cfg_market *m = sub->market;
    const char *product = m ? or_name(m->product, m->name) : "";
    struct cat_arg args[] = {
        {"product", str_of(product)},
        {"seller", str_of(or_name(cfg->brand.seller, product))},
        {"marketplace", channel_name(pg, m)},
        {"plan", str_of(sub->plan ? or_name(sub->plan->title, sub->plan->name) : "")},
        {"promise", str_of(sub->plan ? sub->plan->manual_promise : "")},
        {"date", s->delete_at > 0 ? when_date(a, s->delete_at) : str_make(NULL, 0)}};
    enum { NARGS = sizeof(args) / sizeof(args[0]) };
    const char *billing = billing_key(s, m);
    char key[KEY];

    if (product[0] == '\0')
        args[0].value = cat_get(&pg->cat, STR("product.none"));
    if (args[1].value.n == 0)
        args[1].value = cat_get(&pg->cat, STR("seller.none"));
    if (strcmp(s->state, "refused") == 0) {
        say_refused(a, pg, s, args, NARGS, out);
        return;
    }
    snprintf(key, sizeof(key), "status.%s.title%s", s->state,
             s->was_ready && s->live && s->mood == MOOD_TROUBLE ? "_later" : "");
    if (!known(pg, key))
        snprintf(key, sizeof(key), "status.%s.title", s->state);
    out->headline = cat_fmt(&pg->cat, a, key, args, NARGS);
    if (s->manual && strcmp(s->state, "manual") == 0 && args[4].value.n > 0)
        out->detail = cat_fmt(&pg->cat, a, "status.manual.promise", args, NARGS);
    else
        out->detail = cat_fmt(&pg->cat, a, detail_key(pg, s, key), args, NARGS);
    out->billing = billing ? cat_fmt(&pg->cat, a, billing, args, NARGS) : str_make(NULL, 0);
}

struct str status_step_title(const struct pages *pg, const struct status_step *step)
{
    char key[KEY];

    snprintf(key, sizeof(key), "step.%s", step->id);
    return cat_get(&pg->cat, str_of(key));
}

static void step_json(struct jsonw *w, const struct pages *pg, const struct status_step *x)
{
    jsonw_obj(w);
    jsonw_kvs(w, "id", str_of(x->id));
    jsonw_kvs(w, "title", status_step_title(pg, x));
    jsonw_kvs(w, "state", str_of(step_state_name(x->state)));
    if (x->at > 0)
        jsonw_kvi(w, "at", x->at);
    if (x->seconds >= 0)
        jsonw_kvi(w, "seconds", x->seconds);
    jsonw_obj_end(w);
}

void status_json(const struct pages *pg, const struct status *s, const struct status_words *words,
                 struct buf *out)
{
    struct jsonw w;
    unsigned i;

    jsonw_init(&w, out);
    jsonw_obj(&w);
    jsonw_kvs(&w, "state", str_of(s->state));
    jsonw_kvs(&w, "mood", str_of(status_mood_name(s->mood)));
    jsonw_kvi(&w, "step", s->step);
    jsonw_key(&w, "steps");
    jsonw_arr(&w);
    for (i = 0; i < s->nsteps; i++)
        step_json(&w, pg, &s->steps[i]);
    jsonw_arr_end(&w);
    jsonw_kvs(&w, "headline", words->headline);
    jsonw_kvs(&w, "detail", str_sub(words->detail, 0, DETAIL_MAX));
    jsonw_kvs_opt(&w, "note", str_sub(s->note, 0, 120));
    if (s->pct >= 0)
        jsonw_kvi(&w, "pct", s->pct);
    jsonw_kvs_opt(&w, "endpoint", str_sub(s->endpoint, 0, 256));
    if (s->late)
        jsonw_kvb(&w, "late", true);
    jsonw_kvi(&w, "updated", s->updated);
    jsonw_kvb(&w, "terminal", s->terminal);
    jsonw_kvi(&w, "ver", s->ver);
    jsonw_obj_end(&w);
}

const char *status_etag(struct arena *a, const struct pages *pg, const struct status_subject *sub,
                        const struct status *s)
{
    return arena_fmt(a, "\"%c%lld-%s\"", sub->kind, (long long)s->ver, pg->tag);
}
