#include "html/html.h"
#include "html/tmpl.h"
#include "html/tmpl_op.h"

struct frame {
    const struct tmpl_row *row;
    const struct frame *up;
};

struct render {
    const struct tmpl *t;
    const struct tmpl_value *view;
    struct buf *out;
};

static const struct tmpl_value *lookup(const struct render *r, const struct frame *f, unsigned var)
{
    size_t i;

    for (; f; f = f->up)
        for (i = 0; i < f->row->n; i++)
            if (f->row->cells[i].var == var)
                return &f->row->cells[i].value;
    return &r->view[var];
}

static void run(const struct render *r, size_t from, size_t to, const struct frame *f);

static void section(const struct render *r, size_t at, const struct frame *f)
{
    const struct tmpl_op *op = &r->t->ops[at];
    const struct tmpl_value *v = lookup(r, f, op->var);
    bool full = v->nrows > 0 || v->s.n > 0;
    size_t i;

    if (op->kind == OP_INVERTED ? full : !full)
        return;
    if (op->kind == OP_INVERTED || v->nrows == 0) {
        run(r, at + 1, op->a, f);
        return;
    }
    for (i = 0; i < v->nrows; i++)
        run(r, at + 1, op->a, &(struct frame){&v->rows[i], f});
}

static void run(const struct render *r, size_t from, size_t to, const struct frame *f)
{
    size_t i;

    for (i = from; i < to; i++) {
        const struct tmpl_op *op = &r->t->ops[i];

        switch ((enum tmpl_op_kind)op->kind) {
        case OP_LITERAL:
            buf_add(r->out, r->t->text + op->a, op->b);
            break;
        case OP_TEXT:
            html_text(r->out, lookup(r, f, op->var)->s);
            break;
        case OP_ATTR:
            html_attr(r->out, lookup(r, f, op->var)->s);
            break;
        case OP_URL:
            html_url(r->out, lookup(r, f, op->var)->s);
            break;
        case OP_SECTION:
        case OP_INVERTED:
            section(r, i, f);
            i = op->a - 1;
            break;
        }
    }
}

void tmpl_render(const struct tmpl *t, const struct tmpl_value *view, struct buf *out)
{
    run(&(struct render){t, view, out}, 0, t->nops, NULL);
}
