/*
 * log: JSON lines on stderr, one write(2) each. For programs only; libraries return errors.
 *
 *   LOG(LOG_INFO, "task.claimed", F("task", id), FI("fence", n));
 *
 * Values are escaped and cut at 512 bytes. Never pass tokens, capabilities, credentials, mail
 * addresses or full account ids: use log_mask() for ids a person needs to recognise.
 * With SD_DAEMON prefixes ("<6>") when JOURNAL_STREAM is set.
 */
#ifndef LM_LOG_H
#define LM_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
    const char *key;
    struct str s;
    int64_t i;
    int is_int;
};

#define F(k, cstr) ((struct log_field){(k), str_of(cstr), 0, 0})
#define FS(k, str) ((struct log_field){(k), (str), 0, 0})
#define FI(k, n)   ((struct log_field){(k), {NULL, 0}, (int64_t)(n), 1})
#define LOG(level, event, ...)                                                                     \
    log_event((level), (event), (const struct log_field[]){{"", {NULL, 0}, 0, 0}, ##__VA_ARGS__},  \
              sizeof((const struct log_field[]){{"", {NULL, 0}, 0, 0}, ##__VA_ARGS__}) /           \
                  sizeof(struct log_field))

/* level_name: debug, info, warn, error; NULL or unknown: info. */
void log_init(const char *program, const char *level_name);
void log_event(enum log_level level, const char *event, const struct log_field *f, size_t n);
/* Keeps the last four characters: "********4135". */
const char *log_mask(struct str id, char out[16]);
/* Text of an errno value or its negation; thread-safe. */
const char *log_errno(int err, char out[64]);

#endif
