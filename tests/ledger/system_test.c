// SPDX-License-Identifier: Apache-2.0
/* What a run is told about where it ran: git read from files, secrets hidden. */
#include "ledger/system.h"

#include <stdio.h>
#include <string.h>

#include "core/io/file.h"
#include "frame/test.h"

static const char *root; /* of the test under way */

static ag_str tag_of(ag_pairs tags, const char *key)
{
    for (size_t i = 0; i < tags.count; i++) {
        if (ag_str_is(tags.items[i].key, key)) return tags.items[i].value;
    }
    return AG_STR("(none)");
}

static void put(ag_arena *arena, const char *path, const char *text)
{
    ag_err err = {0};
    const char *whole = ag_arena_printf(arena, "%s/%s", root, path);
    char *directory = ag_arena_strdup(arena, whole);
    *strrchr(directory, '/') = '\0';
    AG_EXPECT_OK(ag_dir_make(directory, &err));
    AG_EXPECT_OK(ag_file_replace(whole, text, strlen(text), &err));
}

#define COMMIT "0123456789abcdef0123456789abcdef01234567"

static ag_pairs tags_at(ag_arena *arena, const char *directory)
{
    ag_err err = {0};
    ag_pairs tags = {0};
    ag_system_options options = {.directory = ag_arena_printf(arena, "%s/%s", root, directory)};
    AG_EXPECT_OK(ag_system_tags(&options, arena, &tags, &err));
    return tags;
}

AG_TEST(test_system__git_is_read_from_its_files)
{
    root = ag_test_dir();
    ag_arena *arena = ag_arena_new(0);
    put(arena, "repo/.git/HEAD", "ref: refs/heads/main\n");
    put(arena, "repo/.git/refs/heads/main", COMMIT "\n");
    put(arena, "repo/.git/config",
        "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = https://u:pw@h.example/x.git\n");
    put(arena, "repo/deep/er/file", "");
    ag_pairs tags = tags_at(arena, "repo/deep/er");
    assert_true(ag_str_is(tag_of(tags, "mlflow.source.git.commit"), COMMIT));
    assert_true(ag_str_is(tag_of(tags, "mlflow.source.git.branch"), "main"));
    assert_true(ag_str_is(tag_of(tags, "mlflow.source.git.repoURL"), "https://***@h.example/x.git"));
    put(arena, "packed/.git/HEAD", "ref: refs/heads/a/b\n");
    put(arena, "packed/.git/packed-refs", "# pack-refs with: peeled\n" COMMIT " refs/heads/a/b\n^x\n");
    assert_true(ag_str_is(tag_of(tags_at(arena, "packed"), "mlflow.source.git.commit"), COMMIT));
    put(arena, "loose/.git/HEAD", COMMIT "\n");
    assert_true(ag_str_is(tag_of(tags_at(arena, "loose"), "mlflow.source.git.commit"), COMMIT));
    assert_true(ag_str_is(tag_of(tags_at(arena, "loose"), "mlflow.source.git.branch"), "(none)"));
    put(arena, "tree/.git", "gitdir: ../repo/.git/worktrees/tree\n");
    put(arena, "repo/.git/worktrees/tree/HEAD", "ref: refs/heads/main\n");
    put(arena, "repo/.git/worktrees/tree/commondir", "../..\n");
    assert_true(ag_str_is(tag_of(tags_at(arena, "tree"), "mlflow.source.git.commit"), COMMIT));
    ag_arena_free(arena);
}

AG_TEST(test_system__a_broken_repository_says_nothing)
{
    root = ag_test_dir();
    ag_arena *arena = ag_arena_new(0);
    put(arena, "out/.git/HEAD", "ref: ../../../etc/passwd\n");
    put(arena, "odd/.git/HEAD", "not a commit\n");
    put(arena, "void/.git", "gitdir: /nowhere/at/all\n");
    put(arena, "rest/.git", "something else");
    static const char *const places[] = {"out", "odd", "void", "rest", "not-there"};
    for (size_t i = 0; i < 5; i++) {
        assert_true(ag_str_is(tag_of(tags_at(arena, places[i]), "mlflow.source.git.commit"), "(none)"));
    }
    ag_arena_free(arena);
}

AG_TEST(test_system__secrets_of_a_command_line_are_hidden)
{
    static const char *const argv[] = {"auger",      "train",   "--db",          "postgresql://ada:pw@h/db",
                                       "--password", "hunter2", "--token=x",     "API_KEY=y",
                                       "--config",   "a.yaml",  "s3://a@b@c/d@e"};
    ag_err err = {0};
    ag_pairs tags;
    ag_arena *arena = ag_arena_new(0);
    ag_system_options options = {.argc = 11, .argv = argv, .directory = "/", .entry = "train"};
    AG_EXPECT_OK(ag_system_tags(&options, arena, &tags, &err));
    ag_str command = tag_of(tags, "auger.command");
    if (!ag_str_is(command, "auger train --db postgresql://***@h/db --password *** --token=*** API_KEY=*** --config "
                            "a.yaml s3://***@c/d@e")) {
        fail_msg("%.*s", AG_STR_ARG(command));
    }
    assert_true(ag_str_is(tag_of(tags, "mlflow.source.name"), "train"));
    assert_false(ag_str_is(tag_of(tags, "auger.host"), "(none)"));
    ag_arena_free(arena);
}

static int read_tags(void *context, ag_err *err)
{
    ag_pairs tags;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    ag_system_options options = {.directory = context};
    int rc = ag_system_tags(&options, arena, &tags, err);
    ag_arena_free(arena);
    return rc;
}

AG_TEST(test_system__every_failure_is_clean)
{
    root = ag_test_dir();
    ag_arena *arena = ag_arena_new(0);
    put(arena, "repo/.git/HEAD", COMMIT "\n");
    char *place = ag_arena_printf(arena, "%s/repo", root);
    ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, read_tags, NULL, place);
    ag_arena_free(arena);
}
