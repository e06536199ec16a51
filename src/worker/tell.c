/*
 * tell: one verb to the channel about one order (task tell:<order>:<verb>, data: the verb, or
 * "progress" with the text in the order's note).
 *
 * What stands already is not asked for again; what the channel answers is read afterwards, and only
 * that reading is written. A verb may be sent again, so dying anywhere repeats it.
 */
#include <errno.h>
#include <string.h>

#include "base/crash.h"
#include "base/log.h"
#include "worker/kinds.h"
#include "worker/truth.h"

enum { TRIES_MAX = 12, LOOK_AGAIN_MS = 2000 };

struct tell {
    struct truth *x;
    enum market_verb verb;
    const char *word;
    struct str text;
    bool refused, leaves, paused;
    const char *never; /* refused for good: why; NULL: not so */
};

static const struct {
    const char *word;
    enum market_verb verb;
} verbs[] = {
    {"signup", MARKET_SIGNUP},     {"commit", MARKET_COMMIT}, {"reject", MARKET_REJECT},
    {"progress", MARKET_PROGRESS}, {"cancel", MARKET_CANCEL},
};

static void parked(struct task *t, int rc, const struct store_rows *rows)
{
    const struct tell *w = t->state;

    (void)rows;
    if (rc)
        task_retry(t, "RETRY", "cannot queue the alert", 0);
    else
        task_dead(t, "STUCK", w->never ? w->never : "the channel refuses, again and again");
}

/* A charge that cannot begin, or a buyer who cannot be let in: somebody must look. */
static void park(struct tell *w)
{
    struct task *t = w->x->t;
    struct args a;

    t->state = w;
    args_init(&a, t);
    args_add(&a, str_of(arena_fmt(t->arena, "mail:%.*s:alert-refused", STR_FMT(t->subject))));
    args_cstr(&a, "mail");
    args_cstr(&a, "notify");
    args_add(&a, t->subject);
    args_int(&a, 0);
    args_cstr(&a, "alert-refused");
    task_store(t, t->shard, STORE_TASK_ADD, a.v, a.n, parked);
}

static bool came_true(const struct tell *w)
{
    enum market_standing s = w->x->p.standing;

    switch (w->verb) {
    case MARKET_SIGNUP:
        return !w->x->p.signup_wanted;
    case MARKET_COMMIT:
        return s != STANDING_HELD;
    case MARKET_REJECT:
    case MARKET_CANCEL:
        return s == STANDING_ENDED;
    default:
        return true;
    }
}

static void taken_back(struct task *t, int rc, const struct store_rows *rows)
{
    (void)rows;
    if (rc)
        task_retry(t, "RETRY", "cannot take the word back", 0);
    else
        task_done(t);
}

/* The charge is held again, so the order asks anew when it goes on. */
static void take_back(struct task *t)
{
    struct args a;

    LOG(LOG_INFO, "tell.taken_back", FS("order", t->subject));
    args_init(&a, t);
    args_add(&a, t->id);
    args_add(&a, t->token);
    args_add(&a, t->subject);
    args_kv(&a, "o.commit", STR("held"));
    args_kv(&a, "o.at_asked", STR(""));
    args_kv(&a, "log.type", STR("commit"));
    args_kv(&a, "log.text", STR("taken back: stopped by an operator"));
    args_kv(&a, "+task", STR("fulfil deploy 0"));
    task_store(t, t->shard, STORE_ORDER_WRITE, a.v, a.n, taken_back);
}

static void done(struct truth *x)
{
    struct tell *w = x->user;
    struct task *t = x->t;

    if (w->paused && x->end == TRUTH_WRITTEN && !came_true(w))
        take_back(t);
    else if (x->end != TRUTH_WRITTEN || came_true(w))
        task_done(t);
    else if (!w->refused) /* the channel takes its time: the refresh task goes on asking */
        truth_later(t, t->shard, t->subject, LOOK_AGAIN_MS, "", truth_later_done);
    else if (w->never || t->tries >= TRIES_MAX)
        park(w);
    else
        task_retry(t, "INVALID", w->word, 0);
}

static void told(void *arg, enum market_class cls, const char *code, uint64_t retry_after_ms)
{
    struct tell *w = arg;
    struct task *t = w->x->t;

    if (!task_release(t))
        return;
    crash_point("tell.after_market");
    LOG(cls == MARKET_OK ? LOG_INFO : LOG_WARN, "tell.told", FS("order", t->subject),
        F("verb", w->word), F("class", market_class_name(cls)), F("code", code));
    /* CONFIG may be a refusal of this one order: the reading that follows tells. */
    w->refused = cls != MARKET_OK;
    if (cls == MARKET_REFUSED)
        w->never = arena_fmt(t->arena, "the channel refuses for good: %s", code);
    if (cls == MARKET_RETRY)
        truth_failed(t, w->x->cfg, cls, code, retry_after_ms);
    else if (w->verb == MARKET_PROGRESS)
        task_done(t); /* a courtesy: nothing follows from it */
    else
        truth_ask(w->x);
}

/* Is there still anything to say? */
static bool wanted(const struct tell *w)
{
    const struct order_now *o = &w->x->now;

    if (!o->exists || o->ended || !w->x->ops->tell)
        return false;
    switch (w->verb) {
    case MARKET_SIGNUP:
        return o->known.signup_wanted;
    case MARKET_COMMIT:
        return str_is(o->contract, "PENDING") && !w->leaves;
    case MARKET_PROGRESS:
        return (str_is(o->contract, "PENDING") || o->change_id.n) && !w->leaves && w->text.n;
    default:
        return true;
    }
}

static void say(struct truth *x)
{
    struct tell *w = x->user;
    struct market_purchase known = x->now.known;

    if (!wanted(w)) {
        task_done(x->t);
        return;
    }
    if (w->paused) { /* it may have been said by one who died: the channel knows */
        truth_ask(x);
        return;
    }
    if (w->verb == MARKET_REJECT && w->text.n == 0)
        w->text = STR("We cannot provide this purchase.");
    crash_point("tell.before_market");
    task_hold(x->t);
    x->ops->tell(x->market, w->verb, &known, w->text, told, w);
}

/* What the buyer may read at the marketplace while his purchase is prepared, or his change waits
 * for the seller. */
static struct str progress_text(struct task *t, const struct store_rows *rows)
{
    struct str note = store_get(rows, "o.note");

    if (!str_is(store_get(rows, "o.contract"), "PENDING"))
        return STR("Your change of plan is being checked.");
    if (note.n && str_text(note))
        return arena_str(t->arena, str_sub(note, 0, 250));
    if (str_is(store_get(rows, "o.fulfilment"), "VERIFYING"))
        return STR("Your environment is being checked.");
    return STR("Your environment is being prepared.");
}

/* Deleted or rejected since the word was queued: a charge would be for nothing. */
static bool leaves(const struct store_rows *rows)
{
    struct str work = store_get(rows, "o.fulfilment");

    return str_is(store_get(rows, "o.want"), "deleted") ||
           str_is(store_get(rows, "o.commit"), "rejected") || str_is(work, "DELETING") ||
           str_is(work, "CLOSED");
}

/* Suspended or stopped since the word was queued: the charge is not to begin now. */
static bool paused(const struct store_rows *rows)
{
    return str_is(store_get(rows, "o.want"), "suspended") ||
           str_is(store_get(rows, "o.hold"), "cancelled");
}

static void loaded(struct task *t, int rc, const struct store_rows *rows)
{
    struct tell *w = t->state;

    if (rc == -ENOENT) {
        task_done(t);
        return;
    }
    if (rc) {
        task_retry(t, "RETRY", "cannot read the order", 0);
        return;
    }
    w->leaves = leaves(rows);
    w->paused = w->verb == MARKET_COMMIT && paused(rows);
    if (w->verb == MARKET_PROGRESS)
        w->text = progress_text(t, rows);
    else if (w->verb == MARKET_REJECT)
        w->text = arena_str(t->arena, str_sub(store_get(rows, "o.reject_reason"), 0, 250));
    w->x = truth_new(t, store_get(rows, "o.channel"), store_get(rows, "o.product"),
                     store_get(rows, "o.purchase"));
    if (!w->x)
        return;
    w->x->order = t->subject;
    w->x->shard = t->shard;
    w->x->user = w;
    w->x->done = done;
    truth_load(w->x, say);
}

void tell_run(struct task *t)
{
    ptrdiff_t colon = str_rchr(t->id, ':');
    struct str rest, word = str_cut(t->data, ' ', &rest);
    struct tell *w = arena_alloc(t->arena, sizeof(*w));

    if (word.n == 0 && colon >= 0)
        word = str_from(t->id, (size_t)colon + 1);
    for (size_t i = 0; w && i < sizeof(verbs) / sizeof(*verbs); i++)
        if (str_is(word, verbs[i].word)) {
            w->verb = verbs[i].verb;
            w->word = verbs[i].word;
        }
    if (!w || !w->word) {
        task_dead(t, "INVALID", "no such verb");
        return;
    }
    t->state = w;
    task_store(t, t->shard, STORE_ORDER_GET, &t->subject, 1, loaded);
}
