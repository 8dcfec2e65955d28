// SPDX-License-Identifier: Apache-2.0
/* The two evaluations: the same numbers for any number of threads, groups of repeats found by themselves. */
#include "data/label/evaluate.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "core/io/path.h"
#include "data/simulate/simulate.h"
#include "frame/test.h"

static char *as_json(const ag_eval *eval, ag_arena *arena)
{
    ag_err err = {0};
    ag_buf buf;
    ag_buf_init(&buf, 1 << 24);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_REFUSE_NONFINITE);
    ag_evaluate_json(eval, &json);
    AG_EXPECT_OK(ag_json_end_document(&json, &err));
    char *text = ag_arena_strndup(arena, buf.data, buf.size);
    ag_buf_deinit(&buf);
    return text;
}

AG_TEST(test_evaluate__simulated_holes_are_counted_and_threads_do_not_matter)
{
    ag_err err = {0};
    ag_eval one, many;
    ag_arena *arena = ag_arena_new(0);
    ag_eval_options options = {.holes = 2 * ag_sim_regime_count, .seed = 77, .threads = 1};
    AG_EXPECT_OK(ag_evaluate(&options, arena, &one, &err));
    options.threads = 3;
    AG_EXPECT_OK(ag_evaluate(&options, arena, &many, &err));
    assert_string_equal(as_json(&one, arena), as_json(&many, arena));
    assert_int_equal(one.all.holes, options.holes);
    assert_int_equal(one.regime_count, ag_sim_regime_count);
    assert_int_equal(one.all.false_numbers, 0);
    size_t holes = 0;
    for (size_t r = 0; r < one.regime_count; r++) holes += one.regimes[r].holes;
    assert_int_equal(holes, one.all.holes);
    assert_int_equal(one.all.category[0].count + one.all.category[1].count + one.all.category[2].count, one.all.cut);
    assert_true(one.all.depth[AG_EVAL_ENTRY].mae < 0.2);
    ag_arena_free(arena);
}

static void drill(ag_arena *arena, const char *name, uint64_t holes, char **folder)
{
    ag_err err = {0};
    ag_sim_totals totals;
    const ag_sim_regime *regime = ag_sim_regime_find(name);
    *folder = ag_path_join(arena, ag_test_dir(), "holes");
    ag_sim_options options = {.seed = 3, .regimes = &regime, .regime_count = 1};
    AG_EXPECT_OK(ag_sim_batch(&options, *folder, holes, 0, 2, NULL, NULL, &totals, &err));
}

AG_TEST(test_evaluate__holes_that_repeat_each_other_are_one_group)
{
    ag_err err = {0};
    ag_eval eval;
    ag_buf page;
    char *folder;
    ag_arena *arena = ag_arena_new(0);
    drill(arena, "cfrp-al-single", 8, &folder);
    ag_eval_options options = {.real = folder, .threads = 2};
    AG_EXPECT_OK(ag_evaluate(&options, arena, &eval, &err));
    assert_int_equal(eval.files, 8);
    assert_int_equal(eval.used, 8);
    assert_int_equal(eval.group_count, 1);
    const ag_eval_group *group = &eval.groups[0];
    assert_int_equal(group->holes + eval.alone, 8);
    assert_true(group->spread < 0.1 && group->low <= group->high);
    assert_true(isnan(group->known));
    ag_buf_init(&page, 1 << 24);
    AG_EXPECT_OK(ag_evaluate_html(&eval, &page, &err));
    assert_true(ag_str_find(ag_buf_str(&page), AG_STR("Real holes that repeat each other"), 0) != SIZE_MAX);
    assert_true(ag_str_find(ag_buf_str(&page), AG_STR("<svg"), 0) != SIZE_MAX);
    ag_buf_deinit(&page);
    ag_arena_free(arena);
}

AG_TEST(test_evaluate__air_and_what_cannot_be_read_is_in_no_group)
{
    ag_err err = {0};
    ag_eval eval;
    char *folder;
    ag_arena *arena = ag_arena_new(0);
    drill(arena, "air-stroke", 4, &folder);
    AG_EXPECT_OK(ag_file_replace(ag_path_join(arena, folder, "broken.xls"), "nothing", 7, &err));
    assert_int_equal(symlink("/nowhere/at/all", ag_path_join(arena, folder, "month")), 0);
    AG_EXPECT_OK(ag_evaluate(&(ag_eval_options){.real = folder}, arena, &eval, &err));
    assert_int_equal(eval.files, 4);
    assert_int_equal(eval.unread.count, 2);
    assert_string_equal(eval.unread.first, "broken.xls");
    assert_non_null(strstr(eval.unread.why, "Datas"));
    char *json = as_json(&eval, arena);
    assert_non_null(strstr(json, "\"unread\":2,\"first_unread\":{\"path\":\"broken.xls\",\"error\":\""));
    assert_int_equal(eval.used, 0);
    assert_int_equal(eval.group_count, 0);
    assert_int_equal(eval.real_false_numbers, 0);
    ag_arena_free(arena);
}

static int evaluate_once(void *context, ag_err *err)
{
    ag_eval eval;
    ag_arena *arena = ag_arena_new(0);
    ag_eval_options options = {.holes = 2, .seed = 1, .real = context, .threads = 1};
    int rc = arena ? ag_evaluate(&options, arena, &eval, err) : ag_fail_memory(err, 1);
    ag_arena_free(arena);
    return rc;
}

AG_TEST(test_evaluate__a_folder_that_is_not_there_is_told)
{
    ag_err err = {0};
    AG_EXPECT_ERROR(evaluate_once((void *)(uintptr_t) "/nothing/at/all", &err), AG_ENOTFOUND, "/nothing/at/all");
}
