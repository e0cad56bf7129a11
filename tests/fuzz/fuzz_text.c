/* fuzz_text.c: everything that a user writes: a configuration with its match specs, --set, the
 * arguments of a call in both syntaxes, sizes, durations, addresses.
 *
 * The first byte says which, the rest is the text. Held: mistakes are told, or there is a result; a
 * term that was read is a whole one, which prints.
 */
#include "config/config.h"
#include "config/ini_file.h"
#include "config/option_value.h"
#include "config/options.h"
#include "config/override.h"
#include "library/call_args.h"
#include "session/session.h"
#include "term/print.h"
#include "terms.h"
#include "transports/beam/node/plan_term.h"
#include "transports/tcp/address.h"

enum { CONFIG, SET, INI, ERLANG, ELIXIR, NUMBERS, ADDRESS, KINDS };

static const char *kind_name(unsigned kind)
{
    return kind < 32 ? "kind" : NULL;
}

static void hold_plan(const struct tap_plan *plan)
{
    static const uint8_t pid[] = {88, 119, 3, 'a', '@', 'b', 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7};
    struct tap_plan_term t = {.plan = plan,
                              .run = "run",
                              .collector = pid,
                              .collector_len = sizeof pid,
                              .kind_name = kind_name,
                              .node = "a@b",
                              .creation = 7};
    struct tap_buf b = {0};
    tap_plan_term_write(&b, &t);
    struct tap_cursor c = tap_cursor(b.data, b.len);
    HOLD(tap_skip(&c) && tap_left(&c) == 0);
    tap_buf_free(&b);
}

static void quiet(void *arg, enum tap_log_level level, const char *actor, const char *text)
{
    (void)arg, (void)level, (void)actor, (void)text;
}

static void try_config(const char *text, size_t len, const char *const *sets, size_t count)
{
    struct tap_error *err = tap_error_new();
    struct tap_config *config = NULL;
    enum tap_status status =
        tap_config_parse("fuzz.ini", text, len, "transport:dist", sets, count, &config, err);
    HOLD((status == TAP_OK) == (config && !config->mistaken));
    HOLD(status == TAP_OK || tap_error_count(err) > 0);
    struct tap_session *session = config ? tap_session_new_logged(config, err, quiet, NULL) : NULL;
    HOLD(session ? status == TAP_OK : tap_error_count(err) > 0);
    if (session) {
        hold_plan(tap_session_plan(session));
        tap_session_free(session);
    }
    tap_config_free(config);
    tap_error_free(err);
}

static void try_ini(const char *text, size_t len)
{
    struct tap_error *err = tap_error_new();
    struct tap_mempool *pool = tap_mempool_new();
    struct tap_ini *ini = tap_ini_parse("fuzz.ini", text, len, pool, err);
    HOLD(ini);
    for (size_t i = 0; i < ini->count; i++)
        HOLD(tap_ini_find(ini, ini->sections[i].name));
    tap_config_set(ini, text, "--set", pool, err);
    tap_mempool_free(pool);
    tap_error_free(err);
}

static void try_call(const char *text, enum tap_syntax syntax)
{
    struct tap_error *err = tap_error_new();
    struct tap_call call = TAP_CALL;
    struct tap_call_args args = {0};
    call.syntax = syntax;
    call.module = strlen(text) % 2 ? text : "m";
    call.function = strlen(text) % 3 ? "f" : text;
    call.arguments = text;
    bool good = tap_call_args_read(&args, &call, err);
    HOLD(good || tap_error_count(err) > 0);
    if (good) {
        struct tap_cursor c = tap_cursor(args.arguments.data, args.arguments.len);
        HOLD(tap_skip(&c) && tap_left(&c) == 0);
        struct tap_print print = {.syntax = args.syntax};
        size_t n = tap_term_print(NULL, NULL, 0, args.arguments.data, args.arguments.len, &print);
        char *out = malloc(n + 1);
        HOLD(out);
        HOLD(tap_term_print(NULL, out, n, args.arguments.data, args.arguments.len, &print) == n);
        free(out);
    }
    tap_call_args_free(&args);
    tap_error_free(err);
}

static void try_numbers(const char *text)
{
    int64_t v = 0;
    bool flag;
    if (tap_parse_size(text, true, &v))
        HOLD(v >= 0);
    if (tap_parse_size(text, false, &v))
        HOLD(v >= 0);
    if (tap_parse_duration(text, &v))
        HOLD(v >= 0);
    tap_parse_int(text, &v);
    tap_parse_bool(text, &flag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *text = malloc(size);
    struct tap_listen listen;
    const char *set = text;
    HOLD(text);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    switch (data[0] % KINDS) {
    case CONFIG: try_config(text, size - 1, NULL, 0); break;
    case SET: {
        static const char base[] = "[session]\nnodes = a@b\nplugin_path = " TAP_BUILD
                                   "/plugins\n[sink:csv]\npath = /nonexistent/a.csv\n";
        try_config(base, sizeof base - 1, &set, 1);
        break;
    }
    case INI: try_ini(text, size - 1); break;
    case ERLANG: try_call(text, TAP_SYNTAX_ERLANG); break;
    case ELIXIR: try_call(text, TAP_SYNTAX_ELIXIR); break;
    case NUMBERS: try_numbers(text); break;
    default: tap_listen_parse(text, &listen);
    }
    free(text);
    return 0;
}

#define HEAD "[session]\nnodes = a@b, c@d\nplugin_path = " TAP_BUILD "/plugins\n"
static const struct {
    int kind;
    const char *text;
} texts[] = {
    {CONFIG, HEAD "events = function_call, function_return\nduration = 30s\nmax_rate = 100k\n"
                  "[filter:modules]\nmodules = shop_*, Elixir.Shop.?art\n"
                  "[filter:pids]\npids = <0.123.0>, shop_registry, new, tree:<0.1.0>\n"
                  "[sink:chrome]\npath = /nonexistent/a.json\nlimit = 1k\nqueue = 1M\n"},
    {CONFIG, HEAD "[filter:match_spec]\ntrace = shop_cart:add(_, N) when N > 3 -> return, caller\n"
                  "  trace = shop:f(#{a := X}, [H | T], <<\"b\">>) when is_atom(X); length(T) < 2\n"
                  "spec = shop_cart:add/2 [{['_','$1'],[{'>','$1',3}],[{return_trace}]}]\n"
                  "[sink:csv]\npath = /nonexistent/a.csv\nfilters = match_spec\n"},
    {CONFIG,
     HEAD "[filter:match_spec]\ntrace = Shop.Cart.add/2 -> message({X, 'a b', \"s\", 1.5})\n"
          "trace = send {order, Id} when Id /= 1 andalso not is_pid(Id)\n"
          "trace = receive _\ntrace = m:f(-1, $a, 16#ff, {}) -> exception\n"
          "[sink:stdout]\nformat = text\nsyntax = elixir\n"},
    {CONFIG,
     HEAD "[filter:match_spec]\ntrace = Shop.f(%Shop.Item{id: x}, <<\"a\", _::binary-size(2), "
          "r::binary>>) "
          "when x in 1..3 and r != \"b\" when is_struct(x) -> message({x, %{k: r}}), return\n"
          "trace = :m.f(\"a\" <> b, a: 1, +: ~D[2026-01-31]) when elem(b, 0).c not in [1, :a]\n"
          "trace = send(to, {:order, %{id: 'x'}})\nspec = :m.f/1 [{:_, [{:>, 1, 2}], []}]\n"
          "[sink:stdout]\nformat = text\n"},
    {SET, "session.duration=10s"},
    {SET, "filter:match_spec.trace=m:f(_) -> return"},
    {SET, "sink:csv.columns=ts, node"},
    {INI, "[a:b]\n; comment\nkey = value ; comment\n  more \"quoted ; not\"\n[c]\nd = 'e'\n#f\n"},
    {ERLANG,
     "[1, -2.5e3, 'a b', \"text\\n\", <<1,2:4>>, #{k => v}, {}, [a | b], $x, 2#101, <<\"b\">>]"},
    {ERLANG, "[<<\"\\x{e9}\"/utf8>>, 123456789012345678901234567890, [], \"\", '\\'']"},
    {ELIXIR,
     "[1, :a, \"text #{1}\", 'char', %{a: 1, \"b\" => 2}, [k: {1, nil}], Shop.Cart, ~c\"x\"]"},
    {ELIXIR, "[~D[2026-01-31], 1..3, 3..1//-2, %Shop.Item{a: 1}, ~U[2026-01-31 10:00:00.5Z]]"},
    {ELIXIR, "[0x1F, 1_000, -1.5e-3, true, :\"a b\", <<1, 2>>, {}, %{}, ?a]"},
    {NUMBERS, "64k"},
    {NUMBERS, "9223372036854775807"},
    {NUMBERS, "1500ms"},
    {NUMBERS, "-5h"},
    {ADDRESS, "[::1]:8080"},
    {ADDRESS, "localhost:65535"},
};

bool fuzz_seed(unsigned number, struct tap_buf *b)
{
    if (number >= sizeof texts / sizeof *texts)
        return false;
    tap_write_u8(b, (unsigned)texts[number].kind);
    tap_buf_put(b, texts[number].text, strlen(texts[number].text));
    return !b->oom;
}
