// SPDX-License-Identifier: Apache-2.0
#include "frame/test.h"

#include <string.h>

#include "app/cli/sample.h"

static ag_arena *arena;
static ag_err err;

static int parse_in(ag_environment_fn environment, ag_invocation *into, const char *const *words)
{
    ag_arena_free(arena);
    arena = ag_arena_new(0);
    err = (ag_err){0};
    *into = (ag_invocation){.commands = sample_commands(), .arena = arena};
    return ag_parse(sample_count(words), words, environment, into, &err);
}

static int parse(ag_invocation *into, const char *const *words)
{
    return parse_in(sample_no_environment, into, words);
}

static void refused(const char *part, const char *hint, const char *const *words)
{
    ag_invocation inv;
    AG_EXPECT_ERROR(parse(&inv, words), AG_EINVAL, part);
    if (hint && !strstr(err.hint, hint)) fail_msg("'%s': wanted the hint '%s', got '%s'", words[0], hint, err.hint);
    if (!hint && *err.hint) fail_msg("'%s': wanted no hint, got '%s'", words[0], err.hint);
    if (inv.misread) fail_msg("misread %s", inv.misread);
}

#define REFUSED(part, hint, ...) refused(part, hint, SAMPLE_WORDS(__VA_ARGS__))
#define PARSED(inv, ...) AG_EXPECT_OK(parse(inv, SAMPLE_WORDS(__VA_ARGS__)))

AG_TEST(test_parse__each_type_reads_back)
{
    ag_invocation inv;
    PARSED(&inv, "train", "--jobs=8", "--rate", "0.25", "-n", "x", "-c", "f.yaml", "--device", "cpu", "--cache=2GiB",
           "--timeout", "5m", "--resume", "data");
    assert_string_equal(inv.path, "train");
    assert_int_equal(ag_option_int(&inv, "jobs"), 8);
    assert_true(ag_option_real(&inv, "rate") == 0.25);
    assert_string_equal(ag_option_text(&inv, "name"), "x");
    assert_string_equal(ag_option_text(&inv, "config"), "f.yaml");
    assert_string_equal(ag_option_text(&inv, "device"), "cpu");
    assert_int_equal(ag_option_choice(&inv, "device"), 1);
    assert_true(ag_option_bytes(&inv, "cache") == UINT64_C(2) << 30);
    assert_true(ag_option_duration(&inv, "timeout") == 300 * INT64_C(1000000));
    assert_true(ag_option_flag(&inv, "resume"));
    assert_string_equal(ag_option_text(&inv, "DATA"), "data");
    assert_null(inv.misread);
}

AG_TEST(test_parse__defaults_and_what_is_absent)
{
    ag_invocation inv;
    PARSED(&inv, "train", "-c", "f", "d");
    assert_int_equal(ag_option_int(&inv, "jobs"), 0); /* a default may lie outside the range */
    assert_false(ag_option_given(&inv, "jobs"));
    assert_true(ag_option_given(&inv, "config"));
    assert_null(ag_option_text(&inv, "name"));
    assert_true(ag_option_real(&inv, "rate") == 0);
    assert_string_equal(ag_option_text(&inv, "device"), "auto");
    assert_true(ag_option_flag(&inv, "validate"));
    assert_false(ag_option_flag(&inv, "resume"));
    size_t count;
    ag_option_values(&inv, "set", &count);
    assert_int_equal(count, 0);
    assert_string_equal(ag_home(&inv), "./.auger");
}

AG_TEST(test_parse__flags_cluster_negate_and_the_last_counts)
{
    ag_invocation inv;
    PARSED(&inv, "train", "-rdc", "f", "d", "--no-validate");
    assert_true(ag_option_flag(&inv, "resume"));
    assert_true(ag_option_flag(&inv, "dry"));
    assert_false(ag_option_flag(&inv, "validate"));
    PARSED(&inv, "train", "-c", "f", "d", "--resume", "--no-resume", "--resume", "--no-resume");
    assert_false(ag_option_flag(&inv, "resume"));
    PARSED(&inv, "train", "-c", "f", "d", "-q", "--no-quiet");
    assert_false(ag_option_flag(&inv, "quiet"));
}

AG_TEST(test_parse__repeated_values_keep_their_order)
{
    ag_invocation inv;
    PARSED(&inv, "train", "-c", "f", "--set", "a.b=1", "d", "--set=c=x=y", "e", "--fold", "-3", "--fold=0", "g",
           "--set", "e=");
    size_t count;
    const ag_option_value *sets = ag_option_values(&inv, "set", &count);
    assert_int_equal(count, 3);
    assert_true(ag_str_is(sets[0].key, "a.b"));
    assert_string_equal(sets[0].pair_value, "1");
    assert_true(ag_str_is(sets[1].key, "c"));
    assert_string_equal(sets[1].pair_value, "x=y");
    assert_string_equal(sets[2].pair_value, "");
    const ag_option_value *folds = ag_option_values(&inv, "fold", &count);
    assert_int_equal(count, 2);
    assert_int_equal(folds[0].integer, -3);
    const ag_option_value *more = ag_option_values(&inv, "MORE", &count);
    assert_int_equal(count, 2);
    assert_string_equal(more[0].text, "e");
    assert_string_equal(more[1].text, "g");
}

AG_TEST(test_parse__two_dashes_end_the_options)
{
    ag_invocation inv;
    PARSED(&inv, "train", "-c", "f", "--", "--jobs", "--", "-");
    size_t count;
    const ag_option_value *more = ag_option_values(&inv, "MORE", &count);
    assert_string_equal(ag_option_text(&inv, "DATA"), "--jobs");
    assert_int_equal(count, 2);
    assert_string_equal(more[0].text, "--");
    assert_string_equal(more[1].text, "-");
    PARSED(&inv, "train", "-c", "-", "-"); /* a lone dash is a value: standard input */
    assert_string_equal(ag_option_text(&inv, "config"), "-");
}

AG_TEST(test_parse__global_options_stand_anywhere)
{
    ag_invocation inv;
    PARSED(&inv, "--json", "data", "--home", "h", "list", "-q");
    assert_string_equal(inv.path, "data list");
    assert_true(ag_wants_json(&inv));
    assert_true(ag_option_flag(&inv, "quiet"));
    assert_string_equal(ag_home(&inv), "h");
    PARSED(&inv, "--home=x", "data", "add", "3");
    assert_string_equal(ag_home(&inv), "x");
    assert_int_equal(ag_option_int(&inv, "COUNT"), 3);
}

AG_TEST(test_parse__a_command_may_also_be_a_group)
{
    ag_invocation inv;
    PARSED(&inv, "runs");
    assert_string_equal(inv.path, "runs");
    PARSED(&inv, "runs", "--json");
    assert_string_equal(inv.path, "runs");
    PARSED(&inv, "runs", "show");
    assert_string_equal(inv.path, "runs show");
    REFUSED("auger runs takes no arguments, but got 'shoe'", NULL, "runs", "shoe");
}

AG_TEST(test_parse__help_needs_nothing_else)
{
    ag_invocation inv;
    PARSED(&inv, "train", "--help");
    assert_true(ag_option_flag(&inv, "help"));
    assert_ptr_equal(inv.command, &sample_train);
    PARSED(&inv, "-h", "train");
    assert_ptr_equal(inv.command, &sample_train);
    PARSED(&inv, "data", "--help");
    assert_null(inv.command);
    assert_string_equal(inv.path, "data");
    PARSED(&inv, "--help");
    assert_string_equal(inv.path, "");
    AG_EXPECT_OK(parse(&inv, (const char *const[]){NULL}));
    assert_null(inv.command);
}

AG_TEST(test_parse__unknown_commands_get_the_nearest)
{
    REFUSED("auger has no command 'trian'", "did you mean 'auger train'?", "trian");
    REFUSED("auger data has no command 'lst'", "did you mean 'auger data list'?", "data", "lst");
    REFUSED("auger data needs the name of a command", "one of add, list", "data");
    REFUSED("auger data needs the name of a command", "one of add, list", "data", "--json");
    REFUSED("has no command 'qqqqqq'", "'auger help' lists", "qqqqqq");
    REFUSED("has no command ''", "'auger help' lists", "");
    REFUSED("has no command 'data list'", "'auger", "data list");
    REFUSED("needs the name of a command", "one of data", "--", "train");
    REFUSED("has no command 'tra'", "auger", "tra"); /* no abbreviations */
}

AG_TEST(test_parse__unknown_options_get_the_nearest)
{
    REFUSED("auger train has no option '--jbos'", "did you mean '--jobs'?", "train", "--jbos", "3");
    REFUSED("auger train has no option '--val'", "did you mean '--validate'?", "train", "--val");
    REFUSED("has no option '--jsn'", "did you mean '--json'?", "train", "--jsn=1");
    REFUSED("auger has no option '--zzzzzzzz'", "stand behind its name", "--zzzzzzzz", "train");
    REFUSED("auger train has no option '-x'", NULL, "train", "-x");
    REFUSED("auger train has no option '-e'", "did you mean '--resume', with two dashes", "train", "-resume");
    REFUSED("auger train has no option '-\?'", NULL, "train", "-\xc3\xa9");
    REFUSED("has no option '--no-jobs'", NULL, "train", "--no-jobs");
    REFUSED("has no option '--'", NULL, "train", "--=x");
    REFUSED("has no option '--no-'", NULL, "train", "--no-");
}

AG_TEST(test_parse__values_are_checked)
{
    REFUSED("--jobs: '65' is not in the range 1 to 64", NULL, "train", "--jobs", "65");
    REFUSED("--jobs: '0' is not in the range", NULL, "train", "--jobs=0");
    REFUSED("--jobs: '4x' is not a whole number", NULL, "train", "--jobs=4x");
    REFUSED("--jobs: '' is not a whole number", NULL, "train", "--jobs=");
    REFUSED("--jobs: '99999999999999999999' is not a whole", NULL, "train", "-j", "99999999999999999999");
    REFUSED("--jobs: '-1' is not in the range", NULL, "train", "--jobs", "-1");
    REFUSED("--rate: 'nan' is not a number", NULL, "train", "--rate=nan");
    REFUSED("--rate: '-1' is not in the range at least 0", NULL, "train", "--rate=-1");
    REFUSED("--name: '' is not a text", NULL, "train", "--name=");
    REFUSED("--device: 'cdua' is not one of auto, cpu, cuda", "did you mean 'cuda'?", "train", "--device", "cdua");
    REFUSED("--cache: '1' is not in the range 1k to 1T", NULL, "train", "--cache", "1");
    REFUSED("--cache: '5 XB' is not a size", NULL, "train", "--cache", "5 XB");
    REFUSED("--timeout: '2h' is not in the range 1s to 3600s", NULL, "train", "--timeout=2h");
    REFUSED("--timeout: 'soon' is not a time", NULL, "train", "--timeout=soon");
    REFUSED("--set: 'x' is not of the form KEY=VALUE", NULL, "train", "--set", "x");
    REFUSED("--set: '=x' is not of the form KEY=VALUE", NULL, "train", "--set", "=x");
    REFUSED("COUNT: '10' is not in the range 1 to 9", NULL, "data", "add", "10");
}

AG_TEST(test_parse__values_must_be_there)
{
    REFUSED("--config needs a value", "write --config PATH", "train", "--config");
    REFUSED("--config needs a value, but '--json' follows", "write --config=--json", "train", "--config", "--json");
    REFUSED("--name needs a value, but '-5' follows", "--name=-5", "train", "--name", "-5");
    REFUSED("-j needs its value as a word of its own", "write -j 4", "train", "-j4");
    REFUSED("--resume takes no value", "write --resume or --no-resume", "train", "--resume=true");
    REFUSED("--resume takes no value", "write", "train", "--no-resume=true");
    REFUSED("--jobs is given twice: '1' and '2'", NULL, "train", "--jobs=1", "-j", "2");
    REFUSED("auger train needs --config", "The configuration", "train", "d");
    REFUSED("auger train needs DATA", "The data", "train", "-c", "f");
    REFUSED("auger data list takes no arguments, but got 'x'", NULL, "data", "list", "x");
    REFUSED("auger data add takes at most 1 argument; '2'", NULL, "data", "add", "1", "2");
}

static const char *some_environment(const char *name)
{
    if (strcmp(name, "SAMPLE_TIMEOUT") == 0) return "90s";
    if (strcmp(name, "SAMPLE_DRY") == 0) return "yes";
    if (strcmp(name, "AUGER_HOME") == 0) return "/srv/auger";
    return strcmp(name, "AUGER_LOG") == 0 ? "" : NULL;
}

static const char *bad_environment(const char *name)
{
    return strcmp(name, "AUGER_LOG") == 0 ? "loud" : NULL;
}

AG_TEST(test_parse__the_environment_fills_what_was_not_given)
{
    ag_invocation inv;
    AG_EXPECT_OK(parse_in(some_environment, &inv, SAMPLE_WORDS("train", "-c", "f", "d")));
    assert_true(ag_option_duration(&inv, "timeout") == 90 * INT64_C(1000000));
    assert_true(ag_option_flag(&inv, "dry"));
    assert_true(ag_option_given(&inv, "dry"));
    assert_string_equal(ag_home(&inv), "/srv/auger");
    assert_string_equal(ag_option_text(&inv, "log-level"), "info"); /* an empty variable does not count */
    AG_EXPECT_OK(parse_in(some_environment, &inv,
                          SAMPLE_WORDS("train", "-c", "f", "d", "--timeout=2", "--no-dry", "--home", "h")));
    assert_true(ag_option_duration(&inv, "timeout") == 2 * INT64_C(1000000));
    assert_false(ag_option_flag(&inv, "dry"));
    assert_string_equal(ag_home(&inv), "h");
    AG_EXPECT_ERROR(parse_in(bad_environment, &inv, SAMPLE_WORDS("runs")), AG_EINVAL,
                    "the environment variable AUGER_LOG: --log-level: 'loud' is not one of");
}

AG_TEST(test_parse__reading_what_is_not_declared_is_noted)
{
    ag_invocation inv;
    PARSED(&inv, "train", "-c", "f", "d");
    assert_int_equal(ag_option_int(&inv, "nothing"), 0);
    assert_string_equal(inv.misread, "nothing");
    PARSED(&inv, "train", "-c", "f", "d");
    assert_int_equal(ag_option_int(&inv, "rate"), 0); /* another type */
    assert_string_equal(inv.misread, "rate");
    PARSED(&inv, "train", "-c", "f", "d");
    assert_int_equal(ag_option_int(&inv, "fold"), 0); /* repeated: only ag_option_values() */
    assert_string_equal(inv.misread, "fold");
}

AG_TEST(test_parse__json_is_seen_before_anything_is_understood)
{
    assert_true(ag_parse_wants_json(2, SAMPLE_WORDS("nonsense", "--json")));
    assert_false(ag_parse_wants_json(2, SAMPLE_WORDS("--", "--json")));
    assert_false(ag_parse_wants_json(2, SAMPLE_WORDS("--json", "--no-json")));
    assert_false(ag_parse_wants_json(0, SAMPLE_WORDS("--json")));
}

static int parse_much(void *context, ag_err *failure)
{
    (void)context;
    ag_arena *own = ag_arena_new(0);
    if (!own) return ag_fail_memory(failure, 0);
    const char *const *words =
        SAMPLE_WORDS("--json", "train", "-c", "f", "--set=a=1", "--set=b=2", "--set=c=3", "d", "e", "g", "h");
    ag_invocation inv = {.commands = sample_commands(), .arena = own};
    int rc = ag_parse(sample_count(words), words, sample_no_environment, &inv, failure);
    ag_arena_free(own);
    return rc;
}

AG_TEST(test_parse__every_failing_allocation_is_a_clean_error)
{
    ag_test_fail_at_n(AG_FAULT_ALLOC, parse_much, NULL, NULL);
}

AG_TEST(test_parse__many_and_long_words)
{
    enum { COUNT = 5000 };
    static char longest[100000];
    memset(longest, 'x', sizeof(longest) - 1);
    static const char *words[COUNT + 4] = {"train", "-c", "f"};
    for (int i = 3; i < COUNT + 3; i++) words[i] = "d";
    ag_invocation inv;
    AG_EXPECT_OK(parse(&inv, words));
    size_t count;
    ag_option_values(&inv, "MORE", &count);
    assert_int_equal(count, COUNT - 1);
    REFUSED("has no command 'xxx", "lists", longest);
    words[1] = longest;
    words[2] = NULL;
    AG_EXPECT_ERROR(parse(&inv, words), AG_EINVAL, "auger train needs --config");
    ag_arena_free(arena);
    arena = NULL;
}
