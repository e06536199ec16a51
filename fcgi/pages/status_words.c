#include "pages/status_words.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "pages/channel.h"
#include "pages/notice.h"
#include "pages/when.h"

enum { KEY = 96, DETAIL_MAX = 300 };

static const char *or_name(const char *title, const char *name)
{
    return title && *title ? title : name;
}

static bool known(const struct pages *pg, const char *key)
{
    return cat_get(&pg->cat, str_of(key)).n > 0;
}

/* Whose words are spoken. What ended before there was anything is no deletion to its buyer. */
static const char *words_of(const struct status *s)
{
    bool over =
        s->billing.contract == CONTRACT_CANCELLED || s->billing.contract == CONTRACT_EXPIRED;

    return over && !s->was_ready && strcmp(s->state, "closed") == 0 ? "ended" : s->state;
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
    if (s->payment && strcmp(s->state, "suspended") == 0)
        return "status.suspended.payment";
    if (s->mood == MOOD_TROUBLE && s->live && s->was_ready) {
        snprintf(key, KEY, "status.%s.later", s->state);
        if (known(pg, key))
            return key;
    }
    if (strcmp(s->billing_word, "removed") == 0) {
        snprintf(key, KEY, "status.%s.running", s->state);
        if (known(pg, key))
            return key;
    }
    if (s->mood == MOOD_ENDED && s->delete_at > 0) {
        snprintf(key, KEY, "status.%s.until", s->state);
        if (known(pg, key))
            return key;
    }
    snprintf(key, KEY, "status.%s.lead", words_of(s));
    return key;
}

struct speaker {
    struct arena *a;
    const struct pages *pg;
    const struct cfg_market *market;
    struct cat_arg args[13];
    size_t nargs;
};

static struct str say(const struct speaker *sp, const char *key)
{
    char own[KEY];

    key = channel_key(&sp->pg->cat, sp->market, key, own, sizeof(own));
    return cat_fmt(&sp->pg->cat, sp->a, key, sp->args, sp->nargs);
}

static struct str date_of(struct arena *a, int64_t ms)
{
    return ms > 0 ? when_date(a, ms) : str_make(NULL, 0);
}

/* The plan's title where the configuration has it. */
static struct str plan_title(const struct cfg_market *m, struct str name)
{
    const struct cfg_plan *p = m ? config_plan(m, name) : NULL;

    return p ? str_of(or_name(p->title, p->name)) : name;
}

static void speak(struct speaker *sp, const struct config *cfg, const struct status_subject *sub,
                  const struct status *s)
{
    const struct cfg_market *m = sub->market;
    const char *product = m ? config_market_title(m) : "";
    const char *seller = or_name(cfg->brand.seller, product);
    const struct cat *cat = &sp->pg->cat;
    const struct cat_arg args[] = {
        {"product", product[0] ? str_of(product) : cat_get(cat, STR("product.none"))},
        {"seller", seller[0] ? str_of(seller) : cat_get(cat, STR("seller.none"))},
        {"marketplace", channel_title(cat, m)},
        {"plan", str_of(sub->plan ? or_name(sub->plan->title, sub->plan->name) : "")},
        {"promise", str_of(sub->plan ? sub->plan->manual_promise : "")},
        {"date", date_of(sp->a, s->delete_at)},
        {"starts", date_of(sp->a, s->billing.starts)},
        {"ends", date_of(sp->a, s->billing.ends)},
        {"next_plan", plan_title(m, s->coming.plan)},
        {"next_quantity", str_of(arena_fmt(sp->a, "%llu", (unsigned long long)s->coming.quantity))},
        {"next_date", date_of(sp->a, s->coming.at_ms)},
        {"back", channel_way(cat, sp->a, m, "back")},
        {"manage", channel_way(cat, sp->a, m, "manage")}};

    sp->market = m;
    sp->nargs = sizeof(args) / sizeof(args[0]);
    memcpy(sp->args, args, sizeof(args));
}

/* The words of the page that a refused registration shows: what to do, and whether money moved. */
static void say_refused(const struct speaker *sp, const struct status *s, struct status_words *out)
{
    static const char *const parts[] = {"title", "lead", "1", "2"};
    const char *refusal = notice_refused_key(s->code);
    struct str said[4];
    char key[KEY];
    size_t i;

    for (i = 0; i < 4; i++) {
        snprintf(key, sizeof(key), "%s.%s", refusal, parts[i]);
        said[i] = say(sp, key);
    }
    out->headline = said[0];
    out->detail = str_of(arena_fmt(sp->a, "%.*s %.*s", STR_FMT(said[1]), STR_FMT(said[2])));
    out->billing = said[3];
    out->coming = str_make(NULL, 0);
}

void status_say(struct arena *a, const struct pages *pg, const struct config *cfg,
                const struct status_subject *sub, const struct status *s, struct status_words *out)
{
    struct speaker sp = {.a = a, .pg = pg};
    char key[KEY];

    speak(&sp, cfg, sub, s);
    if (strcmp(s->state, "refused") == 0) {
        say_refused(&sp, s, out);
        return;
    }
    snprintf(key, sizeof(key), "status.%s.title%s", words_of(s),
             s->was_ready && s->live && s->mood == MOOD_TROUBLE ? "_later" : "");
    if (!known(pg, key))
        snprintf(key, sizeof(key), "status.%s.title", words_of(s));
    out->headline = say(&sp, key);
    if (s->manual && strcmp(s->state, "manual") == 0 && sub->plan->manual_promise[0])
        out->detail = say(&sp, "status.manual.promise");
    else
        out->detail = say(&sp, detail_key(pg, s, key));
    snprintf(key, sizeof(key), "billing.%s", s->billing_word);
    out->billing = s->billing_word[0] ? say(&sp, key) : str_make(NULL, 0);
    snprintf(key, sizeof(key), "coming.%s", s->coming_word);
    out->coming = s->coming_word[0] ? say(&sp, key) : str_make(NULL, 0);
}

struct str status_step_title(struct arena *a, const struct pages *pg, const struct cfg_market *m,
                             const struct status_step *step)
{
    struct cat_arg args[] = {{"marketplace", channel_title(&pg->cat, m)}};
    char key[KEY];

    snprintf(key, sizeof(key), "step.%s", step->id);
    return cat_fmt(&pg->cat, a, key, args, 1);
}

static void step_json(struct jsonw *w, struct arena *a, const struct pages *pg,
                      const struct cfg_market *m, const struct status_step *x)
{
    jsonw_obj(w);
    jsonw_kvs(w, "id", str_of(x->id));
    jsonw_kvs(w, "title", status_step_title(a, pg, m, x));
    jsonw_kvs(w, "state", str_of(step_state_name(x->state)));
    if (x->at > 0)
        jsonw_kvi(w, "at", x->at);
    if (x->seconds >= 0)
        jsonw_kvi(w, "seconds", x->seconds);
    jsonw_obj_end(w);
}

static void coming_json(struct jsonw *w, const struct coming *c, struct str text)
{
    jsonw_key(w, "coming");
    jsonw_obj(w);
    jsonw_kvs_opt(w, "plan", str_sub(c->plan, 0, 64));
    if (c->quantity)
        jsonw_kvi(w, "quantity", (int64_t)c->quantity);
    if (c->at_ms)
        jsonw_kvi(w, "at", c->at_ms);
    jsonw_kvs(w, "text", str_sub(text, 0, DETAIL_MAX));
    jsonw_obj_end(w);
}

void status_json(struct arena *a, const struct pages *pg, const struct status *s,
                 const struct status_words *words, struct buf *out)
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
        step_json(&w, a, pg, s->billing.market, &s->steps[i]);
    jsonw_arr_end(&w);
    jsonw_kvs(&w, "headline", words->headline);
    jsonw_kvs(&w, "detail", str_sub(words->detail, 0, DETAIL_MAX));
    jsonw_kvs_opt(&w, "note", str_sub(s->note, 0, 120));
    if (s->pct >= 0)
        jsonw_kvi(&w, "pct", s->pct);
    jsonw_kvs_opt(&w, "endpoint", str_sub(s->endpoint, 0, 256));
    if (s->billing_word[0])
        jsonw_kvs(&w, "billing", str_of(s->billing_word));
    if (words->coming.n)
        coming_json(&w, &s->coming, words->coming);
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
    return s->phase
               ? arena_fmt(a, "\"%c%lld.%x-%s\"", sub->kind, (long long)s->ver, s->phase, pg->tag)
               : arena_fmt(a, "\"%c%lld-%s\"", sub->kind, (long long)s->ver, pg->tag);
}
