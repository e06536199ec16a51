/*
 * fcgi2: the transport on libfcgi's reference implementation, for hosts that want it, and the
 * oracle that tests compare the record layer with.
 *
 * One thread per request at a time, each with its own loop, front and store connection. A thread
 * never sits in FCGX_Accept_r without work: it polls the listener (or its kept connection), an
 * eventfd that says stop, and its own loop (reference: c-ecosystem 1.3).
 *
 * Limits that are libfcgi's: a kept connection holds its thread, so the web server must keep fewer
 * connections than there are threads (best: none); params have no deadline; and lengths are
 * believed before their bytes arrive. Only the socket's mode protects it.
 */
#ifndef LM_FCGI2_H
#define LM_FCGI2_H

#include "child.h"

/* As child_main(). */
int fcgi2_serve(const struct child_job *job);

#endif
