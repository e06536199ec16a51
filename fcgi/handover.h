/*
 * handover: idle kept connections change their process instead of being closed.
 *
 * A web server that keeps connections may choose one for a POST in the very moment in which we
 * close it; that request fails and may not be repeated. So a process that leaves closes no idle
 * connection: it passes the descriptor (SCM_RIGHTS) through a socket pair that the parent holds for
 * all generations, and a process that stays reads it. Bytes that the web server sent meanwhile lie
 * in the socket and move along.
 *
 * Whoever leaves must stop reading first. Messages in the pair belong to nobody and survive any
 * process but the parent.
 */
#ifndef LM_HANDOVER_H
#define LM_HANDOVER_H

struct handover {
    int in;  /* processes that stay receive here */
    int out; /* processes that leave send here */
};

/* Both ends non-blocking, close-on-exec. 0 or -errno. */
int handover_open(struct handover *h);
void handover_close(struct handover *h);
/* A copy of fd goes through; the caller closes its own. 0 or -errno (-EAGAIN: full). */
int handover_send(const struct handover *h, int fd);
/* 0 and *fd, or -errno (-EAGAIN: none there). */
int handover_recv(const struct handover *h, int *fd);

#endif
