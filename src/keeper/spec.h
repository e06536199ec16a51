/*
 * spec: what one generation of a tenant runs. Parsed once from the JSON that the engine sends,
 * immutable, reference counted (the keeper's want and good and each instance hold one).
 *
 *   {"generation":3,"spec_sha256":"<hex>","run":{"command":["/abs/prog","arg"],
 *    "environment":["K=V"],"limits":{"memory":0,"cpu_pct":0,"pids":0,"disk":0},
 *    "health_path":"/healthz","health_timeout_ms":60000,"health_interval_ms":10000,
 *    "drain_ms":5000,"stop_ms":10000}}
 *
 * Two specs with the same "run" object need no restart between them: hash is taken over it.
 * Environment values are text without control characters; names that the keeper sets itself
 * (LISTEN_*, TENANT_SOCKET, LASTMILE_GENERATION) are refused.
 */
#ifndef LM_KEEPER_SPEC_H
#define LM_KEEPER_SPEC_H

#include "base/arena.h"
#include "base/hash.h"
#include "base/json.h"

#define SPEC_MAX  (128u * 1024u) /* bytes of JSON */
#define SPEC_ARGS 64
#define SPEC_ENVS 128

struct spec_limits { /* 0: none */
    uint64_t memory;
    uint64_t cpu_pct;
    uint64_t pids;
    uint64_t disk;
};

struct spec {
    struct arena *arena;
    unsigned refs;
    char hash[HASH_HEX];
    uint64_t generation;
    const char *spec_sha256;
    struct str json;   /* the whole object, for the record */
    const char **argv; /* NULL-terminated */
    const char **env;  /* NULL-terminated, nenv entries */
    size_t nenv;
    struct spec_limits limits;
    const char *health_path;
    uint64_t health_timeout_ms, health_interval_ms, drain_ms, stop_ms;
};

/* 0 and a reference, -ENOMEM, or -EINVAL with *why (static text). */
int spec_parse(const cJSON *obj, struct spec **out, const char **why);
struct spec *spec_ref(struct spec *s); /* NULL stays NULL */
void spec_unref(struct spec **s);
bool spec_same(const struct spec *a, const struct spec *b); /* by hash; NULL only equals NULL */

#endif
