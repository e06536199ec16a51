#include "front.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "hooks/hooks.h"
#include "route.h"
#include "store/store.h"

static int failed(const char *what, const char *detail, int rc)
{
    char text[64];

    LOG(LOG_ERROR, "front.start_failed", F("what", what), F("detail", detail),
        F("error", log_errno(rc, text)));
    return rc;
}

/* After start-up there is no name service any more (harden.h): the host of Redis is looked up now,
 * and again with every reload. */
static int resolve_redis(struct front *f)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int rc;

    f->redis = f->cfg->redis;
    if (f->redis.socket[0] || !f->redis.host[0])
        return 0;
    if (getaddrinfo(f->redis.host, NULL, &hints, &found) != 0)
        return -EHOSTUNREACH;
    rc = getnameinfo(found->ai_addr, found->ai_addrlen, f->redis_address, sizeof(f->redis_address),
                     NULL, 0, NI_NUMERICHOST);
    freeaddrinfo(found);
    f->redis.host = f->redis_address;
    return rc == 0 ? 0 : -EHOSTUNREACH;
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
    rc = resolve_redis(f);
    if (rc < 0)
        return failed("redis.host", cfg->redis.host, rc);
    rc = store_open(loop, &f->redis, STORE_FRONT, &f->store);
    if (rc < 0)
        return failed("store", "", rc);
    rc = routes_open(f);
    if (rc < 0) {
        front_close(f);
        return failed("pages", "", rc);
    }
    rc = hooks_open(f);
    if (rc < 0) {
        front_close(f);
        return failed("hooks", "", rc);
    }
    return 0;
}

void front_close(struct front *f)
{
    routes_close(f);
    if (f->store)
        store_close(&f->store);
    hooks_close(f);
}
