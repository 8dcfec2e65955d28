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
