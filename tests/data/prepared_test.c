// SPDX-License-Identifier: Apache-2.0
#include "data/prepared.h"

#include <string.h>
#include <unistd.h>

#include "core/base/fault.h"
#include "core/io/file.h"
#include "frame/test.h"

/* The hint of loading `dir`. */
static void expect_hint(ag_arena *arena, const char *dir, bool made, const char *hint)
{
    ag_err err = {0};
    ag_prepared_set set;
    if (made) AG_EXPECT_OK(ag_dir_make(dir, &err));
    AG_EXPECT_ERROR(ag_prepared_load(dir, arena, &set, &err), AG_ENOTFOUND,
                    made ? "no holes.csv" : "no such directory");
    assert_string_equal(err.hint, hint);
}

AG_TEST(test_prepared__what_is_missing_is_told_with_a_command_that_works)
{
    ag_arena *arena = ag_arena_new(0);
    char name[201];
    assert_int_equal(chdir(ag_test_dir()), 0);
#define COMMAND(input, output)                                                                                         \
    "auger prepare --input-dir " input " --output-dir " output " --validate --auto-label makes one"
    expect_hint(arena, "files", true, COMMAND("files", "files-prepared") " there");
    expect_hint(arena, "files//", true, COMMAND("files//", "files-prepared") " there");
    expect_hint(arena, ".", true, COMMAND(".", "./prepared") " there");
    expect_hint(arena, "files/..", true, COMMAND("files/..", "files/../prepared") " there");
    expect_hint(arena, "-it's $x", true, COMMAND("./'-it'\\''s $x'", "./'-it'\\''s $x-prepared'") " there");
    expect_hint(arena, "absent", false, COMMAND("FILES", "absent"));
    expect_hint(arena, "~", false, COMMAND("FILES", "'~'"));
    memset(name, 'x', 200);
    name[200] = '\0';
    expect_hint(arena, name, true, COMMAND("FILES", "PREPARED"));
#undef COMMAND
    assert_int_equal(chdir("/"), 0);
    ag_arena_free(arena);
}

AG_TEST(test_prepared__a_file_is_no_folder)
{
    ag_err err = {0};
    char path[600];
    ag_prepared_set set;
    ag_arena *arena = ag_arena_new(0);
    ag_format(path, sizeof path, "%s/plant.csv", ag_test_dir());
    AG_EXPECT_OK(ag_file_replace(path, "when,load\n", 10, &err));
    AG_EXPECT_ERROR(ag_prepared_load(path, arena, &set, &err), AG_EINVAL, "is a file, and a prepared dataset is a");
    assert_non_null(strstr(err.hint, "strategy: forecast"));
    ag_arena_free(arena);
}

AG_TEST(test_prepared__without_memory_there_is_at_least_the_sentence)
{
    const char *dir = ag_test_dir();
    for (uint64_t n = 1; ag_fault_available(); n++) {
        ag_err err = {0};
        ag_prepared_set set;
        ag_arena *arena = ag_arena_new(0);
        ag_fault_arm(n, AG_FAULT_ALLOC);
        int rc = ag_prepared_load(dir, arena, &set, &err);
        bool fired = ag_fault_fired();
        ag_fault_arm(0, 0);
        ag_arena_free(arena);
        assert_true(rc == AG_ENOTFOUND || rc == AG_ENOMEM);
        assert_true(*err.text);
        if (!fired) break;
    }
}
