// SPDX-License-Identifier: Apache-2.0
/* Times that go on: hours, days, months of different lengths, their last days, and distances that differ. */
#include "learn/forecast/dates.h"

#include "core/sys/clock.h"
#include "frame/test.h"

static int64_t at(const char *text)
{
    int64_t out = 0;
    assert_true(ag_date_read(ag_str_of(text), 0, &out));
    return out;
}

static void expect(const char *const *texts, int count, int64_t steps, const char *then)
{
    int64_t times[8], out = 0;
    for (int i = 0; i < count; i++) times[i] = at(texts[i]);
    if (!ag_dates_go_on(times, count, steps, &out)) {
        if (then) fail_msg("%s does not go on", texts[0]);
        return;
    }
    if (!then) fail_msg("%s goes on", texts[0]);
    assert_int_equal(out, at(then));
}
#define GO_ON(steps, then, ...)                                                                                        \
    do {                                                                                                               \
        static const char *const texts[] = {__VA_ARGS__};                                                              \
        expect(texts, (int)(sizeof texts / sizeof *texts), steps, then);                                               \
    } while (0)

AG_TEST(test_dates__go_on_at_their_distance)
{
    GO_ON(1, "2020-02-29 00:00", "2020-02-28 22:00", "2020-02-28 23:00");
    GO_ON(25, "2020-03-01 00:00", "2020-02-28 22:00", "2020-02-28 23:00");
    GO_ON(3, "2020-01-06", "2020-01-01", "2020-01-02", "2020-01-03");
    GO_ON(1, "2020-01-29", "2020-01-01", "2020-01-08", "2020-01-15", "2020-01-22");
    GO_ON(1, "2020-01-01 00:15", "2019-12-31 23:45", "2020-01-01 00:00");
}

AG_TEST(test_dates__months_go_on_as_calendars_do)
{
    GO_ON(1, "2020-02-01", "2019-12-01", "2020-01-01");
    GO_ON(12, "2021-01-01", "2019-11-01", "2019-12-01", "2020-01-01");
    GO_ON(1, "2020-02-29", "2019-11-30", "2019-12-31", "2020-01-31");
    GO_ON(2, "2020-03-31", "2019-11-30", "2019-12-31", "2020-01-31");
    GO_ON(1, "2020-02-29", "2019-12-30", "2020-01-30");               /* February has none of its 30th */
    GO_ON(1, "2020-04-22", "2020-01-29", "2020-02-26", "2020-03-25"); /* every 28 days are no months */
}

AG_TEST(test_dates__that_are_not_evenly_apart_do_not_go_on)
{
    GO_ON(1, NULL, "2020-01-01", "2020-01-02", "2020-01-04");
    GO_ON(1, NULL, "2020-01-02", "2020-01-01");
    GO_ON(1, NULL, "2020-01-02", "2020-01-02");
    GO_ON(1, NULL, "2020-01-31", "2020-02-28", "2020-03-30");
    int64_t out;
    assert_true(ag_dates_go_on((const int64_t[]){0, AG_SECOND}, 2, 5, &out) && out == 6 * AG_SECOND);
    assert_false(ag_dates_go_on((const int64_t[]){0, INT64_MAX / 2}, 2, 5, &out));
    assert_false(ag_dates_go_on((const int64_t[]){0, AG_SECOND}, 2, INT64_MAX, &out));
}

AG_TEST(test_dates__are_read_in_both_orders)
{
    int64_t month_first = 0, day_first = 0;
    assert_true(ag_date_read(AG_STR(" 3/4/2020 "), 0, &month_first) && ag_date_read(AG_STR("3/4/2020"), 1, &day_first));
    assert_int_equal(month_first, at("2020-03-04"));
    assert_int_equal(day_first, at("2020-04-03"));
    assert_false(ag_date_read(AG_STR("31/12/2020"), 0, &month_first));
    assert_false(ag_date_read(AG_STR(""), 0, &month_first) || ag_date_read(AG_STR("x"), 1, &month_first));
}
