// SPDX-License-Identifier: Apache-2.0
/* exam.c: the way from a folder to scores. A folder of files is prepared into a temporary directory first, but the
 * holes are then read from the files themselves, as `auger predict` reads them. Holes are asked in batches, each with
 * an arena of its own; texts of answers move to the caller's arena under a lock, so nothing depends on who came first.
 */
#include "learn/drilling/exam.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/cancel.h"
#include "core/sys/clock.h"
#include "data/prepare.h"
#include "data/reader.h"

enum { BATCH = 32, WORST_POINTS = 4000 };

typedef struct examination {
    const ag_exam_options *options;
    ag_arena *arena;
    ag_exam exam;
    ag_known_set set;
    const ag_known_hole **holes; /* of the cases */
    const char *dir;             /* the prepared dataset */
    const char *raw;             /* the folder of files; NULL: samples are in the dataset */
    char *temporary;
    size_t batch;
    pthread_mutex_t lock; /* of the arena while holes are asked */
} examination;

/* ---- data ---- */

static int prepare_folder(examination *x, ag_err *err)
{
    const ag_exam_options *o = x->options;
    ag_prepare_summary summary;
    int rc = ag_dir_temporary("auger-exam", &x->temporary, err);
    if (rc < 0) return rc;
    ag_prepare_options prepare = {.input_dir = o->data,
                                  .output_dir = x->temporary,
                                  .validate = true,
                                  .auto_label = true,
                                  .jobs = o->pool ? ag_pool_threads(o->pool) : 1,
                                  .cancel = o->cancel,
                                  .progress = o->progress};
    x->raw = o->data;
    x->dir = x->temporary;
    ag_progress_next(o->progress, "files", "preparing", 0);
    return ag_prepare(&prepare, x->arena, &summary, err);
}

static int load(examination *x, ag_err *err)
{
    const ag_exam_options *o = x->options;
    ag_known_options known = {.truth = o->truth, .automatic = o->automatic};
    char *table = ag_path_join(x->arena, o->data, "holes.csv");
    char *beside = ag_path_join(x->arena, o->data, AG_KNOWN_TRUTH_FILE);
    if (!table || !beside) return ag_fail_memory(err, strlen(o->data));
    int rc = AG_OK;
    x->dir = o->data;
    if (!ag_file_exists(table)) rc = ag_fail_broken_link(err, table);
    if (rc >= 0 && !ag_file_exists(table)) rc = prepare_folder(x, err);
    if (!known.truth && x->raw && ag_file_exists(beside)) known.truth = beside;
    return rc < 0 ? rc : ag_known_load(x->dir, &known, x->arena, &x->set, err);
}

static int make_cases(examination *x, ag_err *err)
{
    ag_exam *e = &x->exam;
    size_t most = x->set.count + 1;
    e->cases = ag_arena_array(x->arena, most, sizeof *e->cases);
    e->list = ag_arena_array(x->arena, most, sizeof *e->list);
    x->holes = ag_arena_array(x->arena, most, sizeof *x->holes);
    if (!e->cases || !e->list || !x->holes) return ag_fail_memory(err, most * sizeof *e->cases);
    for (size_t i = 0; i < x->set.count; i++) {
        if (x->set.holes[i].known.outcome == AG_LABEL_NONE) continue;
        x->holes[e->count] = &x->set.holes[i];
        e->labelled += ag_known_by_labeller(&x->set.holes[i].known);
        e->list[e->count] = &e->cases[e->count];
        e->cases[e->count++] = ag_known_case(&x->set.holes[i]);
    }
    e->files = x->set.count;
    e->known = e->count;
    e->truths = x->set.truths;
    e->experts = x->set.experts;
    e->unmatched = x->set.unmatched;
    e->unread = x->set.unread;
    e->first_unread = x->set.first_unread;
    e->truth = x->set.truth;
    if (e->count > 0) return AG_OK;
    if (e->unmatched > 0 && x->set.count > 0) {
        ag_fail(err, AG_EINVAL, "none of the %zu rows of '%s' belongs to one of the %zu holes in '%s'", e->unmatched,
                e->truth, x->set.count, x->options->data);
        return ag_err_hint(err, "its column path must name holes as '%.200s' does, or sha256 their bytes",
                           x->set.holes[0].record->path);
    }
    ag_fail(err, AG_EINVAL, "nothing is known of any of the %zu holes in '%s'", x->set.count, x->options->data);
    return ag_err_hint(
        err, "put a truth.csv there, name one with --truth, or label holes with 'auger label set'; --automatic "
             "takes automatic labels, which are no truth");
}

static int make_baselines(examination *x, ag_err *err)
{
    ag_exam *e = &x->exam;
    e->baseline_count = x->options->baseline_count;
    e->baselines = ag_arena_array(x->arena, e->baseline_count + 1, sizeof *e->baselines);
    if (!e->baselines) return ag_fail_memory(err, sizeof *e->baselines);
    for (size_t b = 0; b < e->baseline_count; b++) {
        ag_exam_baseline *baseline = &e->baselines[b];
        baseline->name = x->options->baselines[b].name;
        baseline->silent = x->options->baselines[b].silent;
        baseline->said = ag_arena_array(x->arena, e->count, sizeof *baseline->said);
        baseline->list = ag_arena_array(x->arena, e->count, sizeof *baseline->list);
        if (!baseline->said || !baseline->list) return ag_fail_memory(err, e->count * sizeof *baseline->said);
        for (size_t i = 0; i < e->count; i++) baseline->list[i] = &baseline->said[i];
    }
    return AG_OK;
}

/* ---- asking ---- */

static int read_hole(const examination *x, size_t index, ag_arena *arena, ag_hole **out, ag_err *err)
{
    const ag_known_hole *hole = x->holes[index];
    if (!x->raw) return ag_known_samples(&x->set, hole, arena, out, err);
    char *path = ag_path_join(arena, x->raw, hole->record->path);
    return path ? ag_hole_read_file(path, NULL, arena, out, NULL, err) : ag_fail_memory(err, 256);
}

/* Samples of the holes [begin, begin + count); NULL: cannot be read, and why. */
static int read_batch(const examination *x, size_t begin, size_t count, ag_arena *arena, ag_hole **holes,
                      const char **why, ag_err *err)
{
    for (size_t i = 0; i < count; i++) {
        ag_err failed = {0};
        holes[i] = NULL;
        int rc = ag_cancel_check(x->options->cancel, &failed);
        if (rc == AG_OK) rc = read_hole(x, begin + i, arena, &holes[i], &failed);
        if (rc == AG_ENOMEM || ag_was_stopped(rc)) {
            if (err) *err = failed;
            return rc;
        }
        if (rc < 0 && !(why[i] = ag_arena_strdup(arena, failed.text))) return ag_fail_memory(err, sizeof failed.text);
    }
    return AG_OK;
}

static ag_prediction silence(const char *reason)
{
    ag_prediction said = {.reason = reason, .spread = NAN};
    for (int p = 0; p < AG_POINTS; p++) said.points[p] = (ag_point){NAN, NAN, NAN, 0};
    return said;
}

/* Texts become the caller's. */
static int keep(examination *x, const ag_prepared *record, ag_prediction *said, ag_err *err)
{
    said->path = record->path;
    said->sha256 = record->sha256;
    if (!said->reason) return AG_OK;
    pthread_mutex_lock(&x->lock);
    said->reason = ag_arena_strdup(x->arena, said->reason);
    pthread_mutex_unlock(&x->lock);
    return said->reason ? AG_OK : ag_fail_memory(err, 64);
}

static int ask(const ag_answerer *who, ag_hole **holes, const char *const *why, size_t count, ag_arena *arena,
               ag_cancel *cancel, ag_prediction *out, ag_err *err)
{
    const ag_hole **there = ag_arena_array(arena, count, sizeof *there);
    ag_prediction *said = ag_arena_array(arena, count, sizeof *said);
    size_t asked = 0, next = 0;
    if (!there || !said) return ag_fail_memory(err, count * sizeof *said);
    for (size_t i = 0; i < count; i++)
        if (holes[i]) there[asked++] = holes[i];
    int rc = asked ? ag_answerer_ask(who, there, asked, arena, cancel, said, err) : AG_OK;
    for (size_t i = 0; rc == AG_OK && i < count; i++) out[i] = holes[i] ? said[next++] : silence(why[i]);
    return rc;
}

typedef struct batch { /* holes [begin, begin + count) */
    size_t begin, count;
    ag_arena *arena;
    ag_hole **holes;  /* NULL: cannot be read, */
    const char **why; /* and why */
    ag_prediction *said;
} batch;

/* The labels of a prepared dataset were made with the whole header: they are taken as they lie there. */
static int answers_of(examination *x, const ag_answerer *who, const batch *b, ag_err *err)
{
    bool lie_there = !x->raw && strcmp(who->name, "auto") == 0;
    ag_cancel *cancel = x->options->cancel;
    int rc = lie_there ? AG_OK : ask(who, b->holes, b->why, b->count, b->arena, cancel, b->said, err);
    for (size_t i = 0; rc == AG_OK && i < b->count; i++) {
        if (lie_there) b->said[i] = x->holes[b->begin + i]->automatic;
        rc = keep(x, x->holes[b->begin + i]->record, &b->said[i], err);
    }
    return rc;
}

static int answer_batch(examination *x, batch *b, ag_err *err)
{
    ag_exam *e = &x->exam;
    b->holes = ag_arena_array(b->arena, b->count, sizeof(*b->holes));
    b->why = ag_arena_array(b->arena, b->count, sizeof(*b->why));
    b->said = ag_arena_array(b->arena, b->count, sizeof(*b->said));
    if (!b->holes || !b->why || !b->said) return ag_fail_memory(err, b->count * sizeof(*b->said));
    int rc = read_batch(x, b->begin, b->count, b->arena, b->holes, b->why, err);
    if (rc == AG_OK) rc = answers_of(x, x->options->who, b, err);
    for (size_t i = 0; rc == AG_OK && i < b->count; i++) e->cases[b->begin + i].said = b->said[i];
    for (size_t k = 0; rc == AG_OK && k < e->baseline_count; k++) {
        rc = answers_of(x, &x->options->baselines[k], b, err);
        for (size_t i = 0; rc == AG_OK && i < b->count; i++) e->baselines[k].said[b->begin + i] = b->said[i];
    }
    return rc;
}

static int do_batch(void *context, size_t index, ag_err *err)
{
    examination *x = context;
    batch b = {.begin = index * x->batch, .arena = ag_arena_new(0)};
    size_t left = x->exam.count - b.begin;
    b.count = left < x->batch ? left : x->batch;
    int rc = b.arena ? ag_cancel_check(x->options->cancel, err) : ag_fail_memory(err, 1);
    if (rc == AG_OK) rc = answer_batch(x, &b, err);
    ag_arena_free(b.arena);
    ag_progress_add(x->options->progress, b.count, 0);
    return rc;
}

static int ask_all(examination *x, ag_err *err)
{
    const ag_exam_options *o = x->options;
    x->batch = o->batch ? o->batch : BATCH;
    size_t batches = (x->exam.count + x->batch - 1) / x->batch;
    ag_progress_next(o->progress, "holes", "asking", x->exam.count);
    int64_t begin = ag_monotonic();
    int rc = ag_pool_for(o->pool, batches, do_batch, x, o->cancel, err);
    x->exam.seconds = (double)(ag_monotonic() - begin) / 1e6;
    return rc;
}

/* ---- scores ---- */

static int score_part(examination *x, ag_score_attribute attribute, ag_err *err)
{
    ag_exam_part *part = &x->exam.parts[attribute];
    part->attribute = attribute;
    int rc = ag_score_groups(x->exam.list, x->exam.count, attribute, x->arena, &part->groups, &part->count, err);
    if (rc < 0) return rc;
    part->scores = ag_arena_array(x->arena, part->count + 1, sizeof *part->scores);
    if (!part->scores) return ag_fail_memory(err, part->count * sizeof *part->scores);
    for (size_t g = 0; rc == AG_OK && g < part->count; g++) {
        if ((rc = ag_cancel_check(x->options->cancel, err)) < 0) break;
        rc = ag_score_make(part->groups[g].cases, part->groups[g].count, &x->options->score, x->arena, &part->scores[g],
                           err);
        part->scores[g].name = part->groups[g].name;
    }
    return rc;
}

const ag_score_attribute ag_exam_compared[AG_EXAM_COMPARED] = {AG_SCORE_BY_REGIME, AG_SCORE_BY_MATERIAL};

static int compare_groups(examination *x, ag_exam_baseline *baseline, int by, const ag_score_options *options,
                          ag_err *err)
{
    const ag_exam_part *part = &x->exam.parts[ag_exam_compared[by]];
    if (part->count < 2) return AG_OK;
    const ag_prediction **said = ag_arena_array(x->arena, x->exam.count + 1, sizeof *said);
    ag_score_comparison *all = ag_arena_array(x->arena, part->count, sizeof *all);
    if (!said || !all) return ag_fail_memory(err, part->count * sizeof *all);
    int rc = AG_OK;
    for (size_t g = 0; rc == AG_OK && g < part->count; g++) {
        const ag_score_group *group = &part->groups[g];
        if ((rc = ag_cancel_check(x->options->cancel, err)) < 0) break;
        for (size_t i = 0; i < group->count; i++) said[i] = &baseline->said[group->cases[i] - x->exam.cases];
        rc = ag_score_compare(group->cases, said, group->count, options, x->arena, &all[g], err);
        all[g].name = group->name;
    }
    baseline->by[by] = all;
    baseline->by_count[by] = part->count;
    return rc;
}

static int score_baseline(examination *x, ag_exam_baseline *baseline, ag_err *err)
{
    ag_exam *e = &x->exam;
    ag_score_options options = x->options->score;
    options.silent = baseline->silent;
    ag_score_case *theirs = ag_arena_array(x->arena, e->count, sizeof *theirs);
    const ag_score_case **list = ag_arena_array(x->arena, e->count, sizeof *list);
    if (!theirs || !list) return ag_fail_memory(err, e->count * sizeof *theirs);
    for (size_t i = 0; i < e->count; i++) {
        theirs[i] = e->cases[i];
        theirs[i].known = ag_score_without(&e->cases[i].known, baseline->silent);
        theirs[i].said = baseline->said[i];
        list[i] = &theirs[i];
    }
    int rc = ag_score_make(list, e->count, &options, x->arena, &baseline->score, err);
    baseline->score.name = baseline->name;
    if (rc == AG_OK) rc = ag_score_compare(e->list, baseline->list, e->count, &options, x->arena, &baseline->all, err);
    for (int by = 0; rc == AG_OK && by < AG_EXAM_COMPARED; by++) rc = compare_groups(x, baseline, by, &options, err);
    return rc;
}

static int score(examination *x, ag_err *err)
{
    ag_exam *e = &x->exam;
    int rc = ag_score_make(e->list, e->count, &x->options->score, x->arena, &e->all, err);
    for (int a = 0; rc == AG_OK && a < AG_SCORE_ATTRIBUTES; a++) rc = score_part(x, (ag_score_attribute)a, err);
    for (size_t b = 0; rc == AG_OK && b < e->baseline_count; b++) rc = score_baseline(x, &e->baselines[b], err);
    return rc;
}

/* ---- the worst holes ---- */

static int by_error(const void *a, const void *b)
{
    const ag_exam_worst *x = a, *y = b;
    if (x->error > y->error || x->error < y->error) return x->error > y->error ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* Every n-th row, so that a page stays small. */
static int take_curve(const ag_hole *hole, ag_arena *arena, ag_exam_worst *out, ag_err *err)
{
    const ag_signal *s = &hole->signal;
    size_t every = s->rows / WORST_POINTS + 1;
    out->rows = (s->rows + every - 1) / every;
    out->depth = ag_arena_array(arena, out->rows + 1, sizeof(double));
    out->torque = ag_arena_array(arena, out->rows + 1, sizeof(double));
    out->thrust = ag_arena_array(arena, out->rows + 1, sizeof(double));
    if (!out->depth || !out->torque || !out->thrust) return ag_fail_memory(err, out->rows * sizeof(double));
    for (size_t i = 0; i < out->rows; i++) {
        out->depth[i] = ag_signal_depth(s, i * every);
        out->torque[i] = ag_signal_value(s, AG_CHANNEL_TORQUE, i * every);
        out->thrust[i] = s->by_id[AG_CHANNEL_THRUST] ? ag_signal_value(s, AG_CHANNEL_THRUST, i * every) : (double)NAN;
    }
    return AG_OK;
}

static int find_worst(examination *x, ag_err *err)
{
    ag_exam *e = &x->exam;
    size_t count = 0;
    ag_exam_worst *all = ag_arena_array(x->arena, e->count + 1, sizeof *all);
    if (!all) return ag_fail_memory(err, e->count * sizeof *all);
    for (size_t i = 0; i < e->count; i++) {
        ag_score_verdict v;
        ag_score_judge(&e->cases[i].known, &e->cases[i].said, &x->options->score, &v);
        if (v.answered && v.worst > 0) all[count++] = (ag_exam_worst){&e->cases[i], i, v.worst, 0, NULL, NULL, NULL};
    }
    if (count > 1) qsort(all, count, sizeof *all, by_error);
    e->worst = all;
    e->worst_count = count < x->options->worst ? count : x->options->worst;
    int rc = AG_OK;
    for (size_t i = 0; rc == AG_OK && i < e->worst_count; i++) {
        ag_arena *scratch = ag_arena_new(0);
        ag_hole *hole = NULL;
        rc = scratch ? ag_cancel_check(x->options->cancel, err) : ag_fail_memory(err, 1);
        if (rc == AG_OK) rc = read_hole(x, all[i].index, scratch, &hole, err);
        if (rc == AG_OK) rc = take_curve(hole, x->arena, &all[i], err);
        ag_arena_free(scratch);
    }
    return rc;
}

int ag_exam_run(const ag_exam_options *options, ag_arena *arena, ag_exam *out, ag_err *err)
{
    examination x = {.options = options, .arena = arena};
    pthread_mutex_init(&x.lock, NULL);
    x.exam.who = options->who->name;
    x.exam.data = options->data;
    int rc = load(&x, err);
    if (rc == AG_OK) rc = make_cases(&x, err);
    if (rc == AG_OK) rc = make_baselines(&x, err);
    if (rc == AG_OK) rc = ask_all(&x, err);
    if (rc == AG_OK) rc = score(&x, err);
    if (rc == AG_OK) rc = find_worst(&x, err);
    if (x.temporary) (void)ag_dir_remove(x.temporary, NULL);
    ag_free(x.temporary);
    pthread_mutex_destroy(&x.lock);
    if (rc == AG_OK) *out = x.exam;
    return rc;
}
