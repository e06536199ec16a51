/* The record parser: whatever comes and however it is cut, it ends, keeps its caps, and gives the
 * same requests and replies. First byte: length of the pieces. */
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "records.h"

static const struct req_limits limits = {.params_max = 8,
                                         .params_bytes = 400,
                                         .name_max = 60,
                                         .value_max = 200,
                                         .body_max = 300,
                                         .drain_max = 1000};

static void must(int ok)
{
    if (!ok)
        abort();
}

static void tell(struct rec *p, struct buf *story)
{
    struct rec_request q;
    size_t i, bytes = 0;

    rec_take(p, &q);
    must(q.nparams <= limits.params_max && q.body.n <= limits.body_max);
    buf_fmt(story, "[%u %d %d %d", q.id, q.keep, q.unread, q.refuse);
    for (i = 0; i < q.nparams && !q.refuse; i++) {
        must(q.params[i].name.n <= limits.name_max && q.params[i].value.n <= limits.value_max);
        bytes += q.params[i].name.n + q.params[i].value.n;
        buf_str(story, q.params[i].name);
        buf_ch(story, '=');
        buf_str(story, q.params[i].value);
    }
    must(bytes <= limits.params_bytes);
    buf_str(story, q.body);
    arena_free(&q.arena);
    rec_answered(p);
}

static void run(struct str all, size_t step, struct buf *story)
{
    struct rec p;
    struct buf reply;
    enum rec_step last = REC_MORE;

    rec_init(&p, &limits);
    buf_init(&reply, 1 << 20);
    while (all.n > 0 && last != REC_BAD) {
        struct str in = str_sub(all, 0, step);

        all = str_from(all, in.n);
        do {
            last = rec_feed(&p, &in, &reply);
            must(last != REC_HOLD); /* every request is answered at once here */
            if (last == REC_REQUEST)
                tell(&p, story);
        } while (last == REC_REQUEST || last == REC_ABORT);
        must(last == REC_BAD || in.n == 0);
    }
    if (last != REC_BAD) {
        if (p.state == REC_STDIN) {
            rec_give_up(&p, 408);
            tell(&p, story);
        }
        buf_str(story, buf_view(&reply));
    }
    buf_cat(story, rec_why(&p));
    buf_free(&reply);
    rec_free(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str all = str_make((const char *)data, size);
    struct buf whole, pieces;

    if (size < 2 || size > 65536)
        return 0;
    buf_init(&whole, 1 << 22);
    buf_init(&pieces, 1 << 22);
    run(str_from(all, 1), size, &whole);
    run(str_from(all, 1), (size_t)data[0] % 64 + 1, &pieces);
    must(str_eq(buf_view(&whole), buf_view(&pieces)));
    buf_free(&whole);
    buf_free(&pieces);
    return 0;
}
