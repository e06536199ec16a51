/*
 * cli_text: strangers' text on an operator's terminal.
 *
 * Order data holds what buyers typed. Control characters (escape sequences among them),
 * bidirectional overrides, line and paragraph separators and bytes that are no UTF-8 are shown as
 * \xNN or \u{NNNN}; a backslash stays one, so the text is for reading, not for parsing back.
 */
#ifndef LM_CLI_TEXT_H
#define LM_CLI_TEXT_H

#include "base/buf.h"

/* Appends s, harmless. */
void cli_text_safe(struct buf *b, struct str s);
/* Columns that valid UTF-8 without control characters takes: wide East Asian letters and
 * pictographs count two, combining marks none (Unicode Standard Annex 11, simplified). */
size_t cli_text_width(struct str s);
/* The longest head of s that fits into width columns. */
struct str cli_text_head(struct str s, size_t width);
/* "a…@acme.com", "…" when it is no address. */
void cli_text_mask_email(struct buf *b, struct str s);
/* "********4135" */
void cli_text_mask_id(struct buf *b, struct str s);

#endif
