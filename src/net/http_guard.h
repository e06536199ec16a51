/*
 * http_guard: which addresses an outbound connection may reach. Pure; any thread.
 *
 * Ranges are those of the IANA special-purpose registries (RFC 6890 and successors). An IPv6
 * address that carries an IPv4 one (mapped, compatible, NAT64, 6to4) is judged by that one.
 */
#ifndef LM_HTTP_GUARD_H
#define LM_HTTP_GUARD_H

#include <stdbool.h>
#include <sys/socket.h>

/* allow: enum http_allow bits. plain: no TLS, so only loopback or metadata addresses will do.
 * Unix sockets and other families are refused here. */
bool http_guard_ok(const struct sockaddr *sa, unsigned allow, bool plain);
/* The same for the text form of an address, as the transfer library reports it. */
bool http_guard_text_ok(const char *ip, unsigned allow, bool plain);
/* Is this host, as written in a URL, a loopback literal or "localhost"? */
bool http_guard_loopback_name(const char *host);

#endif
