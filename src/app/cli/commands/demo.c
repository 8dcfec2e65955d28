// SPDX-License-Identifier: Apache-2.0
/* demo.c: the command: the whole life on simulated holes (app/cli/demo.h), and its result on one page. */
#include "app/cli/demo.h"

#include <math.h>
#include <string.h>

#include "app/cli/computing.h"
#include "app/cli/data.h"
#include "core/io/path.h"
#include "core/sys/clock.h"
#include "core/sys/process.h"

static const ag_option options[] = {
    {.name = "dir",
     .letter = 'd',
     .type = AG_OPTION_PATH,
     .fallback = "auger-demo",
     .doc = "Where all of it goes; new, empty, or that of a demo that was stopped"},
    {.name = "holes",
     .letter = 'n',
     .type = AG_OPTION_INT,
     .fallback = "120",
     .min = 48,
     .max = 100000,
     .doc = "How many holes to learn from"},
    {.name = "open", .type = AG_OPTION_FLAG, .doc = "Open the report in the browser at the end"},
    AG_OPTION_OF_JOBS,
    AG_OPTION_OF_DATABASE,
    AG_OPTION_OF_BLOBS,
};
static const ag_example examples[] = {
    {"demo", "See what Auger does, in minutes"},
    {"demo --dir /tmp/demo --open", "Elsewhere, and look at the report"},
    {"demo --json", "The result as one object"},
    {NULL, NULL},
};

static int print_json(ag_invocation *invocation, const ag_demo *demo, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, (size_t)1 << 20);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_NONFINITE_NULL);
    ag_json_begin_object(&json);
    ag_json_put_real(&json, "seconds", demo->seconds);
    ag_json_put_int(&json, "holes", (int64_t)demo->holes);
    ag_json_name(&json, "mae_mm");
    ag_json_begin_object(&json);
    for (int p = 0; p < AG_POINTS; p++) ag_json_put_real(&json, ag_point_names[p], demo->model_score.mae[p]);
    ag_json_end_object(&json);
    ag_json_put_real(&json, "p95_mm", demo->model_score.p95_all);
    ag_json_put_int(&json, "failures", (int64_t)demo->model_score.failed);
    ag_json_put_real(&json, "baseline_mae_mm", demo->label_score.mae_all);
    ag_json_put_text(&json, "run_id", demo->run);
    ag_json_put_text(&json, "model", demo->model);
    ag_json_put_text(&json, "report", demo->report);
    ag_json_end_object(&json);
    int rc = ag_print_json(invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int add_score(ag_table *table, const char *name, const ag_demo_score *score, ag_err *err)
{
    int rc = ag_table_add(table, AG_STYLE_PLAIN, name, err);
    for (int p = 0; p < AG_POINTS && rc >= 0; p++)
        rc = ag_table_addf(table, AG_STYLE_PLAIN, err, "%.3f", score->mae[p]);
    if (rc >= 0) rc = ag_table_addf(table, AG_STYLE_STRONG, err, "%.3f", score->mae_all);
    if (rc >= 0) rc = ag_table_addf(table, AG_STYLE_PLAIN, err, "%.3f", score->p95_all);
    if (rc >= 0) rc = ag_table_addf(table, AG_STYLE_PLAIN, err, "%zu", score->failed);
    return rc < 0 ? rc : ag_table_addf(table, AG_STYLE_PLAIN, err, "%zu", score->abstained);
}

static int print_scores(ag_invocation *invocation, const ag_demo *demo, ag_err *err)
{
    static const ag_column columns[] = {{"mean error, mm", AG_ALIGN_LEFT, 0, 8}, {"entry", AG_ALIGN_RIGHT, 0, 0},
                                        {"transition", AG_ALIGN_RIGHT, 0, 0},    {"exit", AG_ALIGN_RIGHT, 0, 0},
                                        {"all", AG_ALIGN_RIGHT, 0, 0},           {"95 % below", AG_ALIGN_RIGHT, 1, 0},
                                        {"failed", AG_ALIGN_RIGHT, 0, 0},        {"no answer", AG_ALIGN_RIGHT, 2, 0}};
    ag_buf text;
    ag_table *table = NULL;
    ag_buf_init(&text, (size_t)1 << 20);
    unsigned width = invocation->out->is_terminal ? (unsigned)invocation->out->columns : 0;
    int rc = ag_table_new(columns, sizeof columns / sizeof *columns, &table, err);
    if (rc >= 0) rc = add_score(table, "the model", &demo->model_score, err);
    if (rc >= 0) rc = add_score(table, "automatic labels", &demo->label_score, err);
    if (rc >= 0) rc = ag_table_write(table, AG_TABLE_TERMINAL, width, invocation->out->color, &text, err);
    if (rc >= 0) ag_print_str(invocation, ag_buf_str(&text));
    ag_table_free(table);
    ag_buf_deinit(&text);
    return rc;
}

static int print_text(ag_invocation *invocation, const ag_demo *demo, ag_err *err)
{
    char took[32];
    ag_duration_format((int64_t)demo->seconds * AG_SECOND, took);
    ag_print(invocation, "\nLearned from %llu holes, examined on %zu that it had never seen (%s):\n\n",
             (unsigned long long)demo->holes, demo->model_score.known, took);
    int rc = print_scores(invocation, demo, err);
    ag_print(invocation, "\nmodel     %s, 24 folds of %lld numbers\n", demo->model ? demo->model : "not registered",
             (long long)demo->parameters);
    ag_print(invocation, "run       %s\n", demo->run ? demo->run : "not recorded");
    ag_print(invocation, "report    %s\n", demo->report);
    ag_print(invocation, "training  %s/training/report.html\n", demo->directory);
    ag_print(invocation, "\nWhat to look at next:\n");
    ag_print(invocation, "  auger serve --home %s          the ledger, for MLflow's client and its pages\n",
             ag_home(invocation));
    ag_print(invocation, "  auger runs show %.8s --home %s\n", demo->run ? demo->run : "RUN", ag_home(invocation));
    ag_print(invocation, "  auger replay %.8s --home %s    the same bits again\n", demo->run ? demo->run : "RUN",
             ag_home(invocation));
    return rc;
}

/* A browser that cannot be opened is no failure. */
static void open_report(ag_invocation *invocation, const ag_demo *demo)
{
    ag_err err = {0};
    ag_process *browser = NULL;
    ag_process_end end = {0};
    const char *const words[] = {"xdg-open", demo->report, NULL};
    const ag_process_options how = {.words = words};
    int rc = ag_process_start(&how, &browser, &err);
    if (rc >= 0) rc = ag_process_wait(browser, invocation->cancel, &end, &err);
    if (rc < 0 || end.code != 0)
        ag_note(invocation, "the report was not opened: %s", rc < 0 ? err.text : "xdg-open found no browser");
    ag_process_free(browser);
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_demo demo = {.directory = ag_option_text(invocation, "dir"),
                    .holes = (uint64_t)ag_option_int(invocation, "holes"),
                    .jobs = ag_option_int(invocation, "jobs")};
    const char *home = ag_path_join(invocation->arena, demo.directory, "home");
    if (!home) return ag_fail_memory(err, strlen(demo.directory));
    int rc = ag_home_default(invocation, home, err);
    if (rc >= 0) rc = ag_demo_run(invocation, &demo, err);
    if (rc >= 0)
        rc = ag_wants_json(invocation) ? print_json(invocation, &demo, err) : print_text(invocation, &demo, err);
    if (rc >= 0 && ag_option_flag(invocation, "open")) open_report(invocation, &demo);
    return rc;
}

const ag_command ag_command_demo = {
    .path = "demo",
    .summary = "The whole life of a model on simulated holes, in minutes",
    .doc =
        "Simulates drilling holes of every regime with known truth, reads, judges and labels them, keeps them as a "
        "version of a data set, trains a small model for each of 24 folds after pretraining on simulated holes of "
        "other tools, registers what came out, and examines it on fresh holes beside the automatic labels. At the end "
        "it prints the result and writes it as a page.\n\n"
        "Everything goes into one directory, the ledger too (DIR/home), unless --home or $AUGER_HOME name one. Stopped "
        "or killed, the same command goes on where it was.\n\n"
        "--json prints one object: seconds, holes, mae_mm (entry, transition, exit), p95_mm (of all points), failures "
        "(wrong outcomes, missing or superfluous points, more than a millimetre off), baseline_mae_mm (of the "
        "automatic labels, all points), run_id, model, report.",
    .options = AG_OPTIONS(options),
    .examples = examples,
    .run = run,
};
