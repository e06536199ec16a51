#include "worker/worker.h"

const struct role_row role_table[ROLES] = {
    {ROLE_MARKET, "market"}, {ROLE_DEPLOY, "deploy"}, {ROLE_NOTIFY, "notify"}};
