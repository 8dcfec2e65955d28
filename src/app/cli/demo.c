// SPDX-License-Identifier: Apache-2.0
/* demo.c: see demo.h. Each step is what a command of its own does; nothing here is but the order of them. */
#include "app/cli/demo.h"

#include <math.h>
#include <string.h>

#include "app/cli/data.h"
#include "app/cli/train_work.h"
#include "core/base/median.h"
#include "core/doc/json_file.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/clock.h"
#include "core/sys/thread.h"
#include "data/prepare.h"
#include "data/simulate/simulate.h"

#define MARK "demo.json"

enum { STEPS = 6, MARK_MOST = 1 << 16, PAGE_MOST = 64 << 20, WORST = 12 };

typedef struct work {
    ag_invocation *invocation;
    ag_demo *demo;
    const char *holes, *prepared, *fresh, *fresh_prepared, *config, *training; /* paths */
    unsigned jobs;
    int step;
} work;

static void say(work *w, const char *what)
{
    ag_note(w->invocation, "[%d/%d] %s", ++w->step, STEPS, what);
}

/* ---- the directory ---- */

static int write_mark(const work *w, const char *path, ag_err *err)
{
    char text[80];
    ag_format(text, sizeof text, "{\"auger_demo\": 1, \"holes\": %llu}\n", (unsigned long long)w->demo->holes);
    return ag_file_replace(path, text, strlen(text), err);
}

static int check_mark(const work *w, const char *path, ag_err *err)
{
    const ag_json_options options = {.max_bytes = MARK_MOST};
    const ag_value *mark = NULL;
    int64_t holes = 0;
    int rc = ag_json_file_read(w->invocation->arena, path, &options, &mark, err);
    if (rc < 0) return rc;
    if (ag_value_int(ag_value_get(mark, "holes"), &holes) && (uint64_t)holes == w->demo->holes) return 0;
    ag_fail(err, AG_ECONFLICT, "the demo in %s is one of %lld holes", w->demo->directory, (long long)holes);
    return ag_err_hint(err, "go on with --holes %lld, or take another directory with --dir", (long long)holes);
}

static int open_directory(work *w, ag_err *err)
{
    ag_vec names;
    ag_arena *arena = w->invocation->arena;
    const char *directory = w->demo->directory, *mark = ag_path_join(arena, directory, MARK);
    if (!mark) return ag_fail_memory(err, strlen(directory));
    if (ag_file_exists(mark)) return check_mark(w, mark, err);
    ag_vec_init(&names, sizeof(const char *));
    int rc = ag_dir_make(directory, err);
    if (rc >= 0) rc = ag_dir_list(directory, arena, &names, err);
    if (rc >= 0 && names.count) {
        ag_fail(err, AG_EEXISTS, "%s is not empty, and no demo", directory);
        rc = ag_err_hint(err, "name a new directory with --dir");
    }
    ag_vec_deinit(&names);
    return rc < 0 ? rc : write_mark(w, mark, err);
}

static int name_paths(work *w, ag_err *err)
{
    const struct {
        const char **path, *name;
    } rows[] = {{&w->holes, "holes"},
                {&w->fresh, "fresh"},
                {&w->prepared, "prepared"},
                {&w->fresh_prepared, "fresh-prepared"},
                {&w->config, "config.yaml"},
                {&w->training, "training"},
                {&w->demo->report, "report.html"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!(*rows[i].path = ag_path_join(w->invocation->arena, w->demo->directory, rows[i].name)))
            return ag_fail_memory(err, strlen(w->demo->directory));
    return 0;
}

/* ---- data ---- */

static int simulate(const work *w, const char *directory, uint64_t holes, uint64_t seed, ag_err *err)
{
    ag_sim_totals totals = {0};
    const ag_sim_options how = {.seed = seed};
    ag_progress *progress = ag_begin_progress(w->invocation, "holes", holes);
    int rc = ag_sim_batch(&how, directory, holes, 0, w->jobs, progress, w->invocation->cancel, &totals, err);
    ag_progress_free(progress);
    return rc;
}

/* The truth stands for what experts have said of these holes: it goes with the data. */
static int take_truth(const work *w, const char *holes, const char *prepared, ag_err *err)
{
    ag_buf text;
    const char *from = ag_path_join(w->invocation->arena, holes, AG_KNOWN_TRUTH_FILE);
    const char *to = ag_path_join(w->invocation->arena, prepared, AG_KNOWN_TRUTH_FILE);
    if (!from || !to) return ag_fail_memory(err, 256);
    ag_buf_init(&text, PAGE_MOST);
    int rc = ag_file_read(from, PAGE_MOST, &text, err);
    if (rc >= 0) rc = ag_file_replace(to, text.data, text.size, err);
    ag_buf_deinit(&text);
    return rc;
}

static int prepare(const work *w, const char *holes, const char *prepared, ag_err *err)
{
    ag_prepare_summary summary = {0};
    ag_prepare_options options = {.input_dir = holes,
                                  .output_dir = prepared,
                                  .validate = true,
                                  .auto_label = true,
                                  .jobs = w->jobs,
                                  .cancel = w->invocation->cancel,
                                  .progress = ag_begin_progress(w->invocation, "files", 0)};
    int rc = ag_prepare(&options, w->invocation->arena, &summary, err);
    ag_progress_free(options.progress);
    if (rc >= 0)
        ag_note(w->invocation, "%zu holes are valid, %zu break a rule", summary.by_status[AG_PREPARED_SUCCESS],
                summary.by_status[AG_PREPARED_REJECTED]);
    return rc < 0 ? rc : take_truth(w, holes, prepared, err);
}

static int add_version(const work *w, const char **name, ag_err *err)
{
    ag_cli_data data;
    ag_dataset_added added;
    const ag_dataset_add_options options = {.name = AG_DEMO_DATA,
                                            .paths = &w->prepared,
                                            .path_count = 1,
                                            .message = "simulated by auger demo",
                                            .jobs = w->jobs};
    int rc = ag_cli_data_open(w->invocation, true, &data, err);
    if (rc >= 0) {
        data.place.progress = ag_begin_progress(w->invocation, "files", 0);
        rc = ag_dataset_add_paths(&data.place, &options, w->invocation->arena, &added, err);
    }
    if (rc >= 0 && !(*name = ag_cli_data_name(w->invocation->arena, &added.version))) rc = ag_fail_memory(err, 64);
    ag_cli_data_close(&data);
    return rc;
}

/* ---- the model ---- */

static int train_settings(work *w, const ag_settings *settings, const ag_named_data *data, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_strategy_task task = {0};
    ag_train_outcome outcome = {0};
    ag_train_work training = {.settings = settings,
                              .data = data,
                              .output_dir = w->training,
                              .resume = true,
                              .jobs = w->demo->jobs,
                              .show = AG_TRAIN_SHOW_AUTO,
                              .entry = "auger demo"};
    int rc = ag_strategy_find(settings, &training.strategy, err);
    if (rc >= 0) rc = ag_cli_open_ledger(w->invocation, true, &ledger, err);
    training.tracker.ledger = ledger;
    if (rc >= 0) rc = ag_train_work_do(w->invocation, &training, &task, &outcome, err);
    w->demo->run = outcome.run;
    w->demo->model = outcome.version;
    w->demo->parameters = task.parameters;
    ag_strategy_task_deinit(&task);
    ag_ledger_close(ledger);
    return rc;
}

static int train(work *w, const char *version, ag_err *err)
{
    ag_settings settings;
    ag_named_data data;
    const ag_str sets[] = {AG_STR("experiment_name=demo"),
                           AG_STR("register.name=" AG_DEMO_MODEL),
                           AG_STR("pretrain={enabled: true, method: simulated, patience: 0, learning_rate: 0.006}"),
                           AG_STR("data_config.simulated={holes: 1000, seed: 12, own_share: 1, calibrate: 300}"),
                           AG_STR("training_config.learning_rate=0.001"),
                           AG_STR("training_config.epochs=10")};
    const char *text = w->demo->configuration ? w->demo->configuration : ag_demo_configuration;
    size_t count = w->demo->configuration ? 2 : sizeof sets / sizeof *sets;
    int rc = ag_file_replace(w->config, text, strlen(text), err);
    if (rc >= 0) rc = ag_settings_read(w->invocation->arena, w->config, sets, count, &settings, err);
    if (rc >= 0) rc = ag_named_data_find(w->invocation, version, &data, err);
    return rc < 0 ? rc : train_settings(w, &settings, &data, err);
}

/* ---- the exam ---- */

static void add_case(const ag_known *known, const ag_prediction *said, ag_demo_score *score, ag_vec *errors,
                     double sums[AG_POINTS], int counts[AG_POINTS])
{
    ag_score_verdict verdict;
    ag_score_judge(known, said, &(ag_score_options){0}, &verdict);
    if (!verdict.known) return;
    score->known++;
    score->failed += verdict.failed;
    score->abstained += !verdict.answered;
    for (int p = 0; p < AG_POINTS; p++) { /* the first measures are the points */
        double error = fabs(verdict.error[p]);
        if (isnan(error)) continue;
        sums[p] += error;
        counts[p]++;
        (void)ag_vec_push(errors, &error, NULL);
    }
}

/* `said` NULL: what the one examined has said. */
static ag_demo_score score_of(const ag_exam *exam, const ag_prediction *said)
{
    ag_vec errors;
    ag_demo_score score = {.mae_all = (double)NAN, .p95_all = (double)NAN};
    double sums[AG_POINTS] = {0}, sum = 0;
    int counts[AG_POINTS] = {0};
    ag_vec_init(&errors, sizeof(double));
    for (size_t i = 0; i < exam->count; i++)
        add_case(&exam->cases[i].known, said ? &said[i] : &exam->cases[i].said, &score, &errors, sums, counts);
    for (int p = 0; p < AG_POINTS; p++) {
        score.mae[p] = counts[p] ? sums[p] / counts[p] : (double)NAN;
        sum += sums[p];
    }
    ag_vec_sort(&errors, ag_by_size);
    if (errors.count) {
        score.mae_all = sum / (double)errors.count;
        score.p95_all = ag_percentile(errors.items, errors.count, 0.95);
    }
    ag_vec_deinit(&errors);
    return score;
}

static int write_page(const work *w, const ag_exam *exam, ag_err *err)
{
    ag_buf page;
    ag_buf_init(&page, PAGE_MOST);
    int rc = ag_exam_html(exam, NULL, w->invocation->arena, &page, err);
    if (rc >= 0) rc = ag_file_replace(w->demo->report, page.data, page.size, err);
    ag_buf_deinit(&page);
    return rc;
}

static int examine_by(work *w, const ag_answerer *who, ag_pool *pool, ag_err *err)
{
    ag_exam exam = {0};
    ag_answerer labels = {0};
    int rc = ag_answerer_auto(&labels, err);
    if (rc < 0) return rc;
    ag_exam_options options = {.data = w->fresh_prepared,
                               .who = who,
                               .baselines = &labels,
                               .baseline_count = 1,
                               .worst = WORST,
                               .pool = pool,
                               .cancel = w->invocation->cancel,
                               .progress = ag_begin_progress(w->invocation, "holes", 0)};
    rc = ag_exam_run(&options, w->invocation->arena, &exam, err);
    ag_progress_free(options.progress);
    ag_answerer_close(&labels);
    if (rc < 0) return rc;
    w->demo->model_score = score_of(&exam, NULL);
    w->demo->label_score = score_of(&exam, exam.baselines[0].said);
    return write_page(w, &exam, err);
}

static int examine(work *w, ag_err *err)
{
    const ag_device *device = NULL;
    ag_pool *pool = NULL;
    ag_answerer who = {0};
    int rc = ag_device_find("auto", &device, err);
    if (rc >= 0 && w->jobs > 1) rc = ag_pool_new(w->jobs, &pool, err);
    if (rc >= 0) rc = ag_answerer_open(w->training, device, pool, &who, err);
    if (rc >= 0) rc = examine_by(w, &who, pool, err);
    ag_answerer_close(&who);
    ag_pool_free(pool);
    return rc;
}

/* The exam's result stands with the run. */
static int record_exam(const work *w, ag_err *err)
{
    ag_ledger *ledger = NULL;
    char names[AG_POINTS][40];
    ag_metric metrics[AG_POINTS + 2];
    size_t count = 0;
    const ag_demo_score *score = &w->demo->model_score;
    int64_t now = ag_now();
    if (!w->demo->run) return 0;
    for (int p = 0; p < AG_POINTS; p++) {
        ag_format(names[p], sizeof names[p], "exam_mae_mm_%s", ag_point_names[p]);
        if (!isnan(score->mae[p])) metrics[count++] = (ag_metric){.key = names[p], .value = score->mae[p], .at = now};
    }
    if (!isnan(score->p95_all))
        metrics[count++] = (ag_metric){.key = "exam_p95_mm", .value = score->p95_all, .at = now};
    metrics[count++] = (ag_metric){.key = "exam_failures", .value = (double)score->failed, .at = now};
    int rc = ag_cli_open_ledger(w->invocation, true, &ledger, err);
    const ag_run_batch batch = {.metrics = metrics, .metric_count = count};
    if (rc >= 0) rc = ag_run_log(ledger, ag_str_of(w->demo->run), &batch, err);
    ag_ledger_close(ledger);
    return rc;
}

/* ---- in order ---- */

int ag_demo_run(ag_invocation *invocation, ag_demo *demo, ag_err *err)
{
    const char *version = NULL;
    int64_t begun = ag_monotonic();
    uint64_t fresh = demo->fresh ? demo->fresh : AG_DEMO_FRESH_HOLES;
    work w = {.invocation = invocation, .demo = demo, .jobs = demo->jobs ? (unsigned)demo->jobs : ag_cpu_count()};
    int rc = open_directory(&w, err);
    if (rc >= 0) rc = name_paths(&w, err);
    if (rc >= 0) rc = ag_replace_check(demo->report, err);
    if (rc < 0) return rc;
    say(&w, "holes of every regime, with known truth");
    if ((rc = simulate(&w, w.holes, demo->holes, AG_DEMO_SEED, err)) < 0) return rc;
    say(&w, "read, judged and labelled");
    if ((rc = prepare(&w, w.holes, w.prepared, err)) < 0) return rc;
    say(&w, "kept as a version of a data set");
    if ((rc = add_version(&w, &version, err)) < 0) return rc;
    say(&w, "a model for each of 24 folds, which begin with what other simulated holes teach");
    if ((rc = train(&w, version, err)) < 0) return rc;
    say(&w, "fresh holes, which no model has seen");
    if ((rc = simulate(&w, w.fresh, fresh, AG_DEMO_FRESH_SEED, err)) < 0) return rc;
    if ((rc = prepare(&w, w.fresh, w.fresh_prepared, err)) < 0) return rc;
    say(&w, "the exam");
    rc = examine(&w, err);
    if (rc >= 0) rc = record_exam(&w, err);
    demo->seconds = (double)(ag_monotonic() - begun) / 1e6;
    return rc;
}
