/* status: from a capability to a status, for the page, status.json and the API. */
#ifndef LM_STATUS_H
#define LM_STATUS_H

#include "pages/capcache.h"
#include "pages/reg.h"
#include "pages/status_words.h"

struct status_call;

struct status_answers {
    void (*unknown)(struct status_call *c);
    void (*busy)(struct status_call *c);
    /* c->row holds the fields; valid during the call. */
    void (*found)(struct status_call *c);
    const char *moved_prefix, *moved_suffix; /* path around the other capability */
    bool poll; /* hot: the cache may be asked, and only the model's fields */
};

struct status_call {
    struct req *r;
    const struct status_answers *answers;
    struct cap_key key; /* of the capability, in the cache */
    struct reg_id cap;  /* the capability; not taken apart while the cache knows it */
    char order[ID_ORDER];
    bool merged;
    const struct store_row *row;
    struct status status;
    struct status_subject subject;
};

void status_run(struct req *r, struct str capability, const struct status_answers *answers);
/* status_answer.c: 304 or 200 with the JSON form; shared by status.json and the API. */
void status_send_json(struct status_call *c);
/* The answer of before, when marks (status_marks) and the clock say that it holds. False: nothing
 * was sent, because it does not, or because the body is wanted and was not kept. */
bool status_send_again(struct status_call *c, const struct store_row *marks);
/* status_page.c */
void status_send_page(struct status_call *c);

#endif
