#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"

enum { VALUE_MAX = 512, LINE_MAX_BYTES = 8192 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *const level_prefix[] = {"<7>", "<6>", "<4>", "<3>"};
static const char *log_program = "lastmile";
static enum log_level log_least = LOG_INFO;
static int log_journal;
static unsigned log_lost;

void log_init(const char *program, const char *level_name)
{
    log_program = program;
    log_journal = getenv("JOURNAL_STREAM") != NULL;
    log_least = LOG_INFO;
    for (size_t i = 0; level_name && i < sizeof(level_names) / sizeof(*level_names); i++)
        if (strcmp(level_name, level_names[i]) == 0)
            log_least = (enum log_level)i;
}

void log_event(enum log_level level, const char *event, const struct log_field *f, size_t n)
{
    char iso[CLOCK_ISO];
    struct jsonw w;
    struct buf b;

    if (level < log_least)
        return;
    buf_init(&b, LINE_MAX_BYTES);
    if (log_journal)
        buf_cat(&b, level_prefix[level]);
    clock_iso(clock_wall_ms(), iso);
    jsonw_init(&w, &b);
    jsonw_obj(&w);
    jsonw_kvs(&w, "time", str_of(iso));
    jsonw_kvs(&w, "level", str_of(level_names[level]));
    jsonw_kvs(&w, "program", str_of(log_program));
    jsonw_kvi(&w, "pid", getpid());
    jsonw_kvs(&w, "event", str_of(event));
    for (size_t i = 0; i < n; i++) {
        if (f[i].key[0] == '\0')
            continue;
        if (f[i].is_int)
            jsonw_kvi(&w, f[i].key, f[i].i);
        else
            jsonw_kvs(&w, f[i].key, str_sub(f[i].s, 0, VALUE_MAX));
    }
    jsonw_obj_end(&w);
    buf_ch(&b, '\n');
    /* A log that cannot be written has nobody left to tell. */
    if (!buf_err(&b) && write(STDERR_FILENO, b.p, b.len) < 0)
        log_lost++;
    buf_free(&b);
}

const char *log_mask(struct str id, char out[16])
{
    struct str tail = id.n > 4 ? str_from(id, id.n - 4) : str_make(NULL, 0);

    snprintf(out, 16, "********%.*s", STR_FMT(tail));
    return out;
}

const char *log_errno(int err, char out[64])
{
    const char *s = strerror_r(err < 0 ? -err : err, out, 64);

    if (s != out)
        snprintf(out, 64, "%s", s);
    return out;
}
