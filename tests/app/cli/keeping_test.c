// SPDX-License-Identifier: Apache-2.0
/* auger backup, restore and doctor --ledger. */
#include "app/cli/calls.h"

#include "core/io/file.h"

static void spoil(const char *path, size_t at)
{
    ag_err err = {0};
    ag_buf content;
    ag_buf_init(&content, 64 << 20);
    AG_EXPECT_OK(ag_file_read(path, 64 << 20, &content, &err));
    content.data[at] ^= 1;
    AG_EXPECT_OK(ag_file_replace(path, content.data, content.size, &err));
    ag_buf_deinit(&content);
}

AG_TEST(test_backup__and_restore_by_command)
{
    char target[700], other[700];
    begin();
    ag_format(target, sizeof(target), "%s-backup", home);
    ag_format(other, sizeof(other), "%s-other", home);
    assert_int_equal(AUGER("backup", target), 1);
    expect_remark("there is no ledger");
    assert_int_equal(AUGER("experiments", "create", "drill"), 0);
    assert_int_equal(AUGER("backup", target), 0);
    expect_printed(target);
    assert_int_equal(AUGER("backup", target), 1);
    expect_remark("there already");
    assert_int_equal(AUGER("restore", "--check", target), 0);
    expect_printed("is whole");
    assert_int_equal(AUGER("restore", target), 1);
    expect_remark("there is a ledger in");
    ag_format(home, sizeof(home), "%s", other);
    assert_int_equal(AUGER("restore", target, "--json"), 0);
    assert_int_equal(AUGER("experiments", "list", "--csv"), 0);
    expect_printed("drill");
    end();
}

static void put_input(const char *name, const char *text)
{
    ag_err err = {0};
    char path[900];
    ag_format(path, sizeof(path), "%s-in", home);
    AG_EXPECT_OK(ag_dir_make(path, &err));
    ag_format(path, sizeof(path), "%s-in/%s", home, name);
    AG_EXPECT_OK(ag_file_replace(path, text, strlen(text), &err));
}

static void expect_file(const char *directory, const char *name, const char *text)
{
    ag_err err = {0};
    char path[1000];
    ag_buf content;
    ag_buf_init(&content, 1 << 20);
    ag_format(path, sizeof(path), "%s/%s", directory, name);
    AG_EXPECT_OK(ag_file_read(path, 1 << 20, &content, &err));
    assert_string_equal(ag_buf_str(&content).data, text);
    ag_buf_deinit(&content);
}

/* Two versions of a data set in the home. */
static void add_data(void)
{
    char input[700];
    ag_format(input, sizeof(input), "%s-in", home);
    put_input("a.txt", "first");
    put_input("b.csv", "x,y\n1,2\n");
    assert_int_equal(AUGER("data", "add", "drilling", input), 0);
    put_input("a.txt", "second");
    assert_int_equal(AUGER("data", "add", "drilling", input), 0);
}

AG_TEST(test_backup__takes_the_bytes_of_data_sets_along)
{
    char target[700], other[700], place[800];
    begin();
    add_data();
    ag_format(target, sizeof(target), "%s-backup", home);
    ag_format(other, sizeof(other), "%s-other", home);
    assert_int_equal(AUGER("backup", target, "--json"), 0);
    expect_printed("\"data\":{\"versions\":2,\"objects\":5,");
    expect_printed("\"damaged\":0,\"versions_elsewhere\":0}");
    ag_format(home, sizeof(home), "%s", other);
    assert_int_equal(AUGER("restore", target), 0);
    expect_remark("5 objects");
    assert_int_equal(AUGER("data", "verify"), 0);
    expect_printed("2 versions");
    assert_int_equal(AUGER("doctor", "--ledger"), 0);
    ag_format(place, sizeof(place), "%s-v1", home);
    assert_int_equal(AUGER("data", "checkout", "drilling@v1", place), 0);
    expect_file(place, "a.txt", "first");
    expect_file(place, "b.csv", "x,y\n1,2\n");
    ag_format(place, sizeof(place), "%s-v2", home);
    assert_int_equal(AUGER("data", "checkout", "drilling@v2", place), 0);
    expect_file(place, "a.txt", "second");
    end();
}

AG_TEST(test_backup__names_data_that_it_cannot_take)
{
    ag_err err = {0};
    char target[700], other[700], path[800];
    ag_vec packs;
    begin();
    add_data();
    ag_format(target, sizeof(target), "%s-backup", home);
    assert_int_equal(AUGER("backup", target, "--blobs", "s3://bucket/auger"), 0);
    expect_remark("2 versions of data sets are not copied: they lie in 's3://bucket/auger'");
    ag_format(other, sizeof(other), "%s-other", home);
    ag_format(path, sizeof(path), "%s/blobs/packs", home);
    ag_format(home, sizeof(home), "%s", other); /* as of a backup from before there were bytes in it */
    assert_int_equal(AUGER("restore", target), 0);
    expect_remark("2 versions of data sets are not in this backup");
    assert_int_equal(AUGER("data", "verify"), 1);
    home[strlen(home) - strlen("-other")] = '\0';

    ag_vec_init(&packs, sizeof(const char *));
    AG_EXPECT_OK(ag_dir_list(path, arena, &packs, &err));
    assert_true(packs.count >= 1);
    const char *name = *(const char *const *)ag_vec_at(&packs, 0);
    ag_format(path, sizeof(path), "%s/blobs/packs/%s", home, name);
    spoil(path, 20);
    ag_vec_deinit(&packs);
    ag_format(target, sizeof(target), "%s-damaged", home);
    assert_int_equal(AUGER("backup", target), 1);
    expect_remark("damaged and left out: drilling@v");
    assert_int_equal(AUGER("restore", "--check", target), 0);
    ag_format(path, sizeof(path), "%s/blobs", home);
    AG_EXPECT_OK(ag_dir_remove(path, &err));
    ag_format(target, sizeof(target), "%s-gone", home);
    assert_int_equal(AUGER("backup", target), 0);
    expect_remark("name it with --blobs");
    end();
}

AG_TEST(test_doctor__looks_through_the_ledger)
{
    char path[700];
    begin();
    assert_int_equal(AUGER("doctor", "--ledger"), 1);
    assert_int_equal(AUGER("experiments", "create", "drill"), 0);
    assert_int_equal(AUGER("doctor", "--ledger", "--artifacts"), 0);
    expect_printed("0 findings");
    assert_int_equal(AUGER("doctor", "--ledger", "--json"), 0);
    expect_printed("{\"ledger\":{\"findings\":0,\"audit_entries\":1");
    ag_format(path, sizeof(path), "%s/auger.db", home);
    spoil(path, 4096 * 10 + 4000);
    assert_int_equal(AUGER("doctor", "--ledger"), 1);
    expect_printed("page 11 of");
    expect_remark("auger restore");
    ag_format(path, sizeof(path), "%s-backup", home);
    assert_int_equal(AUGER("backup", path), 1); /* what is damaged is not kept as if it were good */
    expect_remark("page 11 of");
    end();
}

AG_TEST(test_gc__removes_what_was_deleted)
{
    begin();
    assert_int_equal(AUGER("experiments", "create", "drill"), 0);
    assert_int_equal(AUGER("experiments", "delete", "drill"), 0);
    assert_int_equal(AUGER("gc", "--older-than", "1d"), 0);
    expect_remark("0 experiments");
    assert_int_equal(AUGER("gc", "--older-than", "0", "--dry-run"), 0);
    expect_printed("experiment");
    assert_int_equal(AUGER("experiments", "list", "--view", "deleted", "--csv"), 0);
    expect_printed("drill");
    assert_int_equal(AUGER("gc", "--older-than", "0", "--json"), 0);
    expect_printed("\"kind\":\"experiment\",\"id\":\"1\"");
    assert_int_equal(AUGER("experiments", "list", "--view", "all", "--csv"), 0);
    assert_false(printed("drill"));
    end();
}
