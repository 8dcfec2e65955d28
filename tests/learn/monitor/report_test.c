// SPDX-License-Identifier: Apache-2.0
/* The page of a training: whole, escaped, the same for the same events. */
#include "learn/monitor/report.h"

#include <string.h>

#include "frame/test.h"

#include "core/doc/json.h"
#include "learn/monitor/sample.h"

static ag_arena *arena;

static void make(bool folds, ag_buf *out)
{
    ag_err err = {0};
    ag_monitor m;
    const ag_value *configuration;
    AG_EXPECT_OK(ag_monitor_init(&m, 1000 * AG_SECOND, &err));
    int64_t at = folds ? sample_folds(&m) : sample_train(&m, 1000 * AG_SECOND, 0, 1, 6, 12);
    ag_monitor_tick(&m, at + 100 * AG_SECOND);
    ag_usage usage = {.process_cpu = 50, .process_memory = 1e8};
    ag_monitor_usage(&m, at + 5 * AG_SECOND, &usage);
    ag_monitor_usage(&m, at + 9 * AG_SECOND, &usage);
    ag_monitor_value_found(&m, "test_<mae>", 0.0423);
    ag_monitor_end(&m, at);
    AG_EXPECT_OK(ag_json_parse(arena, AG_STR("{\"seed\": 3, \"name\": \"<b>\"}"), NULL, &configuration, &err));
    const ag_monitor_data data = {"holes", "/a/holes", "9f2a", "training"};
    const ag_pair environment = {AG_STR("auger.host"), AG_STR("a & b")};
    const ag_monitor_about about = {.title = "Training of <holes>",
                                    .subtitle = "run 1",
                                    .outcome = "The training ended well.",
                                    .style = AG_STYLE_GOOD,
                                    .parameters = 1234,
                                    .configuration = configuration,
                                    .data = &data,
                                    .data_count = 1,
                                    .environment = {&environment, 1}};
    ag_buf_init(out, (size_t)64 << 20);
    AG_EXPECT_OK(ag_monitor_report(&m, at, &about, out, &err));
    ag_monitor_deinit(&m);
}

AG_TEST(test_report__has_all_parts_and_escapes_them)
{
    ag_buf page;
    arena = ag_arena_new(0);
    make(true, &page);
    const char *const parts[] = {"Training of &lt;holes&gt;",
                                 "The training ended well.",
                                 "5 of 24",
                                 "test_&lt;mae&gt;",
                                 "0.0423",
                                 "validation loss of all",
                                 "fold 3",
                                 "learning rate",
                                 "stalled: nothing was heard",
                                 "memory of the process",
                                 "seed: 3",
                                 "9f2a",
                                 "a &amp; b",
                                 "</html>"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(page.data, parts[i])) fail_msg("no '%s' in the page", parts[i]);
    const char *const banned[] = {"<script", "src=", "href=", "url(", "<b>\n", "nan", "inf"};
    for (size_t i = 0; i < sizeof banned / sizeof *banned; i++)
        if (strstr(page.data, banned[i])) fail_msg("'%s' in the page", banned[i]);
    ag_buf_deinit(&page);
    ag_arena_free(arena);
}

AG_TEST(test_report__the_same_events_give_the_same_bytes)
{
    ag_buf one, two;
    arena = ag_arena_new(0);
    make(false, &one);
    make(false, &two);
    assert_int_equal(one.size, two.size);
    assert_memory_equal(one.data, two.data, one.size);
    ag_buf_deinit(&one);
    ag_buf_deinit(&two);
    ag_arena_free(arena);
}

static int report_nothing(void *context, ag_err *err)
{
    ag_monitor m;
    ag_buf page;
    const ag_monitor_about about = {0};
    (void)context;
    ag_buf_init(&page, (size_t)64 << 20);
    int rc = ag_monitor_init(&m, 0, err);
    if (rc >= 0) rc = ag_monitor_report(&m, 0, &about, &page, err);
    ag_monitor_deinit(&m);
    ag_buf_deinit(&page);
    return rc;
}

AG_TEST(test_report__of_a_training_that_never_began)
{
    ag_err err = {0};
    AG_EXPECT_OK(report_nothing(NULL, &err));
    (void)ag_test_fail_at_n(AG_FAULT_ALLOC, report_nothing, NULL, NULL);
}
