/* fuzz_torn.c: what `beamtap repair` makes of any file, packed ones too.
 *
 * Held: what is kept is no more than what was read, and a few bytes to close it; read in pieces it
 * is the same; and a file that was mended is ours and whole, with the same events.
 */
#include <zlib.h>

#include "cli/torn_file.h"
#include "cli/torn_gzip.h"
#include "recordings.h"

struct kept {
    struct tap_buf text;
    struct tap_torn_file m;
};

static bool keep(void *arg, const char *text, size_t len)
{
    struct tap_buf *b = arg;
    tap_buf_put(b, text, len);
    return !b->oom;
}

/* Reads it as a file of this format in pieces of so many bytes. */
static void read_in(struct kept *k, enum tap_torn_format format, const char *text, size_t len,
                    size_t piece)
{
    *k = (struct kept){.m = {.keep = keep, .format = format}};
    k->m.arg = &k->text;
    for (size_t at = 0; at < len; at += piece)
        tap_torn_read(&k->m, text + at, len - at < piece ? len - at : piece);
    tap_torn_end(&k->m);
    HOLD(!k->m.failed);
}

static void kept_free(struct kept *k)
{
    tap_torn_free(&k->m);
    tap_buf_free(&k->text);
}

static void hold_mended(const struct kept *once)
{
    struct kept again;
    read_in(&again, once->m.format, (const char *)once->text.data, once->text.len, once->text.len);
    HOLD(again.m.events == once->m.events);
    HOLD(tap_torn_is_whole(&again.m) && tap_torn_is_ours(&again.m));
    HOLD(again.text.len == once->text.len &&
         (!again.text.len || memcmp(again.text.data, once->text.data, again.text.len) == 0));
    kept_free(&again);
}

struct unpacked {
    size_t text, pieces;
};

static void take_text(void *arg, const char *text, size_t len)
{
    struct unpacked *u = arg;
    HOLD(text || !len);
    u->text += len;
}
static void take_loss(void *arg)
{
    ((struct unpacked *)arg)->pieces++;
}

/* A byte unpacks to a little more than a thousand at the most, and may be taken for a mark. */
static void try_packed(const uint8_t *data, size_t size)
{
    struct unpacked u = {0};
    struct tap_torn_gzip gzip = {.text = take_text, .lost = take_loss, .arg = &u};
    HOLD(tap_torn_gzip_read(&gzip, data, size));
    HOLD(u.text <= 1100 * size + 65536 && u.pieces <= size + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 2 && data[0] == 0x1f && data[1] == 0x8b) {
        try_packed(data, size);
        return 0;
    }
    const char *text = (const char *)data;
    enum tap_torn_format format = tap_torn_guess(text, size);
    struct kept whole, pieces;
    if (format == TAP_TORN_UNKNOWN || size == 0)
        return 0;
    read_in(&whole, format, text, size, size);
    read_in(&pieces, format, text, size, 7);
    HOLD(whole.m.events == pieces.m.events && whole.m.damaged == pieces.m.damaged &&
         whole.m.cut == pieces.m.cut);
    HOLD(whole.text.len == pieces.text.len && whole.text.len <= size + 4096);
    HOLD(!whole.text.len || memcmp(whole.text.data, pieces.text.data, whole.text.len) == 0);
    if (whole.m.events && tap_torn_is_ours(&whole.m))
        hold_mended(&whole);
    kept_free(&whole);
    kept_free(&pieces);
    return 0;
}

static const char *const files[] = {
    "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n"
    "{\"ph\":\"M\",\"pid\":1,\"tid\":0,\"ts\":0.000,\"name\":\"process_name\",\"args\":{\"name\":"
    "\"n@h\"}},\n{\"ph\":\"X\",\"pid\":1,\"tid\":7,\"ts\":1.000,\"dur\":2.000,\"cat\":\"call\","
    "\"name\":"
    "\"m:f/1\",\"args\":{\"a\":\"\\\"]}\\u00e9\"}}\n],\"otherData\":{\"a\":[1,2]}}\n",
    "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n{\"ph\":\"M\",\"pid\":1},\n{\"ph\":\"X\",\"ar",
    "[\n{\"ph\":\"M\",\"pid\":1,\"tid\":0,\"ts\":0.000,\"name\":\"n\"},\n{\"ph\":\"X\"}\n]\n",
    "{\"ts\":1,\"node\":\"n@h\",\"event\":\"lost\",\"count\":5,\"reason\":\"queue\"}\n"
    "{\"ts\":2,\"node\":\"n@h\",\"event\":\"message_send\",\"pid\":\"<0.1.0>\",\"message\":"
    "\"{a,\\\"b\\\"}\"}\n{\"ts\":3",
    "ts,node,event,pid,module,function,arity,peer,message,metadata\n"
    "1,n@h,function_call,<0.1.0>,m,f,1,,\"[a,\"\"b\"\"\nc]\",\n2,n@h,lost,,,,-1,,5,\n3,n@h",
    "{\n  \"pretty\": [\n    1,\n    {\"a\": null}\n  ]\n}\n",
};
#define FILES (sizeof files / sizeof *files)

/* As a sink packs it: with a full flush behind each piece. */
static bool pack(struct tap_buf *b, const char *text)
{
    unsigned char out[8192];
    z_stream z = {0};
    size_t len = strlen(text);
    if (deflateInit2(&z, 1, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    z.next_out = out;
    z.avail_out = sizeof out;
    for (size_t at = 0; at < len; at += 40) {
        z.next_in = (unsigned char *)(uintptr_t)(text + at);
        z.avail_in = (unsigned)(len - at < 40 ? len - at : 40);
        deflate(&z, at + 40 < len ? Z_FULL_FLUSH : Z_FINISH);
    }
    tap_buf_put(b, out, sizeof out - z.avail_out);
    deflateEnd(&z);
    return !b->oom;
}

bool fuzz_seed(unsigned number, struct tap_buf *b)
{
    uint64_t state = number + 5;
    if (number < FILES) {
        tap_buf_put(b, files[number], strlen(files[number]));
        return !b->oom;
    }
    for (int i = 0; i < 20; i++)
        fuzz_random(&state);
    if (number < FILES + 6)
        return fuzz_recording(b, &state, number);
    if (number < FILES + 12)
        return fuzz_blocks(b, &state, number);
    return number < 2 * FILES + 12 && pack(b, files[number - FILES - 12]);
}
