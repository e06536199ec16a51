/* tmpl_op: the compiled form, shared by the compiler and the renderer. */
#ifndef LM_TMPL_OP_H
#define LM_TMPL_OP_H

#include <stdint.h>

enum tmpl_op_kind { OP_LITERAL, OP_TEXT, OP_ATTR, OP_URL, OP_SECTION, OP_INVERTED };

struct tmpl_op {
    uint8_t kind;
    uint16_t var;
    uint32_t a, b; /* LITERAL: offset and length; sections: index behind the last op inside */
};

struct tmpl {
    const struct tmpl_op *ops;
    size_t nops;
    const char *text;
};

#endif
