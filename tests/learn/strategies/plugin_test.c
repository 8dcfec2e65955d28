// SPDX-License-Identifier: Apache-2.0
/* Plug-ins: the example, and objects that are wrong in every way. They are built here, with the compiler of the tests;
 * where there is none, these tests are skipped. */
#include "learn/strategies/plugin.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/io/file.h"
#include "core/sys/process.h"
#include "frame/test.h"

typedef struct bench {
    ag_arena *arena;
    const char *dir;
    char data[600], output[600], config[600], object[600];
    ag_settings settings;
    ag_cancel *cancel;
    bool resume, cancel_at_epoch;
    int epochs;
    int64_t last_epoch;
    double mae;
} bench;

/* ---- building ---- */

/* dir/libNAME.so from a source with -DWITH_FLAG. */
static const char *build(bench *b, const char *source, const char *name, const char *flag)
{
    ag_err err = {0};
    ag_str line;
    ag_process *process = NULL;
    ag_process_end end = {.code = 1};
    const char *include = getenv("AUGER_SOURCE");
    ag_format(b->object, sizeof b->object, "%s/lib%s.so", b->dir, name);
    const char *const words[] = {getenv("CC") ? getenv("CC") : "cc",
                                 "-shared",
                                 "-fPIC",
                                 "-Wall",
                                 "-Werror",
                                 "-I",
                                 ag_arena_printf(b->arena, "%s/include", include ? include : "."),
                                 ag_arena_printf(b->arena, "-DWITH_%s", flag),
                                 source,
                                 "-o",
                                 b->object,
                                 "-lm",
                                 NULL};
    ag_process_options options = {.words = words};
    int rc = ag_process_start(&options, &process, &err);
    if (rc == AG_ENOTFOUND) ag_test_skip("there is no C compiler");
    AG_EXPECT_OK(rc);
    while (ag_process_line(process, NULL, 0, &line, &err) > 0);
    AG_EXPECT_OK(ag_process_wait(process, NULL, &end, &err));
    ag_process_free(process);
    assert_int_equal(end.code, 0);
    return b->object;
}

/* The example, built once: directories of tests stay until the program ends. */
static const char *example(bench *b)
{
    static char built[600];
    const char *tree = getenv("AUGER_SOURCE");
    if (!*built)
        ag_format(built, sizeof built, "%s",
                  build(b, ag_arena_printf(b->arena, "%s/examples/plugin/mean.c", tree ? tree : "."), "mean", "NONE"));
    return built;
}

/* A plug-in that is wrong in the way that $WAY says. */
static const char faulty[] =
    "#define AUGER_PLUGIN_BUILD\n"
    "#include <auger/plugin.h>\n"
    "#include <stdlib.h>\n"
    "#include <string.h>\n"
    "static int is(const char *way)\n"
    "{\n"
    "    const char *said = getenv(\"WAY\");\n"
    "    return said && strcmp(said, way) == 0;\n"
    "}\n"
    "static int prepare(auger_job *job, const auger_host *host, void **state)\n"
    "{\n"
    "    (void)state;\n"
    "    return is(\"PREPARE_FAILS\") ? host->fail(job, AUGER_ENOTFOUND, \"no rows\", NULL) : 0;\n"
    "}\n"
    "static int train(auger_job *job, const auger_host *host, void *state)\n"
    "{\n"
    "    auger_epoch e = {sizeof e, 0, 0, 1, 1, 1, 1};\n"
    "    (void)state;\n"
    "    if (is(\"SILENT\")) return -5000;\n"
    "    if (is(\"SWALLOWS\")) {\n"
    "        (void)host->epoch(job, &e);\n"
    "        (void)host->metric(job, 0, 1, 0);\n"
    "    }\n"
    "    if (host->number(job, \"none\") == 0 || host->text(job, \"count\") || !host->configuration(job)) return -2;\n"
    "    if (host->number(job, \"flag\") != 1 || host->number(job, \"count\") != 3) return -3;\n"
    "    host->progress(job, 7);\n"
    "    host->progress(job, 0.5);\n"
    "    host->remark(job, 0);\n"
    "    if (host->step(job, 1, 0.5) < 0) return -4;\n"
    "    return is(\"TRAIN_FAILS\") ? host->fail(job, AUGER_EINVAL, \"the data are odd\", \"sort them\") : 0;\n"
    "}\n"
    "static int validate(auger_job *job, const auger_host *host, void *state)\n"
    "{\n"
    "    (void)state;\n"
    "    return is(\"VALIDATE_FAILS\") ? host->fail(job, AUGER_EIO, \"the disk\", NULL) : 0;\n"
    "}\n"
    "static int export_model(auger_job *job, const auger_host *host, void *state, const char *directory)\n"
    "{\n"
    "    (void)state;\n"
    "    (void)directory;\n"
    "    return is(\"EXPORT_FAILS\") ? host->fail(job, AUGER_EFULL, \"\", \"\") : 0;\n"
    "}\n"
    "static int load(auger_job *job, const auger_host *host, void **model)\n"
    "{\n"
    "    static int loaded = 1;\n"
    "    *model = &loaded;\n"
    "    return is(\"LOAD_FAILS\") ? host->fail(job, AUGER_ECORRUPT, \"no model\", NULL) : 0;\n"
    "}\n"
    "static void unload(void *model)\n"
    "{\n"
    "    if (*(int *)model != 1) abort();\n"
    "}\n"
    "static int predict(auger_job *job, const auger_host *host, void *model, const auger_plugin_hole *hole,\n"
    "                   auger_plugin_answer *answer)\n"
    "{\n"
    "    if (*(int *)model != 1 || !hole->depth || hole->size < sizeof *hole || hole->step || !host->model_dir(job) "
    "||\n"
    "        host->cancelled(job) || host->resume(job) || host->data_dir(job) || !(hole->thrust[1] != "
    "hole->thrust[1]))\n"
    "        return -3;\n"
    "    answer->outcome = is(\"OUTCOME\") ? 9 : AUGER_HOLE_FOUND;\n"
    "    answer->entry.mm = is(\"FAR\") ? 1e9 : hole->depth[0];\n"
    "    if (is(\"INTERVAL\")) answer->entry.low = answer->entry.mm + 1;\n"
    "    if (is(\"SURE\")) answer->entry.confidence = 7;\n"
    "    if (is(\"GRIP\")) answer->grip_code = -1;\n"
    "    if (is(\"TEXT\")) memset(answer->reason, 255, sizeof answer->reason);\n"
    "    if (is(\"METRIC\") && host->metric(job, \"x\", 1, 0) == 0) return 0;\n"
    "    if (is(\"STEP\")) return host->step(job, 1, 1);\n"
    "    return is(\"PREDICT_FAILS\") ? host->fail(job, AUGER_EINVAL, \"too deep\", \"drill less\") : 0;\n"
    "}\n"
    "static void close_all(void *state)\n"
    "{\n"
    "    (void)state;\n"
    "}\n"
    "static auger_key keys[] = {\n"
    "    {\"flag\", AUGER_KEY_FLAG, \"true\", 0, 0, 0, \"A flag.\"},\n"
    "    {\"count\", AUGER_KEY_INT, \"3\", 0, 0, 9, \"A count.\"},\n"
    "};\n"
    "static auger_plugin plugin = {.size = sizeof(auger_plugin), .abi = AUGER_PLUGIN_ABI, .name = \"faulty\",\n"
    "    .key_size = sizeof(auger_key), .keys = keys, .key_count = 2, .prepare = prepare, .train = train,\n"
    "    .validate = validate, .export_model = export_model, .close = close_all, .load = load, .predict = predict,\n"
    "    .unload = unload};\n"
    "#ifdef WITH_NO_SYMBOL\n"
    "#define auger_plugin_entry other\n"
    "const auger_plugin *other(void);\n"
    "#endif\n"
    "const auger_plugin *auger_plugin_entry(void)\n"
    "{\n"
    "    if (is(\"ABI\")) plugin.abi = 7;\n"
    "    if (is(\"SMALL\")) plugin.size = 8;\n"
    "    if (is(\"OLD\")) plugin.size = offsetof(auger_plugin, evaluate);\n"
    "    if (is(\"NAME\")) plugin.name = \"a/b\";\n"
    "    if (is(\"KEYS\")) plugin.key_size = 3;\n"
    "    if (is(\"BAD_KEY\")) keys[1].fallback = \"many\";\n"
    "    if (is(\"NO_TRAIN\")) plugin.train = NULL;\n"
    "    if (is(\"NO_UNLOAD\")) plugin.unload = NULL;\n"
    "    return is(\"NOTHING\") ? NULL : &plugin;\n"
    "}\n";

/* ---- running ---- */

static void write_text(const char *path, const char *text)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_file_replace(path, text, strlen(text), &err));
}

static void open_bench(bench *b)
{
    ag_err err = {0};
    char path[700];
    *b = (bench){.arena = ag_arena_new(0), .dir = ag_test_dir()};
    ag_format(b->data, sizeof b->data, "%s/data", b->dir);
    ag_format(b->output, sizeof b->output, "%s/out", b->dir);
    AG_EXPECT_OK(ag_dir_make(b->data, &err));
    ag_format(path, sizeof path, "%s/holes.csv", b->data);
    write_text(path, "path,exit_mm\na,4\nb,\nc,8\n");
}

static void close_bench(bench *b)
{
    ag_cancel_free(b->cancel);
    ag_arena_free(b->arena);
}

static void configure(bench *b, const char *strategy, const char *more)
{
    ag_err err = {0};
    char text[1000];
    ag_format(b->config, sizeof b->config, "%s/config.yaml", b->dir);
    ag_format(text, sizeof text, "strategy: %s\ntraining_config: {epochs: 40}\n%s", strategy, more);
    write_text(b->config, text);
    AG_EXPECT_OK(ag_settings_read(b->arena, b->config, NULL, 0, &b->settings, &err));
}

static int on_epoch(void *context, const ag_train_epoch *epoch, const ag_train_progress *now, ag_err *err)
{
    bench *b = context;
    (void)err;
    assert_true(now->epochs == 40 && isnan(epoch->val_loss));
    b->epochs++;
    b->last_epoch = epoch->epoch + 1;
    if (b->cancel_at_epoch && b->epochs == 5) ag_cancel_request(b->cancel);
    return 0;
}

static int on_training(void *context, const char *name, int64_t index, int64_t count, ag_train_monitor *monitor,
                       ag_err *err)
{
    (void)err;
    assert_true(strcmp(name, "model") == 0 && index == 0 && count == 1);
    *monitor = (ag_train_monitor){.context = context, .epoch = on_epoch};
    return 0;
}

static int on_metric(void *context, const ag_strategy_metric *metric, ag_err *err)
{
    bench *b = context;
    (void)err;
    b->mae = metric->value;
    return 0;
}

static int run(void *context, ag_err *err)
{
    bench *b = context;
    const ag_strategy *strategy = NULL;
    ag_strategy_watch watch = {.context = b, .training = on_training, .metric = on_metric};
    ag_strategy_task task = {.settings = &b->settings,
                             .data_dir = b->data,
                             .output_dir = b->output,
                             .resume = b->resume,
                             .jobs = 1,
                             .watch = &watch,
                             .cancel = b->cancel,
                             .arena = ag_arena_new(0)};
    b->epochs = 0;
    int rc = task.arena ? ag_strategy_find(&b->settings, &strategy, err) : ag_fail_memory(err, 1);
    if (rc >= 0) rc = ag_strategy_run(strategy, &task, err);
    ag_strategy_task_deinit(&task);
    ag_arena_free(task.arena);
    return rc;
}

static int evaluate(bench *b, const char *plugin, double *mae, ag_err *err)
{
    ag_strategy_evaluation e = {
        .model_dir = b->output, .data = b->data, .part = "auto", .plugin = plugin, .arena = b->arena};
    int rc = ag_strategy_evaluate(&e, "auto", 1, err);
    const ag_strategy_score *score = rc >= 0 ? ag_vec_at(&e.scores, 0) : NULL;
    if (score) *mae = score->values[0].value;
    ag_vec_deinit(&e.scores);
    return rc;
}

AG_TEST(test_plugin__example_trains_and_evaluates)
{
    bench b;
    ag_err err = {0};
    double mae = 0.0;
    open_bench(&b);
    configure(&b, example(&b), "");
    AG_EXPECT_OK(run(&b, &err));
    assert_true(b.epochs == 40 && fabs(b.mae - 2.0) < 1e-2);
    AG_EXPECT_OK(evaluate(&b, example(&b), &mae, &err));
    assert_true(mae == b.mae);
    AG_EXPECT_ERROR(evaluate(&b, NULL, &mae, &err), AG_EUNSUPPORTED, "made by plug-in mean, which was not named");
    assert_non_null(strstr(err.hint, "never loads code"));
    setenv("AUGER_PLUGIN_PATH", ag_arena_printf(b.arena, "/nowhere::%s", b.dir), 1);
    AG_EXPECT_OK(evaluate(&b, "mean", &mae, &err));
    configure(&b, "mean", "");
    AG_EXPECT_OK(run(&b, &err));
    configure(&b, "meen", "");
    AG_EXPECT_ERROR(run(&b, &err), AG_EINVAL, "there is no strategy 'meen'");
    unsetenv("AUGER_PLUGIN_PATH");
    close_bench(&b);
}

AG_TEST(test_plugin__keys_are_read_like_those_of_any_strategy)
{
    bench b;
    ag_err err = {0};
    open_bench(&b);
    const char *object = example(&b);
    configure(&b, object, "data_config: {colum: a}\n");
    AG_EXPECT_ERROR(run(&b, &err), AG_EINVAL, "colum");
    assert_non_null(strstr(err.hint, "column"));
    configure(&b, object, "data_config: {rate: 2}\n");
    AG_EXPECT_ERROR(run(&b, &err), AG_EINVAL, "rate");
    assert_int_equal(err.line, 3);
    configure(&b, object, "data_config: {column: none}\n");
    AG_EXPECT_ERROR(run(&b, &err), AG_EINVAL, "plug-in mean, prepare(): holes.csv has no numbers in a column 'none'");
    assert_non_null(strstr(err.hint, "data_config.column"));
    close_bench(&b);
}

AG_TEST(test_plugin__stops_and_goes_on)
{
    bench b;
    ag_err err = {0};
    open_bench(&b);
    configure(&b, example(&b), "");
    AG_EXPECT_OK(ag_cancel_new(NULL, &b.cancel, &err));
    b.cancel_at_epoch = true;
    AG_EXPECT_ERROR(run(&b, &err), AG_ECANCELLED, "");
    assert_non_null(strstr(err.hint, "--resume"));
    ag_cancel_free(b.cancel);
    b.cancel = NULL;
    b.resume = true;
    AG_EXPECT_OK(run(&b, &err));
    assert_true(b.epochs == 35 && b.last_epoch == 40);
    close_bench(&b);
}

static const struct {
    const char *way;
    int code;
    const char *text;
} wrong[] = {
    {"ABI", AG_EUNSUPPORTED, "is a plug-in for ABI 7, and this Auger has ABI 1"},
    {"SMALL", AG_EINVAL, "a size that no version had"},
    {"NAME", AG_EINVAL, "name must be letters"},
    {"KEYS", AG_EINVAL, "table of keys is broken"},
    {"BAD_KEY", AG_EINTERNAL, "the plug-in's keys"},
    {"NO_TRAIN", AG_EINVAL, "has no function train"},
    {"NOTHING", AG_EINVAL, "gave nothing"},
    {"PREPARE_FAILS", AG_ENOTFOUND, "plug-in faulty, prepare(): no rows"},
    {"TRAIN_FAILS", AG_EINVAL, "plug-in faulty, train(): the data are odd"},
    {"VALIDATE_FAILS", AG_EIO, "plug-in faulty, validate(): the disk"},
    {"EXPORT_FAILS", AG_EFULL, "plug-in faulty, export_model(): the plug-in failed"},
    {"SILENT", AG_EINTERNAL, "plug-in faulty, train(): the plug-in failed"},
    {"SWALLOWS", AG_EINVAL, "plug-in faulty, train(): a metric needs a name"},
    {"OLD", AG_OK, ""},
};

AG_TEST(test_plugin__wrong_in_every_way_is_told_in_one_sentence)
{
    bench b;
    char source[600];
    open_bench(&b);
    ag_format(source, sizeof source, "%s/faulty.c", b.dir);
    write_text(source, faulty);
    configure(&b, build(&b, source, "faulty", "ALL"), "");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ag_err err = {0};
        setenv("WAY", wrong[i].way, 1);
        int rc = run(&b, &err);
        if (wrong[i].code == AG_OK)
            AG_EXPECT_OK(rc);
        else
            AG_EXPECT_ERROR(rc, wrong[i].code, wrong[i].text);
    }
    unsetenv("WAY");
    ag_err err = {0};
    double mae;
    AG_EXPECT_ERROR(evaluate(&b, b.object, &mae, &err), AG_EUNSUPPORTED, "plug-in faulty does not evaluate");
    AG_EXPECT_ERROR(evaluate(&b, example(&b), &mae, &err), AG_EINVAL, "was made by plug-in faulty");
    configure(&b, build(&b, source, "nameless", "NO_SYMBOL"), "");
    AG_EXPECT_ERROR(run(&b, &err), AG_EINVAL, "it has no function auger_plugin_entry");
    close_bench(&b);
}

AG_TEST(test_plugin__what_is_no_object_is_never_loaded)
{
    bench b;
    ag_err err = {0};
    char path[600];
    open_bench(&b);
    ag_format(path, sizeof path, "%s/text.so", b.dir);
    configure(&b, path, "");
    AG_EXPECT_ERROR(run(&b, &err), AG_ENOTFOUND, "there is no plug-in");
    write_text(path, "#!/bin/sh\n");
    AG_EXPECT_ERROR(run(&b, &err), AG_EINVAL, "is no shared object");
    write_text(path, "x");
    AG_EXPECT_ERROR(run(&b, &err), AG_EINVAL, "is no shared object");
    write_text(path, "\177ELF and then nothing of the kind");
    AG_EXPECT_ERROR(run(&b, &err), AG_EINVAL, "cannot be loaded");
    assert_true(ag_plugin_is_path("./x") && ag_plugin_is_path("x.so") && !ag_plugin_is_path("forecast"));
    close_bench(&b);
}

AG_TEST(test_plugin__fails_whole_at_any_call)
{
    bench b;
    open_bench(&b);
    configure(&b, example(&b), "");
    (void)ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, run, NULL, &b);
    close_bench(&b);
}

/* ---- answering for holes ---- */

static void two_samples(ag_hole *hole)
{
    static const int32_t cut[] = {-1500, -1600}, lost[] = {-1500, AG_SAMPLE_ABSENT}; /* thousandths */
    *hole = (ag_hole){.file = "a.xls", .signal = {.rows = 2, .rate = 100.0}};
    hole->signal.by_id[AG_CHANNEL_POSITION] = cut;
    hole->signal.by_id[AG_CHANNEL_TORQUE] = cut;
    hole->signal.by_id[AG_CHANNEL_THRUST] = lost;
}

static int ask(void *context, ag_err *err)
{
    bench *b = context;
    ag_hole hole;
    ag_prediction said[2];
    ag_answerer who = {0};
    ag_arena *arena = ag_arena_new(0);
    two_samples(&hole);
    const ag_hole *const holes[] = {&hole, &hole};
    char model[700];
    ag_format(model, sizeof model, "%s/model", b->output);
    int rc = arena ? ag_plugin_answerer(b->settings.strategy, model, &who, err) : ag_fail_memory(err, 64);
    if (rc >= 0) rc = ag_answerer_ask(&who, holes, 2, arena, NULL, said, err);
    if (rc >= 0) {
        assert_string_equal(who.name, "faulty");
        assert_true(said[1].outcome == AG_LABEL_FOUND && said[1].points[AG_POINT_ENTRY].mm == 1.5);
        assert_true(said[1].points[AG_POINT_ENTRY].low == 1.5 && said[1].points[AG_POINT_ENTRY].confidence == 0.5);
        assert_true(said[0].confidence == 0.5 && isnan(said[0].points[AG_POINT_EXIT].mm));
        assert_string_equal(said[0].path, "a.xls");
        b->mae = said[0].reason != NULL;
    }
    ag_answerer_close(&who);
    ag_arena_free(arena);
    return rc;
}

AG_TEST(test_plugin__answers_for_holes_are_checked)
{
    static const struct {
        const char *way;
        int code;
        const char *part;
    } ways[] = {
        {"OUTCOME", AG_EINVAL, "predict() of a.xls: 9 is no outcome"},
        {"FAR", AG_EINVAL, "entry is 1e+09"},
        {"INTERVAL", AG_EINVAL, "inside of their interval"},
        {"SURE", AG_EINVAL, "confidence of entry is 7"},
        {"GRIP", AG_EINVAL, "grip code"},
        {"METRIC", AG_EINVAL, "no metrics of an answer"},
        {"STEP", AG_EINVAL, "while training"},
        {"PREDICT_FAILS", AG_EINVAL, "plug-in faulty, predict(): too deep"},
        {"LOAD_FAILS", AG_ECORRUPT, "plug-in faulty, load(): no model"},
        {"NO_UNLOAD", AG_EINVAL, "no function unload"},
        {"OLD", AG_EUNSUPPORTED, "does not answer for holes: it has no function predict"},
    };
    bench b;
    ag_err err = {0};
    bool predicts = false;
    open_bench(&b);
    char source[700];
    ag_format(source, sizeof source, "%s/faulty.c", b.dir);
    write_text(source, faulty);
    configure(&b, build(&b, source, "faulty", "ALL"), "");
    unsetenv("WAY");
    AG_EXPECT_OK(run(&b, &err));
    AG_EXPECT_OK(ask(&b, &err));
    assert_true(b.mae == 0.0);
    AG_EXPECT_OK(ag_plugin_predicts(b.object, &predicts, &err));
    assert_true(predicts);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        setenv("WAY", ways[i].way, 1);
        AG_EXPECT_ERROR(ask(&b, &err), ways[i].code, ways[i].part);
    }
    AG_EXPECT_OK(ag_plugin_predicts(b.object, &predicts, &err)); /* OLD */
    assert_false(predicts);
    setenv("WAY", "TEXT", 1);
    AG_EXPECT_OK(ask(&b, &err));
    assert_true(b.mae == 1.0);
    unsetenv("WAY");
    ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, ask, NULL, &b);
    b.settings.strategy = "nowhere";
    AG_EXPECT_ERROR(ask(&b, &err), AG_ENOTFOUND, "there is no plug-in 'nowhere'");
    b.settings.strategy = example(&b);
    AG_EXPECT_ERROR(ask(&b, &err), AG_EINVAL, "made by plug-in faulty, and ");
    close_bench(&b);
}
