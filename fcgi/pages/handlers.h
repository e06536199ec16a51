/* handlers: every handler of the route table, by file. */
#ifndef LM_HANDLERS_H
#define LM_HANDLERS_H

#include "route.h"

/* landing.c */
void landing_post(struct req *r, const struct str *bound);
void landing_get(struct req *r, const struct str *bound);
void login_get(struct req *r, const struct str *bound);
void login_post(struct req *r, const struct str *bound);
/* signin.c, signin_back.c */
void signin_get(struct req *r, const struct str *bound);
void signin_post(struct req *r, const struct str *bound);
void signin_back(struct req *r, const struct str *bound);
/* registration.c, checking.c, submit.c */
void registration_get(struct req *r, const struct str *bound);
void registration_poll(struct req *r, const struct str *bound);
void registration_post(struct req *r, const struct str *bound);
/* status.c */
void status_get(struct req *r, const struct str *bound);
void status_poll(struct req *r, const struct str *bound);
/* static.c, health.c, home.c */
void static_get(struct req *r, const struct str *bound);
void health_live(struct req *r, const struct str *bound);
void health_ready(struct req *r, const struct str *bound);
void home_get(struct req *r, const struct str *bound);
/* api/ */
void api_registration_new(struct req *r, const struct str *bound);
void api_registration_get(struct req *r, const struct str *bound);
void api_registration_post(struct req *r, const struct str *bound);
void api_status_get(struct req *r, const struct str *bound);
void api_openapi(struct req *r, const struct str *bound);
void api_problem_type(struct req *r, const struct str *bound);

#endif
