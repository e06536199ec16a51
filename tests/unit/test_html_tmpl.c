#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "html/cat.h"
#include "html/tmpl.h"

enum { NAME, NOTE, LINK, ROWS, INNER, VARS };
static const struct tmpl_var vars[VARS] = {{"name", TMPL_TEXT},
                                           {"note", TMPL_TEXT},
                                           {"link", TMPL_URL},
                                           {"rows", TMPL_LIST},
                                           {"inner", TMPL_LIST}};
static const char texts[] = "# words\n"
                            "hello = Hello {name}, \"you\" & <me>\n"
                            "plain = plain words\n"
                            "strange = {nobody} is here\n";

static struct arena *arena;
static struct cat cat;
static const char *source_text;
static struct buf errors, out;

static int source(void *arg, const char *name, struct str *text, const char **label)
{
    (void)arg;
    if (strcmp(name, "part") == 0)
        *text = STR("<b>{{name}}</b>");
    else if (strcmp(name, "self") == 0)
        *text = STR("{{>self}}");
    else if (strcmp(name, "open") == 0)
        *text = STR("<div {{name}}");
    else if (strcmp(name, "t") == 0)
        *text = str_of(source_text);
    else
        return -ENOENT;
    *label = name;
    return 0;
}

static int compile(const char *text, const struct tmpl **t)
{
    struct tmpl_env env = {vars, VARS, &cat, source, NULL};

    source_text = text;
    buf_reset(&errors);
    return tmpl_compile(arena, &env, "t", t, &errors);
}

static const struct tmpl_cell in1[] = {{NAME, {.s = {"x", 1}}}}, in2[] = {{NAME, {.s = {"y", 1}}}};
static const struct tmpl_row inner[] = {{in1, 1}, {in2, 1}};
static const struct tmpl_cell row1[] = {{NAME, {.s = {"<1>", 3}}}},
                              row2[] = {{NOTE, {.s = {"n2", 2}}},
                                        {INNER, {.rows = inner, .nrows = 2}}};
static const struct tmpl_row rows[] = {{row1, 1}, {row2, 2}};

static void renders(void **state)
{
    static const struct {
        const char *text, *want;
    } t[] = {
        {"", ""},
        {"<p>{{name}}</p>", "<p>A &amp; &quot;B&quot;</p>"},
        {"<p title=\"{{name}}\">", "<p title=\"A &amp; &quot;B&quot;\">"},
        {"<a href=\"{{link}}\">{{link}}</a>", "<a href=\"/x?a&amp;b\">/x?a&amp;b</a>"},
        {"{{#name}}y{{/name}}{{^name}}n{{/name}}", "y"},
        {"{{#note}}y{{/note}}{{^note}}n{{/note}}.", "n."},
        {"{{#rows}}[{{name}}|{{note}}]{{/rows}}", "[&lt;1&gt;|][A &amp; &quot;B&quot;|n2]"},
        {"{{#rows}}({{#inner}}{{name}}{{note}},{{/inner}}){{/rows}}", "()(xn2,yn2,)"},
        {"{{%plain}}!", "plain words!"},
        {"<i title=\"{{%hello}}\">{{%hello}}</i>",
         "<i title=\"Hello A &amp; &quot;B&quot;, &quot;you&quot; &amp; &lt;me&gt;\">"
         "Hello A &amp; &quot;B&quot;, &quot;you&quot; &amp; &lt;me&gt;</i>"},
        {"{{>part}}{{! a > comment }}", "<b>A &amp; &quot;B&quot;</b>"},
        {"<input{{#name}} required{{/name}}{{#note}} checked{{/note}}>", "<input required>"},
        {"<p class=\"a{{#name}} b{{/name}}\">", "<p class=\"a b\">"},
        {"<ul>\n    <li>\n\n  x  y</li>\n</ul>\n", "<ul>\n<li>\nx  y</li>\n</ul>\n"},
        {"{{#note}}x{{/note}}y", "y"},
        {"<script src=\"{{link}}\" defer></script>", "<script src=\"/x?a&amp;b\" defer></script>"},
        {"<a href=\"/ok\">a</a><a href=\"#f\">b</a>", "<a href=\"/ok\">a</a><a href=\"#f\">b</a>"},
        {"{ not } a } tag {", "{ not } a } tag {"},
    };
    struct tmpl_value view[VARS] = {[NAME] = {.s = STR("A & \"B\"")},
                                    [LINK] = {.s = STR("/x?a&b")},
                                    [ROWS] = {.rows = rows, .nrows = 2}};
    const struct tmpl *tmpl;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        assert_int_equal(compile(t[i].text, &tmpl), 0);
        buf_reset(&out);
        tmpl_render(tmpl, view, &out);
        assert_string_equal(buf_cstr(&out), t[i].want);
    }
}

static const struct {
    const char *text, *want;
} refused[] = {
    {"<p>\n{{nobody}}", "t:2: unknown variable nobody\n"},
    {"{{{name}}}", "t:1: unknown variable {name\n"},
    {"{{&name}}", "t:1: unknown variable &name\n"},
    {"{{rows}}", "t:1: a list is not a text: rows\n"},
    {"{{%none}}", "t:1: unknown text none\n"},
    {"{{%strange}}", "t:1: unknown variable nobody\n"},
    {"{{>none}}", "t:1: unknown partial none\n"},
    {"<p {{>part}}>", "t:1: a partial may not stand here: part\n"},
    {"{{>self}}", "self:1: a partial may not stand here: self\n"},
    {"\n{{>open}}", "open:1: a variable stands in text or in a quoted attribute value name\n"},
    {"{{#name}}x", "t:1: section is not closed: name\n"},
    {"x{{/name}}", "t:1: this closes no open section: name\n"},
    {"{{#name}}{{#note}}{{/name}}{{/note}}", "t:1: this closes no open section: name\n"},
    {"{{name", "t:1: no }} for this {{\n"},
    {"<p title=\"x", "t:1: template ends inside a tag\n"},
    {"<p title={{name}}>", "t:1: a variable stands in text or in a quoted attribute value name\n"},
    {"<p title=x>", "t:1: attribute values stand in double quotes\n"},
    {"<p title='x'>", "t:1: attribute values stand in double quotes\n"},
    {"<p {{name}}>", "t:1: a variable stands in text or in a quoted attribute value name\n"},
    {"<{{name}}>", "t:1: a variable stands in text or in a quoted attribute value name\n"},
    {"<!-- {{name}} -->", "t:1: comments are written {{! like this }}\n"},
    {"<script>\n x()</script>", "t:1: inline script is not allowed\n"},
    {"<script src=\"/a.js\">x</script>", "t:1: inline script is not allowed\n"},
    {"<script src=\"/a.js\">{{name}}</script>",
     "t:1: a variable stands in text or in a quoted attribute value name\n"},
    {"<style>p{}</style>", "t:1: this element is not allowed\n"},
    {"<iframe src=\"/\"></iframe>", "t:1: this element is not allowed\n"},
    {"<base href=\"/\">", "t:1: this element is not allowed\n"},
    {"<p onclick=\"x()\">", "t:1: event handlers are not allowed; scripts are files\n"},
    {"<p style=\"color:red\">", "t:1: this attribute is not allowed\n"},
    {"<meta http-equiv=\"refresh\" content=\"1\">", "t:1: this attribute is not allowed\n"},
    {"<img srcset=\"/a\">", "t:1: this attribute is not allowed\n"},
    {"<a href=\"https://evil.example/\">",
     "t:1: an address in a template must be of this origin or a variable\n"},
    {"<img src=\"//evil.example/a.png\">",
     "t:1: an address in a template must be of this origin or a variable\n"},
    {"<form action=\"\">", "t:1: an address in a template must be of this origin or a variable\n"},
    {"<a href=\"javascript:x()\">",
     "t:1: an address in a template must be of this origin or a variable\n"},
    {"<a href=\"{{name}}\">", "t:1: not an address: name\n"},
    {"<a href=\"/x/{{link}}\">", "t:1: an address is one variable and nothing else link\n"},
    {"<a href=\"{{link}}/x\">", "t:1: an address is one variable and nothing else\n"},
    {"<a href=\"{{#name}}{{link}}{{/name}}\">",
     "t:1: an address is one variable and nothing else name\n"},
    {"<a href=\"{{%plain}}\">", "t:1: a text may not stand here: plain\n"},
    {"{{#name}}<p {{/name}}>", "t:1: a section must end in the place where it began name\n"},
    {"<p title=\"{{#name}}\">{{/name}}",
     "t:1: a section must end in the place where it began name\n"},
    {"<p{{#name}} a{{/name}}b>", "t:1: white space expected between attributes\n"},
    {"a < b", "t:1: write &lt; for < in text\n"},
    {"\xff", "t:1: not UTF-8\n"},
};

static void refuses(void **state)
{
    const struct tmpl *tmpl;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(compile(refused[i].text, &tmpl), -EINVAL);
        assert_string_equal(buf_cstr(&errors), refused[i].want);
    }
}

static void catalogue_files(void **state)
{
    static const struct {
        const char *text, *want;
    } t[] = {
        {"hello = Hi {name}\n", ""},
        {"hello = Hi\n# c\n\nplain = w\n", ""},
        {"hello = Hi {plan}\n", "f:1: this text has no value called plan\n"},
        {"\nhallo = Hi\n", "f:2: no such text: hallo\n"},
        {"hello Hi\n", "f:1: expected \"key = text\"\n"},
        {"hello =\n", "f:1: expected \"key = text\"\n"},
        {"hello = a\x01\n", "f:1: text has control characters or is not UTF-8\n"},
    };
    struct cat own;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        buf_reset(&errors);
        assert_int_equal(cat_load(arena, "f", str_of(texts), &own, &errors), 0);
        assert_int_equal(cat_override(&own, "f", str_of(t[i].text), &errors),
                         t[i].want[0] ? -EINVAL : 0);
        assert_string_equal(buf_cstr(&errors), t[i].want);
    }
    assert_int_equal(cat_load(arena, "f", STR("a = 1\na = 2\n"), &own, &errors), -EINVAL);
    assert_true(str_is(cat_fmt(&cat, arena, "hello", &(struct cat_arg){"name", STR("{name}")}, 1),
                       "Hello {name}, \"you\" & <me>"));
    assert_int_equal(cat_fmt(&cat, arena, "none", NULL, 0).n, 0);
}

static int setup(void **state)
{
    (void)state;
    arena = arena_new(4096, 8 * 1024 * 1024);
    buf_init(&errors, 65536);
    buf_init(&out, 65536);
    return arena ? cat_load(arena, "texts", str_of(texts), &cat, &errors) : -1;
}

static int teardown(void **state)
{
    (void)state;
    buf_free(&errors);
    buf_free(&out);
    arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renders),
        cmocka_unit_test(refuses),
        cmocka_unit_test(catalogue_files),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
