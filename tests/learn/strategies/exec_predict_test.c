// SPDX-License-Identifier: Apache-2.0
/* Programs that answer for holes, well and badly. */
#include "learn/strategies/exec_predict.h"

#include <math.h>
#include <string.h>

#include "auger/training.h"
#include "core/io/file.h"
#include "learn/drilling/made.h"

enum { HOLES = 5 };

typedef struct bench {
    ag_arena *arena;
    char dir[600], config[700];
    ag_settings settings;
    const ag_hole *holes[HOLES];
    ag_prediction said[HOLES];
} bench;

static void write_text(const char *path, const char *text)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_file_replace(path, text, strlen(text), &err));
}

static void open_bench(bench *b)
{
    const made stack = {.entry = 2.0, .transition = NAN, .exit = 7.0, .rows = 900};
    *b = (bench){.arena = ag_arena_new(0)};
    ag_format(b->dir, sizeof b->dir, "%s", ag_test_dir());
    ag_format(b->config, sizeof b->config, "%s/config.yaml", b->dir);
    for (int i = 0; i < HOLES; i++) b->holes[i] = make_hole(&stack, b->arena);
}

static int read_script(bench *b, const char *script, const char *more, ag_err *err)
{
    char path[700], config[1600];
    ag_format(path, sizeof path, "%s/answer.sh", b->dir);
    write_text(path, script);
    ag_format(config, sizeof config, "strategy: exec\ndata_config:\n  command: ['true']\n  predict: [sh, %s]\n%s", path,
              more);
    write_text(b->config, config);
    return ag_settings_read(b->arena, b->config, NULL, 0, &b->settings, err);
}

static int ask(void *context, ag_err *err)
{
    bench *b = context;
    ag_answerer who = {0};
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? ag_exec_answerer(&b->settings, b->dir, &who, err) : ag_fail_memory(err, 1);
    if (rc >= 0) rc = ag_answerer_ask(&who, b->holes, HOLES, arena, NULL, b->said, err);
    for (int i = 0; i < HOLES; i++) b->said[i].path = b->said[i].reason = NULL;
    ag_answerer_close(&who);
    ag_arena_free(arena);
    return rc;
}

static const char good[] =
    "test -d \"$AUGER_MODEL_DIR\" || exit 1\n"
    "while read -r line; do\n"
    "    case $line in *'\"rate\":100'*'\"depth\":[1.0,1.01,'*'\"step\":['*) ;; *) exit 2 ;; esac\n"
    "    echo '{\"outcome\": \"found\", \"exit\": {\"mm\": 7, \"low_mm\": 6.5, \"high_mm\": 7.5,"
    " \"confidence\": 0.75}, \"entry\": 2, \"transition\": null, \"grip_code\": 5}'\n"
    "done\n";

AG_TEST(test_exec_predict__a_program_answers_for_holes)
{
    bench b;
    ag_err err = {0};
    open_bench(&b);
    AG_EXPECT_OK(read_script(&b, good, "", &err));
    AG_EXPECT_OK(ask(&b, &err));
    for (int i = 0; i < HOLES; i++) {
        const ag_prediction *p = &b.said[i];
        assert_true(p->outcome == AG_LABEL_FOUND && p->points[AG_POINT_EXIT].mm == 7.0 && p->grip_code == 5);
        assert_true(p->points[AG_POINT_EXIT].low == 6.5 && p->points[AG_POINT_EXIT].confidence == 0.75);
        assert_true(p->points[AG_POINT_ENTRY].mm == 2.0 && p->points[AG_POINT_ENTRY].high == 2.0);
        assert_true(isnan(p->points[AG_POINT_TRANSITION].mm) && p->confidence == 0.5 && p->voices == 1);
    }
    ag_arena_free(b.arena);
}

AG_TEST(test_exec_predict__one_that_answers_at_the_end_is_no_dead_lock)
{
    bench b;
    ag_err err = {0};
    open_bench(&b);
    AG_EXPECT_OK(read_script(&b, "cat | sed 's/.*/{\"outcome\": \"none\", \"reason\": \"too tired\"}/'", "", &err));
    AG_EXPECT_OK(ask(&b, &err));
    assert_true(b.said[4].outcome == AG_LABEL_NONE && b.said[4].confidence == 0.0);
    ag_arena_free(b.arena);
}

static const struct {
    const char *script, *more;
    int code;
    const char *text;
} broken[] = {
    {"echo oops >&2; exit 4", "", AG_EIO, "sh ended with exit code 4: oops"},
    {"cat >/dev/null; echo '{\"outcome\": \"empty\"}'", "", AG_EPARSE, "sh has answered for 1 of 5 holes"},
    {"cat >/dev/null; yes '{\"outcome\": \"empty\"}' | head -6", "", AG_EPARSE, "more often than it was asked"},
    {"echo hello", "", AG_EPARSE, "answer 1 of sh: it is no JSON: \"hello\""},
    {"echo '[]'", "", AG_EPARSE, "answer 1 of sh: it is no JSON object"},
    {"echo '{}'", "", AG_EPARSE, "outcome must be"},
    {"echo '{\"outcome\": \"found\", \"exit\": \"7\"}'", "", AG_EPARSE, "exit must be a number"},
    {"echo '{\"outcome\": \"found\", \"exit\": {\"mm\": 7, \"low_mm\": 8}}'", "", AG_EPARSE, "exit: low_mm must be"},
    {"echo '{\"outcome\": \"found\", \"exit\": {\"mm\": 7, \"confidence\": 2}}'", "", AG_EPARSE, "confidence must be"},
    {"exec sleep 60", "  silence: 0.1\n", AG_ETIMEOUT, "said nothing"},
    {"exec sleep 60", "  timeout: 0.1\n", AG_ETIMEOUT, ""},
};

AG_TEST(test_exec_predict__bad_answers_are_told_in_one_sentence)
{
    bench b;
    open_bench(&b);
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        ag_err err = {0};
        AG_EXPECT_OK(read_script(&b, broken[i].script, broken[i].more, &err));
        AG_EXPECT_ERROR(ask(&b, &err), broken[i].code, broken[i].text);
    }
    ag_err err = {0};
    const ag_str sets[] = {AG_STR("strategy=forecast"), AG_STR("data_config.predict=[]")};
    AG_EXPECT_OK(ag_settings_read(b.arena, b.config, sets, 1, &b.settings, &err));
    AG_EXPECT_ERROR(ask(&b, &err), AG_EINVAL, "is for strategy forecast");
    AG_EXPECT_OK(ag_settings_read(b.arena, b.config, sets + 1, 1, &b.settings, &err));
    AG_EXPECT_ERROR(ask(&b, &err), AG_EUNSUPPORTED, "data_config.predict");
    ag_arena_free(b.arena);
}

AG_TEST(test_exec_predict__fails_whole_at_any_call)
{
    bench b;
    ag_err err = {0};
    open_bench(&b);
    AG_EXPECT_OK(read_script(&b, good, "", &err));
    (void)ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, ask, NULL, &b);
    ag_arena_free(b.arena);
}

/* From C: built here, the program is known; loaded, it must be named. */
AG_TEST(test_exec_predict__a_loaded_result_runs_nothing_that_was_not_named)
{
    bench b;
    ag_err err = {0};
    auger_error error;
    auger_builder *builder = NULL;
    auger_result *result = NULL, *loaded = NULL;
    auger_answer answer;
    double depth[300], load[300];
    char out[700], kept[700];
    open_bench(&b);
    AG_EXPECT_OK(read_script(&b, "cat >/dev/null; echo '{\"outcome\": \"empty\"}'", "", &err));
    ag_format(out, sizeof out, "%s/out", b.dir);
    ag_format(kept, sizeof kept, "%s/kept", b.dir);
    for (int i = 0; i < 300; i++) {
        depth[i] = 0.01 * i;
        load[i] = 0.0;
    }
    const auger_hole_samples hole = {300, 100, depth, load, load, NULL};
    assert_int_equal(auger_builder_new(&builder, &error), 0);
    assert_int_equal(auger_builder_settings_file(builder, b.config, &error), 0);
    assert_int_equal(auger_builder_data(builder, b.config, &error), 0);
    assert_int_equal(auger_builder_output(builder, out, &error), 0);
    assert_int_equal(auger_builder_set(builder, "data_config.command=[sh, -c, 'echo 1 >$AUGER_MODEL_DIR/m']", &error),
                     0);
    assert_int_equal(auger_builder_build(builder, &result, &error), 0);
    assert_int_equal(auger_result_predict(result, &hole, &answer, &error), 0);
    assert_int_equal(answer.outcome, AUGER_OUTCOME_EMPTY);
    assert_int_equal(auger_result_program(result, b.config, &error), AUGER_ECONFLICT);
    assert_int_equal(auger_result_save(result, kept, &error), 0);
    assert_int_equal(auger_result_load(kept, &loaded, &error), 0);
    assert_int_equal(auger_result_predict(loaded, &hole, &answer, &error), AUGER_EUNSUPPORTED);
    assert_non_null(strstr(error.hint, "never runs a program by itself"));
    assert_int_equal(auger_result_program(loaded, "/nowhere", &error), AUGER_ENOTFOUND);
    assert_int_equal(auger_result_program(loaded, b.config, &error), 0);
    assert_int_equal(auger_result_predict(loaded, &hole, &answer, &error), 0);
    auger_result_free(loaded);
    auger_result_free(result);
    auger_builder_free(builder);
    ag_arena_free(b.arena);
}
