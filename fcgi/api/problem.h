/*
 * problem: errors for programs, application/problem+json (RFC 9457).
 *
 * type is a stable address below {base}/api/problems/ that shows what the code means; title and
 * detail are texts of the catalogue ("problem.<code>" and, missing that, "error.<code>.title");
 * instance is the request id; errors[] names wrong members by JSON pointer.
 */
#ifndef LM_PROBLEM_H
#define LM_PROBLEM_H

#include "pages/fields.h"
#include "req.h"

/* fields: those with an error become errors[]; NULL: none. Ends the request. */
void problem_send(struct req *r, int status, const char *code, const struct fields *fields);
/* One wrong member that is no field of ours. */
void problem_member(struct req *r, int status, const char *code, struct str member);

#endif
