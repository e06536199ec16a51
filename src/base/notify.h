/*
 * notify: messages to the service manager, as sd_notify(3) defines them: one datagram to the
 * unix socket named by NOTIFY_SOCKET. Without that variable nothing happens.
 */
#ifndef LM_NOTIFY_H
#define LM_NOTIFY_H

/* "READY=1", "STOPPING=1", "RELOADING=1", "STATUS=...". 0 (also when nobody listens) or -errno. */
int notify_send(const char *state);
/* Leaves a descriptor in the manager's store (FileDescriptorStoreMax= of the unit); after a restart
 * it comes back among LISTEN_FDS under that name. 0, -ENOENT when nobody listens, or -errno. */
int notify_store_fd(const char *name, int fd);

#endif
