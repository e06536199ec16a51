/* file: small files, whole. Paths come from configuration or argv, never from a buyer. */
#ifndef LM_FILE_H
#define LM_FILE_H

#include <sys/types.h>

#include "base/buf.h"

/* Appends the file; -EFBIG over the buffer's maximum, else -errno. */
int file_read(const char *path, struct buf *out);
/* Writes beside, fsync, rename: the old or the new content, never a mixture. */
int file_write_atomic(const char *path, struct str data, mode_t mode);
/* One secret line without its end of line; -EPERM when group or others may read it. */
int file_read_secret(const char *path, struct buf *out);
/* mkdir -p of the last component's parents too; existing is fine. */
int file_mkdirs(const char *path, mode_t mode);

#endif
