#include "deploy/engine.h"

#include <errno.h>
#include <string.h>

static const struct engine_ops *const engines[] = {&engine_process, &engine_exec};

static const char *const class_names[] = {
    [CLASS_NONE] = "NONE",
    [CLASS_RETRY] = "RETRY",
    [CLASS_WAIT_QUOTA] = "WAIT_QUOTA",
    [CLASS_AUTH] = "AUTH",
    [CLASS_INVALID] = "INVALID",
    [CLASS_UNKNOWN_OUTCOME] = "UNKNOWN_OUTCOME",
    [CLASS_GONE_EXTERNALLY] = "GONE_EXTERNALLY",
    [CLASS_STUCK] = "STUCK",
};

static const char *const verb_names[] = {
    [ENGINE_VALIDATE] = "validate", [ENGINE_APPLY] = "apply",   [ENGINE_OBSERVE] = "observe",
    [ENGINE_SUSPEND] = "suspend",   [ENGINE_RESUME] = "resume", [ENGINE_DELETE] = "delete",
};

const struct engine_ops *engine_find(const char *name)
{
    for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++)
        if (strcmp(engines[i]->name, name) == 0)
            return engines[i];
    return NULL;
}

const char *engine_class_name(enum engine_class c)
{
    return class_names[c];
}

const char *engine_verb_name(enum engine_verb v)
{
    return verb_names[v];
}

int engine_class_parse(struct str s, enum engine_class *out)
{
    for (size_t i = 1; i < sizeof(class_names) / sizeof(class_names[0]); i++) {
        if (str_is(s, class_names[i])) {
            *out = (enum engine_class)i;
            return 0;
        }
    }
    return -EINVAL;
}
