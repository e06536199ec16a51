#include "front.h"

#include <string.h>

#include "config/config.h"
#include "route.h"
#include "store/store.h"

int front_open(struct front *f, uv_loop_t *loop, const struct config *cfg, const char **why)
{
    int rc;

    memset(f, 0, sizeof(*f));
    f->loop = loop;
    f->cfg = cfg;
    f->base = cfg->front.base;
    *why = "seal_public_file";
    if (cfg->seal_public_file[0]) {
        rc = seal_load_pub(cfg->seal_public_file, &f->seal);
        if (rc < 0)
            return rc;
        f->sealed = true;
    }
    *why = "store";
    rc = store_open(loop, &cfg->redis, STORE_FRONT, &f->store);
    if (rc < 0)
        return rc;
    *why = "pages";
    rc = routes_open(f);
    if (rc < 0)
        front_close(f);
    else
        *why = "";
    return rc;
}

void front_close(struct front *f)
{
    routes_close(f);
    if (f->store)
        store_close(&f->store);
}
