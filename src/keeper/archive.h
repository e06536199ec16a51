/* archive: a tenant's data as one compressed tar file, mode 0600, made by tar(1). */
#ifndef LM_KEEPER_ARCHIVE_H
#define LM_KEEPER_ARCHIVE_H

/* Nothing when dir/name exists already or data does not. 0 or -errno. Blocks. Single thread. */
int archive_make(const char *data, const char *dir, const char *name);

#endif
