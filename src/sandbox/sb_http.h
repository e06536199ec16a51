/*
 * sb_http: the server. libmicrohttpd, one thread per connection, loopback only. Every request is
 * read whole, handed to sb_route() under the sandbox's lock, and answered.
 */
#ifndef LM_SB_HTTP_H
#define LM_SB_HTTP_H

#include <stdint.h>

#include "sandbox/sb_core.h"

struct sb_http;

/* Listens on 127.0.0.1; port 0 takes any free one. s->port is set. NULL: the port is taken or
 * there is no memory. */
struct sb_http *sb_http_start(struct sb *s, uint16_t port);
/* Ends all waits and connections; returns when no thread is left. */
void sb_http_stop(struct sb_http **h);

#endif
