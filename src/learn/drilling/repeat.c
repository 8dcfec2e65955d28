// SPDX-License-Identifier: Apache-2.0
/* repeat.c: the folder is prepared into a temporary directory, which tells what can be read, what is valid, which files
 * hold the same samples and what the labellers say; then every file is read once more and asked twice, as it is and at
 * half its rate. Each answer is a function of its file alone; texts are the records', so nothing is shared by threads.
 */
#include "learn/drilling/repeat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/map.h"
#include "core/base/median.h"
#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "data/label/evaluate.h"
#include "data/prepare.h"
#include "data/reader.h"
#include "learn/drilling/score_parts.h"

enum { FEWEST = 4, DRAWS = 400 };
static const double jump_mm = 0.5, outlier_mm = 1.0;

typedef struct repeated { /* a file */
    const ag_prepared *record;
    ag_str folder;
    double thickness; /* by its automatic label; NaN: in no group */
    bool read;
    double mm[2][AG_POINTS]; /* as it is; at half its rate */
    ag_label_outcome outcome[2];
} repeated;

typedef struct work {
    const ag_repeat_options *options;
    ag_arena *arena;
    repeated *files;
    size_t count;
    ag_map *said; /* ag_repeat_answer by content; NULL: who is asked */
} work;

/* ---- asking ---- */

int ag_repeat_halve(const ag_hole *hole, ag_arena *arena, ag_hole **out, ag_err *err)
{
    ag_hole *half = ag_arena_alloc(arena, sizeof *half);
    if (!half) return ag_fail_memory(err, sizeof *half);
    *half = *hole;
    half->arena = arena;
    half->signal.rows = (hole->signal.rows + 1) / 2;
    half->signal.rate = hole->signal.rate / 2;
    half->signal.channels = ag_arena_array(arena, hole->signal.count + 1, sizeof *half->signal.channels);
    if (!half->signal.channels) return ag_fail_memory(err, hole->signal.count * sizeof *half->signal.channels);
    for (size_t c = 0; c < hole->signal.count; c++) {
        ag_channel *channel = &half->signal.channels[c];
        *channel = hole->signal.channels[c];
        channel->values = ag_arena_array(arena, half->signal.rows + 1, sizeof(int32_t));
        if (!channel->values) return ag_fail_memory(err, half->signal.rows * sizeof(int32_t));
        for (size_t i = 0; i < half->signal.rows; i++) channel->values[i] = hole->signal.channels[c].values[2 * i];
    }
    half->flaws = (ag_flaws){0};
    half->steps = NULL;
    half->step_count = 0;
    int rc = ag_hole_finish(half, err);
    if (rc == AG_OK) *out = half;
    return rc;
}

static int ask_file(const work *w, repeated *file, ag_arena *arena, ag_err *err)
{
    ag_hole *holes[2] = {NULL, NULL};
    ag_prediction said[2];
    char *path = ag_path_join(arena, w->options->dir, file->record->path);
    if (!path) return ag_fail_memory(err, 256);
    int rc = ag_hole_read_file(path, NULL, arena, &holes[0], NULL, err);
    if (rc < 0) return rc == AG_ENOMEM ? rc : AG_OK; /* it is told as a file that was not read */
    rc = ag_repeat_halve(holes[0], arena, &holes[1], err);
    const ag_hole *const *both = (const ag_hole *const *)holes;
    if (rc == AG_OK) rc = ag_answerer_ask(w->options->who, both, 2, arena, w->options->cancel, said, err);
    for (int k = 0; rc == AG_OK && k < 2; k++) {
        ag_score_said(&said[k], file->mm[k]);
        file->outcome[k] = said[k].outcome;
    }
    file->read = rc == AG_OK;
    return rc;
}

/* What was said of it before; a hole that the table does not have is one that was not read. */
static void recall(const work *w, repeated *file)
{
    const ag_repeat_answer *answer = ag_map_get(w->said, ag_str_of(file->record->sha256));
    if (!answer) return;
    memcpy(file->mm[0], answer->mm, sizeof answer->mm);
    file->outcome[0] = answer->outcome;
    file->read = true;
}

static int do_file(void *context, size_t index, ag_err *err)
{
    work *w = context;
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? ag_cancel_check(w->options->cancel, err) : ag_fail_memory(err, 1);
    if (rc == AG_OK && w->said)
        recall(w, &w->files[index]);
    else if (rc == AG_OK)
        rc = ask_file(w, &w->files[index], arena, err);
    ag_arena_free(arena);
    ag_progress_add(w->options->progress, 1, 0);
    return rc;
}

/* ---- numbers ---- */

static double middle_of(double *values, size_t count)
{
    ag_score_sort(values, count);
    return ag_percentile(values, count, 0.5);
}

static double robust(const double *values, size_t count, double *scratch)
{
    memcpy(scratch, values, count * sizeof *values);
    double middle = middle_of(scratch, count);
    for (size_t i = 0; i < count; i++) scratch[i] = fabs(values[i] - middle);
    return 1.4826 * middle_of(scratch, count);
}

/* `scratch` has room for twice as many. */
static void bound_spread(const double *values, size_t count, uint64_t seed, double *scratch, double *low, double *high)
{
    ag_rng rng = ag_rng_stream(seed, "spread");
    double draws[DRAWS], *drawn = scratch, *more = scratch + count;
    for (size_t d = 0; d < DRAWS; d++) {
        for (size_t i = 0; i < count; i++) drawn[i] = values[ag_rng_below(&rng, count)];
        draws[d] = robust(drawn, count, more);
    }
    ag_score_sort(draws, DRAWS);
    *low = ag_percentile(draws, DRAWS, 0.025);
    *high = ag_percentile(draws, DRAWS, 0.975);
}

/* ---- groups ---- */

static int by_kind(const void *a, const void *b)
{
    const repeated *x = *(const repeated *const *)a, *y = *(const repeated *const *)b;
    int order = ag_str_compare(x->folder, y->folder);
    if (order) return order;
    if (x->thickness < y->thickness || x->thickness > y->thickness) return x->thickness < y->thickness ? -1 : 1;
    return strcmp(x->record->path, y->record->path);
}

static bool alike(const repeated *a, const repeated *b)
{
    return ag_str_equal(a->folder, b->folder) && fabs(a->thickness - b->thickness) <= jump_mm;
}

static int measure(const work *w, const repeated *const *files, size_t count, ag_repeat_group *group, ag_err *err)
{
    double *values = ag_arena_array(w->arena, count, 5 * sizeof *values);
    if (!values) return ag_fail_memory(err, count * 5 * sizeof *values);
    double *layer = values + count, *labels = layer + count, *scratch = labels + count;
    size_t layers = 0;
    bool one_program = true;
    *group = (ag_repeat_group){.holes = count, .program = files[0]->record->program, .values = values};
    group->folder = ag_arena_strndup(w->arena, files[0]->folder.data, files[0]->folder.size);
    if (!group->folder) return ag_fail_memory(err, files[0]->folder.size);
    for (size_t i = 0; i < count; i++) {
        const double *mm = files[i]->mm[0];
        double thickness = mm[AG_POINT_EXIT] - mm[AG_POINT_ENTRY], first = mm[AG_POINT_TRANSITION] - mm[AG_POINT_ENTRY];
        labels[i] = files[i]->thickness;
        if (!isnan(thickness)) values[group->answered++] = thickness;
        if (!isnan(first)) layer[layers++] = first;
        one_program &= strcmp(files[i]->record->program, files[0]->record->program) == 0;
    }
    if (!one_program) group->program = "several";
    group->automatic = robust(labels, count, scratch);
    memcpy(scratch, labels, count * sizeof *labels);
    group->naive = ag_evaluate_naive(group->folder, middle_of(scratch, count));
    group->transition = layers >= FEWEST ? robust(layer, layers, scratch) : (double)NAN;
    group->thickness = group->spread = group->low = group->high = group->ratio = NAN;
    if (group->answered < FEWEST) return AG_OK;
    memcpy(scratch, values, group->answered * sizeof *values);
    group->thickness = middle_of(scratch, group->answered);
    group->spread = robust(values, group->answered, scratch);
    group->ratio = group->spread / group->naive;
    bound_spread(values, group->answered, w->options->seed, scratch, &group->low, &group->high);
    for (size_t i = 0; i < group->answered; i++) group->outliers += fabs(values[i] - group->thickness) > outlier_mm;
    return AG_OK;
}

static int make_groups(const work *w, ag_repeat *repeat, ag_err *err)
{
    const repeated **sorted = ag_arena_array(w->arena, w->count + 1, sizeof *sorted);
    repeat->groups = ag_arena_array(w->arena, w->count + 1, sizeof *repeat->groups);
    if (!sorted || !repeat->groups) return ag_fail_memory(err, w->count * sizeof *repeat->groups);
    size_t count = 0;
    int rc = AG_OK;
    for (size_t i = 0; i < w->count; i++)
        if (!isnan(w->files[i].thickness) && w->files[i].read) sorted[count++] = &w->files[i];
    if (count > 1) qsort(sorted, count, sizeof *sorted, by_kind);
    for (size_t begin = 0, end; rc == AG_OK && begin < count; begin = end) {
        for (end = begin + 1; end < count && alike(sorted[end], sorted[end - 1]); end++) continue;
        if (end - begin < FEWEST)
            repeat->alone += end - begin;
        else
            rc = measure(w, sorted + begin, end - begin, &repeat->groups[repeat->group_count++], err);
    }
    return rc;
}

/* ---- pairs ---- */

static void compare(const repeated *a, const repeated *b, int half, ag_repeat_pairs *pairs)
{
    ag_repeat_pair *pair = &pairs->items[pairs->count++];
    *pair = (ag_repeat_pair){.a = a->record->path, .b = half ? NULL : b->record->path};
    pair->same_outcome = a->outcome[0] == b->outcome[half];
    pair->unlike = !pair->same_outcome;
    for (int p = 0; p < AG_POINTS; p++) {
        pair->away[p] = b->mm[half][p] - a->mm[0][p];
        pair->unlike |= isnan(a->mm[0][p]) != isnan(b->mm[half][p]);
    }
    pairs->unlike += pair->unlike;
}

/* mm, of the point that is farthest; what has no such distance is farther than any. */
static double apart(const ag_repeat_pair *pair)
{
    double most = pair->unlike ? (double)INFINITY : 0;
    for (int p = 0; p < AG_POINTS; p++) most = fmax(most, fabs(pair->away[p]));
    return most;
}

static size_t add_apart(const ag_repeat_pairs *pairs, const ag_repeat_pair **out, size_t room, size_t found)
{
    for (size_t i = 0; i < pairs->count; i++) {
        const ag_repeat_pair *pair = &pairs->items[i];
        double away = apart(pair);
        if (away <= AG_REPEAT_APART) continue;
        size_t at = found < room ? found : room;
        for (; at > 0 && apart(out[at - 1]) < away; at--)
            if (at < room) out[at] = out[at - 1];
        if (at < room) out[at] = pair;
        found++;
    }
    return found;
}

size_t ag_repeat_apart(const ag_repeat *repeat, const ag_repeat_pair **out, size_t room)
{
    size_t found = add_apart(&repeat->twins, out, room, 0);
    return add_apart(&repeat->rates, out, room, found);
}

static int sum_up(ag_repeat_pairs *pairs, ag_arena *arena, ag_err *err)
{
    double *away = ag_arena_array(arena, pairs->count + 1, sizeof *away);
    if (!away) return ag_fail_memory(err, pairs->count * sizeof *away);
    for (int p = 0; p < AG_POINTS; p++) {
        size_t count = 0;
        for (size_t i = 0; i < pairs->count; i++)
            if (!isnan(pairs->items[i].away[p])) away[count++] = fabs(pairs->items[i].away[p]);
        ag_score_sort(away, count);
        pairs->median[p] = ag_percentile(away, count, 0.5);
        pairs->p95[p] = ag_percentile(away, count, 0.95);
        pairs->most[p] = count ? away[count - 1] : (double)NAN;
    }
    return AG_OK;
}

static int make_pairs(const work *w, ag_repeat *repeat, ag_err *err)
{
    repeat->twins.items = ag_arena_array(w->arena, w->count + 1, sizeof *repeat->twins.items);
    repeat->rates.items = ag_arena_array(w->arena, w->count + 1, sizeof *repeat->rates.items);
    if (!repeat->twins.items || !repeat->rates.items)
        return ag_fail_memory(err, w->count * sizeof *repeat->rates.items);
    for (size_t i = 0; i < w->count; i++) {
        const repeated *b = &w->files[i];
        const char *twin = b->record->same_trace_as;
        if (!b->read) continue;
        if (!w->said) compare(b, b, 1, &repeat->rates);
        for (size_t k = 0; twin && *twin && k < w->count; k++)
            if (w->files[k].read && strcmp(w->files[k].record->path, twin) == 0)
                compare(&w->files[k], b, 0, &repeat->twins);
    }
    int rc = sum_up(&repeat->twins, w->arena, err);
    return rc == AG_OK ? sum_up(&repeat->rates, w->arena, err) : rc;
}

/* ---- all of it ---- */

static double number_of(const char *text)
{
    double value = NAN;
    return text && *text && ag_str_to_double(ag_str_of(text), &value) ? value : (double)NAN;
}

/* Copies are left out: the same bytes would agree with themselves. Samples under another header are twins, and count
 * once in groups. */
static int take_files(work *w, const ag_prepare_summary *prepared, ag_repeat *repeat, ag_err *err)
{
    w->files = ag_arena_array(w->arena, prepared->count + 1, sizeof *w->files);
    if (!w->files) return ag_fail_memory(err, prepared->count * sizeof *w->files);
    for (size_t i = 0; i < prepared->count; i++) {
        const ag_prepared *r = &prepared->holes[i];
        if (ag_prepared_is_unread(r) && repeat->unread.count++ == 0) {
            repeat->unread.first = r->path;
            repeat->unread.why = r->reason ? r->reason : "";
        }
        bool copy = r->duplicate_of && *r->duplicate_of, twin = r->same_trace_as && *r->same_trace_as;
        if (r->part < 0 || copy) continue;
        bool cut = r->valid && strcmp(r->label_outcome, "found") == 0 && !strstr(r->class_name, "weak");
        repeated *file = &w->files[w->count++];
        *file = (repeated){.record = r, .folder = ag_path_parent(ag_str_of(r->path)), .thickness = NAN};
        if (cut && !twin) file->thickness = number_of(r->exit_mm) - number_of(r->entry_mm);
        for (int k = 0; k < 2; k++)
            for (int p = 0; p < AG_POINTS; p++) file->mm[k][p] = NAN;
    }
    return AG_OK;
}

static int prepare_files(work *w, const char *directory, ag_repeat *repeat, ag_err *err)
{
    const ag_repeat_options *o = w->options;
    ag_prepare_summary summary;
    ag_prepare_options prepare = {.input_dir = o->dir,
                                  .output_dir = directory,
                                  .validate = true,
                                  .auto_label = true,
                                  .jobs = o->pool ? ag_pool_threads(o->pool) : 1,
                                  .cancel = o->cancel,
                                  .progress = o->progress};
    ag_progress_stage(o->progress, "preparing");
    int rc = ag_prepare(&prepare, w->arena, &summary, err);
    return rc == AG_OK ? take_files(w, &summary, repeat, err) : rc;
}

int ag_repeat_run(const ag_repeat_options *options, ag_arena *arena, ag_repeat *out, ag_err *err)
{
    work w = {.options = options, .arena = arena};
    ag_repeat repeat = {.who = options->who->name, .dir = options->dir};
    char *directory = NULL;
    int rc = AG_OK;
    if (options->said) {
        w.said = ag_map_new();
        rc = w.said ? ag_repeat_said(options->said, arena, w.said, err) : ag_fail_memory(err, 1);
    }
    if (rc == AG_OK) rc = ag_dir_temporary("auger-repeats", &directory, err);
    if (rc == AG_OK) rc = prepare_files(&w, directory, &repeat, err);
    if (directory) (void)ag_dir_remove(directory, NULL);
    ag_free(directory);
    if (rc < 0) goto out;
    ag_progress_stage(options->progress, "asking");
    ag_progress_total(options->progress,
                      ag_progress_read(options->progress).done + w.count); /* behind what was prepared */
    rc = ag_pool_for(options->pool, w.count, do_file, &w, options->cancel, err);
    for (size_t i = 0; i < w.count; i++) {
        repeat.files += w.files[i].read;
        repeat.answered += w.files[i].read && w.files[i].outcome[0] != AG_LABEL_NONE;
    }
    if (rc == AG_OK) rc = make_groups(&w, &repeat, err);
    if (rc == AG_OK) rc = make_pairs(&w, &repeat, err);
    if (rc == AG_OK) *out = repeat;
out:
    ag_map_free(w.said);
    return rc;
}
