// SPDX-License-Identifier: Apache-2.0
#include "core/base/median.h"

#include <math.h>

#include "frame/test.h"

AG_TEST(test_median__is_in_the_middle_and_leaves_order)
{
    double one[] = {-3}, odd[] = {5, -1, 2}, even[] = {4, 1, 3, 1};
    assert_true(ag_median(one, 1) == -3);
    assert_true(ag_median(odd, 3) == 2);
    assert_true(odd[0] == -1 && odd[1] == 2 && odd[2] == 5);
    assert_true(ag_median(even, 4) == 2);
    assert_true(even[0] == 1 && even[1] == 1 && even[2] == 3 && even[3] == 4);
}

AG_TEST(test_median__percentiles_lie_between_two_by_straight_line)
{
    const double sorted[] = {1, 2, 4};
    assert_true(isnan(ag_percentile(sorted, 0, 0.5)) && ag_percentile(sorted, 1, 0.95) == 1);
    assert_true(ag_percentile(sorted, 3, 0) == 1 && ag_percentile(sorted, 3, 0.5) == 2);
    assert_true(ag_percentile(sorted, 3, 1) == 4 && ag_percentile(sorted, 3, 0.75) == 3);
}

AG_TEST(test_median__sizes_are_compared)
{
    const double few = 1, more = 1.5;
    assert_true(ag_by_size(&few, &more) < 0 && ag_by_size(&more, &few) > 0 && ag_by_size(&few, &few) == 0);
}
