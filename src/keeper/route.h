/*
 * route: the sockets in the run directory. The web server finds a tenant by the name
 * <run>/app.sock and by nothing else, so a rename over that name is the whole route change:
 * atomic, no reload. A new instance listens on .app.<seq>.sock until it is healthy.
 */
#ifndef LM_KEEPER_ROUTE_H
#define LM_KEEPER_ROUTE_H

#include "keeper.h"

#define ROUTE_PATH 108 /* sizeof sun_path */

/* The instance's own name, or app.sock once it is switched. -ENAMETOOLONG over 107 bytes. */
int route_path(const struct keeper *k, const struct inst *i, char out[ROUTE_PATH]);
/* Binds and listens; *ino identifies the socket. Returns the descriptor or -errno. */
int route_listen(const struct keeper *k, const struct inst *i, uint64_t *ino);
/* The instance becomes what the web server reaches. 0 or -errno. */
int route_switch(const struct keeper *k, const struct inst *i);
/* Takes the tenant off the air: the web server then shows its 503 page. */
void route_remove(const struct keeper *k);
/* Forgets the own name of an instance that was never switched. */
void route_forget(const struct keeper *k, const struct inst *i);
/* Inode of app.sock, 0 when there is none. */
uint64_t route_current(const struct keeper *k);

#endif
