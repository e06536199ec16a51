/* The base path itself: somebody shortened an address. */
#include "pages/handlers.h"
#include "pages/notice.h"

void home_get(struct req *r, const struct str *bound)
{
    const struct front *f = r->app;
    struct page *p = page_new(r, f->cfg && f->cfg->nmarkets == 1 ? &f->cfg->markets[0] : NULL);

    (void)bound;
    if (p)
        notice_send(p, 200, "landing.help", "info");
}
