#include "pages/brand.h"

#include <math.h>
#include <stdint.h>

#include "base/enc.h"

struct rgb {
    uint8_t c[3];
};

static const struct rgb ours = {{0x0f, 0x5f, 0xb8}}, white = {{255, 255, 255}};
/* Backgrounds of style.css, the least favourable of each scheme. */
static const struct rgb light_page = {{0xf4, 0xf6, 0xf9}}, dark_card = {{0x1a, 0x20, 0x2a}};

static int parse(const char *s, struct rgb *out)
{
    return s && s[0] == '#' && enc_hex_dec(str_of(s + 1), out->c, 3) == 3 ? 0 : -1;
}

static double channel(uint8_t v)
{
    double x = v / 255.0;

    return x <= 0.04045 ? x / 12.92 : pow((x + 0.055) / 1.055, 2.4);
}

static double luminance(struct rgb x)
{
    return 0.2126 * channel(x.c[0]) + 0.7152 * channel(x.c[1]) + 0.0722 * channel(x.c[2]);
}

static double contrast(struct rgb a, struct rgb b)
{
    double x = luminance(a), y = luminance(b);

    return x > y ? (x + 0.05) / (y + 0.05) : (y + 0.05) / (x + 0.05);
}

static struct rgb mix(struct rgb a, struct rgb b, double part)
{
    struct rgb out;
    int i;

    for (i = 0; i < 3; i++)
        out.c[i] = (uint8_t)(a.c[i] + (b.c[i] - a.c[i]) * part + 0.5);
    return out;
}

static struct rgb readable(struct rgb from, struct rgb towards, struct rgb on)
{
    enum { PARTS = 25 };
    int part = 0;

    while (part < PARTS && contrast(mix(from, towards, (double)part / PARTS), on) < 4.6)
        part++;
    return mix(from, towards, (double)part / PARTS);
}

static void put(struct buf *out, const char *name, struct rgb x)
{
    buf_fmt(out, "--%s:#%02x%02x%02x;", name, x.c[0], x.c[1], x.c[2]);
}

void brand_css(struct buf *out, const char *color, const char *on_color)
{
    static const struct rgb black = {{0, 0, 0}}, ink = {{0x11, 0x11, 0x11}};
    struct rgb brand, on;

    if (parse(color, &brand))
        brand = ours;
    if (parse(on_color, &on) || contrast(brand, on) < 4.5)
        on = contrast(brand, white) >= 4.5 ? white : ink;
    buf_cat(out, ":root{");
    put(out, "brand", brand);
    put(out, "on-brand", on);
    put(out, "link", readable(brand, black, light_page));
    buf_cat(out, "}\n@media(prefers-color-scheme:dark){:root{");
    brand = readable(brand, white, dark_card);
    put(out, "brand", brand);
    put(out, "on-brand", contrast(brand, black) >= 4.5 ? black : white);
    put(out, "link", brand);
    buf_cat(out, "}}\n");
}
