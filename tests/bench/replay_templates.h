/* replay_templates.h: the bytes of events, as a relay of OTP 25 and as the native tracer send them,
 * which replay.c copies and patches. */
#ifndef REPLAY_TEMPLATES_H
#define REPLAY_TEMPLATES_H

#include <stdlib.h>

#include "beamtap/transport.h"

#define ITEM_MAX 2048u

/* An event's bytes, and where in them its own values go; 0: nowhere. */
struct template
{
    uint8_t bytes[ITEM_MAX];
    uint32_t len, pid, name, number, peer, time;
};

static uint32_t put_pid(struct tap_buf *b)
{
    tap_write_u8(b, TAP_EXT_NEW_PID);
    tap_write_atom(b, "shop@web01");
    uint32_t at = (uint32_t)b->len; /* right behind the name */
    tap_write_u32(b, 0);
    tap_write_u32(b, 0);
    tap_write_u32(b, 1637000000);
    return at;
}

static void put_head(struct tap_buf *b, struct template *t, uint32_t arity, const char *tag)
{
    memset(b, 0, sizeof *b);
    tap_write_u32(b, 0);
    tap_write_version(b);
    tap_write_tuple(b, arity);
    tap_write_atom(b, "trace_ts");
    t->pid = put_pid(b);
    tap_write_atom(b, tag);
}

/* The template takes the buffer's bytes, after the time, which always takes eight bytes. */
static void put_end(struct tap_buf *b, struct template *t)
{
    tap_write_u8(b, 110);
    tap_write_u8(b, 8);
    tap_write_u8(b, 1);
    t->time = (uint32_t)b->len;
    tap_write_u32(b, 0);
    tap_write_u32(b, 0);
    tap_put_u32(b->data, (uint32_t)b->len - 4);
    t->len = (uint32_t)b->len;
    memcpy(t->bytes, b->data, b->len < ITEM_MAX ? b->len : ITEM_MAX);
    free(b->data);
}

static void put_function(struct tap_buf *b, struct template *t)
{
    tap_write_tuple(b, 3);
    tap_write_atom(b, "shop_cart");
    tap_write_atom(b, "add_000000");
    t->name = (uint32_t)b->len - 6;
}

/* [Number, apple], or instead of apple as many bytes as were asked for. */
static void put_value(struct tap_buf *b, struct template *t, size_t payload)
{
    static const uint8_t zeros[1024];
    tap_write_list(b, 2);
    tap_write_u8(b, 98);
    t->number = (uint32_t)b->len;
    tap_write_u32(b, 0);
    if (payload)
        tap_write_binary(b, (const char *)zeros, payload);
    else
        tap_write_atom(b, "apple");
    tap_write_nil(b);
}

/* An item of the native tracer's: number of the process, of the function, value, time. */
static void put_numbered(struct template *t, enum tap_item item, size_t payload)
{
    struct tap_buf b = {0};
    tap_write_u8(&b, item);
    t->pid = (uint32_t)b.len;
    tap_write_u32(&b, 0);
    t->name = (uint32_t)b.len;
    tap_write_u32(&b, 0);
    if (item == TAP_ITEM_RETURN)
        tap_write_u8(&b, 2);
    put_value(&b, t, payload);
    t->time = (uint32_t)b.len;
    tap_write_u32(&b, 0);
    tap_write_u32(&b, 0);
    t->len = (uint32_t)b.len;
    memcpy(t->bytes, b.data, b.len < ITEM_MAX ? b.len : ITEM_MAX);
    free(b.data);
}

#endif
