// SPDX-License-Identifier: Apache-2.0
/* Labels of real holes that repeat each other: no truth exists, but their thickness must scatter by 30 % less than that
 * of a naive estimator at least. Runs where the files lie beside the checkout. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/io/path.h"
#include "data/label/label.h"
#include "data/reader.h"
#include "data/shared.h"
#include "frame/test.h"

/* Holes of one program in one kind of coupon, by parts of their names, and the deviation of the naive estimator, of
 * which SHARE must be left at most. */
typedef struct group {
    const char *name;
    const char *parts[6];
    double naive; /* mm */
} group;

#define SHARE 0.7
static const group groups[] = {
    {"micro-peck A", {"_1874_1.xls", "_1947_34.xls", "_1970_17.xls", "_2023_30.xls"}, 0.14},
    {"micro-peck B", {"_1896_23.xls", "_1929_16.xls", "_1962_9.xls", "_2025_32.xls"}, 0.15},
    {"micro-peck C", {"_1888_15.xls", "_1941_28.xls", "_1984_31.xls", "_1997_4.xls"}, 0.13},
    {"micro-peck D", {"_1910_37.xls", "_1923_10.xls", "_1976_23.xls", "_2009_16.xls"}, 0.09},
    {"V2", {"/V2__"}, 0.23}, /* spread over a tool's life, in which thrust grows fourfold: see docs/labels.md */
    {"V6", {"/V6_"}, 0.05},
    {"V7", {"/V7_"}, 0.08},
    {"V8", {"/V8_"}, 0.04},
    {"V10", {"/V10_"}, 0.06},
};
enum { GROUPS = sizeof(groups) / sizeof(groups[0]), MOST = 64 };

typedef struct found {
    const char *root;
    double thickness[GROUPS][MOST];
    size_t count[GROUPS];
    size_t numbers_for_air, exits_of_seized, high, holes;
} found;

static int label_file(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    found *f = context;
    ag_limits limits;
    ag_hole *hole;
    ag_verdict verdict;
    ag_label label;
    (void)info;
    if (!ag_str_ends(ag_str_of(relative), AG_STR(".xls"))) return AG_OK;
    ag_arena *arena = ag_arena_new(0);
    char *path = ag_path_join(arena, f->root, relative);
    int rc = ag_limits_default(&limits, err);
    if (rc == AG_OK && ag_hole_read_file(path, NULL, arena, &hole, NULL, NULL) == AG_OK) {
        rc = ag_validate(hole, &limits, arena, &verdict, err);
        if (rc == AG_OK) rc = ag_label_hole(hole, &verdict, arena, &label, err);
        f->holes++;
        f->high += label.confidence > 0.9 && label.outcome == AG_LABEL_FOUND;
        if (verdict.classes & AG_CLASS_AIR) f->numbers_for_air += !isnan(label.entry) || !isnan(label.exit);
        if (verdict.classes & AG_CLASS_SEIZED) f->exits_of_seized += !isnan(label.exit);
        for (size_t g = 0; g < GROUPS; g++)
            for (size_t k = 0; k < 6 && groups[g].parts[k]; k++)
                if (strstr(relative, groups[g].parts[k]) && label.outcome == AG_LABEL_FOUND && verdict.valid &&
                    !(verdict.classes & AG_CLASS_WEAK) && f->count[g] < MOST)
                    f->thickness[g][f->count[g]++] = label.exit - label.entry;
    }
    ag_arena_free(arena);
    return rc;
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof(double), by_size);
    return count % 2 ? values[count / 2] : 0.5 * (values[count / 2 - 1] + values[count / 2]);
}

AG_TEST(test_label__real_holes_that_repeat_each_other_have_one_thickness)
{
    static found f;
    ag_err err = {0};
    f.root = unpack_shared();
    AG_EXPECT_OK(ag_dir_walk(f.root, label_file, &f, &err));
    size_t wide = 0;
    for (size_t g = 0; g < GROUPS; g++) {
        assert_true(f.count[g] >= 4);
        double middle = median(f.thickness[g], f.count[g]);
        for (size_t i = 0; i < f.count[g]; i++) f.thickness[g][i] = fabs(f.thickness[g][i] - middle);
        double spread = 1.4826 * median(f.thickness[g], f.count[g]);
        print_message("%-13s %2zu holes: thickness %.2f mm, robust deviation %.3f\n", groups[g].name, f.count[g],
                      middle, spread);
        wide += spread > SHARE * groups[g].naive;
    }
    print_message("%zu of %zu labels are high\n", f.high, f.holes);
    assert_int_equal(f.numbers_for_air, 0);
    assert_int_equal(f.exits_of_seized, 0);
    assert_int_equal(wide, 0);
}
