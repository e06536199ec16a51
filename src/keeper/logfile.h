/*
 * logfile: a file of what the tenant prints (log) and of what the keeper does (keeper.log), each
 * kept as two pieces of at most LOGFILE_MAX. The tenant writes to the file itself, not into a
 * pipe of the keeper: a dead keeper must not stop or kill its tenant. So the cap is kept by
 * copying aside and truncating; lines written in between may be lost.
 */
#ifndef LM_KEEPER_LOGFILE_H
#define LM_KEEPER_LOGFILE_H

#define LOGFILE_MAX (1024 * 1024)

/* Append-only descriptor of <dir>/<name>, or -errno. */
int logfile_open(const char *dir, const char *name);
/* Moves the newest piece to <name>.1 when the file is over the maximum. */
void logfile_trim(const char *dir, const char *name, int fd);

#endif
