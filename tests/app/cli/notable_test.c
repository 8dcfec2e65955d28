// SPDX-License-Identifier: Apache-2.0
#include "app/cli/notable.h"

#include "frame/test.h"

AG_TEST(test_notable__results_stand_before_what_tells_how_it_went)
{
    /* as they shall be shown */
    static const char *const order[] = {
        "test_mae",        "test_accuracy",     "test_width",  "val_loss", "val_mae_mm_entry",
        "Validation-F1",   "val_abstained",     "loss",        "accuracy", "nonsense",
        "train_loss",      "training/accuracy", "train_count", "lr",       "samples_per_second",
        "system/cpu_load",
    };
    for (size_t i = 1; i < sizeof order / sizeof *order; i++)
        if (ag_notable_rank(order[i - 1]) > ag_notable_rank(order[i]))
            fail_msg("%s does not stand before %s", order[i - 1], order[i]);
    assert_true(ag_notable_rank("test_mae") < ag_notable_rank("val_mae"));
    assert_true(ag_notable_rank("val_mae") < ag_notable_rank("mae"));
    assert_true(ag_notable_rank("mae") < ag_notable_rank("train_mae"));
    assert_true(ag_notable_rank("train_mae") < ag_notable_rank("learning_rate"));
    assert_true(ag_notable_rank("learning_rate") < ag_notable_rank("system/test_loss"));
    assert_true(ag_notable_rank("val_mae_mm_exit") < ag_notable_rank("val_found_as_found"));
    assert_int_equal(ag_notable_rank("lossy_valid"), ag_notable_rank("val_abstained")); /* words, not parts of them */
}

AG_TEST(test_notable__of_several_runs_by_how_many_have_it)
{
    static const ag_metric first[] = {{.key = "val_b", .step = 0}, {.key = "val_c", .step = 4}},
                           second[] = {{.key = "val_c", .step = 0}, {.key = "val_a"}, {.key = "test_loss"}};
    const ag_run runs[] = {{.metrics = first, .metric_count = 2}, {.metrics = second, .metric_count = 3}};
    static const char *const expected[] = {"test_loss", "val_c", "val_a", "val_b"};
    const ag_notable *metrics;
    size_t count;
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_notable_metrics(runs, 2, arena, &metrics, &count, &err));
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++) assert_string_equal(metrics[i].key, expected[i]);
    assert_int_equal(metrics[1].runs, 2);
    assert_true(metrics[1].course && !metrics[0].course);
    assert_ptr_equal(metrics[1].metric, &first[1]);
    AG_EXPECT_OK(ag_notable_metrics(NULL, 0, arena, &metrics, &count, &err));
    assert_int_equal(count, 0);
    ag_arena_free(arena);
}
