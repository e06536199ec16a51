/*
 * tmpl_scan: where in HTML a template stands, byte by byte.
 *
 * A small part of the HTML standard's tokenizer (13.2.5), strict: what it does not know to be
 * safe it refuses. Used at load only, to choose the sink of every variable and to refuse what the
 * content security policy would block or an override must not do: inline script and style, event
 * handlers, http-equiv, frames, unquoted values, addresses of other origins.
 */
#ifndef LM_TMPL_SCAN_H
#define LM_TMPL_SCAN_H

#include <stdbool.h>
#include <stddef.h>

enum scan_state {
    SCAN_TEXT,
    SCAN_OPEN,  /* after < */
    SCAN_DECL,  /* <!doctype */
    SCAN_CLOSE, /* </name */
    SCAN_NAME,  /* <name */
    SCAN_TAG,   /* between attributes */
    SCAN_AFTER, /* after a section inside a tag: a separator must follow */
    SCAN_ATTR,
    SCAN_EQUALS,
    SCAN_VALUE, /* between double quotes */
    SCAN_QUOTED /* after the closing quote */
};

enum scan_sink { SCAN_SINK_NONE, SCAN_SINK_TEXT, SCAN_SINK_ATTR, SCAN_SINK_URL };

enum { SCAN_WORD = 32, SCAN_LITERAL = 256 };

struct scan {
    enum scan_state state;
    char element[SCAN_WORD];
    char attr[SCAN_WORD];
    char value[SCAN_LITERAL]; /* literal part of the attribute value so far */
    size_t nelement, nattr, nvalue;
    bool variable;     /* the attribute value has one */
    bool script;       /* inside <script src>: nothing but its end may follow */
    bool script_src;   /* this <script> tag has src */
    const char *error; /* static text; set once */
};

void scan_init(struct scan *s);
/* False: refused, s->error says why. */
bool scan_byte(struct scan *s, char c);
/* Sink for a variable at this place; NONE with s->error set where none may stand. */
enum scan_sink scan_variable(struct scan *s);
/* A section begins or ends here; end: compares with its begin. False with s->error. */
bool scan_section(struct scan *s);
bool scan_section_end(struct scan *s, const struct scan *begin);

#endif
