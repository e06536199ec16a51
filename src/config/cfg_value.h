/*
 * cfg_value: what one scalar of the configuration may look like.
 *
 * Pure functions over the text: 0 and the value, or -EINVAL and *why, a static text that reads
 * on after "'abc' ": "is not a duration; ...". The limits of the key come with the call.
 */
#ifndef LM_CFG_VALUE_H
#define LM_CFG_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

int cfg_value_bool(struct str s, bool *out, const char **why);
int cfg_value_uint(struct str s, uint64_t *out, const char **why);
/* "250ms", "5s", "10m", "12h", "30d" -> milliseconds. */
int cfg_value_duration(struct str s, uint64_t *out, const char **why);
/* "64K", "256M", "1G", "2T" -> bytes, powers of 1024. */
int cfg_value_size(struct str s, uint64_t *out, const char **why);

/* Checks of texts that stay texts. NULL: fine, else why not. */
const char *cfg_value_text(struct str s);     /* one line, no control or bidi characters */
const char *cfg_value_lines(struct str s);    /* the same with line ends and tabs */
const char *cfg_value_name(struct str s);     /* letters, digits, - _ . ; 64 bytes */
const char *cfg_value_label(struct str s);    /* DNS label: a-z 0-9 - ; 40 bytes */
const char *cfg_value_field(struct str s);    /* a-z then a-z 0-9 _ ; 32 bytes */
const char *cfg_value_url(struct str s);      /* https, or http on loopback */
const char *cfg_value_origin(struct str s);   /* a URL without path */
const char *cfg_value_pattern(struct str s);  /* a URL with {tenant} in host or path */
const char *cfg_value_mail_url(struct str s); /* smtp:// or smtps:// host[:port] */
const char *cfg_value_path(struct str s);     /* absolute path without ".." */
const char *cfg_value_secret(struct str s);   /* the same, or a credential's name */
const char *cfg_value_cgroup(struct str s);   /* path or "none" */
const char *cfg_value_listen(struct str s);   /* absolute path or loopback address:port */
const char *cfg_value_base(struct str s);     /* /segment[/segment], no slash at the end */
const char *cfg_value_urlpath(struct str s);  /* / and printable ASCII without space */
const char *cfg_value_mode(struct str s);     /* octal file mode */
const char *cfg_value_email(struct str s);    /* local@domain */
const char *cfg_value_mailbox(struct str s);  /* "Name <local@domain>" or an address */
const char *cfg_value_color(struct str s);    /* #rrggbb */
const char *cfg_value_region(struct str s);   /* a-z 0-9 - */
const char *cfg_value_arn(struct str s);
const char *cfg_value_envname(struct str s);

/* Every name in a template, "{tenant}" once at least. */
bool cfg_value_has_tenant(struct str s);

#endif
