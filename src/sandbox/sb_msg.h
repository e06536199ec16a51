/*
 * sb_msg: one HTTP request and its answer, as every handler of the sandbox sees them. Nothing
 * here knows the HTTP library, so handlers can be driven by unit tests.
 *
 * A request borrows all its slices from the transport until the answer is sent. A response owns
 * its body; sb_resp_init() and sb_resp_free() bracket it.
 */
#ifndef LM_SB_MSG_H
#define LM_SB_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define SB_BODY_MAX  (2u << 20)
#define SB_REPLY_MAX (32u << 20)
#define SB_HDR_MAX   64

struct sb_hdr {
    struct str name, value;
};

struct sb_req {
    struct str method;
    struct str path;  /* as sent, still escaped */
    struct str query; /* as sent, without the question mark */
    struct sb_hdr h[SB_HDR_MAX];
    size_t nh;
    struct str body;
    bool too_big; /* body over SB_BODY_MAX; body is then empty */
};

/* How the answer leaves: the faults that live below HTTP. */
enum sb_wire {
    SB_WIRE_NORMAL,
    SB_WIRE_DROP,     /* connection closed without an answer */
    SB_WIRE_TRUNCATE, /* Content-Length of the whole, half of the bytes, close */
    SB_WIRE_ENDLESS,  /* chunks that never end */
    SB_WIRE_SLOW      /* the body dripped over wire_ms */
};

struct sb_resp {
    unsigned status;
    const char *ctype; /* static string */
    struct buf body;
    struct {
        const char *name; /* static string */
        char value[2048];
    } h[8];
    size_t nh;
    enum sb_wire wire;
    uint32_t wire_ms;
};

/* First header of that name, any case; empty when absent. */
struct str sb_req_header(const struct sb_req *req, const char *name);
/* Value of a form or query field, decoded once into out (0), -ENOENT, -EINVAL, -ENOBUFS. */
int sb_req_field(struct str form, const char *name, char *out, size_t cap);

void sb_resp_init(struct sb_resp *resp);
void sb_resp_free(struct sb_resp *resp);
void sb_resp_header(struct sb_resp *resp, const char *name, const char *value);
/* Plain text answer; forgets what the body held. */
void sb_resp_text(struct sb_resp *resp, unsigned status, const char *text);
void sb_resp_see_other(struct sb_resp *resp, const char *location);

#endif
