// SPDX-License-Identifier: Apache-2.0
/* setitec_files_test.c: the real drilling files, where they are: verdicts and reasons as the specification counts them.
 */
#include <string.h>

#include "core/io/csv.h"
#include "data/prepare.h"
#include "data/shared.h"

static const struct {
    const char *path, *rules;
} expected[] = {
    {"TUHH/001_V1/V1_023.xls", "S3|T6"},
    {"TUHH/002_V2/V2__095.xls", "S3|T6"},
    {"TUHH/003_V3/V3_037.xls", "S3|T6"},
    {"TUHH/004_V4/V4_107.xls", "S3|T6"},
    {"TUHH/004_V4/V4_126.xls", "S3"},
    {"TUHH/007_V7/V7_106.xls", "C5"},
    {"UNK/MQTT_to_XLS_17070141_798.xls", "F1|F5|F7|T3|T8|T10|C6|C7|M4"},
    {"UNK/MQTT_to_XLS_17070141_798a.xls", "F7|T3|T8|T10|C6|C7|M4"},
    {"UNK/MQTT_to_XLS_17070144_175.xls", "F11|T3|T8|T10|C2|C3|M4"},
    {"UNK/MQTT_to_XLS_17070144_175b.xls", "F11|T3|T8|T10|C2|C3|M4"},
    {"mdb-mql-1/E0040100247BDE7A_114-V3-003-MQ_ST_1146_1.xls", "S3|T6"},
    {"mqtt/data_20250326/17070141_17070141_ST_59_55.xls", "C3"},
    {"others/17070143_17070143_ST_1092_1.xls", "C3"},
    {"others/20110019_20110019_ST_490_3.xls", "C3"},
};

static const char *rules_of(const char *path)
{
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        if (strcmp(expected[i].path, path) == 0) return expected[i].rules;
    return "";
}

/* The manifest beside the files: path, hash, folder, version, rows, steps. */
static void compare_manifest(const char *root, const ag_prepare_summary *summary)
{
    char path[700];
    ag_err err = {0};
    ag_csv *csv = NULL;
    const ag_str *cells;
    size_t count, compared = 0;
    snprintf(path, sizeof(path), "%s/MANIFEST.tsv", root);
    ag_csv_options options = {.delimiter = '\t', .header = true, .no_quotes = true, .ragged = AG_CSV_PAD};
    AG_EXPECT_OK(ag_csv_open_file(path, &options, &csv, &err));
    while (ag_csv_next(csv, &cells, &count, &err) == 1) {
        for (size_t i = 0; i < summary->count; i++) {
            const ag_prepared *hole = &summary->holes[i];
            if (!ag_str_is(cells[0], hole->path)) continue;
            assert_true(ag_str_is(cells[1], hole->sha256));
            if (strcmp(hole->reader, "setitec") != 0) continue;
            int64_t rows;
            char version[40], steps[200] = "";
            snprintf(version, sizeof(version), "%s/%s", hole->format_version, hole->firmware + 2);
            assert_true(ag_str_is(cells[3], version));
            assert_true(ag_str_to_int(cells[4], &rows) && rows == hole->rows);
            ag_str numbers = ag_str_of(hole->steps), codes = ag_str_of(hole->stop_codes), number, code, cell = cells[5];
            ag_str part;
            while (ag_str_next(&cell, '|', &part)) { /* step:rows:code */
                assert_true(ag_str_next(&numbers, '|', &number) && ag_str_next(&codes, '|', &code));
                snprintf(steps, sizeof(steps), "%.*s:", AG_STR_ARG(number));
                assert_true(ag_str_starts(part, ag_str_of(steps)));
                snprintf(steps, sizeof(steps), ":%.*s", AG_STR_ARG(code));
                assert_true(ag_str_ends(part, ag_str_of(steps)));
            }
            compared++;
        }
    }
    ag_csv_free(csv);
    assert_int_equal(compared, 123);
}

AG_TEST(test_setitec_files__verdicts_and_reasons_are_those_of_the_specification)
{
    const char *root = unpack_shared();
    char output[600];
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_prepare_summary summary;
    snprintf(output, sizeof(output), "%s/prepared", ag_test_dir());
    ag_prepare_options options = {.input_dir = root, .output_dir = output, .validate = true, .jobs = 2};
    AG_EXPECT_OK(ag_prepare(&options, arena, &summary, &err));
    size_t files = 0, failed = 0, air = 0, pecking = 0, single = 0, weak = 0, seized = 0;
    for (size_t i = 0; i < summary.count; i++) {
        const ag_prepared *hole = &summary.holes[i];
        if (strcmp(hole->reader, "setitec") != 0) continue;
        if (strcmp(hole->failed_rules, rules_of(hole->path)) != 0)
            fail_msg("%s breaks %s (%s)", hole->path, hole->failed_rules, hole->reason);
        files++;
        failed += !hole->valid;
        air += strstr(hole->class_name, "air") != NULL;
        pecking += strstr(hole->class_name, "micro-peck") != NULL;
        single += strstr(hole->class_name, "single-step") != NULL;
        weak += strstr(hole->class_name, "weak") != NULL;
        seized += strstr(hole->class_name, "seized") != NULL;
    }
    assert_int_equal(files, 123);
    assert_int_equal(failed, 14);
    assert_int_equal(air, 3);
    assert_int_equal(pecking, 17);
    assert_int_equal(single, 14);
    assert_int_equal(weak, 1);
    assert_int_equal(seized, 5);
    assert_int_equal(summary.duplicates, 2);
    compare_manifest(root, &summary);
    ag_arena_free(arena);
}
