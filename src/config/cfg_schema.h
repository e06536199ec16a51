/*
 * cfg_schema: the tables that say what the configuration may hold.
 *
 * One struct cfg_section per map, one row per key. The rows are the only description: the filler
 * (cfg_fill), the messages and the reference documentation (config_reference) are made of them.
 * To add a key: a member in config.h and a row here.
 */
#ifndef LM_CFG_SCHEMA_H
#define LM_CFG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cfg_type {
    CT_TEXT, /* the texts: kept as const char *, checked by cfg_value_* */
    CT_LINES,
    CT_NAME,
    CT_FIELD,
    CT_LABEL,
    CT_URL,
    CT_ORIGIN,
    CT_PATTERN,
    CT_MAIL_URL,
    CT_PATH,
    CT_SECRET, /* a path, or the name of a credential: kept as a path */
    CT_CGROUP,
    CT_LISTEN,
    CT_BASE,
    CT_URLPATH,
    CT_MODE,
    CT_EMAIL,
    CT_MAILBOX,
    CT_COLOR,
    CT_REGION,
    CT_ARN,
    CT_WORD, /* one of words, kept as const char * */
    CT_ENUM, /* one of words, kept as its number */
    CT_BOOL,
    CT_U16,
    CT_U32,
    CT_DURATION, /* uint64_t milliseconds */
    CT_SIZE,     /* uint64_t bytes */
    CT_TEXTS,    /* lists: NULL-terminated array of texts, never NULL */
    CT_NAMES,
    CT_REGIONS,
    CT_ARNS,
    CT_ARGV,    /* as CT_TEXTS, not empty, the first an absolute path */
    CT_ENV,     /* map -> NULL-terminated array of "K=V" */
    CT_KV,      /* map -> array of struct cfg_kv and a count */
    CT_SECTION, /* a struct inside this one */
    CT_SINGLE,  /* one map -> array of one struct and a count */
    CT_LIST,    /* list of maps -> array of structs and a count */
    CT_MAP,     /* map of maps -> array of structs and a count; the key is the name */
    CT_TYPES
};

struct cfg_key {
    const char *name;
    enum cfg_type type;
    size_t offset;
    size_t count; /* offset of the size_t that counts, for arrays */
    const char *dflt;
    uint64_t min, max; /* numbers; max 0: the type's own */
    const char *const *words;
    const struct cfg_section *sub;
    bool required;
    const char *help;
};

struct cfg_section {
    const char *title; /* in the reference */
    const char *help;
    size_t size;          /* of the struct */
    enum cfg_type naming; /* CT_MAP: what a name must look like */
    const struct cfg_key *keys;
    size_t nkeys;
};

extern const struct cfg_section cfg_schema_root;
extern const struct cfg_section cfg_schema_market;
extern const struct cfg_section cfg_schema_azure;
extern const struct cfg_section cfg_schema_gcp;
extern const struct cfg_section cfg_schema_template;
extern const struct cfg_section cfg_schema_field;
extern const struct cfg_section cfg_schema_limits;
extern const struct cfg_section cfg_schema_front;
extern const struct cfg_section cfg_schema_worker;
extern const struct cfg_section cfg_schema_redis;
extern const struct cfg_section cfg_schema_secrets;

#endif
