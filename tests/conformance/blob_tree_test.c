// SPDX-License-Identifier: Apache-2.0
/* The artifact tree: one suite on every backend. */
#include "conformance/places.h"
#include "core/blob/blob.h"
#include "core/blob/tree.h"

static ag_tree *open_tree(place where, char address[4600])
{
    ag_err err = {0};
    ag_tree *tree = NULL;
    make_address(where, address);
    AG_EXPECT_OK(ag_tree_open(address, NULL, &tree, &err));
    return tree;
}

static void put_text(ag_tree *tree, const char *path, const void *bytes, size_t size)
{
    ag_err err = {0};
    ag_reader *reader = NULL;
    uint64_t count = 0;
    AG_EXPECT_OK(ag_reader_of_memory(bytes, size, &reader, &err));
    AG_EXPECT_OK(ag_tree_put(tree, path, reader, &count, &err));
    ag_reader_close(reader);
    assert_int_equal(count, size);
}

static void expect_file(ag_tree *tree, const char *path, const char *bytes, size_t whole, uint64_t offset,
                        uint64_t size)
{
    ag_err err = {0};
    ag_reader *reader = NULL;
    ag_buf out;
    uint64_t wanted = offset >= whole ? 0 : whole - offset < size ? whole - offset : size;
    ag_buf_init(&out, whole + 1);
    AG_EXPECT_OK(ag_tree_get(tree, path, offset, size, &reader, &err));
    AG_EXPECT_OK(ag_read_all(reader, &out, &err));
    ag_reader_close(reader);
    assert_int_equal(out.size, wanted);
    if (wanted) assert_memory_equal(out.data, bytes + offset, wanted);
    ag_buf_deinit(&out);
}

static void tree_files_come_back(place where)
{
    char address[4600];
    ag_err err = {0};
    ag_tree *tree = open_tree(where, address);
    ag_tree_entry entry;
    size_t large = (33 << 20) + 17; /* three parts, five windows */
    char *bytes = random_bytes(large, 11);
    put_text(tree, "model/weights.bin", bytes, large);
    put_text(tree, "model/empty", "", 0);
    put_text(tree, "a b+c%20&ü.txt", "odd", 3);
    expect_file(tree, "model/weights.bin", bytes, large, 0, UINT64_MAX);
    expect_file(tree, "model/weights.bin", bytes, large, 20 << 20, 1000);
    expect_file(tree, "model/weights.bin", bytes, large, large - 5, 100);
    expect_file(tree, "model/weights.bin", bytes, large, large + 5, 100);
    expect_file(tree, "model/empty", "", 0, 0, UINT64_MAX);
    expect_file(tree, "a b+c%20&ü.txt", "odd", 3, 0, UINT64_MAX);
    put_text(tree, "model/empty", "no more", 7);
    expect_file(tree, "model/empty", "no more", 7, 0, UINT64_MAX);
    AG_EXPECT_OK(ag_tree_stat(tree, "model/weights.bin", &entry, &err));
    assert_int_equal(entry.size, large);
    assert_false(entry.is_directory);
    assert_true(entry.modified > INT64_C(1600000000000000));
    AG_EXPECT_OK(ag_tree_stat(tree, "model", &entry, &err));
    assert_true(entry.is_directory);
    AG_EXPECT_ERROR(ag_tree_stat(tree, "nothing", &entry, &err), AG_ENOTFOUND, "nothing");
    ag_free(bytes);
    ag_tree_close(tree);
}
AG_TEST(test_tree_local__files_come_back)
{
    tree_files_come_back(LOCAL);
}
AG_TEST(test_tree_s3__files_come_back)
{
    tree_files_come_back(S3);
}

static void expect_names(ag_tree *tree, const char *path, const char *wanted_names)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_vec entries;
    char text[1000] = "";
    ag_vec_init(&entries, sizeof(ag_tree_entry));
    AG_EXPECT_OK(ag_tree_list(tree, path, arena, &entries, &err));
    for (size_t i = 0; i < entries.count; i++) {
        const ag_tree_entry *entry = ag_vec_at(&entries, i);
        size_t used = strlen(text);
        snprintf(text + used, sizeof(text) - used, "%s%s ", entry->name, entry->is_directory ? "/" : "");
    }
    assert_string_equal(text, wanted_names);
    ag_vec_deinit(&entries);
    ag_arena_free(arena);
}

static void tree_lists_and_removes(place where)
{
    char address[4600];
    ag_err err = {0};
    ag_tree *tree = open_tree(where, address);
    ag_vec entries;
    ag_arena *arena = ag_arena_new(0);
    ag_reader *reader = NULL;
    ag_vec_init(&entries, sizeof(ag_tree_entry));
    expect_names(tree, "", "");
    put_text(tree, "b.txt", "b", 1);
    put_text(tree, "a/one", "1", 1);
    put_text(tree, "a/two", "2", 1);
    put_text(tree, "a/deep/er/three", "3", 1);
    put_text(tree, "ab", "x", 1);
    expect_names(tree, "", "a/ ab b.txt ");
    expect_names(tree, "a", "deep/ one two ");
    expect_names(tree, "a/deep", "er/ ");
    AG_EXPECT_ERROR(ag_tree_list(tree, "zzz", arena, &entries, &err), AG_ENOTFOUND, "zzz");
    AG_EXPECT_ERROR(ag_tree_list(tree, "b.txt", arena, &entries, &err), AG_EINVAL, "b.txt");
    AG_EXPECT_OK(ag_tree_remove(tree, "a/one", &err));
    AG_EXPECT_ERROR(ag_tree_remove(tree, "a/one", &err), AG_ENOTFOUND, "one");
    AG_EXPECT_ERROR(ag_tree_get(tree, "a/one", 0, 1, &reader, &err), AG_ENOTFOUND, "one");
    AG_EXPECT_ERROR(ag_tree_remove(tree, "a", &err), AG_EINVAL, "'a'");
    AG_EXPECT_OK(ag_tree_remove_all(tree, "a", &err));
    AG_EXPECT_OK(ag_tree_remove_all(tree, "a", &err));
    expect_names(tree, "", "ab b.txt ");
    ag_vec_deinit(&entries);
    ag_arena_free(arena);
    ag_tree_close(tree);
}
AG_TEST(test_tree_local__lists_and_removes)
{
    tree_lists_and_removes(LOCAL);
}
AG_TEST(test_tree_s3__lists_and_removes)
{
    tree_lists_and_removes(S3);
}

static void tree_refuses_bad_paths(place where)
{
    static const char *const bad[] = {"/etc/passwd", "../up", "a/../b", "a//b", "a/",   ".",        "a\\b",
                                      "%2e%2e/x",    "a%2fb", "a%00",   "a\nb", "C:/x", "\xff\xfe", ""};
    char address[4600];
    ag_err err = {0};
    ag_tree *tree = open_tree(where, address);
    ag_reader *reader = NULL, *out = NULL;
    ag_tree_entry entry;
    AG_EXPECT_OK(ag_reader_of_memory("x", 1, &reader, &err));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        AG_EXPECT_ERROR(ag_tree_put(tree, bad[i], reader, NULL, &err), AG_EDENIED, "");
        AG_EXPECT_ERROR(ag_tree_get(tree, bad[i], 0, 1, &out, &err), AG_EDENIED, "");
        AG_EXPECT_ERROR(ag_tree_stat(tree, bad[i], &entry, &err), AG_EDENIED, "");
        AG_EXPECT_ERROR(ag_tree_remove(tree, bad[i], &err), AG_EDENIED, "");
        AG_EXPECT_ERROR(ag_tree_remove_all(tree, bad[i], &err), AG_EDENIED, "");
    }
    ag_reader_close(reader);
    ag_tree_close(tree);
}
AG_TEST(test_tree_local__paths_that_leave_are_refused)
{
    tree_refuses_bad_paths(LOCAL);
}
AG_TEST(test_tree_s3__paths_that_leave_are_refused)
{
    tree_refuses_bad_paths(S3);
}

/* A content that breaks in the middle leaves nothing. */
typedef struct broken {
    ag_reader base;
    size_t left;
} broken;

static ptrdiff_t read_broken(ag_reader *base, void *into, size_t size, ag_err *err)
{
    broken *self = (broken *)base;
    if (self->left == 0) return ag_fail(err, AG_EIO, "the source broke");
    if (size > self->left) size = self->left;
    memset(into, 'x', size);
    self->left -= size;
    return (ptrdiff_t)size;
}

static void broken_source(place where)
{
    static const size_t sizes[] = {10, 5 << 20, 40 << 20};
    char address[4600];
    ag_err err = {0};
    ag_tree *tree = open_tree(where, address);
    uint64_t leftovers = 9;
    put_text(tree, "kept", "old", 3);
    for (size_t i = 0; i < 3; i++) {
        broken source = {{read_broken, NULL}, sizes[i]};
        AG_EXPECT_ERROR(ag_tree_put(tree, "kept", &source.base, NULL, &err), AG_EIO, "the source broke");
        source.left = sizes[i];
        AG_EXPECT_ERROR(ag_tree_put(tree, "new", &source.base, NULL, &err), AG_EIO, "the source broke");
    }
    expect_file(tree, "kept", "old", 3, 0, UINT64_MAX);
    expect_names(tree, "", "kept ");
    AG_EXPECT_OK(ag_tree_sweep(tree, INT64_C(-5000000), &leftovers, &err));
    assert_int_equal(leftovers, 0);
    ag_tree_close(tree);
    ag_blob *store = NULL;
    ag_blob_usage usage;
    ag_blob_ref ref;
    make_address(where, address);
    AG_EXPECT_OK(ag_blob_open(address, NULL, &store, &err));
    for (size_t i = 0; i < 2; i++) {
        broken source = {{read_broken, NULL}, sizes[i]};
        AG_EXPECT_ERROR(ag_blob_put(store, &source.base, &ref, &err), AG_EIO, "the source broke");
    }
    AG_EXPECT_OK(ag_blob_measure(store, &usage, &err));
    assert_int_equal(usage.objects, 0);
    ag_blob_close(store);
}
AG_TEST(test_tree_local__a_broken_source_leaves_nothing)
{
    broken_source(LOCAL);
}
AG_TEST(test_tree_s3__a_broken_source_leaves_nothing)
{
    broken_source(S3);
}

AG_TEST(test_s3__a_wrong_secret_is_refused_with_a_hint)
{
    char address[4600];
    ag_err err = {0};
    ag_tree *tree = NULL;
    ag_tree_entry entry;
    make_address(S3, address);
    setenv("AWS_SECRET_ACCESS_KEY", "wrong", 1);
    AG_EXPECT_OK(ag_tree_open(address, NULL, &tree, &err));
    ag_arena *arena = ag_arena_new(0);
    ag_vec entries;
    ag_vec_init(&entries, sizeof(entry));
    AG_EXPECT_ERROR(ag_tree_list(tree, "x", arena, &entries, &err), AG_EDENIED, "SignatureDoesNotMatch");
    assert_non_null(strstr(err.hint, "secret"));
    ag_tree_close(tree);
    setenv("AWS_SECRET_ACCESS_KEY", s3_server.secret, 1);
    char other[200];
    snprintf(other, sizeof(other), "s3://no-such-bucket?endpoint=http://127.0.0.1:%d", s3_server.port);
    AG_EXPECT_OK(ag_tree_open(other, NULL, &tree, &err));
    assert_true(ag_tree_list(tree, "", arena, &entries, &err) < 0);
    assert_non_null(strstr(err.text, "no-such-bucket"));
    ag_tree_close(tree);
    ag_vec_deinit(&entries);
    ag_arena_free(arena);
}

typedef struct carried {
    ag_tree *tree;
    const char *bytes;
    size_t size;
} carried;

static int there_and_back(void *context, ag_err *err)
{
    const carried *c = context;
    ag_reader *reader = NULL, *back = NULL;
    ag_buf out;
    ag_buf_init(&out, c->size);
    int rc = ag_reader_of_memory(c->bytes, c->size, &reader, err);
    if (rc >= 0) rc = ag_tree_put(c->tree, "carried", reader, NULL, err);
    if (rc >= 0) rc = ag_tree_get(c->tree, "carried", 0, UINT64_MAX, &back, err);
    if (rc >= 0) rc = ag_read_all(back, &out, err);
    if (rc >= 0 && (out.size != c->size || memcmp(out.data, c->bytes, c->size) != 0)) fail_msg("other bytes came back");
    ag_reader_close(reader);
    ag_reader_close(back);
    ag_buf_deinit(&out);
    return rc;
}

AG_TEST(test_tree_s3__a_connection_that_breaks_anywhere_is_made_again)
{
    char address[4600];
    carried c = {.tree = open_tree(S3, address), .size = (17 << 20) + 1};
    char *bytes = random_bytes(c.size, 3);
    c.bytes = bytes;
    ag_fault_arm(3, AG_FAULT_NET);
    ag_err err = {0};
    AG_EXPECT_OK(there_and_back(&c, &err));
    if (ag_fault_available()) assert_true(ag_fault_fired());
    for (uint64_t n = 1; n < 20 && ag_fault_available(); n += 3) {
        ag_fault_arm(n, AG_FAULT_NET);
        AG_EXPECT_OK(there_and_back(&c, &err));
    }
    ag_fault_arm(0, 0);
    ag_free(bytes);
    ag_tree_close(c.tree);
}
