// SPDX-License-Identifier: Apache-2.0
/* Versions of data sets divided: holes by tool lives and twins, tables and files. */
#include "data/dataset/split_data.h"

#include "data/dataset/with_world.h"

AG_TEST(test_dataset__splits_know_tool_lives_and_twins)
{
    world w;
    ag_err err = {0};
    ag_buf table;
    ag_reader *source = NULL;
    static const char *const keys[] = {"machine", "tool", "program"};
    open_world(&w, "split");
    put_holes(&w);
    put_hole(&w, "twin.xls", &(sample){.version = 4, .edit = edit_3, .header = {[AG_HEADER_MOTOR_SERIAL] = "171"}});
    ag_dataset_version version = add(&w, NULL);
    ag_dataset_split_options options = {
        .folds = 3, .group = keys, .group_count = 3, .seed = 4, .include = AG_SPLIT_ALL};
    ag_dataset_split_made made = split(&w, &version, &options), again = split(&w, &version, &options);
    assert_string_equal(made.record.digest, again.record.digest);
    assert_string_equal(made.record.name, "folds3-machine-tool-program-s4");
    assert_int_equal(made.rows, 6);
    AG_EXPECT_OK(ag_dataset_split_open(&w.place, &version, made.record.name, &source, &err));
    ag_buf_init(&table, 1 << 20);
    AG_EXPECT_OK(ag_read_all(source, &table, &err));
    ag_reader_close(source);
    /* h0 and h1 have one tool, h2 the next; v4 and twin are equal. */
    assert_true(strncmp(table.data, "hole,sha256,group,part\n", 23) == 0);
    assert_int_equal(made.split->group[0], made.split->group[1]);
    assert_int_not_equal(made.split->group[1], made.split->group[2]);
    assert_int_equal(made.split->group[4], made.split->group[5]);
    ag_buf_deinit(&table);
    AG_EXPECT_ERROR(ag_dataset_split_open(&w.place, &version, "none", &source, &err), AG_ENOTFOUND, "no split");
    options.name = "mine";
    split(&w, &version, &options);
    options.seed = 5;
    options.include = AG_SPLIT_VALID;
    AG_EXPECT_ERROR(ag_dataset_split_version(&w.place, &version, &options, w.arena, &made, &err), AG_ECONFLICT,
                    "another split");
    static const char *const unknown[] = {"machin"};
    options.group = unknown;
    options.group_count = 1;
    AG_EXPECT_ERROR(ag_dataset_split_version(&w.place, &version, &options, w.arena, &made, &err), AG_EINVAL, "no key");
    assert_non_null(strstr(err.hint, "machine"));
    close_world(&w);
}

AG_TEST(test_dataset__tables_and_files_are_split_too)
{
    world w;
    ag_err err = {0};
    ag_dataset_split_made made;
    static const char *const customer[] = {"customer"}, *const folder[] = {"folder"}, *const none[] = {"colour"};
    open_world(&w, "split-table");
    put_text(&w, "t.csv", "customer,kind\n1,a\n1,b\n2,a\n2,b\n3,a\n3,b\n4,a\n4,b\n");
    ag_dataset_version version = add(&w, NULL);
    ag_dataset_split_options options = {
        .test = 0.25, .validation = 0.25, .group = customer, .group_count = 1, .stratify = "kind"};
    made = split(&w, &version, &options);
    assert_int_equal(made.split->parts, 3);
    assert_int_equal(made.split->rows[0], 4);
    assert_int_equal(made.split->rows[2], 2);
    assert_true(made.split->stratum_error < 1e-9);
    options.group = none;
    AG_EXPECT_ERROR(ag_dataset_split_version(&w.place, &version, &options, w.arena, &made, &err), AG_EINVAL,
                    "no column 'colour'");
    options.group = customer;
    options.folds = 2;
    AG_EXPECT_ERROR(ag_dataset_split_version(&w.place, &version, &options, w.arena, &made, &err), AG_EINVAL, "folds");
    options = (ag_dataset_split_options){.test = 1};
    AG_EXPECT_ERROR(ag_dataset_split_version(&w.place, &version, &options, w.arena, &made, &err), AG_EINVAL, "below 1");
    options = (ag_dataset_split_options){.folds = 0};
    AG_EXPECT_ERROR(ag_dataset_split_version(&w.place, &version, &options, w.arena, &made, &err), AG_EINVAL,
                    "into what");
    close_world(&w);
    open_world(&w, "split-files");
    put_text(&w, "a/1", "1");
    put_text(&w, "a/2", "2");
    put_text(&w, "b/1", "3");
    put_text(&w, "c/1", "1");
    version = add(&w, NULL);
    options = (ag_dataset_split_options){.folds = 2, .group = folder, .group_count = 1};
    made = split(&w, &version, &options);
    assert_int_equal(made.split->group[0], made.split->group[3]); /* c/1 has the bytes of a/1 */
    close_world(&w);
}
