/*
 * cgi: plain CGI (RFC 3875): the web server starts a process per request, variables in the
 * environment, body on descriptor 0, answer on descriptor 1. The same handlers, the same loop,
 * turned until the one answer is there.
 */
#ifndef LM_CGI_H
#define LM_CGI_H

struct config;

/* cfg NULL: it could not be read; the answer is a 503. Returns the exit code. */
int cgi_serve(const struct config *cfg, char *const *env);

#endif
