/* status_words: the texts that belong to a status, and its JSON form. */
#ifndef LM_STATUS_WORDS_H
#define LM_STATUS_WORDS_H

#include "pages/pages.h"
#include "pages/status_model.h"

struct status_words {
    struct str headline; /* one sentence of state */
    struct str detail;   /* what it means, what happens next */
    struct str billing;  /* truth about money; empty where there is nothing to say */
    struct str coming;   /* which change comes when; empty: none */
};

struct status_subject {
    const struct cfg_market *market; /* NULL: no longer configured */
    const struct cfg_plan *plan;     /* NULL: not known */
    char kind;                       /* 'o' order, 'r' registration */
};

void status_say(struct arena *a, const struct pages *pg, const struct config *cfg,
                const struct status_subject *sub, const struct status *s, struct status_words *out);
/* m may be NULL. */
struct str status_step_title(struct arena *a, const struct pages *pg, const struct cfg_market *m,
                             const struct status_step *step);
/* At most about 1 KB. */
void status_json(struct arena *a, const struct pages *pg, const struct status *s,
                 const struct status_words *w, struct buf *out);
/* Strong, quoted: kind, version, which days are past, and the tag of the texts. */
const char *status_etag(struct arena *a, const struct pages *pg, const struct status_subject *sub,
                        const struct status *s);

#endif
