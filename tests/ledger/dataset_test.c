// SPDX-License-Identifier: Apache-2.0
/* Versions of data sets in the ledger: numbers, names for versions, tags, splits, lineage; the same on both databases.
 */
#include "ledger/dataset.h"

#include "ledger/both.h"
#include "ledger/lineage.h"

static const char *digest_of(ag_arena *arena, char c)
{
    char *text = ag_arena_alloc(arena, 65);
    memset(text, c, 64);
    return text;
}

static ag_dataset_version add(ag_ledger *ledger, ag_arena *arena, const char *name, char digest, const char *tag,
                              int wanted)
{
    ag_err err = {0};
    ag_dataset_version version = {0};
    ag_dataset_new added = {.name = ag_str_of(name),
                            .digest = digest_of(arena, digest),
                            .source = "holes",
                            .message = "a message",
                            .author = "ada",
                            .tag = tag,
                            .files = 3,
                            .bytes = 4,
                            .holes = 2,
                            .labelled = 1,
                            .rows = 9};
    int rc = ag_dataset_add(ledger, NULL, &added, arena, &version, &err);
    AG_EXPECT_OK(rc);
    assert_int_equal(rc, wanted);
    return version;
}

static int64_t find(ag_ledger *ledger, ag_arena *arena, const char *reference)
{
    ag_err err = {0};
    ag_dataset_version version;
    AG_EXPECT_OK(ag_dataset_find(ledger, ag_str_of(reference), arena, &version, &err));
    return version.number;
}

ON_BOTH(dataset__versions_are_numbered_and_found)
{
    ag_err err = {0};
    ag_dataset_version version = add(ledger, arena, "drilling", 'a', "clean", 1);
    assert_int_equal(version.number, 1);
    assert_int_equal(version.parent, 0);
    assert_string_equal(version.source, "holes");
    assert_string_equal(version.author, "ada");
    assert_int_equal(version.tag_count, 1);
    assert_string_equal(version.tags[0], "clean");
    version = add(ledger, arena, "drilling", 'b', NULL, 1);
    assert_int_equal(version.number, 2);
    assert_int_equal(version.parent, 1);
    version = add(ledger, arena, "drilling", 'a', NULL, 0);
    assert_int_equal(version.number, 1);
    assert_int_equal(add(ledger, arena, "drilling", 'c', NULL, 1).number, 3);
    assert_int_equal(add(ledger, arena, "other", 'c', NULL, 1).number, 1);
    assert_int_equal(find(ledger, arena, "drilling"), 3);
    assert_int_equal(find(ledger, arena, "drilling@latest"), 3);
    assert_int_equal(find(ledger, arena, "drilling@v2"), 2);
    assert_int_equal(find(ledger, arena, "drilling@1"), 1);
    assert_int_equal(find(ledger, arena, "drilling@clean"), 1);
    assert_int_equal(find(ledger, arena, "drilling@bbbbbb"), 2);
    static const char *const wrong[] = {"drilling@v4", "drilling@nobody", "drilling@dddddd", "none"};
    for (size_t i = 0; i < 4; i++)
        AG_EXPECT_ERROR(ag_dataset_find(ledger, ag_str_of(wrong[i]), arena, &version, &err), AG_ENOTFOUND,
                        "there is no");
    static const char *const malformed[] = {"", "@v1", "drilling@", "a b", "drilling@v1@v2", "../x", "drilling@'"};
    for (size_t i = 0; i < 7; i++)
        AG_EXPECT_ERROR(ag_dataset_find(ledger, ag_str_of(malformed[i]), arena, &version, &err), AG_EINVAL, "");
    ag_dataset_versions all;
    AG_EXPECT_OK(ag_dataset_list(ledger, AG_STR(""), arena, &all, &err));
    assert_int_equal(all.count, 4);
    assert_string_equal(all.items[3].name, "other");
    assert_int_equal(all.items[2].number, 3);
    assert_int_equal(all.items[0].tag_count, 1);
    AG_EXPECT_OK(ag_dataset_list(ledger, AG_STR("other"), arena, &all, &err));
    assert_int_equal(all.count, 1);
}

ON_BOTH(dataset__prefix_must_fit_one)
{
    ag_err err = {0};
    ag_dataset_version version;
    ag_dataset_new added = {.name = AG_STR("d")};
    char digest[65];
    for (int i = 0; i < 2; i++) {
        memset(digest, 'e', 64);
        digest[63] = (char)('0' + i);
        digest[64] = '\0';
        added.digest = digest;
        AG_EXPECT_OK(ag_dataset_add(ledger, NULL, &added, arena, &version, &err));
    }
    AG_EXPECT_ERROR(ag_dataset_find(ledger, AG_STR("d@eeeeeee"), arena, &version, &err), AG_EINVAL, "several");
    AG_EXPECT_OK(ag_dataset_find(ledger, ag_str_of(ag_arena_printf(arena, "d@%s", digest)), arena, &version, &err));
    assert_int_equal(version.number, 2);
}

ON_BOTH(dataset__tags_move_only_when_told)
{
    ag_err err = {0};
    ag_dataset_version one = add(ledger, arena, "d", 'a', "gold", 1), two = add(ledger, arena, "d", 'b', NULL, 1);
    AG_EXPECT_ERROR(ag_dataset_tag(ledger, NULL, &two, AG_STR("gold"), false, &err), AG_ECONFLICT, "another version");
    AG_EXPECT_OK(ag_dataset_tag(ledger, NULL, &one, AG_STR("gold"), false, &err));
    AG_EXPECT_OK(ag_dataset_tag(ledger, NULL, &two, AG_STR("gold"), true, &err));
    assert_int_equal(find(ledger, arena, "d@gold"), 2);
    AG_EXPECT_OK(ag_dataset_untag(ledger, NULL, AG_STR("d"), AG_STR("gold"), &err));
    AG_EXPECT_ERROR(ag_dataset_untag(ledger, NULL, AG_STR("d"), AG_STR("gold"), &err), AG_ENOTFOUND, "no tag");
    static const char *const bad[] = {"v3", "3", "latest", "abcdef", "", "a b", "-x", "a@b"};
    for (size_t i = 0; i < 8; i++)
        AG_EXPECT_ERROR(ag_dataset_tag(ledger, NULL, &one, ag_str_of(bad[i]), true, &err), AG_EINVAL, "");
}

ON_BOTH(dataset__splits_never_change)
{
    ag_err err = {0};
    const ag_dataset_split *all = NULL;
    size_t count;
    ag_dataset_version version = add(ledger, arena, "d", 'a', NULL, 1);
    ag_dataset_split split = {.name = "folds24", .digest = digest_of(arena, '1'), .options = "{}", .report = "{}"};
    AG_EXPECT_OK(ag_dataset_split_add(ledger, NULL, &version, &split, &err));
    AG_EXPECT_OK(ag_dataset_split_add(ledger, NULL, &version, &split, &err));
    split.digest = digest_of(arena, '2');
    AG_EXPECT_ERROR(ag_dataset_split_add(ledger, NULL, &version, &split, &err), AG_ECONFLICT, "another split");
    split.name = "second";
    AG_EXPECT_OK(ag_dataset_split_add(ledger, NULL, &version, &split, &err));
    AG_EXPECT_OK(ag_dataset_splits(ledger, &version, AG_STR(""), arena, &all, &count, &err));
    assert_int_equal(count, 2);
    assert_string_equal(all[0].name, "folds24");
    AG_EXPECT_OK(ag_dataset_splits(ledger, &version, AG_STR("second"), arena, &all, &count, &err));
    assert_int_equal(count, 1);
    assert_string_equal(all[0].digest, digest_of(arena, '2'));
}

ON_BOTH(dataset__lineage_goes_from_version_to_run)
{
    ag_err err = {0};
    ag_run_input input;
    ag_lineage graph;
    ag_dataset_version one = add(ledger, arena, "d", 'a', NULL, 1), two = add(ledger, arena, "d", 'b', NULL, 1);
    ag_run run = new_run(ledger, arena, new_experiment(ledger, arena, "e"));
    AG_EXPECT_OK(ag_dataset_input(&two, arena, &input, &err));
    assert_string_equal(input.source, "auger:d@v2");
    AG_EXPECT_OK(ag_run_log_inputs(ledger, ag_str_of(run.id), &input, 1, NULL, 0, &err));
    const char *id = ag_arena_printf(arena, "d@%.32s", one.digest);
    AG_EXPECT_OK(ag_lineage_of(ledger, AG_LINEAGE_DATASET, ag_str_of(id), AG_LINEAGE_DOWN, 0, arena, &graph, &err));
    assert_int_equal(graph.node_count, 3);
    assert_string_equal(graph.nodes[2].id, run.id);
    assert_int_equal(graph.edge_count, 2);
    AG_EXPECT_OK(ag_lineage_of(ledger, AG_LINEAGE_RUN, ag_str_of(run.id), AG_LINEAGE_UP, 0, arena, &graph, &err));
    assert_int_equal(graph.node_count, 3);
}

ON_BOTH(dataset__refuses_bad_words)
{
    ag_err err = {0};
    ag_dataset_version version;
    ag_dataset_new added = {.name = AG_STR("no name"), .digest = digest_of(arena, 'a')};
    AG_EXPECT_ERROR(ag_dataset_add(ledger, NULL, &added, arena, &version, &err), AG_EINVAL, "no name for a data set");
    added.name = AG_STR("d");
    added.digest = "abc";
    AG_EXPECT_ERROR(ag_dataset_add(ledger, NULL, &added, arena, &version, &err), AG_EINVAL, "64 hex");
    added.digest = digest_of(arena, 'a');
    added.message = "\xff";
    AG_EXPECT_ERROR(ag_dataset_add(ledger, NULL, &added, arena, &version, &err), AG_EINVAL, "UTF-8");
    added.message = "";
    added.tag = "v1";
    AG_EXPECT_ERROR(ag_dataset_add(ledger, NULL, &added, arena, &version, &err), AG_EINVAL, "taken for a version");
    assert_int_equal(ag_dataset_find(ledger, AG_STR("d"), arena, &version, &err), AG_ENOTFOUND);
}

typedef struct failing {
    ag_ledger *ledger;
    char digit;
} failing;

static int add_once(void *context, ag_err *err)
{
    const failing *f = context;
    ag_dataset_version version;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    ag_dataset_new added = {.name = AG_STR("d"), .digest = digest_of(arena, f->digit), .tag = "gold"};
    int rc = ag_dataset_add(f->ledger, NULL, &added, arena, &version, err);
    ag_arena_free(arena);
    return rc < 0 ? rc : AG_OK;
}

AG_TEST(test_dataset__whole_or_not_when_sql_fails)
{
    ag_err err = {0};
    ag_dataset_versions all;
    failing f = {open_with(NULL, NULL), 'a'};
    ag_arena *arena = ag_arena_new(0);
    ag_test_fail_at_n(AG_FAULT_SQL, add_once, NULL, &f);
    AG_EXPECT_OK(ag_dataset_list(f.ledger, AG_STR(""), arena, &all, &err));
    assert_int_equal(all.count, 1);
    assert_int_equal(all.items[0].tag_count, 1);
    ag_arena_free(arena);
    ag_ledger_close(f.ledger);
}
