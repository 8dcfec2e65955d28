// SPDX-License-Identifier: Apache-2.0
/* Labels in the prepared dataset: there for what was cut, absent for air, the same when taken up again. */
#include "frame/test.h"

#include <math.h>
#include <string.h>

#include "core/io/path.h"
#include "data/prepare.h"
#include "data/simulate/simulate.h"

typedef struct folders {
    ag_arena *arena;
    char *input, *output;
} folders;

static void drill(folders *f, const char *const *names, size_t count, uint64_t holes)
{
    ag_err err = {0};
    const ag_sim_regime *regimes[8];
    ag_sim_totals totals;
    for (size_t i = 0; i < count; i++) regimes[i] = ag_sim_regime_find(names[i]);
    f->arena = ag_arena_new(0);
    f->input = ag_path_join(f->arena, ag_test_dir(), "holes");
    f->output = ag_path_join(f->arena, ag_test_dir(), "prepared");
    ag_sim_options options = {.seed = 12, .regimes = regimes, .regime_count = count};
    AG_EXPECT_OK(ag_sim_batch(&options, f->input, holes, 0, 2, NULL, NULL, &totals, &err));
}

static int prepare(const folders *f, ag_prepare_summary *summary, ag_err *err)
{
    ag_prepare_options options = {
        .input_dir = f->input, .output_dir = f->output, .validate = true, .auto_label = true, .jobs = 2};
    return ag_prepare(&options, f->arena, summary, err);
}

AG_TEST(test_prepare_label__cut_holes_have_depths_air_and_seized_do_not)
{
    static const char *const names[] = {"cfrp-al-single", "air-stroke", "seized-stroke"};
    folders f;
    ag_err err = {0};
    ag_prepare_summary summary;
    drill(&f, names, 3, 9);
    AG_EXPECT_OK(prepare(&f, &summary, &err));
    size_t cut = 0;
    for (size_t i = 0; i < summary.count; i++) {
        const ag_prepared *hole = &summary.holes[i];
        if (strcmp(hole->reader, "setitec") != 0) continue;
        if (strstr(hole->path, "air-")) {
            assert_string_equal(hole->label_outcome, "empty");
            assert_string_equal(hole->category, "empty");
            assert_string_equal(hole->entry_mm, "");
            assert_string_equal(hole->exit_mm, "");
        } else if (strstr(hole->path, "seized-")) {
            assert_string_equal(hole->label_outcome, "no exit");
            assert_string_equal(hole->exit_mm, "");
            assert_string_not_equal(hole->category, "high");
        } else {
            assert_string_equal(hole->label_outcome, "found");
            assert_true(*hole->entry_mm && *hole->transition_mm && *hole->exit_mm && *hole->full_exit_mm);
            assert_string_equal(hole->label_source, "change-points");
            cut++;
        }
    }
    assert_int_equal(cut, 3);
    ag_arena_free(f.arena);
}

AG_TEST(test_prepare_label__taken_up_again_the_labels_are_the_same)
{
    static const char *const names[] = {"cfrp-al-single"};
    folders f;
    ag_err err = {0};
    ag_prepare_summary first, again;
    drill(&f, names, 1, 8);
    AG_EXPECT_OK(prepare(&f, &first, &err));
    AG_EXPECT_OK(prepare(&f, &again, &err));
    assert_int_equal(again.parts_reused, again.parts);
    assert_int_equal(first.count, again.count);
    for (size_t i = 0; i < first.count; i++) {
        assert_string_equal(first.holes[i].exit_mm, again.holes[i].exit_mm);
        assert_string_equal(first.holes[i].confidence, again.holes[i].confidence);
        assert_string_equal(first.holes[i].category, again.holes[i].category);
    }
    ag_arena_free(f.arena);
}
