#include "reload.h"

#include <stdio.h>

#include "base/log.h"
#include "config/config.h"

enum { ERRORS_MAX = 64 * 1024 };

static int load(const char *path, struct config **cfg, struct buf *errors)
{
    int rc = config_load(path, cfg, errors);
    char text[64];

    if (rc < 0 && errors->len == 0)
        buf_fmt(errors, "%s: %s\n", path, log_errno(rc, text));
    return rc;
}

struct config *reload_first(const char *path)
{
    struct config *cfg = NULL;
    struct buf errors;

    buf_init(&errors, ERRORS_MAX);
    if (load(path, &cfg, &errors) < 0)
        fprintf(stderr, "%s", buf_cstr(&errors));
    buf_free(&errors);
    return cfg;
}

bool reload_may_serve(const struct config *cfg)
{
    struct buf errors;
    int rc;

    buf_init(&errors, ERRORS_MAX);
    rc = config_check_secrets(cfg, CFG_FRONT, &errors);
    if (rc < 0)
        fprintf(stderr, "%s", buf_cstr(&errors));
    buf_free(&errors);
    return rc == 0;
}

static void complain(struct str errors)
{
    struct str line;

    while (errors.n > 0) {
        line = str_cut(errors, '\n', &errors);
        if (line.n > 0)
            LOG(LOG_ERROR, "front.config_error", FS("error", line));
    }
}

struct config *reload_read(const char *path, const struct config *running)
{
    struct config *cfg = NULL;
    struct buf errors;

    buf_init(&errors, ERRORS_MAX);
    if (load(path, &cfg, &errors) < 0 || config_check_secrets(cfg, CFG_FRONT, &errors) < 0) {
        complain(buf_view(&errors));
        config_free(&cfg);
    } else if (!str_is(str_of(cfg->front.listen), running->front.listen)) {
        LOG(LOG_WARN, "front.restart_needed", F("setting", "front.listen"));
    }
    if (!cfg)
        LOG(LOG_ERROR, "front.reload_failed", F("why", "configuration"));
    buf_free(&errors);
    return cfg;
}
