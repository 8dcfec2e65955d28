// SPDX-License-Identifier: Apache-2.0
/* The content-addressed store: one suite on every backend; blob_crowd_test.c has the threads. */
#include "conformance/places.h"
#include "core/blob/blob.h"
#include "core/hash/hash.h"

static ag_blob *open_store(place where, char address[4600])
{
    ag_err err = {0};
    ag_blob *store = NULL;
    make_address(where, address);
    AG_EXPECT_OK(ag_blob_open(address, NULL, &store, &err));
    return store;
}

static void expect_bytes(ag_blob *store, const ag_blob_ref *ref, const char *bytes, size_t size)
{
    ag_err err = {0};
    ag_buf out;
    uint64_t stored = 0;
    ag_buf_init(&out, size + 1);
    AG_EXPECT_OK(ag_blob_get_bytes(store, &ref->sha256, &out, &err));
    assert_int_equal(out.size, size);
    assert_memory_equal(out.data ? out.data : "", bytes, size);
    AG_EXPECT_OK(ag_blob_stat(store, &ref->sha256, &stored, &err));
    assert_int_equal(stored, size);
    assert_int_equal(ag_blob_has(store, &ref->sha256, &err), 1);
    ag_buf_deinit(&out);
}

static void expect_range(ag_blob *store, const ag_blob_ref *ref, const char *bytes, uint64_t offset, uint64_t size)
{
    ag_err err = {0};
    ag_reader *reader = NULL;
    ag_buf out;
    uint64_t wanted = offset >= ref->size ? 0 : ref->size - offset < size ? ref->size - offset : size;
    ag_buf_init(&out, (size_t)wanted + 1);
    AG_EXPECT_OK(ag_blob_get_range(store, &ref->sha256, offset, size, &reader, &err));
    AG_EXPECT_OK(ag_read_all(reader, &out, &err));
    ag_reader_close(reader);
    assert_int_equal(out.size, wanted);
    if (wanted) assert_memory_equal(out.data, bytes + offset, wanted);
    ag_buf_deinit(&out);
}

static void sizes_come_back(place where)
{
    static const size_t sizes[] = {0, 1, 63, 4096, 300000, 4194303, 4194304, 4194305, 9000000};
    char address[4600];
    ag_err err = {0};
    ag_blob *store = open_store(where, address);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char *bytes = random_bytes(sizes[i], i + 1);
        ag_blob_ref ref = {0};
        ag_sha256 wanted;
        AG_EXPECT_OK(ag_blob_put_bytes(store, bytes, sizes[i], &ref, &err));
        AG_EXPECT_OK(ag_sha256_of(bytes, sizes[i], &wanted, &err));
        assert_true(ag_sha256_equal(&ref.sha256, &wanted));
        assert_int_equal(ref.size, sizes[i]);
        expect_bytes(store, &ref, bytes, sizes[i]);
        expect_range(store, &ref, bytes, 0, 10);
        expect_range(store, &ref, bytes, sizes[i] / 2, 100);
        expect_range(store, &ref, bytes, sizes[i], 100);
        expect_range(store, &ref, bytes, UINT64_MAX, UINT64_MAX);
        if (sizes[i] > 5000000) expect_range(store, &ref, bytes, 1000000, 4500000);
        ag_free(bytes);
    }
    AG_EXPECT_OK(ag_blob_verify(store, NULL, NULL, NULL, NULL, &err));
    ag_blob_close(store);
}
AG_TEST(test_blob_local__every_size_comes_back)
{
    sizes_come_back(LOCAL);
}
AG_TEST(test_blob_s3__every_size_comes_back)
{
    sizes_come_back(S3);
}

static void equal_parts_are_stored_once(place where)
{
    char address[4600];
    ag_err err = {0};
    ag_blob *store = open_store(where, address);
    size_t size = 12 << 20;
    char *bytes = random_bytes(size, 7);
    ag_blob_ref first, again, changed;
    ag_blob_usage before, after;
    AG_EXPECT_OK(ag_blob_put_bytes(store, bytes, size, &first, &err));
    AG_EXPECT_OK(ag_blob_measure(store, &before, &err));
    AG_EXPECT_OK(ag_blob_put_bytes(store, bytes, size, &again, &err));
    AG_EXPECT_OK(ag_blob_measure(store, &after, &err));
    assert_true(ag_sha256_equal(&first.sha256, &again.sha256));
    assert_int_equal(before.stored, after.stored);
    memmove(bytes + 5000003, bytes + 5000000, size - 5000003); /* three bytes more in the middle */
    AG_EXPECT_OK(ag_blob_put_bytes(store, bytes, size, &changed, &err));
    AG_EXPECT_OK(ag_blob_measure(store, &after, &err));
    assert_true(after.stored - before.stored < size / 2);
    expect_bytes(store, &changed, bytes, size);
    ag_free(bytes);
    ag_blob_close(store);
}
AG_TEST(test_blob_local__equal_parts_are_stored_once)
{
    equal_parts_are_stored_once(LOCAL);
}
AG_TEST(test_blob_s3__equal_parts_are_stored_once)
{
    equal_parts_are_stored_once(S3);
}

/* A table that resembles the next one. */
static void fill_table(ag_buf *out, unsigned number)
{
    ag_rng rng = ag_rng_stream(number, "table");
    ag_buf_init(out, 1 << 20);
    ag_buf_addf(out, "*** General ***\t\t\nNumber\t%u\t\n", number);
    for (int row = 0; row < 400; row++) {
        ag_buf_addf(out, "%d,%03d\t%d,%03d\t0,000\n", -row / 7, row % 1000, 4, (int)ag_rng_below(&rng, 1000));
    }
}

static int count_object(void *context, const ag_sha256 *id, ag_err *err)
{
    (void)id;
    (void)err;
    ++*(unsigned *)context;
    return 0;
}

static void batches_pack(place where)
{
    char address[4600];
    ag_err err = {0};
    ag_blob *store = open_store(where, address), *other = NULL;
    ag_blob_batch *batch = NULL;
    ag_blob_ref refs[60];
    ag_blob_usage usage;
    uint64_t total = 0;
    unsigned count = 0;
    AG_EXPECT_OK(ag_blob_batch_open(store, &batch, &err));
    for (unsigned i = 0; i < 60; i++) {
        ag_buf table;
        ag_reader *reader = NULL;
        fill_table(&table, i % 50); /* ten of them twice */
        total += table.size;
        AG_EXPECT_OK(ag_reader_of_memory(table.data, table.size, &reader, &err));
        AG_EXPECT_OK(ag_blob_batch_put(batch, reader, &refs[i], &err));
        ag_reader_close(reader);
        ag_buf_deinit(&table);
    }
    AG_EXPECT_OK(ag_blob_batch_commit(batch, &err));
    AG_EXPECT_OK(ag_blob_batch_commit(batch, &err));
    ag_blob_batch_free(batch);
    AG_EXPECT_OK(ag_blob_measure(store, &usage, &err));
    assert_int_equal(usage.objects, 50);
    assert_int_equal(usage.packs, 1);
    assert_true(usage.stored * 5 < total);
    AG_EXPECT_OK(ag_blob_open(address, NULL, &other, &err));
    for (unsigned i = 0; i < 60; i++) {
        ag_buf table;
        fill_table(&table, i % 50);
        expect_bytes(other, &refs[i], table.data, table.size);
        expect_range(other, &refs[i], table.data, 100, 50);
        ag_buf_deinit(&table);
    }
    AG_EXPECT_OK(ag_blob_list(other, count_object, &count, &err));
    assert_int_equal(count, 50);
    AG_EXPECT_OK(ag_blob_remove(other, &refs[3].sha256, &err));
    assert_int_equal(ag_blob_has(other, &refs[3].sha256, &err), 0);
    assert_int_equal(ag_blob_has(store, &refs[3].sha256, &err), 0);
    assert_int_equal(ag_blob_has(store, &refs[4].sha256, &err), 1);
    AG_EXPECT_ERROR(ag_blob_remove(other, &refs[3].sha256, &err), AG_ENOTFOUND, "no object");
    AG_EXPECT_OK(ag_blob_verify(other, NULL, NULL, NULL, NULL, &err));
    ag_blob_close(other);
    ag_blob_close(store);
}
AG_TEST(test_blob_local__a_batch_packs_similar_objects)
{
    batches_pack(LOCAL);
}
AG_TEST(test_blob_s3__a_batch_packs_similar_objects)
{
    batches_pack(S3);
}

static void absent_is_said(place where)
{
    char address[4600];
    ag_err err = {0};
    ag_blob *store = open_store(where, address);
    ag_sha256 id = {{1, 2, 3}};
    ag_reader *reader = NULL;
    uint64_t size;
    AG_EXPECT_ERROR(ag_blob_get(store, &id, &reader, &err), AG_ENOTFOUND, "010203");
    AG_EXPECT_ERROR(ag_blob_stat(store, &id, &size, &err), AG_ENOTFOUND, "010203");
    AG_EXPECT_ERROR(ag_blob_remove(store, &id, &err), AG_ENOTFOUND, "010203");
    AG_EXPECT_ERROR(ag_blob_verify(store, &id, NULL, NULL, NULL, &err), AG_ENOTFOUND, "010203");
    assert_int_equal(ag_blob_has(store, &id, &err), 0);
    ag_blob_close(store);
}
AG_TEST(test_blob_local__what_is_not_there_is_said)
{
    absent_is_said(LOCAL);
}
AG_TEST(test_blob_s3__what_is_not_there_is_said)
{
    absent_is_said(S3);
}

typedef struct wanted_ids {
    const ag_sha256 *ids;
    size_t count;
} wanted_ids;

static int mark_wanted(void *context, ag_blob_marks *marks, ag_err *err)
{
    const wanted_ids *w = context;
    int rc = 0;
    for (size_t i = 0; i < w->count && rc >= 0; i++) rc = ag_blob_mark(marks, &w->ids[i], err);
    return rc;
}

static void garbage_goes(place where)
{
    char address[4600];
    ag_err err = {0};
    ag_blob *store = open_store(where, address);
    ag_blob_batch *batch = NULL;
    ag_blob_ref small[2], large[2], packed[4];
    ag_blob_swept swept;
    char *bytes = random_bytes(9 << 20, 3);
    for (int i = 0; i < 2; i++) {
        AG_EXPECT_OK(ag_blob_put_bytes(store, bytes + i, 1000, &small[i], &err));
        AG_EXPECT_OK(ag_blob_put_bytes(store, bytes + i * 3000000, 6 << 20, &large[i], &err));
    }
    AG_EXPECT_OK(ag_blob_batch_open(store, &batch, &err));
    for (int i = 0; i < 4; i++) {
        ag_reader *reader = NULL;
        AG_EXPECT_OK(ag_reader_of_memory(bytes + 7000 * i, 5000, &reader, &err));
        AG_EXPECT_OK(ag_blob_batch_put(batch, reader, &packed[i], &err));
        ag_reader_close(reader);
    }
    AG_EXPECT_OK(ag_blob_batch_commit(batch, &err));
    ag_blob_batch_free(batch);
    ag_sha256 keep[] = {small[0].sha256, large[1].sha256, packed[1].sha256, packed[2].sha256};
    wanted_ids none = {NULL, 0}, four = {keep, 4};
    AG_EXPECT_OK(ag_blob_gc(store, INT64_C(3600000000), mark_wanted, &none, &swept, &err)); /* all are young */
    assert_int_equal(swept.objects, 0);
    assert_int_equal(swept.kept, 8);
    AG_EXPECT_OK(ag_blob_gc(store, INT64_C(-5000000), mark_wanted, &four, &swept, &err));
    assert_int_equal(swept.objects, 4);
    assert_int_equal(swept.kept, 4);
    assert_true(swept.chunks > 0 && swept.bytes > 2000000);
    expect_bytes(store, &small[0], bytes, 1000);
    expect_bytes(store, &large[1], bytes + 3000000, 6 << 20);
    expect_bytes(store, &packed[2], bytes + 14000, 5000);
    assert_int_equal(ag_blob_has(store, &large[0].sha256, &err), 0);
    assert_int_equal(ag_blob_has(store, &packed[0].sha256, &err), 0);
    AG_EXPECT_OK(ag_blob_verify(store, NULL, NULL, NULL, NULL, &err));
    AG_EXPECT_OK(ag_blob_gc(store, INT64_C(-5000000), mark_wanted, &none, &swept, &err));
    ag_blob_usage usage;
    AG_EXPECT_OK(ag_blob_measure(store, &usage, &err));
    assert_int_equal(usage.objects + usage.chunks + usage.packs, 0);
    ag_free(bytes);
    ag_blob_close(store);
}
AG_TEST(test_blob_local__garbage_goes_and_the_rest_stays)
{
    garbage_goes(LOCAL);
}
AG_TEST(test_blob_s3__garbage_goes_and_the_rest_stays)
{
    garbage_goes(S3);
}
