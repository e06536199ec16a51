/* when: times and spans as a buyer reads them. All UTC, said so; scripts make them local. */
#ifndef LM_WHEN_H
#define LM_WHEN_H

#include "base/arena.h"

struct str when_date(struct arena *a, int64_t ms);   /* "23 November 2026" */
struct str when_minute(struct arena *a, int64_t ms); /* "23 Nov 2026, 01:02 UTC" */
struct str when_iso(struct arena *a, int64_t ms);
struct str when_span(struct arena *a, int64_t ms); /* "4 s", "2 min 5 s", "3 h 10 min" */
/* "2 years" for P2Y: of an ISO 8601 duration of one part, as marketplaces write terms; else empty.
 */
struct str when_term(struct arena *a, struct str iso);
/* "a…@acme.com" */
struct str when_mask_mail(struct arena *a, struct str mail);

#endif
