/*
 * sb_fault: planned trouble. A fault names an operation, a kind and how often it strikes.
 * op: an API operation ("ResolveCustomer", "ReceiveMessage", "AssumeRole", "Imds", "Ecs"), "*"
 * for any of them; "event" for every event or "event:<beginning of detail-type or action>".
 */
#ifndef LM_SB_FAULT_H
#define LM_SB_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "sandbox/sb_core.h"
#include "sandbox/sb_msg.h"

enum sb_fault_kind {
    SB_FAULT_NONE,
    /* API calls, before the effect */
    SB_FAULT_THROTTLE,            /* ThrottlingException */
    SB_FAULT_5XX,                 /* internal error */
    SB_FAULT_DENIED,              /* AccessDeniedException */
    SB_FAULT_EXPIRED_CREDENTIALS, /* ExpiredTokenException about the caller's session */
    SB_FAULT_TIMEOUT_BEFORE,      /* no effect, silence for ms, then the connection closes */
    /* API calls, after the effect */
    SB_FAULT_TIMEOUT_AFTER,
    SB_FAULT_TRUNCATE,
    SB_FAULT_ENDLESS,
    SB_FAULT_SLOW,
    SB_FAULT_NOT_JSON,    /* 200 with a page of a proxy */
    SB_FAULT_EMPTY_PAGE,  /* GetEntitlements: no rows, but a NextToken */
    SB_FAULT_UNPROCESSED, /* BatchMeterUsage: the next record is left unprocessed */
    /* events */
    SB_FAULT_DELAY,
    SB_FAULT_DROP,
    SB_FAULT_DUPLICATE,
    SB_FAULT_REORDER,
    SB_FAULT_DOC_ARN, /* the licence ARN in the form that the documentation prints */
    SB_FAULT_KINDS
};

struct sb_fault {
    char op[96];
    enum sb_fault_kind kind;
    uint64_t left;
    uint64_t ms; /* meaning by kind; 0 = the kind's default */
    uint64_t n;  /* duplicates */
};

/* From {"op","kind","count","ms","n"}; 0 or -EINVAL / -ENOBUFS with a sentence. */
int sb_fault_add(struct sb *s, const cJSON *in, const char **why);
/* Uses up one strike of a fault of exactly this kind; *f gets its copy (may be NULL). */
bool sb_fault_take(struct sb *s, const char *op, enum sb_fault_kind kind, struct sb_fault *f);
/* The same for an event, named by its detail-type or action. */
bool sb_fault_event(struct sb *s, const char *label, enum sb_fault_kind kind, struct sb_fault *f);
/* Uses up the first fault of this operation that concerns the call as a whole. */
enum sb_fault_kind sb_fault_call(struct sb *s, const char *op, uint64_t *ms);
/* Faults that spoil an answer; the effect stands. May wait. */
void sb_fault_spoil(struct sb *s, struct sb_resp *resp, enum sb_fault_kind kind, uint64_t ms);
void sb_fault_write(const struct sb *s, struct jsonw *w);
const char *sb_fault_name(enum sb_fault_kind kind);

#endif
