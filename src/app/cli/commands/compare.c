// SPDX-License-Identifier: Apache-2.0
/* compare.c: the command: two trainings, side by side: what they were told, what they read, what came of it, and how
 * they went. What differs is found by ledger/compare.h; `runs compare` prints the bare table of many. */
#include <math.h>
#include <string.h>

#include "app/cli/ledger.h"
#include "app/cli/notable.h"
#include "app/cli/run_course.h"
#include "core/show/spark.h"
#include "ledger/compare.h"

static const ag_option options[] = {
    {.name = "metric",
     .letter = 'm',
     .type = AG_OPTION_TEXT,
     .repeated = true,
     .value_name = "KEY",
     .doc = "Curves of these metrics; val_loss and train_loss when none is named"},
    {.name = "all", .letter = 'a', .type = AG_OPTION_FLAG, .doc = "Also what is the same in both, and the machine's"},
    AG_OPTION_OF_DATABASE,
};
static const ag_option positionals[] = {
    AG_POSITIONAL_OF_RUN,
    {.name = "OTHER", .type = AG_OPTION_TEXT, .required = true, .doc = "The run to compare it with"},
};
static const ag_example examples[] = {
    {"compare 4f2a91 77b0c4", "What two trainings differ in, and how they went"},
    {"compare 4f2a91 77b0c4 --metric gradient_norm --json", "One curve of each, for a program"},
    {NULL, NULL},
};

enum { POINTS = 200, PLOT_WIDTH = 100, PLOT_HEIGHT = 12, MOST_CURVES = 16, DIGITS = 12 };

typedef struct curve {
    const char *key;
    ag_run_course course[2];
} curve;

typedef struct pair {
    ag_invocation *invocation;
    ag_ledger *ledger;
    ag_run runs[2];
    ag_comparison found;
    bool same_data;
    curve curves[MOST_CURVES];
    size_t curve_count;
} pair;

enum { USUAL = 2 };
static const char *const usual[USUAL] = {"val_loss", "train_loss"}; /* curves; of several folds they are in the folds */

/* ---- gathering ---- */

static bool has_input(const ag_run *run, const ag_run_input *wanted)
{
    for (size_t i = 0; i < run->input_count; i++)
        if (strcmp(run->inputs[i].digest, wanted->digest) == 0) return true;
    return false;
}

static bool same_data(const ag_run *a, const ag_run *b)
{
    if (a->input_count != b->input_count) return false;
    for (size_t i = 0; i < a->input_count; i++)
        if (!has_input(b, &a->inputs[i])) return false;
    return true;
}

static int add_curve(pair *p, const char *key, ag_err *err)
{
    if (p->curve_count == MOST_CURVES) return ag_fail(err, AG_ELIMIT, "--metric: at most %d curves", MOST_CURVES);
    curve *c = &p->curves[p->curve_count];
    c->key = key;
    int rc = 0;
    for (int i = 0; i < 2 && rc >= 0; i++)
        rc = ag_run_course_of(p->ledger, &p->runs[i], key, POINTS, p->invocation->arena, &c->course[i], err);
    if (rc >= 0 && (c->course[0].count || c->course[1].count)) p->curve_count++;
    return rc;
}

/* A curve that was asked for by name: where neither run has it, the nearest one is offered. */
static int add_named(pair *p, const char *key, ag_err *err)
{
    const size_t before = p->curve_count;
    int rc = add_curve(p, key, err);
    if (rc < 0 || p->curve_count > before) return rc;
    const char **known = ag_arena_array(p->invocation->arena, p->found.row_count + USUAL, sizeof *known);
    size_t count = 0;
    if (!known) return ag_fail_memory(err, p->found.row_count);
    for (; count < USUAL; count++) known[count] = usual[count];
    for (size_t i = 0; i < p->found.row_count; i++)
        if (p->found.rows[i].kind == AG_COMPARE_METRIC) known[count++] = p->found.rows[i].key;
    const char *near = ag_nearest(ag_str_of(key), known, count);
    ag_fail(err, AG_ENOTFOUND, "--metric: neither run has a metric '%s'", key);
    if (near) return ag_err_hint(err, "did you mean '%s'?", near);
    return ag_err_hint(err, "'auger runs show' tells the metrics of a run");
}

static int gather(pair *p, ag_err *err)
{
    static const char *const words[] = {"RUN", "OTHER"};
    ag_invocation *invocation = p->invocation;
    ag_str ids[2];
    size_t count;
    int rc = 0;
    for (int i = 0; i < 2 && rc >= 0; i++) {
        rc = ag_cli_run(invocation, p->ledger, ag_option_text(invocation, words[i]), &ids[i], err);
        if (rc >= 0) rc = ag_run_get(p->ledger, ids[i], invocation->arena, &p->runs[i], err);
    }
    if (rc >= 0) rc = ag_compare_runs(p->ledger, ids, 2, invocation->arena, &p->found, err);
    if (rc >= 0) rc = ag_notable_rows(&p->found, invocation->arena, err);
    if (rc < 0) return rc;
    p->same_data = same_data(&p->runs[0], &p->runs[1]);
    const ag_option_value *named = ag_option_values(invocation, "metric", &count);
    for (size_t i = 0; i < count && rc >= 0; i++) rc = add_named(p, named[i].text, err);
    for (size_t i = 0; i < USUAL && !count && rc >= 0; i++) rc = add_curve(p, usual[i], err);
    return rc;
}

/* A row that is worth showing. */
static bool wanted(const pair *p, const ag_compare_row *row, ag_compare_kind kind)
{
    if (row->kind != kind) return false;
    if (ag_option_flag(p->invocation, "all")) return true;
    return !ag_notable_dull(row);
}

/* ---- as text ---- */

static const char *short_id(const pair *p, int which)
{
    return ag_arena_printf(p->invocation->arena, "%.8s", p->runs[which].id);
}

static int print_rows(const pair *p, const char *title, ag_compare_kind kind, ag_err *err)
{
    const bool numbers = kind == AG_COMPARE_METRIC;
    const size_t width = numbers ? 5 : 3;
    const ag_align align = numbers ? AG_ALIGN_RIGHT : AG_ALIGN_LEFT;
    ag_arena *arena = p->invocation->arena;
    const ag_column columns[] = {{title, AG_ALIGN_LEFT, 0, 12},
                                 {short_id(p, 0), align, 0, 8},
                                 {short_id(p, 1), align, 0, 8},
                                 {"difference", AG_ALIGN_RIGHT, 1, 0},
                                 {"%", AG_ALIGN_RIGHT, 2, 0}};
    const char **cells = ag_arena_array(arena, p->found.row_count + 1, width * sizeof *cells);
    size_t rows = 0;
    if (!cells || !columns[1].title || !columns[2].title) return ag_fail_memory(err, p->found.row_count);
    for (size_t i = 0; i < p->found.row_count; i++) {
        const ag_compare_row *row = &p->found.rows[i];
        if (!wanted(p, row, kind)) continue;
        const char **line = cells + rows++ * width;
        line[0] = row->key;
        line[1] = row->values[0];
        line[2] = row->values[1];
        if (!numbers || !row->values[0] || !row->values[1]) continue;
        double a = row->numbers[0], b = row->numbers[1];
        line[1] = ag_cli_number(arena, a);
        line[2] = ag_cli_number(arena, b);
        line[3] = ag_arena_printf(arena, "%+.4g", b - a);
        line[4] = a != 0.0 && isfinite(a) ? ag_arena_printf(arena, "%+.2f", 100.0 * (b - a) / fabs(a)) : NULL;
    }
    if (!rows) return 0;
    ag_print(p->invocation, "\n");
    ag_cli_list list = {columns, width, cells, rows};
    return ag_cli_print_list(p->invocation, &list, false, err);
}

/* Data that differ are told apart by what the trainings took from them: labels and filters decide that, too. */
static int print_data(const pair *p, ag_err *err)
{
    ag_buf text;
    int rc = 0;
    for (int i = 0; i < (p->same_data ? 1 : 2) && rc >= 0; i++) {
        ag_buf_init(&text, 1 << 20);
        ag_run_inputs_write(&p->runs[i], DIGITS, !p->same_data, " ", &text);
        rc = ag_buf_check(&text, "the data of a run", err);
        ag_print(p->invocation, "data%s%s: %.*s\n", p->same_data ? "" : " of ",
                 p->same_data ? ", the same" : short_id(p, i), (int)(text.size ? text.size : 4),
                 text.size ? text.data : "none");
        ag_buf_deinit(&text);
    }
    return rc;
}

static int print_curve(const pair *p, const curve *c, ag_err *err)
{
    char title[120];
    ag_buf text;
    ag_series series[2];
    size_t trainings = 0;
    const ag_output *to = p->invocation->out;
    for (int i = 0; i < 2; i++) {
        series[i] = (ag_series){
            .name = short_id(p, i), .x = c->course[i].step, .y = c->course[i].value, .count = c->course[i].count};
        if (c->course[i].trainings > trainings) trainings = c->course[i].trainings;
    }
    ag_format(title, sizeof title, trainings ? "%s, mean of %zu trainings" : "%s", c->key, trainings);
    ag_plot plot = {.title = title, .x_label = "step"};
    unsigned width = to->columns > PLOT_WIDTH ? PLOT_WIDTH : (unsigned)to->columns;
    ag_buf_init(&text, 1 << 20);
    ag_buf_add_char(&text, '\n');
    int rc = ag_spark_plot(&text, &plot, series, 2, width, PLOT_HEIGHT, to->color, err);
    if (rc >= 0) ag_print_str(p->invocation, ag_buf_str(&text));
    ag_buf_deinit(&text);
    return rc;
}

static int print_text(const pair *p, ag_err *err)
{
    for (int i = 0; i < 2; i++) {
        const ag_run *run = &p->runs[i];
        const char *took = ag_cli_duration(p->invocation->arena, run->started_at, run->ended_at);
        ag_print(p->invocation, "%.8s  %s, %s%s%s%s\n", run->id, run->name ? run->name : "",
                 ag_run_status_name(run->status), took ? ", took " : "", took ? took : "",
                 run->deleted ? ", deleted" : "");
    }
    int rc = print_data(p, err);
    if (rc >= 0) rc = print_rows(p, "configuration", AG_COMPARE_PARAM, err);
    if (rc >= 0) rc = print_rows(p, "metric", AG_COMPARE_METRIC, err);
    if (rc >= 0 && ag_option_flag(p->invocation, "all")) rc = print_rows(p, "fact", AG_COMPARE_FACT, err);
    if (rc >= 0) rc = print_rows(p, "tag", AG_COMPARE_TAG, err);
    for (size_t i = 0; i < p->curve_count && rc >= 0; i++) rc = print_curve(p, &p->curves[i], err);
    return rc;
}

/* ---- as JSON ---- */

static void put_run(const pair *p, ag_json *json, int which)
{
    const ag_run *run = &p->runs[which];
    ag_json_begin_object(json);
    ag_json_put_text(json, "run_id", run->id);
    ag_json_put_text(json, "name", run->name);
    ag_json_put_text(json, "status", ag_run_status_name(run->status));
    if (run->ended_at) ag_json_put_real(json, "seconds", (double)(run->ended_at - run->started_at) / 1e6);
    ag_json_name(json, "data");
    ag_json_begin_array(json);
    for (size_t i = 0; i < run->input_count; i++) {
        ag_json_begin_object(json);
        ag_json_put_text(json, "name", run->inputs[i].name);
        ag_json_put_text(json, "digest", run->inputs[i].digest);
        ag_json_put_text(json, "source", run->inputs[i].source);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
    ag_json_end_object(json);
}

static void put_rows(const pair *p, ag_json *json, const char *name, ag_compare_kind kind)
{
    ag_json_name(json, name);
    ag_json_begin_array(json);
    for (size_t i = 0; i < p->found.row_count; i++) {
        const ag_compare_row *row = &p->found.rows[i];
        if (!wanted(p, row, kind)) continue;
        bool numbers = row->numbers && row->values[0] && row->values[1];
        ag_json_begin_object(json);
        ag_json_put_text(json, "key", row->key);
        ag_json_name(json, "values");
        ag_json_begin_array(json);
        for (int k = 0; k < 2; k++) {
            if (row->numbers && row->values[k])
                ag_json_real(json, row->numbers[k]);
            else
                ag_json_text(json, row->values[k]);
        }
        ag_json_end_array(json);
        if (numbers) ag_json_put_real(json, "difference", row->numbers[1] - row->numbers[0]);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
}

static void put_reals(ag_json *json, const char *name, const double *values, size_t count)
{
    ag_json_name(json, name);
    ag_json_begin_array(json);
    for (size_t i = 0; i < count; i++) ag_json_real(json, values[i]);
    ag_json_end_array(json);
}

static void put_curves(const pair *p, ag_json *json)
{
    ag_json_name(json, "curves");
    ag_json_begin_array(json);
    for (size_t i = 0; i < p->curve_count; i++) {
        ag_json_begin_object(json);
        ag_json_put_text(json, "key", p->curves[i].key);
        ag_json_name(json, "runs");
        ag_json_begin_array(json);
        for (int k = 0; k < 2; k++) {
            const ag_run_course *course = &p->curves[i].course[k];
            ag_json_begin_object(json);
            put_reals(json, "steps", course->step, course->count);
            put_reals(json, "values", course->value, course->count);
            ag_json_end_object(json);
        }
        ag_json_end_array(json);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
}

static int print_json(const pair *p, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, (size_t)256 << 20);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_NONFINITE_TEXT);
    ag_json_begin_object(&json);
    ag_json_name(&json, "runs");
    ag_json_begin_array(&json);
    put_run(p, &json, 0);
    put_run(p, &json, 1);
    ag_json_end_array(&json);
    ag_json_put_bool(&json, "same_data", p->same_data);
    put_rows(p, &json, "configuration", AG_COMPARE_PARAM);
    put_rows(p, &json, "metrics", AG_COMPARE_METRIC);
    put_rows(p, &json, "facts", AG_COMPARE_FACT);
    put_rows(p, &json, "tags", AG_COMPARE_TAG);
    put_curves(p, &json);
    ag_json_end_object(&json);
    int rc = ag_print_json(p->invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    pair p = {.invocation = invocation};
    int rc = ag_cli_open_ledger(invocation, false, &p.ledger, err);
    if (rc >= 0) rc = gather(&p, err);
    if (rc >= 0) rc = ag_wants_json(invocation) ? print_json(&p, err) : print_text(&p, err);
    ag_ledger_close(p.ledger);
    return rc;
}

const ag_command ag_command_compare = {
    .path = "compare",
    .summary = "Compare two trainings: data, configuration, metrics, curves",
    .doc = "Says whether two runs have read the same data, in which keys of the configuration they differ, what their "
           "metrics are and by how much they differ, and draws their curves into one picture. Of runs that consist of "
           "several trainings (folds) the curves are the means of those.\n\n"
           "'auger runs compare' puts any number of runs into one table; 'auger replay' trains a run again.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
