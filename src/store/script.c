#include "store/script.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "store_lua.h"

static struct script scripts[STORE_SCRIPTS] = {
    [STORE_LAND] = {"land", true},
    [STORE_SIGN_IN] = {"sign_in", true},
    [STORE_CLAIM] = {"claim", true},
    [STORE_REG_GET] = {"reg_get", false},
    [STORE_SUBMIT] = {"submit", true},
    [STORE_STATUS] = {"status", false},
    [STORE_READY] = {"ready", false},
    [STORE_KEYS_GET] = {"keys_get", false},
    [STORE_KEYS_WANT] = {"keys_want", true},
    [STORE_REG_LOAD] = {"reg_load", false},
    [STORE_REG_IDENTITY] = {"reg_identity", true},
    [STORE_REG_RESOLVED] = {"reg_resolved", true},
    [STORE_REG_REFUSED] = {"reg_refused", true},
    [STORE_REG_PLACED] = {"reg_placed", true},
    [STORE_ORDER_UPSERT] = {"order_upsert", true},
    [STORE_ORDER_PLACE] = {"order_place", true},
    [STORE_ORDER_FIND] = {"order_find", false},
    [STORE_ORDER_ALIAS] = {"order_alias", true},
    [STORE_ORDER_MERGE] = {"order_merge", true},
    [STORE_AGREEMENT] = {"agreement", true},
    [STORE_ACCOUNT_ADD] = {"account_add", true},
    [STORE_ACCOUNT_GET] = {"account_get", false},
    [STORE_EVENT_PUT] = {"event_put", true},
    [STORE_EVENT_GET] = {"event_get", false},
    [STORE_KEYS_PUT] = {"keys_put", true},
    [STORE_TASK_ADD] = {"task_add", true},
    [STORE_TASK_CLAIM] = {"task_claim", true},
    [STORE_TASK_RENEW] = {"task_renew", true},
    [STORE_TASK_FINISH] = {"task_finish", true},
    [STORE_TASK_STEP] = {"task_step", true},
    [STORE_FULFIL_LOAD] = {"fulfil_load", false},
    [STORE_ORDER_WRITE] = {"order_write", true},
    [STORE_CAP_ADD] = {"cap_add", true},
    [STORE_ORDER_GET] = {"order_get", false},
    [STORE_ORDERS] = {"orders", false},
    [STORE_LOG] = {"log", false},
    [STORE_OPERATE] = {"operate", true},
    [STORE_INIT] = {"init", true},
    [STORE_BEAT] = {"beat", true},
    [STORE_SWEEP] = {"sweep", true},
    [STORE_INVARIANTS] = {"invariants", false},
    [STORE_RESYNC] = {"resync", true},
    [STORE_HASTEN] = {"hasten", true},
    [STORE_STATS] = {"stats", false},
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int missing;

static void load_all(void)
{
    for (size_t i = 0; i < STORE_SCRIPTS; i++) {
        struct script *s = &scripts[i];

        for (size_t j = 0; embedded[j].name; j++)
            if (s->name && strcmp(embedded[j].name, s->name) == 0)
                s->text = str_make(embedded[j].data, embedded[j].size);
        if (!s->text.p) {
            missing = -ENOENT;
            continue;
        }
        sha1_hex(s->text, s->sha);
        snprintf(s->before, sizeof(s->before), "store.%s.before", s->name);
        snprintf(s->after, sizeof(s->after), "store.%s.after", s->name);
    }
}

int script_init(void)
{
    pthread_once(&once, load_all);
    return missing;
}

const struct script *script_get(enum store_script s)
{
    return &scripts[s];
}

const char *store_script_name(enum store_script s)
{
    return scripts[s].name;
}
