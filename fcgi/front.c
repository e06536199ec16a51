#include "front.h"

#include <string.h>

#include "base/log.h"
#include "config/config.h"
#include "route.h"
#include "store/store.h"

static int failed(const char *what, const char *detail, int rc)
{
    char text[64];

    LOG(LOG_ERROR, "front.start_failed", F("what", what), F("detail", detail),
        F("error", log_errno(rc, text)));
    return rc;
}

int front_open(struct front *f, uv_loop_t *loop, const struct config *cfg)
{
    int rc;

    memset(f, 0, sizeof(*f));
    f->loop = loop;
    f->cfg = cfg;
    f->base = cfg->front.base;
    if (cfg->seal_public_file[0]) {
        rc = seal_load_pub(cfg->seal_public_file, &f->seal);
        if (rc < 0)
            return failed("seal_public_file", cfg->seal_public_file, rc);
        f->sealed = true;
    }
    rc = store_open(loop, &cfg->redis, STORE_FRONT, &f->store);
    if (rc < 0)
        return failed("store", "", rc);
    rc = routes_open(f);
    if (rc < 0) {
        front_close(f);
        return failed("pages", "", rc);
    }
    return 0;
}

void front_close(struct front *f)
{
    routes_close(f);
    if (f->store)
        store_close(&f->store);
}
