/* page: what the demo tenant shows: one HTML page and the same facts as JSON. */
#ifndef LM_DEMO_PAGE_H
#define LM_DEMO_PAGE_H

#include <stdint.h>

#include "base/buf.h"

struct page_facts {
    const char *tenant, *plan, *version, *generation;
    const char *limits; /* JSON of LASTMILE_LIMITS, "" = none */
    const char *company;
    uint64_t count;
};

/* From the environment; count is left alone. company points into *keep. */
void page_facts_load(struct page_facts *f, char *keep, size_t cap);
/* prefix: path the web server put in front of us, "" or "/t/name"; checked by the caller. */
void page_html(const struct page_facts *f, struct str prefix, struct buf *out);
void page_json(const struct page_facts *f, struct buf *out);

#endif
