// SPDX-License-Identifier: Apache-2.0
/* What a model of the old pipeline is trained on: heat maps that the old inference reads as the exit, windows that are
 * others in every epoch, a scaling by the training holes, and tools on one side. */
#include "learn/drilling/legacy_lessons.h"

#include <math.h>
#include <string.h>

#include "core/io/path.h"
#include "learn/drilling/data.h"
#include "learn/drilling/folder.h"

typedef struct lessons {
    ag_arena *arena;
    ag_known_set set;
    ag_legacy_data data;
    ag_legacy_settings settings;
    ag_legacy_lessons made;
} lessons;

/* Holes whose metal is drilled in step 2, with their truth. */
static void open_holes(lessons *l, uint64_t holes, unsigned tool_holes)
{
    ag_err err = {0};
    ag_sim_totals totals;
    const ag_sim_regime *regime = ag_sim_regime_find("cfrp-ti-event");
    ag_sim_options options = {.seed = 44, .regimes = &regime, .regime_count = 1, .series = tool_holes};
    const char *dir = ag_test_dir();
    *l = (lessons){.arena = ag_arena_new(0),
                   .data = {.target_height = 4,
                            .target_rows = 6,
                            .windows = 8,
                            .group_by = AG_GROUP_TOOL,
                            .reference = {.training_rows = true}}};
    AG_EXPECT_OK(ag_sim_batch(&options, dir, holes, 0, 2, NULL, NULL, &totals, &err));
    ag_known_options known = {.truth = ag_path_join(l->arena, dir, "truth.csv")};
    AG_EXPECT_OK(ag_known_load(prepared(dir, l->arena), &known, l->arena, &l->set, &err));
}

static void make(lessons *l, double share)
{
    ag_err err = {0};
    ag_legacy_course course = {.set = &l->set, .data = &l->data, .share = share, .seed = 1};
    l->settings = (ag_legacy_settings){.predrilled = true};
    AG_EXPECT_OK(ag_legacy_lessons_make(&course, &l->settings, l->arena, &l->made, &err));
}

AG_TEST(test_legacy_lessons__heat_maps_are_read_as_the_exit)
{
    lessons l;
    size_t windows = 0;
    open_holes(&l, 6, 0);
    make(&l, 0);
    assert_int_equal(l.made.counts[AG_LEGACY_TRAINING] + l.made.left_out, 6);
    assert_true(l.made.counts[AG_LEGACY_TRAINING] >= 4);
    ag_real *heat = ag_arena_array(l.arena, (size_t)AG_LEGACY_WINDOW * AG_LEGACY_CHANNELS, sizeof *heat);
    for (size_t i = 0; i < l.made.counts[AG_LEGACY_TRAINING]; i++) {
        const ag_legacy_lesson *one = &l.made.items[AG_LEGACY_TRAINING][i];
        size_t row = (size_t)one->exit;
        double truth = one->hole->known.mm[AG_POINT_EXIT];
        double step = (double)one->table.x[row + 1] - (double)one->table.x[row];
        for (size_t k = 0; k < AG_LEGACY_WINDOWS; k++) {
            size_t first = ag_legacy_window(&one->table, k);
            if (row < first || row + 1 >= first + AG_LEGACY_WINDOW) continue; /* the exit lies elsewhere */
            ag_legacy_target(&l.made, one, first, heat);
            assert_true(fabs(ag_legacy_peak(&one->table, k, heat, AG_LEGACY_CHANNELS) - truth) <= step + 1e-6);
            for (size_t r = 0; r < AG_LEGACY_WINDOW; r++) /* constants are what they are */
                assert_true(heat[r * AG_LEGACY_CHANNELS + 16] == 0.69F && fabs((double)heat[r * 17 + 15] + 1.7) < 1e-6);
            windows++;
        }
    }
    assert_true(windows > 100);
    ag_arena_free(l.arena);
}

AG_TEST(test_legacy_lessons__columns_are_scaled_by_the_rows_of_the_training_holes)
{
    ag_err err = {0};
    lessons l;
    size_t rows = 0;
    open_holes(&l, 6, 1);
    make(&l, 0.4);
    assert_true(l.made.counts[AG_LEGACY_VALIDATION] > 0);
    ag_legacy_rows sums = {0};
    for (size_t i = 0; i < l.made.counts[AG_LEGACY_TRAINING]; i++) {
        const ag_legacy_lesson *one = &l.made.items[AG_LEGACY_TRAINING][i];
        ag_hole *hole;
        ag_legacy_trace trace;
        AG_EXPECT_OK(ag_known_samples(&l.set, one->hole, l.arena, &hole, &err));
        AG_EXPECT_OK(ag_legacy_trace_of(hole, l.arena, &trace, &err));
        AG_EXPECT_OK(ag_legacy_rows_add(&sums, &trace, l.arena, &err));
        rows += one->table.samples;
    }
    ag_legacy_reference by_hand = ag_legacy_rows_reference(&sums);
    assert_int_equal(l.settings.reference.rows, rows);
    assert_memory_equal(&l.settings.reference, &by_hand, sizeof by_hand);
    assert_true(by_hand.mean[0] > 0.1 && by_hand.deviation[14] > 0.1);
    float scaled = l.made.items[0][0].table.values[(size_t)AG_LEGACY_CHANNELS * 500];
    l.data.reference.training_rows = false; /* each hole by itself */
    make(&l, 0.4);
    assert_int_equal(l.settings.reference.rows, 0);
    assert_true(l.made.items[0][0].table.values[(size_t)AG_LEGACY_CHANNELS * 500] != scaled);
    ag_arena_free(l.arena);
}

/* Pairs of a training hole and a validation hole of one head, each of which has one tool here. */
static size_t shared_heads(const lessons *l)
{
    const size_t *counts = l->made.counts;
    size_t shared = 0;
    assert_true(counts[AG_LEGACY_TRAINING] > 0 && counts[AG_LEGACY_VALIDATION] > 0);
    for (size_t i = 0; i < counts[AG_LEGACY_TRAINING]; i++)
        for (size_t k = 0; k < counts[AG_LEGACY_VALIDATION]; k++)
            shared += strcmp(l->made.items[AG_LEGACY_TRAINING][i].hole->record->head,
                             l->made.items[AG_LEGACY_VALIDATION][k].hole->record->head) == 0;
    return shared;
}

AG_TEST(test_legacy_lessons__tools_lie_on_one_side)
{
    lessons l;
    open_holes(&l, 12, 3);
    make(&l, 0.3);
    assert_int_equal(shared_heads(&l), 0);
    l.data.group_by = AG_GROUP_NONE;
    make(&l, 0.3);
    assert_true(shared_heads(&l) > 0);
    ag_arena_free(l.arena);
}

/* Which of the forty windows of a hole `past` is; 40: none. */
static size_t window_of(const ag_legacy_lesson *one, const ag_real *past)
{
    const size_t size = (size_t)AG_LEGACY_WINDOW * AG_LEGACY_CHANNELS;
    for (size_t k = 0; k < AG_LEGACY_WINDOWS; k++) {
        const float *from = one->table.values + ag_legacy_window(&one->table, k) * AG_LEGACY_CHANNELS;
        size_t same = 0;
        while (same < size && (ag_real)from[same] == past[same]) same++;
        if (same == size) return k;
    }
    return AG_LEGACY_WINDOWS;
}

AG_TEST(test_legacy_lessons__windows_are_others_in_every_epoch)
{
    ag_err err = {0};
    lessons l;
    ag_samples samples;
    bool seen[AG_LEGACY_WINDOWS] = {false};
    size_t distinct = 0;
    open_holes(&l, 3, 0);
    make(&l, 0);
    AG_EXPECT_OK(ag_legacy_samples(&l.made, AG_LEGACY_TRAINING, "digest", l.arena, &samples, &err));
    assert_int_equal(samples.count, (int64_t)l.made.counts[AG_LEGACY_TRAINING] * 8);
    const ag_legacy_lesson *one = &l.made.items[AG_LEGACY_TRAINING][0];
    ag_real *past = ag_arena_array(l.arena, (size_t)samples.ports[0].size, sizeof *past);
    ag_real *into[] = {past, NULL};
    for (int64_t epoch = 1; epoch <= 60; epoch++)
        for (int64_t slot = 0; slot < 8; slot++) {
            ag_batch batch = {.index = &slot, .count = 1, .into = into, .training = true, .seed = 3, .epoch = epoch};
            AG_EXPECT_OK(samples.fill(samples.state, &batch, &err));
            size_t number = window_of(one, past);
            assert_true(number >= (size_t)slot * 5 && number < (size_t)slot * 5 + 5);
            distinct += !seen[number];
            seen[number] = true;
            AG_EXPECT_OK(samples.fill(samples.state, &batch, &err)); /* the same again */
            assert_int_equal(window_of(one, past), number);
            batch.training = false;
            AG_EXPECT_OK(samples.fill(samples.state, &batch, &err));
            assert_int_equal(window_of(one, past), slot * 5);
        }
    assert_int_equal(distinct, AG_LEGACY_WINDOWS);
    ag_arena_free(l.arena);
}
