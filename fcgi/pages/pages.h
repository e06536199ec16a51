/*
 * pages: what the pages of one front share: catalogue, compiled templates, static files, and the
 * small cache of capabilities. Made once per struct front, before the sandbox closes (the
 * seller's overrides and logo are read here), immutable afterwards but for the cache.
 *
 * Overrides: files in branding.templates_dir with the names of ours (status.html, en.txt,
 * style.css ...) take their place and pass the same checks; an error refuses the start.
 *
 * Thread rule: the loop's thread only.
 */
#ifndef LM_PAGES_H
#define LM_PAGES_H

#include "config/config.h"
#include "front.h"
#include "html/cat.h"
#include "html/tmpl.h"
#include "req.h"

enum page_id {
    PAGE_NOTICE,
    PAGE_REGISTRATION,
    PAGE_CHECKING,
    PAGE_RESUME,
    PAGE_STATUS,
    PAGE_SIGNIN,
    PAGE_COUNT
};

enum { ASSETS = 12 };

struct asset {
    const char *name; /* "style.css" */
    const char *type;
    const char *csp; /* NULL: the default */
    struct str data;
    const char *url; /* with base and content hash */
};

struct capcache;

struct pages {
    struct arena *arena;
    struct cat cat;
    const struct tmpl *tmpl[PAGE_COUNT];
    struct asset asset[ASSETS];
    size_t nassets;
    struct str openapi;
    char tag[9]; /* of texts, templates and brand: part of every ETag */
    struct capcache *caps;
};

/* f->pages. 0, -ENOMEM, or -EINVAL with "file:line: what" in errors. Does nothing without a
 * configuration. */
int pages_open(struct front *f, struct buf *errors);
void pages_close(struct front *f);
static inline struct pages *pages_of(const struct req *r)
{
    return ((const struct front *)r->app)->pages;
}

/* static.c */
int static_load(struct pages *pg, const struct front *f, struct buf *errors);
/* Address of a static file; "" when there is none. */
const char *static_url(const struct pages *pg, const char *name);

/* files.c: embedded files and their overrides. 0 or -ENOENT; *label names the source. */
int files_get(struct arena *a, const char *dir, const char *kind, const char *name,
              struct str *text, const char **label);

#endif
