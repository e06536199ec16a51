/* The status page: one sentence of state, the steps, and what to do next. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "html/html.h"
#include "pages/page.h"
#include "pages/regview.h"
#include "pages/status.h"
#include "pages/when.h"

enum { STEP_CELLS = 8 };

static struct str number(struct page *p, int64_t n)
{
    return str_of(arena_fmt(p->req->arena, "%lld", (long long)n));
}

static void put(struct tmpl_cell *cells, size_t *n, enum var v, struct str s)
{
    if (s.n > 0)
        cells[(*n)++] = (struct tmpl_cell){v, {.s = s}};
}

static void step_row(struct page *p, const struct status_step *x, struct tmpl_row *row)
{
    struct arena *a = p->req->arena;
    struct tmpl_cell *cells = arena_alloc(a, STEP_CELLS * sizeof(*cells));
    char key[64];
    size_t n = 0;

    if (!cells)
        return;
    snprintf(key, sizeof(key), "step.state.%s", step_state_name(x->state));
    put(cells, &n, V_NAME, str_of(x->id));
    put(cells, &n, V_STEP_TITLE, status_step_title(a, p->pg, p->market, x));
    put(cells, &n, V_STEP_STATE, str_of(step_state_name(x->state)));
    put(cells, &n, V_STEP_WORD, page_text(p, key));
    if (x->at > 0) {
        put(cells, &n, V_TIME, when_minute(a, x->at));
        put(cells, &n, V_TIME_ISO, when_iso(a, x->at));
    }
    if (x->seconds > 0)
        put(cells, &n, V_TOOK, when_span(a, x->seconds * 1000));
    *row = (struct tmpl_row){cells, n};
}

static void put_steps(struct page *p, const struct status *s)
{
    struct tmpl_row *rows = arena_alloc(p->req->arena, STATUS_STEPS * sizeof(*rows));
    unsigned i;

    for (i = 0; rows && i < s->nsteps; i++)
        step_row(p, &s->steps[i], &rows[i]);
    page_list(p, V_STEPS, rows, rows ? s->nsteps : 0);
    if (s->mood != MOOD_ENDED && strcmp(s->state, "refused") != 0) /* nothing leads on */
        page_set(p, V_TRACK, STR("1"));
    page_set(p, V_STEP_DONE, number(p, s->step - 1));
    page_set(p, V_STEP, number(p, s->step > s->nsteps ? s->nsteps : s->step));
    page_set(p, V_STEP_COUNT, number(p, s->nsteps));
}

static void put_mood(struct page *p, const struct status *s)
{
    static const char *const icons[] = {[MOOD_WORKING] = "favicon-busy.svg",
                                        [MOOD_WAITING] = "favicon-busy.svg",
                                        [MOOD_READY] = "favicon-ready.svg",
                                        [MOOD_TROUBLE] = "favicon-trouble.svg",
                                        [MOOD_ENDED] = "favicon.svg"};

    if (s->mood == MOOD_WORKING || s->mood == MOOD_WAITING)
        page_set(p, V_LEAVE, STR("1"));
    page_setz(p, V_TONE, status_mood_name(s->mood));
    page_setz(p, V_STATE, s->state);
    page_setz(p, V_CHARGE, s->billing_word);
    page_setz(p, V_ICON_URL, static_url(p->pg, icons[s->mood]));
}

static void put_bought(struct page *p, const struct status_call *c)
{
    struct str quantity = store_row_get(c->row, "quantity");
    char mask[16];

    if (c->subject.plan)
        page_setz(p, V_PLAN, c->subject.plan->title);
    else
        page_set(p, V_PLAN,
                 c->subject.kind == 'o' ? c->status.coming.today : store_row_get(c->row, "plan"));
    regview_bought(p, "bought.product", p->v[V_PRODUCT].s);
    regview_bought(p, "bought.plan", p->v[V_PLAN].s);
    /* Of what is over there is no term, and nothing to cancel. */
    if (c->status.over)
        page_set(p, V_MANAGE, str_make(NULL, 0));
    else if (c->subject.kind == 'o')
        regview_bought(p, "bought.term",
                       regview_term(p, store_row_int(c->row, "ends", 0),
                                    store_row_int(c->row, "trial", 0) != 0,
                                    store_row_get(c->row, "term")));
    if (quantity.n > 0 && !str_is(quantity, "0") && !str_is(quantity, "1"))
        regview_bought(p, "bought.quantity", quantity);
    if (store_row_get(c->row, "account").n > 0)
        regview_account(
            p, arena_str(p->req->arena, str_of(log_mask(store_row_get(c->row, "account"), mask))));
}

/* What support is to be told: a prefix of the order id that the operator's command takes. */
static struct str reference(const struct status_call *c)
{
    enum { SHOWN = 8 };
    struct str id = store_row_get(c->row, c->subject.kind == 'o' ? "id" : "reg"), rest, shard;

    if (c->subject.kind == 'o' && c->order[0])
        id = str_of(c->order);
    shard = str_cut(id, '-', &rest);
    return rest.n ? str_sub(id, 0, shard.n + 1 + SHOWN) : str_sub(id, 0, SHOWN);
}

static void put_links(struct page *p, const struct status_call *c)
{
    struct arena *a = p->req->arena;
    struct str self = p->req->path;

    page_set(p, V_RETRY_URL, self);
    page_setz(p, V_POLL_URL, arena_fmt(a, "%.*s/status.json", STR_FMT(self)));
    page_setz(p, V_LINK, arena_fmt(a, "%s%.*s", p->cfg->front.public_url, STR_FMT(self)));
    page_set(p, V_VERSION, str_of(status_etag(a, p->pg, &c->subject, &c->status)));
    page_set(p, V_RETRY_AFTER,
             c->status.terminal ? str_make(NULL, 0) : number(p, c->status.retry_after));
    page_set(p, V_REFERENCE, reference(c));
}

/* Whether a mail will come, and to whom; nothing is promised that is not configured. */
static void put_mail(struct page *p, const struct status_call *c)
{
    bool mails = p->cfg->notify.smtp_url && p->cfg->notify.smtp_url[0];
    struct str mail = store_row_get(c->row, "email");

    if (mails && mail.n > 0)
        page_set(p, V_MAIL, when_mask_mail(p->req->arena, mail));
}

static void put_ready(struct page *p, const struct status_call *c)
{
    bool account = c->subject.plan && c->subject.plan->fulfilment == CFG_ACCOUNT;

    if (!c->status.live || !html_url_ok(c->status.endpoint))
        return;
    page_set(p, V_ENDPOINT, c->status.endpoint);
    page_set(p, V_ENDPOINT_LABEL, page_text(p, account ? "status.open_account" : "status.open"));
    if (c->status.mood == MOOD_READY)
        page_setz(p, V_NEXT_STEPS, p->cfg->brand.next_steps);
}

void status_send_page(struct status_call *c)
{
    struct page *p = page_new(c->r, c->subject.market);
    struct status_words words;

    if (!p)
        return;
    put_bought(p, c);
    status_say(c->r->arena, p->pg, p->cfg, &c->subject, &c->status, &words);
    page_set(p, V_HEADING, words.headline);
    page_set(p, V_TITLE, words.headline);
    page_set(p, V_LEAD, words.detail);
    page_set(p, V_DETAIL, c->status.note);
    page_set(p, V_BILLING, words.billing);
    page_set(p, V_COMING, words.coming);
    put_mood(p, &c->status);
    put_steps(p, &c->status);
    put_links(p, c);
    put_mail(p, c);
    put_ready(p, c);
    if (c->status.updated > 0) {
        page_set(p, V_UPDATED, when_minute(c->r->arena, c->status.updated));
        page_set(p, V_UPDATED_ISO, when_iso(c->r->arena, c->status.updated));
    }
    page_send(p, 200, PAGE_STATUS);
}
