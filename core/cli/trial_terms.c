/* trial_terms.c: terms that a node sends never, seldom, or only to see what happens: cut off, too
 * deep, with lengths that are not true, and with text that files and tables misread.
 */
#include "cli/trial.h"

#include <string.h>

/* Bytes as they are; LEN is their number, for there are zeros among them. */
static const struct {
    const char *bytes;
    size_t len;
} broken[] = {
#define BYTES(text)            \
    {                          \
        text, sizeof(text) - 1 \
    }
    BYTES(""),
    BYTES("\xff"),              /* no tag */
    BYTES("l\xff\xff\xff\xff"), /* a list of four thousand million, and nothing */
    BYTES("m\xff\xff\xff\xf0"
          "ab"), /* a binary that is not there */
    BYTES("m\0\0\0\x09"
          "abc"),               /* one that ends early */
    BYTES("h\xff"),             /* a tuple of 255 and nothing */
    BYTES("i\xff\xff\xff\xff"), /* a large tuple likewise */
    BYTES("t\xff\xff\xff\xff"), /* a map */
    BYTES("w\xff"
          "abc"),           /* an atom */
    BYTES("w\x02\xff\xfe"), /* an atom that is not UTF-8 */
    BYTES("d\0\x04"
          "l\xe4ti"),               /* an old atom, in latin1 */
    BYTES("F\x7f\xf8\0\0\0\0\0\0"), /* not a number */
    BYTES("F\xff\xf0\0\0\0\0\0\0"), /* minus infinity */
    BYTES("F\0\0\0\0\0\0\0\x01"),   /* the smallest float */
    BYTES("n\xff\0\x01"),           /* a number of 255 digits and one */
    BYTES("o\xff\xff\xff\xff\0"),   /* a larger one */
    BYTES("k\xff\xffzz"),           /* a string that ends early */
    BYTES("k\0\x06"
          "=1+1,\"\n"),                     /* what a spreadsheet computes */
    BYTES("m\0\0\0\x04\xff\xfe\n,"),        /* bytes that are no text */
    BYTES("m\0\0\0\x07</a>&\"'"),           /* markup */
    BYTES("m\0\0\0\x06\xe2\x80\xa8\x1b[m"), /* a line separator, and what moves a cursor */
    BYTES("m\0\0\0\x03"
          "a\0b"),                            /* a zero */
    BYTES("M\0\0\0\x01\x03\xe0"),             /* three bits */
    BYTES("X\xff\xff\xff\xff"),               /* a pid of nothing */
    BYTES("Z\xff\xffw\x01n"),                 /* a reference with too many words */
    BYTES("p\xff\xff\xff\xff"),               /* a function */
    BYTES("qaaa"),                            /* an export of numbers */
    BYTES("h\x03w\x09$gen_callaj"),           /* a call whose From is a number */
    BYTES("h\x03w\x09$gen_callh\x02jja\x01"), /* or nothing */
    BYTES("l\0\0\0\x01"
          "a\x01"
          "a\x02"), /* a list that does not end in one */
};

enum { BROKEN = sizeof broken / sizeof *broken, DEEP = 20000, LARGE = 200000 };

static void deep_list(struct tap_buf *b)
{
    for (int i = 0; i < DEEP; i++)
        tap_write_list(b, 1);
    tap_write_nil(b);
    for (int i = 0; i < DEEP; i++)
        tap_write_nil(b);
}

static void deep_tuple(struct tap_buf *b)
{
    for (int i = 0; i < DEEP; i++)
        tap_write_tuple(b, 1); /* and nothing is in the innermost */
}

static void large_binary(struct tap_buf *b)
{
    static const char quote[] = "\"\\\n\xc3";
    tap_write_u8(b, TAP_EXT_BINARY);
    tap_write_u32(b, LARGE);
    for (int i = 0; i < LARGE / 4; i++)
        tap_buf_put(b, quote, 4);
}

static void every_byte(struct tap_buf *b)
{
    tap_write_u8(b, TAP_EXT_STRING);
    tap_write_u8(b, 1);
    tap_write_u8(b, 0);
    for (unsigned i = 0; i < 256; i++)
        tap_write_u8(b, i);
}

static void long_atom(struct tap_buf *b)
{
    char text[1020];
    for (size_t i = 0; i < sizeof text; i += 4)
        memcpy(text + i, "\xf0\x9f\x8f\xa0", 4);
    tap_write_atom_n(b, text, sizeof text);
}

static void odd_map(struct tap_buf *b)
{
    tap_write_map(b, 2);
    for (int i = 0; i < 2; i++) { /* the same key twice */
        tap_write_binary(b, "k\"", 2);
        tap_write_atom(b, "a\nb");
    }
}

bool tap_terms_hostile(struct tap_buf *b, unsigned i)
{
    static void (*const makes[])(struct tap_buf *) = {deep_list,  deep_tuple, large_binary,
                                                      every_byte, long_atom,  odd_map};
    if (i < BROKEN)
        tap_buf_put(b, broken[i].bytes, broken[i].len);
    else if (i - BROKEN < sizeof makes / sizeof *makes)
        makes[i - BROKEN](b);
    else
        return false;
    return true;
}
