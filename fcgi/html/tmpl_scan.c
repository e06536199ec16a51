#include "html/tmpl_scan.h"

#include <string.h>

#include "html/html.h"

static bool fail(struct scan *s, const char *why)
{
    if (!s->error)
        s->error = why;
    return false;
}

static bool space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool one_of(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(word, *list) == 0)
            return true;
    return false;
}

static bool is_url(const char *attr)
{
    static const char *const urls[] = {"href",   "src",        "action",   "formaction",
                                       "poster", "cite",       "manifest", "background",
                                       "ping",   "xlink:href", NULL};
    return one_of(attr, urls);
}

void scan_init(struct scan *s)
{
    memset(s, 0, sizeof(*s));
}

static bool element_ok(struct scan *s)
{
    static const char *const banned[] = {"base",     "iframe",   "frame",  "frameset",
                                         "object",   "embed",    "applet", "style",
                                         "template", "noscript", "portal", NULL};
    return one_of(s->element, banned) ? fail(s, "this element is not allowed") : true;
}

static bool attr_ok(struct scan *s)
{
    static const char *const banned[] = {"style", "srcdoc",     "srcset", "http-equiv", "data",
                                         "nonce", "formtarget", "is",     NULL};

    if (strncmp(s->attr, "on", 2) == 0)
        return fail(s, "event handlers are not allowed; scripts are files");
    if (one_of(s->attr, banned))
        return fail(s, "this attribute is not allowed");
    if (strcmp(s->element, "script") == 0 && strcmp(s->attr, "src") == 0)
        s->script_src = true;
    return true;
}

static bool value_ok(struct scan *s)
{
    struct str v = str_make(s->value, s->nvalue);

    if (!is_url(s->attr) || s->variable)
        return true;
    if (!html_url_ok(v) || (v.p[0] != '/' && v.p[0] != '#'))
        return fail(s, "an address in a template must be of this origin or a variable");
    return true;
}

static bool tag_end(struct scan *s)
{
    s->state = SCAN_TEXT;
    if (strcmp(s->element, "script") != 0)
        return true;
    if (!s->script_src)
        return fail(s, "inline script is not allowed");
    s->script = true;
    return true;
}

static bool begin_attr(struct scan *s, char c)
{
    if (!letter(c))
        return fail(s, "unexpected character in a tag");
    s->state = SCAN_ATTR;
    s->attr[0] = lower(c);
    s->attr[1] = '\0';
    s->nattr = 1;
    s->nvalue = 0;
    s->variable = false;
    return true;
}

static bool in_tag(struct scan *s, char c)
{
    if (c == '>')
        return tag_end(s);
    if (space(c) || c == '/') {
        s->state = SCAN_TAG;
        return true;
    }
    if (s->state == SCAN_TAG)
        return begin_attr(s, c);
    return fail(s, "white space expected between attributes");
}

static bool in_name(struct scan *s, char c)
{
    if (letter(c) || (c >= '0' && c <= '9') || c == '-') {
        if (s->nelement == SCAN_WORD - 1)
            return fail(s, "element name is too long");
        s->element[s->nelement++] = lower(c);
        s->element[s->nelement] = '\0';
        return true;
    }
    return element_ok(s) && in_tag(s, c);
}

static bool in_attr(struct scan *s, char c)
{
    if (letter(c) || (c >= '0' && c <= '9') || c == '-' || c == ':' || c == '_') {
        if (s->nattr == SCAN_WORD - 1)
            return fail(s, "attribute name is too long");
        s->attr[s->nattr++] = lower(c);
        s->attr[s->nattr] = '\0';
        return true;
    }
    if (!attr_ok(s))
        return false;
    if (c == '=') {
        s->state = SCAN_EQUALS;
        return true;
    }
    return in_tag(s, c);
}

static bool in_value(struct scan *s, char c)
{
    if (c == '"') {
        s->state = SCAN_QUOTED;
        return value_ok(s);
    }
    if (is_url(s->attr) && s->variable)
        return fail(s, "an address is one variable and nothing else");
    if (s->nvalue == SCAN_LITERAL) {
        if (is_url(s->attr))
            return fail(s, "address is too long");
        return true;
    }
    s->value[s->nvalue++] = c;
    return true;
}

static bool in_open(struct scan *s, char c)
{
    if (c == '!')
        s->state = SCAN_DECL;
    else if (c == '/')
        s->state = SCAN_CLOSE;
    else if (letter(c)) {
        s->state = SCAN_NAME;
        s->element[0] = lower(c);
        s->element[1] = '\0';
        s->nelement = 1;
        s->script_src = false;
    } else
        return fail(s, "write &lt; for < in text");
    if (s->script && c != '/')
        return fail(s, "inline script is not allowed");
    s->script = false;
    return true;
}

static bool in_text(struct scan *s, char c)
{
    if (c == '<')
        s->state = SCAN_OPEN;
    else if (s->script && !space(c))
        return fail(s, "inline script is not allowed");
    return true;
}

bool scan_byte(struct scan *s, char c)
{
    switch (s->state) {
    case SCAN_TEXT:
        return in_text(s, c);
    case SCAN_OPEN:
        return in_open(s, c);
    case SCAN_DECL:
        if (c == '-' || c == '[')
            return fail(s, "comments are written {{! like this }}");
        s->state = c == '>' ? SCAN_TEXT : SCAN_DECL;
        return true;
    case SCAN_CLOSE:
        s->state = c == '>' ? SCAN_TEXT : SCAN_CLOSE;
        return c == '<' || c == '"' ? fail(s, "unexpected character in a tag") : true;
    case SCAN_NAME:
        return in_name(s, c);
    case SCAN_ATTR:
        return in_attr(s, c);
    case SCAN_EQUALS:
        if (c != '"')
            return fail(s, "attribute values stand in double quotes");
        s->state = SCAN_VALUE;
        return true;
    case SCAN_VALUE:
        return in_value(s, c);
    case SCAN_TAG:
    case SCAN_AFTER:
    case SCAN_QUOTED:
        return in_tag(s, c);
    }
    return fail(s, "unexpected state");
}

enum scan_sink scan_variable(struct scan *s)
{
    if (s->state == SCAN_TEXT && !s->script)
        return SCAN_SINK_TEXT;
    if (s->state != SCAN_VALUE) {
        fail(s, "a variable stands in text or in a quoted attribute value");
        return SCAN_SINK_NONE;
    }
    if (!is_url(s->attr)) {
        s->variable = true;
        return SCAN_SINK_ATTR;
    }
    if (s->variable || s->nvalue > 0) {
        fail(s, "an address is one variable and nothing else");
        return SCAN_SINK_NONE;
    }
    s->variable = true;
    return SCAN_SINK_URL;
}

static bool inside_tag(enum scan_state st)
{
    return st == SCAN_NAME || st == SCAN_TAG || st == SCAN_ATTR || st == SCAN_QUOTED ||
           st == SCAN_AFTER;
}

bool scan_section(struct scan *s)
{
    if (s->script)
        return fail(s, "inline script is not allowed");
    if (s->state == SCAN_VALUE && is_url(s->attr))
        return fail(s, "an address is one variable and nothing else");
    if (s->state == SCAN_TEXT || s->state == SCAN_VALUE)
        return true;
    if (!inside_tag(s->state))
        return fail(s, "a section may not begin or end here");
    if (s->state == SCAN_ATTR && !attr_ok(s))
        return false;
    if (s->state == SCAN_NAME && !element_ok(s))
        return false;
    s->state = s->state == SCAN_TAG ? SCAN_TAG : SCAN_AFTER;
    return true;
}

bool scan_section_end(struct scan *s, const struct scan *begin)
{
    if (!scan_section(s))
        return false;
    if (inside_tag(s->state) && inside_tag(begin->state) &&
        strcmp(s->element, begin->element) == 0) {
        s->state = SCAN_AFTER;
        return true;
    }
    if (s->state != begin->state || (s->state == SCAN_VALUE && strcmp(s->attr, begin->attr) != 0))
        return fail(s, "a section must end in the place where it began");
    return true;
}
