// SPDX-License-Identifier: Apache-2.0
/* batch.c: many simulated holes as files. Each file is written whole under its own name, in any order; truth.csv comes
 * last, in the order of the holes, so that its presence says that all of them are there. A line of the truth is made by
 * the thread that made the hole and kept until then. */
#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/csv.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/thread.h"
#include "data/simulate/simulate.h"
#include "data/validator.h"

#define TRUTH_FILE "truth.csv"

enum { MAX_FILE = 64 << 20 };

static const char *const columns[] = {
    "path",           "hole",    "seed",         "regime",       "format_version",  "program",
    "driven_by",      "tool",    "tool_age",     "layers",       "entry_mm",        "transition_mm",
    "transitions_mm", "exit_mm", "full_exit_mm", "thickness_mm", "point_length_mm", "chisel_mm",
    "countersink_mm", "rows",    "lost_samples", "class",        "valid",           "fault",
    "expected_rule"};

typedef struct hole_truth {
    ag_sim_plan plan;
    uint64_t bytes;
    size_t rows;
    unsigned classes;
} hole_truth;

typedef struct batch {
    const ag_sim_options *options;
    const char *directory;
    uint64_t plots;
    hole_truth *truth;
    ag_progress *progress;
} batch;

static int write_file(const batch *b, ag_arena *arena, const char *name, const ag_buf *bytes, ag_err *err)
{
    char *path = ag_path_join(arena, b->directory, name);
    if (!path) return ag_fail_memory(err, strlen(name));
    return ag_file_replace(path, bytes->data, bytes->size, err);
}

static int draw_hole(const batch *b, ag_arena *arena, const hole_truth *truth, const ag_sim_trace *trace, ag_err *err)
{
    char name[40];
    ag_buf svg;
    ag_buf_init(&svg, MAX_FILE);
    ag_format(name, sizeof(name), "hole-%06llu.svg", (unsigned long long)truth->plan.hole);
    int rc = ag_sim_draw(&truth->plan, trace, &svg, err);
    if (rc == AG_OK) rc = write_file(b, arena, name, &svg, err);
    ag_buf_deinit(&svg);
    return rc;
}

static int make_hole(void *context, size_t index, ag_err *err)
{
    batch *b = context;
    hole_truth *truth = &b->truth[index];
    ag_sim_trace trace = {0};
    ag_buf bytes;
    ag_buf_init(&bytes, MAX_FILE);
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? ag_sim_hole(b->options, index, &truth->plan, &trace, &bytes, err) : ag_fail_memory(err, 1);
    if (rc == AG_OK) {
        char name[160];
        truth->bytes = bytes.size;
        truth->rows = trace.rows.count;
        truth->classes = ag_sim_classes(&truth->plan, &trace);
        ag_sim_plan_path(&truth->plan, name);
        rc = write_file(b, arena, name, &bytes, err);
    }
    if (rc == AG_OK && index < b->plots) rc = draw_hole(b, arena, truth, &trace, err);
    if (rc == AG_OK) ag_progress_add(b->progress, 1, bytes.size);
    ag_arena_free(arena);
    ag_buf_deinit(&bytes);
    ag_sim_trace_deinit(&trace);
    return rc;
}

/* --------------------------------------------------------------------------------------------------------- truth -- */

static int add_depth(ag_csv_writer *csv, double depth, ag_err *err)
{
    char text[32] = "";
    if (!isnan(depth)) ag_format(text, sizeof(text), "%.4f", depth);
    return ag_csv_add(csv, ag_str_of(text), err);
}

static int add_depths(ag_csv_writer *csv, const double *depth, size_t count, ag_err *err)
{
    char text[128] = "";
    for (size_t i = 0, at = 0; i < count; i++, at = strlen(text))
        ag_format(text + at, sizeof(text) - at, "%s%.4f", i ? ";" : "", depth[i]);
    return ag_csv_add(csv, ag_str_of(text), err);
}

static int add_text(ag_csv_writer *csv, const char *text, ag_err *err)
{
    return ag_csv_add(csv, ag_str_of(text), err);
}

/* What a validator must say: the planted defect's rule, else that of a seized tool, else nothing. */
static const char *expected_rule(const hole_truth *truth)
{
    if (truth->plan.fault) return truth->plan.fault->rule;
    return truth->plan.regime->outcome == AG_SIM_SEIZED ? "T6" : "";
}

static bool is_valid(const hole_truth *truth)
{
    const ag_rule *rule = ag_rule_find(expected_rule(truth), NULL);
    return !rule || rule->severity != AG_SEVERITY_FAIL;
}

/* Which hole this is and how it was drilled: up to the layers. */
static int add_origin(ag_csv_writer *csv, const hole_truth *truth, ag_err *err)
{
    const ag_sim_plan *plan = &truth->plan;
    char path[160], layers[128];
    ag_sim_plan_path(plan, path);
    ag_sim_plan_layers(plan, layers);
    int rc = add_text(csv, path, err);
    if (rc == AG_OK) rc = ag_csv_add_int(csv, (int64_t)plan->hole, err);
    if (rc == AG_OK) rc = ag_csv_add_int(csv, (int64_t)plan->seed, err);
    if (rc == AG_OK) rc = add_text(csv, plan->regime->name, err);
    if (rc == AG_OK) rc = ag_csv_add_int(csv, plan->version, err);
    if (rc == AG_OK) rc = add_text(csv, plan->regime->program->name, err);
    if (rc == AG_OK) rc = add_text(csv, plan->regime->program->event_driven ? "event" : "stroke", err);
    if (rc == AG_OK) rc = ag_csv_add_int(csv, (int64_t)plan->tool, err);
    if (rc == AG_OK) rc = ag_csv_add_int(csv, plan->age, err);
    return rc == AG_OK ? add_text(csv, layers, err) : rc;
}

static int add_row(ag_csv_writer *csv, const hole_truth *truth, ag_err *err)
{
    const ag_sim_plan *plan = &truth->plan;
    double none = (double)NAN;
    char class[64];
    ag_class_format(truth->classes, class);
    int rc = add_origin(csv, truth, err);
    if (rc == AG_OK) rc = add_depth(csv, plan->entry, err);
    if (rc == AG_OK) rc = add_depth(csv, plan->transition_count ? plan->transition[0] : none, err);
    if (rc == AG_OK) rc = add_depths(csv, plan->transition, plan->transition_count, err);
    if (rc == AG_OK) rc = add_depth(csv, plan->exit, err);
    if (rc == AG_OK) rc = add_depth(csv, plan->full_exit, err);
    if (rc == AG_OK) rc = add_depth(csv, plan->exit - plan->entry, err);
    if (rc == AG_OK) rc = add_depth(csv, plan->point, err);
    if (rc == AG_OK) rc = add_depth(csv, plan->chisel, err);
    if (rc == AG_OK) rc = add_depth(csv, plan->sink_depth > 0 ? plan->sink_depth : none, err);
    if (rc == AG_OK) rc = ag_csv_add_int(csv, (int64_t)truth->rows, err);
    if (rc == AG_OK) rc = ag_csv_add_int(csv, plan->lost, err);
    if (rc == AG_OK) rc = add_text(csv, class, err);
    if (rc == AG_OK) rc = ag_csv_add_int(csv, is_valid(truth), err);
    if (rc == AG_OK) rc = add_text(csv, plan->fault ? plan->fault->name : "", err);
    if (rc == AG_OK) rc = add_text(csv, expected_rule(truth), err);
    return rc == AG_OK ? ag_csv_end_row(csv, err) : rc;
}

static int write_truth(const batch *b, uint64_t count, ag_err *err)
{
    ag_arena *arena = ag_arena_new(0);
    ag_csv_writer *csv = NULL;
    char *path = arena ? ag_path_join(arena, b->directory, TRUTH_FILE) : NULL;
    int rc = path ? ag_csv_writer_to_file(path, NULL, &csv, err) : ag_fail_memory(err, strlen(b->directory));
    if (rc == AG_OK) rc = ag_csv_add_texts(csv, columns, sizeof(columns) / sizeof(columns[0]), err);
    if (rc == AG_OK) rc = ag_csv_end_row(csv, err);
    for (uint64_t i = 0; rc == AG_OK && i < count; i++) rc = add_row(csv, &b->truth[i], err);
    if (rc == AG_OK) rc = ag_csv_finish(csv, err);
    ag_csv_writer_free(csv);
    ag_arena_free(arena);
    return rc;
}

/* ---------------------------------------------------------------------------------------------------------- batch --
 */

/* A directory per regime, or per planted defect. */
static int make_directories(const batch *b, uint64_t count, ag_err *err)
{
    ag_arena *arena = ag_arena_new(0);
    const char *made[64];
    size_t n = 0;
    const char *truth = arena ? ag_path_join(arena, b->directory, TRUTH_FILE) : NULL;
    int rc = truth ? ag_dir_make(b->directory, err) : ag_fail_memory(err, 1);
    if (rc == AG_OK) rc = ag_replace_check(truth, err); /* it comes last */
    for (uint64_t i = 0; rc == AG_OK && i < count; i++) {
        ag_sim_plan plan;
        rc = ag_sim_plan_draw(b->options, i, &plan, err);
        if (rc < 0) break;
        const char *name = plan.fault ? plan.fault->name : plan.regime->name;
        size_t k = 0;
        while (k < n && made[k] != name) k++;
        if (k < n) continue;
        if (n < sizeof(made) / sizeof(made[0])) made[n++] = name;
        char *path = ag_path_join(arena, b->directory, name);
        rc = path ? ag_dir_make(path, err) : ag_fail_memory(err, strlen(name));
    }
    ag_arena_free(arena);
    return rc;
}

int ag_sim_batch(const ag_sim_options *options, const char *directory, uint64_t count, uint64_t plots, unsigned threads,
                 ag_progress *progress, ag_cancel *cancel, ag_sim_totals *totals, ag_err *err)
{
    batch b = {.options = options, .directory = directory, .plots = plots, .progress = progress};
    ag_pool *pool = NULL;
    int rc = AG_OK;
    if (count > SIZE_MAX / sizeof(*b.truth)) return ag_fail(err, AG_ELIMIT, "more holes than memory can name");
    if (!(b.truth = ag_calloc((size_t)count, sizeof(*b.truth)))) return ag_fail_memory(err, sizeof(*b.truth));
    if ((rc = make_directories(&b, count, err)) < 0) goto out;
    if ((rc = ag_pool_new(threads, &pool, err)) < 0) goto out;
    if ((rc = ag_pool_for(pool, (size_t)count, make_hole, &b, cancel, err)) < 0) goto out;
    if ((rc = write_truth(&b, count, err)) < 0) goto out;
    *totals = (ag_sim_totals){.files = count};
    for (uint64_t i = 0; i < count; i++) {
        totals->bytes += b.truth[i].bytes;
        totals->rows += b.truth[i].rows;
    }
out:
    ag_pool_free(pool);
    ag_free(b.truth);
    return rc;
}
