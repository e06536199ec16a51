/*
 * exec_int: the parts of the exec engine among themselves. The contract with the program (verb as
 * argv[1], request on stdin, JSON lines on stdout, exit status) is in docs/engines.md.
 */
#ifndef LM_EXEC_INT_H
#define LM_EXEC_INT_H

#include "base/json.h"
#include "config/config.h"
#include "deploy/engine.h"

#define EXEC_LINE_MAX 65536u

/* exec_request: what the program reads. -EINVAL: spec or outputs are not JSON objects. */
int exec_request(const struct engine_call *call, const struct cfg_template *t, const char *endpoint,
                 struct buf *out);

/* exec_line: one line of the program. Pure, keeps the result for exec_verdict(). */
enum exec_line {
    EXEC_LINE_BAD,
    EXEC_LINE_OTHER,
    EXEC_LINE_PROGRESS,
    EXEC_LINE_ID,
    EXEC_LINE_RESULT
};
struct exec_said {
    struct buf text;     /* of the last line: what message or id points to */
    int pct;             /* progress: 0..100 or -1 */
    const char *message; /* progress */
    const char *id;      /* external_id */
    bool have_result;
    struct arena *arena;         /* of the result and the verdict; NULL before there is any */
    struct engine_result result; /* the last one */
    bool bad;                    /* some line was not what the contract says */
};
void exec_said_init(struct exec_said *said);
void exec_said_free(struct exec_said *said);
enum exec_line exec_line(struct exec_said *said, struct str line);

/* exec_verdict: exit status + what was said -> the answer. Pure. */
struct exec_end {
    int status; /* waitpid(2) */
    bool too_late, cancelled, abandoned;
    struct str errors;
};
void exec_verdict(struct exec_said *said, const struct exec_end *end, struct engine_result *out);
/* A copy that lives as long as said, no longer than the next result. "" without memory. */
const char *exec_keep(struct exec_said *said, struct str s);

/*
 * exec_claim: who runs for this tenant on this host, in the tenant's work directory. A worker that
 * was killed leaves its program behind; the next one ends that before it starts its own. The
 * program is recorded before it gets its request, and without a request it can do nothing.
 */
/* 0 free, -EBUSY a former program still runs and was told to end, -errno. */
int exec_claim_check(const char *dir);
int exec_claim_write(const char *dir, pid_t pid);
void exec_claim_drop(const char *dir);

#endif
