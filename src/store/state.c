#include "store/state.h"

#include <errno.h>
#include <stddef.h>

#define BIT(x) (1u << (x))

struct state {
    const char *name;
    unsigned to; /* set of states it may become */
};

static const struct state contracts[] = {
    [CONTRACT_PENDING] = {"PENDING", BIT(CONTRACT_ACTIVE) | BIT(CONTRACT_SUSPENDED) |
                                         BIT(CONTRACT_CANCELLED) | BIT(CONTRACT_EXPIRED)},
    [CONTRACT_ACTIVE] = {"ACTIVE",
                         BIT(CONTRACT_SUSPENDED) | BIT(CONTRACT_CANCELLED) | BIT(CONTRACT_EXPIRED)},
    [CONTRACT_SUSPENDED] = {"SUSPENDED",
                            BIT(CONTRACT_ACTIVE) | BIT(CONTRACT_CANCELLED) | BIT(CONTRACT_EXPIRED)},
    [CONTRACT_CANCELLED] = {"CANCELLED", BIT(CONTRACT_ACTIVE) | BIT(CONTRACT_EXPIRED)},
    [CONTRACT_EXPIRED] = {"EXPIRED", BIT(CONTRACT_ACTIVE) | BIT(CONTRACT_CANCELLED)},
};

#define ENDS (BIT(FULFIL_FAILED) | BIT(FULFIL_STUCK) | BIT(FULFIL_DELETING))
#define WORK                                                                                       \
    (BIT(FULFIL_PROVISIONING) | BIT(FULFIL_VERIFYING) | BIT(FULFIL_READY) | BIT(FULFIL_UPDATING) | \
     BIT(FULFIL_SUSPENDED) | BIT(FULFIL_DEGRADED))

static const struct state fulfilments[] = {
    [FULFIL_RECEIVED] = {"RECEIVED", BIT(FULFIL_IDENTIFIED) | ENDS | BIT(FULFIL_CLOSED)},
    [FULFIL_IDENTIFIED] = {"IDENTIFIED", (WORK & ~BIT(FULFIL_UPDATING) & ~BIT(FULFIL_DEGRADED)) |
                                             ENDS | BIT(FULFIL_CLOSED)},
    [FULFIL_PROVISIONING] = {"PROVISIONING", BIT(FULFIL_VERIFYING) | BIT(FULFIL_READY) |
                                                 BIT(FULFIL_SUSPENDED) | ENDS},
    [FULFIL_VERIFYING] = {"VERIFYING", (WORK & ~BIT(FULFIL_VERIFYING)) | ENDS},
    [FULFIL_READY] = {"READY", (WORK & ~BIT(FULFIL_READY)) | ENDS},
    [FULFIL_UPDATING] = {"UPDATING", (WORK & ~BIT(FULFIL_UPDATING)) | ENDS},
    [FULFIL_SUSPENDED] = {"SUSPENDED", (WORK & ~BIT(FULFIL_SUSPENDED)) | ENDS},
    [FULFIL_DEGRADED] = {"DEGRADED", (WORK & ~BIT(FULFIL_DEGRADED)) | ENDS},
    [FULFIL_FAILED] = {"FAILED", WORK | BIT(FULFIL_IDENTIFIED) | BIT(FULFIL_STUCK) |
                                     BIT(FULFIL_DELETING) | BIT(FULFIL_CLOSED)},
    [FULFIL_STUCK] = {"STUCK", WORK | BIT(FULFIL_IDENTIFIED) | BIT(FULFIL_FAILED) |
                                   BIT(FULFIL_DELETING) | BIT(FULFIL_CLOSED)},
    [FULFIL_DELETING] = {"DELETING", BIT(FULFIL_FAILED) | BIT(FULFIL_STUCK) | BIT(FULFIL_CLOSED)},
    [FULFIL_CLOSED] = {"CLOSED", 0},
};

enum { CONTRACTS = sizeof(contracts) / sizeof(contracts[0]) };
enum { FULFILMENTS = sizeof(fulfilments) / sizeof(fulfilments[0]) };

static int find(const struct state *table, size_t n, struct str s)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(s, table[i].name))
            return (int)i;
    return -EINVAL;
}

const char *contract_name(enum contract c)
{
    return contracts[c].name;
}

int contract_parse(struct str s, enum contract *out)
{
    int i = find(contracts, CONTRACTS, s);

    if (i < 0)
        return i;
    *out = (enum contract)i;
    return 0;
}

bool contract_legal(enum contract from, enum contract to)
{
    return (contracts[from].to & BIT(to)) != 0;
}

const char *fulfilment_name(enum fulfilment f)
{
    return fulfilments[f].name;
}

int fulfilment_parse(struct str s, enum fulfilment *out)
{
    int i = find(fulfilments, FULFILMENTS, s);

    if (i < 0)
        return i;
    *out = (enum fulfilment)i;
    return 0;
}

bool fulfilment_legal(enum fulfilment from, enum fulfilment to)
{
    return (fulfilments[from].to & BIT(to)) != 0;
}

/* Money flows while the contract is active; service flows while something answers. */
enum quadrant quadrant_of(enum contract c, enum fulfilment f)
{
    const unsigned serving = BIT(FULFIL_READY) | BIT(FULFIL_UPDATING) | BIT(FULFIL_DEGRADED);
    const unsigned beginning = BIT(FULFIL_RECEIVED) | BIT(FULFIL_IDENTIFIED) |
                               BIT(FULFIL_PROVISIONING) | BIT(FULFIL_VERIFYING);
    const unsigned over = BIT(FULFIL_DELETING) | BIT(FULFIL_CLOSED);

    if (c == CONTRACT_ACTIVE) {
        if (BIT(f) & beginning)
            return QUAD_ONBOARDING;
        return (f == FULFIL_READY || f == FULFIL_UPDATING) ? QUAD_HEALTHY
                                                           : QUAD_PAYING_NOT_PROVISIONED;
    }
    if (BIT(f) & serving)
        return QUAD_SERVING_NOT_BILLED;
    return c == CONTRACT_PENDING && !(BIT(f) & over) ? QUAD_ONBOARDING : QUAD_CLOSED;
}

const char *quadrant_name(enum quadrant q)
{
    static const char *const names[] = {
        [QUAD_HEALTHY] = "HEALTHY",
        [QUAD_ONBOARDING] = "ONBOARDING",
        [QUAD_PAYING_NOT_PROVISIONED] = "PAYING_NOT_PROVISIONED",
        [QUAD_SERVING_NOT_BILLED] = "SERVING_NOT_BILLED",
        [QUAD_CLOSED] = "CLOSED",
    };

    return names[q];
}
