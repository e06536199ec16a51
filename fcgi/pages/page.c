#include "pages/page.h"

#include <stdio.h>
#include <string.h>

#include "pages/channel.h"

static const char html_type[] = "text/html; charset=utf-8";

void page_set(struct page *p, enum var v, struct str s)
{
    p->v[v].s = s;
}

void page_setz(struct page *p, enum var v, const char *s)
{
    p->v[v].s = str_of(s);
}

void page_list(struct page *p, enum var v, const struct tmpl_row *rows, size_t n)
{
    p->v[v].rows = rows;
    p->v[v].nrows = n;
}

static const char *fallback(const char *a, const char *b)
{
    return a && *a ? a : b;
}

static void set_static(struct page *p)
{
    page_setz(p, V_CSS_URL, static_url(p->pg, "style.css"));
    page_setz(p, V_BRAND_URL, static_url(p->pg, "brand.css"));
    page_setz(p, V_SCRIPT_URL, static_url(p->pg, "poll.js"));
    page_setz(p, V_ICON_URL, static_url(p->pg, "favicon.svg"));
    page_setz(p, V_LOGO_URL, static_url(p->pg, "logo"));
}

static void set_seller(struct page *p)
{
    const struct cfg_brand *b = &p->cfg->brand;

    page_setz(p, V_SUPPORT_EMAIL, b->support_email);
    if (b->support_email && *b->support_email)
        page_setz(p, V_SUPPORT_MAIL_URL, arena_fmt(p->req->arena, "mailto:%s", b->support_email));
    page_setz(p, V_SUPPORT_URL, b->support_url);
    page_setz(p, V_PRIVACY_URL, b->privacy_url);
    page_setz(p, V_TERMS_URL, b->terms_url);
}

/* Whose page it is where nothing names the seller. */
static const char *host_of(const struct config *cfg)
{
    const char *at = strstr(cfg->front.public_url, "://");

    return at ? at + 3 : cfg->front.public_url;
}

struct page *page_new(struct req *r, const struct cfg_market *m)
{
    const struct front *f = r->app;
    struct pages *pg = pages_of(r);
    struct page *p = pg ? arena_alloc(r->arena, sizeof(*p)) : NULL;
    const char *title;

    if (!p) {
        r->resp.status = 503;
        r->resp.retry_after = 5;
        r->resp.content_type = "text/plain; charset=utf-8";
        buf_cat(&r->resp.body, "Service unavailable.\n");
        req_done(r);
        return NULL;
    }
    p->req = r;
    p->pg = pg;
    p->cfg = f->cfg;
    p->market = m;
    set_static(p);
    set_seller(p);
    title = m ? config_market_title(m) : "";
    if (m)
        page_set(p, V_PRODUCT, *title ? str_of(title) : cat_get(&pg->cat, STR("product.none")));
    page_setz(p, V_SELLER, fallback(fallback(p->cfg->brand.seller, title), host_of(p->cfg)));
    page_set(p, V_MARKETPLACE, channel_title(&pg->cat, m));
    page_set(p, V_BACK, channel_way(&pg->cat, r->arena, m, "back"));
    page_set(p, V_MANAGE, m ? channel_way(&pg->cat, r->arena, m, "manage") : str_make(NULL, 0));
    page_setz(p, V_LOGIN_URL, m ? m->login_url : "");
    return p;
}

bool page_has_text(const struct page *p, const char *key)
{
    return cat_get(&p->pg->cat, str_of(key)).n > 0;
}

struct str page_text(struct page *p, const char *key)
{
    static const enum var names[] = {V_PRODUCT,    V_SELLER, V_MARKETPLACE, V_PLAN, V_TERM,
                                     V_QUANTITY,   V_STEP,   V_STEP_COUNT,  V_MAIL, V_TIME,
                                     V_STEP_TITLE, V_LABEL,  V_UPDATED,     V_BACK, V_MANAGE};
    struct cat_arg args[sizeof(names) / sizeof(names[0])];
    char own[96];
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        args[i] = (struct cat_arg){page_vars[names[i]].name, p->v[names[i]].s};
    key = channel_key(&p->pg->cat, p->market, key, own, sizeof(own));
    return cat_fmt(&p->pg->cat, p->req->arena, key, args, i);
}

void page_head(struct page *p, const char *key)
{
    char name[80];

    snprintf(name, sizeof(name), "%s.title", key);
    page_set(p, V_HEADING, page_text(p, name));
    page_set(p, V_TITLE, p->v[V_HEADING].s);
    snprintf(name, sizeof(name), "%s.lead", key);
    page_set(p, V_LEAD, page_text(p, name));
}

void page_paragraphs(struct page *p, const char *key)
{
    enum { MOST = 8 };
    struct tmpl_row *rows = arena_alloc(p->req->arena, MOST * sizeof(*rows));
    struct tmpl_cell *cells = arena_alloc(p->req->arena, MOST * sizeof(*cells));
    size_t n = 0, had = p->v[V_PARAGRAPHS].nrows;
    char name[80];

    if (!rows || !cells)
        return;
    for (; n < had && n < MOST; n++)
        rows[n] = p->v[V_PARAGRAPHS].rows[n];
    for (; n < MOST; n++) {
        snprintf(name, sizeof(name), "%s.%zu", key, n - had + 1);
        if (!page_has_text(p, name))
            break;
        cells[n] = (struct tmpl_cell){V_TEXT, {.s = page_text(p, name)}};
        rows[n] = (struct tmpl_row){&cells[n], 1};
    }
    page_list(p, V_PARAGRAPHS, rows, n);
}

void page_send(struct page *p, int status, enum page_id id)
{
    struct req *r = p->req;

    if (status >= 500) /* the pages of unknown links are all the same */
        page_setz(p, V_REQUEST, r->id);
    r->resp.status = status;
    r->resp.content_type = html_type;
    tmpl_render(p->pg->tmpl[id], p->v, &r->resp.body);
    req_done(r);
}

const char *page_path(struct req *r, const char *rest)
{
    const struct front *f = r->app;
    const char *path = arena_fmt(r->arena, "%s/%s", f->base, rest);

    return path ? path : f->base;
}

void page_redirect(struct req *r, const char *rest)
{
    r->resp.status = 303;
    r->resp.location = page_path(r, rest);
    req_done(r);
}
