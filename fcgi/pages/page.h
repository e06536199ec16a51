/*
 * page: one HTML answer in the making. The view lives in the request's arena; page_send() renders
 * it into the response and ends the request.
 */
#ifndef LM_PAGE_H
#define LM_PAGE_H

#include "pages/pages.h"
#include "pages/vars.h"

struct page {
    struct req *req;
    struct pages *pg;
    const struct config *cfg;
    const struct cfg_market *market; /* NULL: not known yet */
    struct tmpl_value v[V_COUNT];
};

enum { PAGE_ARGS = 10 };

/* What every page shows. NULL: no memory, and the request was answered with a bare 503. */
struct page *page_new(struct req *r, const struct cfg_market *m);
void page_set(struct page *p, enum var v, struct str s);
void page_setz(struct page *p, enum var v, const char *s);
void page_list(struct page *p, enum var v, const struct tmpl_row *rows, size_t n);
/* Text of the catalogue, of the page's channel where it has its own, with the page's own names
 * ({product}, {seller}, {marketplace}, {back}, ...). */
struct str page_text(struct page *p, const char *key);
bool page_has_text(const struct page *p, const char *key);
/* Heading, title and lead from <key>.title and <key>.lead (the latter may be missing). */
void page_head(struct page *p, const char *key);
/* Paragraphs <key>.1, <key>.2 ... as far as they exist, appended to V_PARAGRAPHS. */
void page_paragraphs(struct page *p, const char *key);
void page_send(struct page *p, int status, enum page_id id);
/* A 303 to base + "/" + rest. */
void page_redirect(struct req *r, const char *rest);
const char *page_path(struct req *r, const char *rest);

#endif
