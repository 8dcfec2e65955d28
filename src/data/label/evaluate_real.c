// SPDX-License-Identifier: Apache-2.0
/* evaluate_real.c: real holes that repeat each other. Nothing says which those are, so holes of one folder are cut into
 * groups where their thickness jumps by more than half a millimetre. A spread has three parts: the
 * estimator's own noise, real differences, and the drift of a wearing tool, which is taken out in a column of its own.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/map.h"
#include "core/base/median.h"
#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/base/vec.h"
#include "core/hash/hash.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/thread.h"
#include "data/label/evaluate.h"
#include "data/reader.h"

enum { FEWEST = 4, FEWEST_FOR_SLOPE = 6, MOST_FOR_SLOPE = 2000, DRAWS = 400 };
static const double jump_mm = 0.5;

typedef struct real_hole {
    const char *path, *folder, *program;
    char *own_program, *own_why; /* as the thread that read it left them; why it could not be read */
    char trace[65];
    double thickness, transition, age; /* NaN: none */
    bool read, used, false_number;
    size_t category;
} real_hole;

typedef struct work {
    const ag_eval_options *options;
    ag_limits limits;
    ag_arena *arena;
    ag_vec holes; /* real_hole */
} work;

/* What a naive estimator (knee of the torque, levels of 15 %) reached in long series of these programs. */
static const struct known {
    const char *folder;
    double thickness, spread; /* mm */
} known_spreads[] = {
    {"mdb-mql-1", 10.78, 0.14}, {"mdb-mql-1", 16.34, 0.15}, {"mdb-mql-1", 15.45, 0.13},
    {"mdb-mql-1", 21.14, 0.09}, {"V2", 13.87, 0.23},        {"V6", 14.96, 0.05},
    {"V7", 15.00, 0.08},        {"V8", 14.84, 0.04},        {"V10", 14.90, 0.06},
};

static int add_file(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    work *w = context;
    if (info->is_directory) return ag_dir_fail_to_enter(w->options->real, relative, info, err);
    if (!info->is_broken && !ag_str_ends(ag_str_of(relative), AG_STR(".xls"))) return AG_OK;
    real_hole hole = {.path = ag_arena_strdup(w->arena, relative)};
    ag_str folder = ag_path_parent(ag_str_of(relative));
    hole.folder = ag_arena_strndup(w->arena, folder.data ? folder.data : "", folder.size);
    if (!hole.path || !hole.folder) return ag_fail_memory(err, folder.size);
    return ag_vec_push(&w->holes, &hole, err);
}

static void describe_program(const ag_hole *hole, ag_buf *out)
{
    for (size_t i = 0; i < hole->program_count && i < 100; i++) {
        const double *value = hole->program[i].value;
        if (hole->program[i].enabled)
            ag_buf_addf(out, "%s%g@%g/%g", out->size ? " > " : "", value[AG_PROGRAM_STROKE], value[AG_PROGRAM_RPM],
                        value[AG_PROGRAM_FEED]);
    }
}

static int look_at(const work *w, real_hole *r, ag_arena *arena, ag_err *err)
{
    ag_hole *hole;
    ag_err failed = {0};
    ag_verdict verdict;
    ag_label label;
    uint8_t digest[32];
    char *path = ag_path_join(arena, w->options->real, r->path);
    if (!path) return ag_fail_memory(err, 256);
    int rc = ag_hole_read_file(path, NULL, arena, &hole, NULL, &failed);
    if (rc < 0 && rc != AG_ENOMEM) { /* it is in no group, and is told */
        r->own_why = ag_strdup(failed.text);
        return r->own_why ? AG_OK : ag_fail_memory(err, sizeof failed.text);
    }
    if (rc < 0 && err) *err = failed;
    if (rc < 0) return rc;
    rc = ag_validate(hole, &w->limits, arena, &verdict, err);
    if (rc == AG_OK) rc = ag_label_hole(hole, &verdict, arena, &label, err);
    if (rc == AG_OK) rc = ag_hole_trace_digest(hole, digest, err);
    if (rc != AG_OK) return rc;
    ag_sha256_format((const ag_sha256 *)(const void *)digest, r->trace);
    ag_buf program;
    ag_buf_init(&program, 4096);
    describe_program(hole, &program);
    if (program.size > 0) r->own_program = ag_buf_steal(&program);
    ag_buf_deinit(&program);
    r->read = true;
    r->thickness = label.exit - label.entry;
    r->transition = label.transition_count ? label.transition[0] - label.entry : (double)NAN;
    r->age = ag_hole_number(hole, AG_HEADER_HEAD_LOCAL_COUNTER);
    r->category = ag_evaluate_category(w->options, label.confidence);
    if (verdict.classes & AG_CLASS_AIR) r->false_number = !isnan(label.entry) || !isnan(label.exit);
    if (verdict.classes & AG_CLASS_SEIZED) r->false_number = !isnan(label.exit);
    r->used = label.outcome == AG_LABEL_FOUND && verdict.valid && !(verdict.classes & AG_CLASS_WEAK);
    return AG_OK;
}

static int do_file(void *context, size_t index, ag_err *err)
{
    work *w = context;
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? look_at(w, ag_vec_at(&w->holes, index), arena, err) : ag_fail_memory(err, 1);
    ag_arena_free(arena);
    ag_progress_add(w->options->progress, 1, 0);
    return rc;
}

/* ---- numbers ---- */

/* `scratch` has room for count values. */
static double robust(const double *values, size_t count, double *scratch)
{
    memcpy(scratch, values, count * sizeof(double));
    double middle = ag_median(scratch, count);
    for (size_t i = 0; i < count; i++) scratch[i] = fabs(values[i] - middle);
    return 1.4826 * ag_median(scratch, count);
}

static void bootstrap(const double *values, size_t count, double *scratch, double *low, double *high)
{
    ag_rng rng = ag_rng_stream(1, "bootstrap");
    double draws[DRAWS];
    double *drawn = scratch, *more = scratch + count;
    for (size_t d = 0; d < DRAWS; d++) {
        for (size_t i = 0; i < count; i++) drawn[i] = values[ag_rng_below(&rng, count)];
        draws[d] = robust(drawn, count, more);
    }
    qsort(draws, DRAWS, sizeof(double), ag_by_size);
    *low = draws[DRAWS / 40];
    *high = draws[DRAWS - 1 - DRAWS / 40];
}

/* The median of the slopes of all pairs; NaN when ages are not told or all the same. */
static int slope_of(const double *age, const double *values, size_t count, double *out, ag_err *err)
{
    size_t used = 0;
    *out = NAN;
    if (count < FEWEST_FOR_SLOPE || count > MOST_FOR_SLOPE) return AG_OK;
    double *slopes = ag_alloc_array(count * count, sizeof(*slopes));
    if (!slopes) return ag_fail_memory(err, count * count * sizeof(*slopes));
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count; k++)
            if (fabs(age[k] - age[i]) > 0) slopes[used++] = (values[k] - values[i]) / (age[k] - age[i]);
    if (used * 4 >= count * (count - 1)) *out = ag_median(slopes, used);
    ag_free(slopes);
    return AG_OK;
}

/* ---- groups ---- */

/* "V2" is the end of the folder "002_V2". */
static bool ends_in(const char *folder, const char *name)
{
    ag_str last = ag_path_name(ag_str_of(folder));
    return ag_str_is(last, name) || (ag_str_ends(last, ag_str_of(name)) && last.size > strlen(name) &&
                                     last.data[last.size - strlen(name) - 1] == '_');
}

double ag_evaluate_naive(const char *folder, double thickness)
{
    double best = INFINITY, spread = NAN;
    for (size_t i = 0; i < sizeof(known_spreads) / sizeof(known_spreads[0]); i++) {
        double away = fabs(thickness - known_spreads[i].thickness);
        if (!ends_in(folder, known_spreads[i].folder) || away > 0.5 || away >= best) continue;
        best = away;
        spread = known_spreads[i].spread;
    }
    return spread;
}

static int measure(real_hole *const *holes, size_t count, ag_arena *arena, ag_eval_group *group, ag_err *err)
{
    double *all = ag_arena_array(arena, count, 5 * sizeof(double));
    if (!all) return ag_fail_memory(err, count * 5 * sizeof(double));
    double *age = all + count, *level = age + count, *scratch = level + count;
    size_t levels = 0;
    bool one_program = true;
    for (size_t i = 0; i < count; i++) {
        all[i] = holes[i]->thickness;
        age[i] = holes[i]->age;
        if (!isnan(holes[i]->transition)) level[levels++] = holes[i]->transition;
        one_program &= strcmp(holes[i]->program, holes[0]->program) == 0;
    }
    *group = (ag_eval_group){.folder = holes[0]->folder,
                             .program = one_program ? holes[0]->program : "several",
                             .holes = count,
                             .thicknesses = all,
                             .about_slope = NAN};
    memcpy(scratch, all, count * sizeof(double));
    group->thickness = ag_median(scratch, count);
    group->spread = robust(all, count, scratch);
    bootstrap(all, count, scratch, &group->low, &group->high);
    group->transition_spread = levels >= FEWEST ? robust(level, levels, scratch) : (double)NAN;
    group->known = ag_evaluate_naive(group->folder, group->thickness);
    int rc = slope_of(age, all, count, &group->slope, err);
    if (rc < 0 || isnan(group->slope)) return rc;
    for (size_t i = 0; i < count; i++) level[i] = all[i] - group->slope * age[i];
    group->about_slope = robust(level, count, scratch);
    return AG_OK;
}

static int by_kind(const void *a, const void *b)
{
    const real_hole *x = *(real_hole *const *)a, *y = *(real_hole *const *)b;
    int order = strcmp(x->folder, y->folder);
    if (order == 0) order = ag_by_size(&x->thickness, &y->thickness);
    return order ? order : strcmp(x->path, y->path);
}

static bool alike(const real_hole *a, const real_hole *b)
{
    return strcmp(a->folder, b->folder) == 0 && fabs(a->thickness - b->thickness) <= jump_mm;
}

static int make_groups(real_hole **holes, size_t count, ag_arena *arena, ag_eval *eval, ag_err *err)
{
    int rc = AG_OK;
    eval->groups = ag_arena_array(arena, count + 1, sizeof(*eval->groups));
    if (!eval->groups) return ag_fail_memory(err, count * sizeof(*eval->groups));
    if (count > 1) qsort(holes, count, sizeof(holes[0]), by_kind);
    for (size_t begin = 0, end; rc == AG_OK && begin < count; begin = end) {
        for (end = begin + 1; end < count && alike(holes[end], holes[end - 1]); end++) continue;
        if (end - begin < FEWEST)
            eval->alone += end - begin;
        else
            rc = measure(holes + begin, end - begin, arena, &eval->groups[eval->group_count++], err);
    }
    return rc;
}

/* Without copies: the same samples would agree with themselves. */
static int choose(const work *w, ag_eval *eval, real_hole **out, size_t *count, ag_err *err)
{
    ag_map *seen = ag_map_new();
    int rc = seen ? AG_OK : ag_fail_memory(err, 64);
    for (size_t i = 0; rc == AG_OK && i < w->holes.count; i++) {
        real_hole *hole = ag_vec_at(&w->holes, i);
        if (!hole->read) {
            if (eval->unread.count++ == 0) eval->unread.first = hole->path;
            continue;
        }
        eval->files++;
        eval->real_false_numbers += hole->false_number;
        if (!hole->used || ag_map_has(seen, ag_str_of(hole->trace))) continue;
        eval->real_category[hole->category]++;
        out[(*count)++] = hole;
        rc = ag_map_put(seen, ag_str_of(hole->trace), hole, NULL, err);
    }
    ag_map_free(seen);
    eval->used = *count;
    return rc;
}

/* Texts of threads become the caller's. */
static int take_texts(work *w, ag_eval *eval, ag_err *err)
{
    for (size_t i = 0; i < w->holes.count; i++) {
        real_hole *hole = ag_vec_at(&w->holes, i);
        hole->program = ag_arena_strdup(w->arena, hole->own_program ? hole->own_program : "");
        if (hole->own_why && !eval->unread.why && !(eval->unread.why = ag_arena_strdup(w->arena, hole->own_why)))
            return ag_fail_memory(err, 64);
        if (!hole->program) return ag_fail_memory(err, 64);
    }
    return AG_OK;
}

int ag_evaluate_real(ag_arena *arena, ag_eval *eval, ag_err *err)
{
    const ag_eval_options *options = &eval->options;
    work w = {.options = options, .arena = arena};
    ag_pool *pool = NULL;
    size_t count = 0;
    ag_vec_init(&w.holes, sizeof(real_hole));
    int rc = ag_limits_default(&w.limits, err);
    if (rc == AG_OK) rc = ag_dir_walk_inputs(options->real, add_file, &w, err);
    if (rc == AG_OK) rc = ag_pool_new(options->threads, &pool, err);
    ag_progress_stage(options->progress, "real holes");
    ag_progress_total(options->progress, options->holes + w.holes.count);
    if (rc == AG_OK) rc = ag_pool_for(pool, w.holes.count, do_file, &w, options->cancel, err);
    ag_pool_free(pool);
    real_hole **chosen = rc == AG_OK ? ag_arena_array(arena, w.holes.count + 1, sizeof(*chosen)) : NULL;
    if (rc == AG_OK && !chosen) rc = ag_fail_memory(err, w.holes.count);
    if (rc == AG_OK) rc = take_texts(&w, eval, err);
    if (rc == AG_OK) rc = choose(&w, eval, chosen, &count, err);
    if (rc == AG_OK) rc = make_groups(chosen, count, arena, eval, err);
    for (size_t i = 0; i < w.holes.count; i++) {
        real_hole *hole = ag_vec_at(&w.holes, i);
        ag_free(hole->own_program);
        ag_free(hole->own_why);
    }
    ag_vec_deinit(&w.holes);
    return rc;
}
