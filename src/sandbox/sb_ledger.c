#include "sandbox/sb_ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"

void sb_ledger_init(struct sb_ledger *l)
{
    *l = (struct sb_ledger){.fd = -1};
}

int sb_ledger_open(struct sb_ledger *l, const char *path)
{
    l->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return l->fd < 0 ? -errno : 0;
}

void sb_ledger_free(struct sb_ledger *l)
{
    for (size_t i = 0; l->line && i < SB_LEDGER_KEEP; i++)
        free(l->line[i]);
    free(l->line);
    if (l->fd >= 0)
        close(l->fd);
    sb_ledger_init(l);
}

static void keep(struct sb_ledger *l, const char *text)
{
    if (!l->line)
        l->line = calloc(SB_LEDGER_KEEP, sizeof(*l->line));
    if (!l->line)
        return;
    char **slot = &l->line[(l->seq - 1) % SB_LEDGER_KEEP];
    free(*slot);
    *slot = strdup(text);
}

void sb_ledger_add(struct sb_ledger *l, int64_t now_ms, const char *op, const char *purchase,
                   const char *result, const char *detail)
{
    char iso[CLOCK_ISO];
    struct jsonw w;
    struct buf b;

    buf_init(&b, 8192);
    jsonw_init(&w, &b);
    clock_iso(now_ms, iso);
    jsonw_obj(&w);
    jsonw_kvi(&w, "seq", (int64_t)++l->seq);
    jsonw_kvs(&w, "time", str_of(iso));
    jsonw_kvs(&w, "op", str_of(op));
    jsonw_kvs(&w, "purchase", str_of(purchase));
    jsonw_kvs(&w, "result", str_of(result));
    jsonw_kvs_opt(&w, "detail", str_of(detail));
    jsonw_obj_end(&w);
    buf_ch(&b, '\n');
    keep(l, buf_cstr(&b));
    if (l->fd >= 0 && write(l->fd, b.p, b.len) != (ssize_t)b.len) {
        close(l->fd); /* a ledger with holes would prove nothing */
        l->fd = -1;
    }
    buf_free(&b);
}

void sb_ledger_write(const struct sb_ledger *l, uint64_t after, struct buf *out)
{
    uint64_t first = l->seq > SB_LEDGER_KEEP ? l->seq - SB_LEDGER_KEEP + 1 : 1;

    if (after + 1 > first)
        first = after + 1;
    for (uint64_t q = first; l->line && q <= l->seq; q++) {
        const char *text = l->line[(q - 1) % SB_LEDGER_KEEP];
        if (text)
            buf_cat(out, text);
    }
}
