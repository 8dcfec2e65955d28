// SPDX-License-Identifier: Apache-2.0
#include "data/reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/io/file.h"
#include "data/names.h"
#include "frame/test.h"

AG_TEST(test_reference__the_page_is_what_the_tables_say)
{
    ag_err err = {0};
    char path[700];
    const char *source = getenv("AUGER_SOURCE");
    if (!source) ag_test_skip("AUGER_SOURCE is not set");
    snprintf(path, sizeof(path), "%s/docs/drilling-files.md", source);
    ag_buf page, tables;
    ag_buf_init(&page, 1 << 22);
    ag_buf_init(&tables, 1 << 22);
    AG_EXPECT_OK(ag_file_read(path, 1 << 22, &page, &err));
    ag_drilling_reference(&tables);
    AG_EXPECT_OK(ag_buf_check(&tables, "reference", &err));
    if (!ag_str_ends(ag_buf_str(&page), ag_buf_str(&tables)))
        fail_msg(
            "docs/drilling-files.md is old: replace all from '## Readers' on by the output of 'auger inspect --rules'");
    ag_buf_deinit(&page);
    ag_buf_deinit(&tables);
}

AG_TEST(test_names__every_version_has_each_name_once)
{
    static const int versions[] = {4, 7, 8, 9, 11};
    for (size_t v = 0; v < 5; v++)
        for (int a = 0; a < AG_HEADER_COUNT; a++)
            for (int b = a + 1; b < AG_HEADER_COUNT; b++) {
                const char *x = ag_name_of_version(&ag_header_names[a], versions[v]);
                const char *y = ag_name_of_version(&ag_header_names[b], versions[v]);
                bool same = x && y && ag_header_names[a].section == ag_header_names[b].section && strcmp(x, y) == 0;
                if (same) fail_msg("version %d: '%s' twice", versions[v], x);
                assert_true(strcmp(ag_header_names[a].id, ag_header_names[b].id) != 0);
            }
}

AG_TEST(test_names__stop_codes_are_told_apart)
{
    assert_int_equal(ag_stop_kind_of(64), AG_STOP_ADVANCE);
    assert_int_equal(ag_stop_kind_of(8), AG_STOP_END);
    assert_int_equal(ag_stop_kind_of(64 + 8), AG_STOP_END);
    assert_int_equal(ag_stop_kind_of(131074), AG_STOP_FAULT);
    assert_int_equal(ag_stop_kind_of(0), AG_STOP_FAULT);
    assert_int_equal(ag_stop_kind_of(-1), AG_STOP_FAULT);
    assert_int_equal(ag_stop_kind_of(1 << 30), AG_STOP_FAULT);
    ag_buf text;
    ag_buf_init(&text, 400);
    ag_stop_describe(131074, &text);
    assert_string_equal(text.data, "131074 (torque limit + spindle short circuit)");
    ag_buf_deinit(&text);
}
