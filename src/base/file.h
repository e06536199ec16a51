/* file: small files, whole. Paths come from configuration or argv, never from a buyer. */
#ifndef LM_FILE_H
#define LM_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"

/* Appends the file; -EFBIG over the buffer's maximum, else -errno. */
int file_read(const char *path, struct buf *out);
/* Writes beside, fsync, rename: the old or the new content, never a mixture. */
int file_write_atomic(const char *path, struct str data, mode_t mode);
/* One secret line without its end of line; -EPERM when it is not private. */
int file_read_secret(const char *path, struct buf *out);
/* Whether its owner alone may read it. What systemd hands over as a credential counts as that with
 * mode 0440, too: since version 254 its user gets it by an ACL, and the mask of one stands where
 * the rights of the group do (systemd issue 29435). */
bool file_is_private(const char *path, mode_t mode);
/* $CREDENTIALS_DIRECTORY, where systemd puts what LoadCredential= of the unit names; else NULL. */
const char *file_credentials(void);
/* mkdir -p of the last component's parents too; existing is fine. */
int file_mkdirs(const char *path, mode_t mode);

#endif
