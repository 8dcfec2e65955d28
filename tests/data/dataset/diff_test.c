// SPDX-License-Identifier: Apache-2.0
/* How versions of a data set differ, what their statistics are, and whether a drift is more than chance. */
#include "data/dataset/diff.h"

#include <math.h>

#include "data/dataset/stats.h"
#include "data/dataset/with_world.h"

static int count_items(void *context, const ag_diff_item *item, ag_err *err)
{
    (void)err;
    size_t *counts = context;
    counts[item->what]++;
    if (item->what == AG_DIFF_MOVED && item->is_hole) assert_string_equal(item->from, "h1.xls");
    return AG_OK;
}

AG_TEST(test_dataset__diff_tells_every_kind)
{
    world w;
    ag_err err = {0};
    ag_diff diff;
    char path[700];
    size_t told[AG_DIFF_COUNT] = {0};
    open_world(&w, "diff");
    put_holes(&w);
    put_text(&w, "table.csv", "a,b\n1,2\n3,4\n3,4\n");
    put_text(&w, "labels.csv", "path,entry_mm,exit_mm\nh0.xls,5,14\n");
    ag_dataset_version a = add(&w, NULL);
    put_text(&w, "labels.csv", "path,entry_mm,exit_mm\nh0.xls,5,14.5\n");
    put_text(&w, "table.csv", "a,b\n3,4\n1,2\n5,6\n");
    snprintf(path, sizeof(path), "%s/h1.xls", w.input);
    char to[700];
    snprintf(to, sizeof(to), "%s/sub/h1-moved.xls", w.input);
    AG_EXPECT_OK(ag_file_rename(path, to, &err));
    put_hole(&w, "h2.xls", &(sample){.version = 11});
    put_hole(&w, "new.xls", &(sample){.version = 8});
    snprintf(path, sizeof(path), "%s/sub/bad.xls", w.input);
    AG_EXPECT_OK(ag_file_remove(path, &err));
    ag_dataset_version b = add(&w, NULL);
    AG_EXPECT_OK(ag_dataset_diff(&w.place, &a, &b, count_items, told, &diff, &err));
    assert_int_equal(diff.holes[AG_DIFF_ADDED], 1);
    assert_int_equal(diff.holes[AG_DIFF_REMOVED], 1);
    assert_int_equal(diff.holes[AG_DIFF_MOVED], 1);
    assert_int_equal(diff.holes[AG_DIFF_CHANGED], 1);
    assert_int_equal(diff.holes[AG_DIFF_RELABELLED], 1);
    assert_int_equal(diff.same_holes, 1);
    assert_int_equal(diff.files[AG_DIFF_CHANGED], 3);
    assert_int_equal(diff.rows_added, 1);
    assert_int_equal(diff.rows_removed, 1);
    assert_int_equal(told[AG_DIFF_MOVED], 2);
    AG_EXPECT_OK(ag_dataset_diff(&w.place, &a, &a, NULL, NULL, &diff, &err));
    assert_int_equal(diff.same_holes, 5);
    close_world(&w);
}

AG_TEST(test_dataset__statistics_count_and_spread)
{
    world w;
    ag_err err = {0};
    ag_dataset_stats stats;
    open_world(&w, "stats");
    put_holes(&w);
    ag_dataset_version version = add(&w, NULL);
    AG_EXPECT_OK(ag_dataset_statistics(&w.place, &version, w.arena, &stats, &err));
    const ag_tallies *machines = NULL;
    for (size_t i = 0; i < stats.tally_count; i++)
        if (strcmp(stats.tallies[i].name, "machine") == 0) machines = &stats.tallies[i];
    assert_non_null(machines);
    assert_string_equal(machines->items[0].value, "170");
    assert_int_equal(machines->items[0].count, 3);
    const ag_spread *counter = ag_dataset_spread(&stats, "tool_counter");
    assert_non_null(counter);
    assert_true(counter->least == 1 && counter->most == 26);
    assert_true(isnan(ag_spread_quantile(&(ag_spread){0}, 0.5)));
    close_world(&w);
    open_world(&w, "tables");
    put_text(&w, "t.csv", "n,word,both,none\n1,a,1,\n2,b,x,\n3,a,2,\n");
    put_text(&w, "other.csv", "k\n7\n");
    put_text(&w, "broken.csv", "a,b\n1\n");
    version = add(&w, NULL);
    assert_int_equal(version.rows, 4);
    AG_EXPECT_OK(ag_dataset_statistics(&w.place, &version, w.arena, &stats, &err));
    assert_non_null(ag_dataset_spread(&stats, "t.csv: n"));
    assert_non_null(ag_dataset_spread(&stats, "other.csv: k"));
    assert_null(ag_dataset_spread(&stats, "t.csv: both"));
    close_world(&w);
}

AG_TEST(test_drift__tells_chance_from_change)
{
    double a[2000], b[2000];
    for (int i = 0; i < 2000; i++) a[i] = i;
    memcpy(b, a, sizeof(b));
    ag_drift drift = ag_drift_of(a, 2000, b, 2000);
    assert_true(drift.psi == 0 && drift.ks == 0 && drift.verdict == AG_DRIFT_NONE);
    for (int i = 0; i < 2000; i++) b[i] = i * 0.9 + 150;
    drift = ag_drift_of(a, 2000, b, 2000);
    assert_true(drift.psi > 0.1 && drift.verdict >= AG_DRIFT_SOME);
    for (int i = 0; i < 2000; i++) b[i] = i + 1500;
    drift = ag_drift_of(a, 2000, b, 2000);
    assert_true(drift.psi > 1 && fabs(drift.ks - 0.75) < 1e-9 && drift.p_value < 1e-6);
    assert_int_equal(drift.verdict, AG_DRIFT_CLEAR);
    assert_int_equal(ag_drift_of(a, 5, b, 2000).verdict, AG_DRIFT_TOO_FEW);
    assert_int_equal(ag_drift_of(a, 25, a, 20).verdict, AG_DRIFT_NONE);
    for (int i = 0; i < 2000; i++) a[i] = b[i] = 7;
    drift = ag_drift_of(a, 2000, b, 2000);
    assert_true(drift.psi == 0 && drift.ks == 0);
    assert_string_equal(ag_drift_words(AG_DRIFT_CLEAR), "clearly moved");
}
