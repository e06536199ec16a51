/* GET of a registration: whatever state it is in, the page that helps the buyer on. */
#include <errno.h>
#include <stdio.h>

#include "pages/handlers.h"
#include "pages/notice.h"
#include "pages/regview.h"

enum { WAIT_MS = 2000 };

static void show_form(struct req *r, const struct reg_id *id, const struct reg *g)
{
    const struct front *f = r->app;
    struct fields *fs;

    if (fields_for(r->arena, pages_of(r), f->cfg, g->plan_cfg, &fs))
        notice_busy(r, g->market);
    else
        regview_form(r, id, g, fs, 200);
}

static void show(struct req *r, void *arg, int rc, const struct reg *g)
{
    const struct reg_id *id = arg;
    char cap[ID_SECRET], hash[HASH_HEX], rest[ID_SECRET + 2];

    if (rc == -ENOENT || rc == -EINVAL)
        notice_unknown_link(r);
    else if (rc)
        notice_busy(r, NULL);
    else if (g->state == REG_REFUSED)
        notice_refused(r, g->market, g->code);
    else if (g->state == REG_SUBMITTED) {
        reg_capability(id, id->shard, cap, hash);
        snprintf(rest, sizeof(rest), "s/%s", cap);
        page_redirect(r, rest);
    } else if (g->state == REG_NEW && !reg_parked(g))
        regview_checking(r, id, g);
    else if (g->registered)
        regview_resume(r, id, g);
    else if (g->ended)
        notice_refused(r, g->market, STR("GONE"));
    else
        show_form(r, id, g);
}

static struct reg_id *id_of(struct req *r, struct str text)
{
    struct reg_id *id = arena_alloc(r->arena, sizeof(*id));

    return id && reg_id_parse(r, text, id) == 0 ? id : NULL;
}

void registration_get(struct req *r, const struct str *bound)
{
    struct reg_id *id = id_of(r, bound[0]);

    if (id)
        reg_load(r, id, WAIT_MS, show, id);
    else
        notice_unknown_link(r);
}
