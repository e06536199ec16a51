/*
 * sb_usage: what BatchMeterUsage accepts. One record is checked here the way the service does
 * it (API reference BatchMeterUsage, UsageRecord, UsageAllocation, Tag; model 2016-01-14):
 * a record that breaks a rule refuses the whole batch, with the code of that rule.
 */
#ifndef LM_SB_USAGE_H
#define LM_SB_USAGE_H

#include "base/hash.h"
#include "sandbox/sb_call.h"
#include "sandbox/sb_purchase.h"

/* What stays of a record that was billed. */
struct sb_record {
    char id[SB_ID_UUID]; /* MeteringRecordId */
    const struct sb_purchase *purchase;
    char dimension[SB_DIM];
    char region[64];
    int64_t hour_ms; /* UTC hour of the time stamp */
    int64_t quantity;
    int64_t accepted_ms;
    unsigned sent;              /* how often this very record came */
    unsigned conflicts;         /* how often another quantity came for its key */
    char allocations[HASH_HEX]; /* of their text; "" = none */
};

struct sb_usage {
    const cJSON *json;
    struct sb_purchase *purchase; /* NULL: nobody that we know */
    struct str dimension;
    int64_t at_ms, quantity;
    char allocations[HASH_HEX];
};

/* The form of one record, apart from whom it concerns. 0, or sb_call_fail(). */
int sb_usage_check(struct sb_call *c, const cJSON *rec, struct sb_usage *u);
/* The 24 hours and the month's last call at 06:00 UTC on the first. */
bool sb_usage_in_window(int64_t at_ms, int64_t now_ms);

#endif
