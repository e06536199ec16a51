/*
 * html: the sinks. One function per place a value may stand in; the default escapes, and only
 * html_raw() does not: it takes text of ours, never data (tools/check-html proves it).
 *
 * Contexts are those of the HTML standard's tokenizer: element text, double-quoted attribute
 * value, and a URL attribute, where escaping is not enough and the scheme is checked as well.
 * Bytes that are not UTF-8 and control characters become U+FFFD.
 */
#ifndef LM_HTML_H
#define LM_HTML_H

#include "base/buf.h"

void html_raw(struct buf *b, const char *trusted);
void html_text(struct buf *b, struct str s);
/* For a value between double quotes. */
void html_attr(struct buf *b, struct str s);
/* For href, src and action between double quotes; what html_url_ok() refuses becomes "#". */
void html_url(struct buf *b, struct str s);
/* A path of this origin, a fragment, https:, http:, mailto: or tel:; no white space, no control
 * characters, no backslash, not "//host". */
bool html_url_ok(struct str s);

#endif
