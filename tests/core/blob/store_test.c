// SPDX-License-Identifier: Apache-2.0
/* The content-addressed store in a directory, treated badly: flipped bits, kills, failing calls, full and read-only
 * disks. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/blob/blob.h"
#include "core/blob/tree.h"
#include "core/io/file.h"
#include "frame/test.h"

static char *random_bytes(size_t size, uint64_t seed)
{
    char *bytes = ag_alloc(size + 8);
    ag_rng rng = ag_rng_stream(seed, "content");
    for (size_t i = 0; i < size; i += 8) {
        uint64_t value = ag_rng_u64(&rng);
        memcpy(bytes + i, &value, 8);
    }
    return bytes;
}

static const char *make_table(unsigned number, size_t *size)
{
    static char text[20000];
    size_t used = 0;
    for (int row = 0; row < 100; row++) {
        used +=
            (size_t)snprintf(text + used, sizeof(text) - used, "%d,%03u\t%d,5\t0,000\n", row, number % 1000, row % 9);
    }
    *size = used;
    return text;
}

static int put_table(ag_blob_batch *batch, unsigned number, ag_blob_ref *ref, ag_err *err)
{
    size_t size;
    ag_reader *reader = NULL;
    const char *text = make_table(number, &size);
    int rc = ag_reader_of_memory(text, size, &reader, err);
    if (rc >= 0) rc = ag_blob_batch_put(batch, reader, ref, err);
    ag_reader_close(reader);
    return rc;
}

/* One of everything: a raw piece, a table, a large object, a pack. */
static int fill(const char *root, ag_err *err)
{
    ag_blob *store = NULL;
    ag_blob_batch *batch = NULL;
    ag_blob_ref ref;
    size_t size;
    static char *bytes; /* made once, before calls fail */
    if (!bytes) bytes = random_bytes(5 << 20, 1);
    int rc = ag_blob_open(root, NULL, &store, err);
    const char *table = make_table(999, &size);
    if (rc >= 0) rc = ag_blob_put_bytes(store, bytes, 100, &ref, err);
    if (rc >= 0) rc = ag_blob_put_bytes(store, table, size, &ref, err);
    if (rc >= 0) rc = ag_blob_put_bytes(store, bytes, 5 << 20, &ref, err);
    if (rc >= 0) rc = ag_blob_batch_open(store, &batch, err);
    for (unsigned i = 0; i < 3 && rc >= 0; i++) rc = put_table(batch, i, &ref, err);
    if (rc >= 0) rc = ag_blob_batch_commit(batch, err);
    ag_blob_batch_free(batch);
    ag_blob_close(store);
    return rc;
}

typedef struct flips {
    const char *root;
    ag_blob *store;
    ag_rng rng;
    int tried;
} flips;

static void flip(const char *path, uint64_t bit)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, (long)(bit / 8), SEEK_SET);
    int byte = fgetc(file);
    fseek(file, (long)(bit / 8), SEEK_SET);
    fputc(byte ^ 1 << bit % 8, file);
    fclose(file);
}

static int flip_in_file(void *context, const char *relative, const ag_file_info *info, ag_err *walk_err)
{
    flips *f = context;
    char path[5000];
    (void)walk_err;
    if (strcmp(relative, "format") == 0 || strcmp(relative, "lock") == 0) return 0;
    snprintf(path, sizeof(path), "%s/%s", f->root, relative);
    size_t rounds = info->size < 1000000 ? ag_test_rounds(20, 200) : ag_test_rounds(2, 20);
    for (size_t i = 0; i < rounds; i++) {
        ag_err err = {0};
        ag_blob *store = NULL;
        uint64_t bit = i < 8    ? i * 8
                       : i < 16 ? info->size * 8 - 1 - (i - 8) * 7
                                : ag_rng_below(&f->rng, info->size * 8);
        flip(path, bit);
        AG_EXPECT_OK(ag_blob_open(f->root, NULL, &store, &err));
        AG_EXPECT_ERROR(ag_blob_verify(store, NULL, NULL, NULL, NULL, &err), AG_ECORRUPT, "damaged");
        if (strncmp(relative, "packs", 5) == 0)
            assert_non_null(strstr(err.text, "packs/"));
        else
            assert_non_null(strstr(err.text, relative + strlen(relative) - 20)); /* names the file by its id */
        ag_blob_close(store);
        flip(path, bit);
        f->tried++;
    }
    return 0;
}

AG_TEST(test_store__a_flipped_bit_anywhere_is_found_and_named)
{
    ag_err err = {0};
    ag_blob *store = NULL;
    flips f = {.root = ag_test_dir(), .rng = ag_rng_stream(4, "flips")};
    AG_EXPECT_OK(fill(f.root, &err));
    AG_EXPECT_OK(ag_dir_walk(f.root, flip_in_file, &f, &err));
    assert_true(f.tried > 80);
    AG_EXPECT_OK(ag_blob_open(f.root, NULL, &store, &err));
    AG_EXPECT_OK(ag_blob_verify(store, NULL, NULL, NULL, NULL, &err));
    ag_blob_close(store);
}

AG_TEST(test_store__a_damaged_object_is_never_read_to_its_end)
{
    ag_err err = {0};
    const char *root = ag_test_dir();
    ag_blob *store = NULL;
    ag_blob_ref ref;
    ag_buf out;
    char path[5000], hex[65], *bytes = random_bytes(6 << 20, 9);
    AG_EXPECT_OK(ag_blob_open(root, NULL, &store, &err));
    AG_EXPECT_OK(ag_blob_put_bytes(store, "hello", 5, &ref, &err));
    ag_sha256_format(&ref.sha256, hex);
    snprintf(path, sizeof(path), "%s/objects/%.2s/%s", root, hex, hex + 2);
    flip(path, 8 * 17);
    ag_buf_init(&out, 7 << 20);
    AG_EXPECT_ERROR(ag_blob_get_bytes(store, &ref.sha256, &out, &err), AG_ECORRUPT, hex);
    AG_EXPECT_ERROR(ag_blob_verify(store, &ref.sha256, NULL, NULL, NULL, &err), AG_ECORRUPT, hex);
    AG_EXPECT_OK(ag_blob_put_bytes(store, bytes, 6 << 20, &ref, &err));
    snprintf(path, sizeof(path), "%s/chunks", root);
    AG_EXPECT_OK(ag_dir_remove(path, &err));
    AG_EXPECT_ERROR(ag_blob_get_bytes(store, &ref.sha256, &out, &err), AG_ECORRUPT, "missing");
    AG_EXPECT_ERROR(ag_blob_verify(store, NULL, NULL, NULL, NULL, &err), AG_ECORRUPT, "2 damaged");
    ag_buf_deinit(&out);
    ag_blob_close(store);
    ag_free(bytes);
}

/* Everything that a store which was used badly must still be: whole where it says that something is there. */
static void expect_whole(const char *root)
{
    ag_err err = {0};
    ag_blob *store = NULL;
    AG_EXPECT_OK(ag_blob_open(root, NULL, &store, &err));
    AG_EXPECT_OK(ag_blob_verify(store, NULL, NULL, NULL, NULL, &err));
    ag_blob_close(store);
}

static void write_until_killed(const char *root, int acknowledge, unsigned seed)
{
    ag_err err = {0};
    ag_blob *store = NULL;
    char *bytes = random_bytes(8 << 20, seed);
    if (ag_blob_open(root, NULL, &store, &err) < 0) _exit(1);
    for (unsigned i = 0;; i++) {
        ag_blob_ref refs[3];
        ag_blob_batch *batch = NULL;
        size_t size = i % 4 < 3 ? 3000 : 5 << 20;
        if (ag_blob_put_bytes(store, bytes + i * 16, size, &refs[0], &err) < 0) _exit(1);
        if (ag_blob_batch_open(store, &batch, &err) < 0) _exit(1);
        for (unsigned k = 1; k < 3; k++) {
            if (put_table(batch, seed * 100 + i * 2 + k, &refs[k], &err) < 0) _exit(1);
        }
        if (ag_blob_batch_commit(batch, &err) < 0) _exit(1);
        ag_blob_batch_free(batch);
        for (int k = 0; k < 3; k++) {
            if (write(acknowledge, refs[k].sha256.bytes, 32) != 32) _exit(1);
        }
    }
}

AG_TEST(test_store__what_was_acknowledged_survives_kill_9)
{
    ag_err err = {0};
    const char *root = ag_test_dir();
    ag_rng rng = ag_rng_stream(2, "kills");
    unsigned acknowledged = 0, kills = (unsigned)ag_test_rounds(12, 500);
    for (unsigned round = 0; round < kills; round++) {
        int ends[2];
        ag_blob *store = NULL;
        ag_sha256 id;
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) write_until_killed(root, ends[1], round);
        close(ends[1]);
        assert_int_equal(read(ends[0], id.bytes, 32), 32); /* it is at work */
        usleep((useconds_t)(20000 + ag_rng_below(&rng, 150000)));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        AG_EXPECT_OK(ag_blob_open(root, NULL, &store, &err));
        do {
            assert_int_equal(ag_blob_has(store, &id, &err), 1);
            acknowledged++;
        } while (read(ends[0], id.bytes, 32) == 32);
        close(ends[0]);
        ag_blob_close(store);
    }
    expect_whole(root);
    assert_true(acknowledged > 0);
}

static int put_one_of_each(void *context, ag_err *err)
{
    return fill(context, err);
}

static void check_store(void *context)
{
    expect_whole(context);
}

AG_TEST(test_store__every_failing_call_leaves_it_whole)
{
    ag_err err = {0};
    const char *root = ag_test_dir();
    AG_EXPECT_OK(fill(ag_test_dir(), &err));
    uint64_t rounds =
        ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, put_one_of_each, check_store, (void *)(uintptr_t)root);
    if (ag_fault_available()) assert_true(rounds > 50);
}

typedef struct fetch {
    const char *root;
    ag_sha256 ids[2];
} fetch;

static int get_both(void *context, ag_err *err)
{
    const fetch *f = context;
    ag_blob *store = NULL;
    int rc = ag_blob_open(f->root, NULL, &store, err);
    for (int i = 0; i < 2 && rc >= 0; i++) {
        ag_buf out;
        ag_buf_init(&out, 10 << 20);
        rc = ag_blob_get_bytes(store, &f->ids[i], &out, err);
        ag_buf_deinit(&out);
    }
    ag_blob_close(store);
    return rc;
}

AG_TEST(test_store__every_failing_call_of_a_read_is_clean)
{
    ag_err err = {0};
    fetch f = {.root = ag_test_dir()};
    ag_blob *store = NULL;
    ag_blob_ref ref;
    ag_blob_batch *batch = NULL;
    char *bytes = random_bytes(5 << 20, 1);
    AG_EXPECT_OK(ag_blob_open(f.root, NULL, &store, &err));
    AG_EXPECT_OK(ag_blob_put_bytes(store, bytes, 5 << 20, &ref, &err));
    f.ids[0] = ref.sha256;
    AG_EXPECT_OK(ag_blob_batch_open(store, &batch, &err));
    AG_EXPECT_OK(put_table(batch, 5, &ref, &err));
    AG_EXPECT_OK(ag_blob_batch_commit(batch, &err));
    f.ids[1] = ref.sha256;
    ag_blob_batch_free(batch);
    ag_blob_close(store);
    ag_free(bytes);
    ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, get_both, NULL, &f);
}

AG_TEST(test_store__a_full_disk_leaves_nothing_half_written)
{
    ag_err err = {0};
    const char *root = ag_test_dir();
    ag_blob *store = NULL;
    ag_blob_ref ref;
    struct rlimit old, small = {600000, 600000};
    char *bytes = random_bytes(9 << 20, 6);
    AG_EXPECT_OK(ag_blob_open(root, NULL, &store, &err));
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small); /* a file that may not grow fails as a disk that is full */
    int small_rc = ag_blob_put_bytes(store, bytes, 1000000, &ref, &err);
    ag_err first = err;
    int large_rc = ag_blob_put_bytes(store, bytes, 9 << 20, &ref, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_true(small_rc < 0 && large_rc < 0);
    assert_non_null(strstr(first.text, "cannot write"));
    ag_blob_usage usage;
    AG_EXPECT_OK(ag_blob_measure(store, &usage, &err));
    assert_int_equal(usage.objects, 0);
    expect_whole(root);
    AG_EXPECT_OK(ag_blob_put_bytes(store, bytes, 9 << 20, &ref, &err)); /* and goes on when there is room */
    ag_blob_close(store);
    ag_free(bytes);
}

AG_TEST(test_store__a_quota_is_kept)
{
    ag_err err = {0};
    const char *root = ag_test_dir();
    ag_blob *store = NULL;
    ag_blob_ref ref;
    ag_blob_options options = {.quota = 10000};
    char *bytes = random_bytes(9000, 6);
    for (int round = 0; round < 2; round++) { /* the second counts what lies there */
        AG_EXPECT_OK(ag_blob_open(root, &options, &store, &err));
        AG_EXPECT_OK(ag_blob_put_bytes(store, bytes, 6000, &ref, &err));
        AG_EXPECT_ERROR(ag_blob_put_bytes(store, bytes, 9000, &ref, &err), AG_EFULL, "quota of 10000 bytes");
        ag_blob_close(store);
    }
    ag_free(bytes);
}

AG_TEST(test_store__a_read_only_directory_is_said)
{
    ag_err err = {0};
    const char *root = ag_test_dir();
    ag_blob *store = NULL;
    ag_blob_ref ref;
    ag_blob_options options = {.read_only = true};
    AG_EXPECT_ERROR(ag_blob_open(root, &options, &store, &err), AG_ENOTFOUND, "is no blob store");
    AG_EXPECT_OK(fill(root, &err));
    AG_EXPECT_OK(ag_blob_open(root, &options, &store, &err));
    AG_EXPECT_ERROR(ag_blob_put_bytes(store, "x", 1, &ref, &err), AG_EDENIED, "opened for reading");
    AG_EXPECT_OK(ag_blob_verify(store, NULL, NULL, NULL, NULL, &err));
    ag_blob_close(store);
    if (geteuid() == 0) return; /* root writes everywhere */
    chmod(root, 0500);
    AG_EXPECT_OK(ag_blob_open(root, NULL, &store, &err));
    AG_EXPECT_ERROR(ag_blob_put_bytes(store, "x", 1, &ref, &err), AG_EDENIED, "");
    ag_blob_close(store);
    chmod(root, 0700);
}

AG_TEST(test_store__other_directories_and_schemes_are_refused)
{
    ag_err err = {0};
    char path[5000];
    ag_blob *store = NULL;
    const char *root = ag_test_dir();
    snprintf(path, sizeof(path), "%s/format", root);
    AG_EXPECT_OK(ag_file_replace(path, "auger blob store 9\n", 19, &err));
    AG_EXPECT_ERROR(ag_blob_open(root, NULL, &store, &err), AG_EUNSUPPORTED, "this version");
    AG_EXPECT_ERROR(ag_blob_open("gs://bucket", NULL, &store, &err), AG_EUNSUPPORTED, "gs://");
    AG_EXPECT_ERROR(ag_blob_open("file://host/x", NULL, &store, &err), AG_EINVAL, "another machine");
    AG_EXPECT_ERROR(ag_blob_open("", NULL, &store, &err), AG_EINVAL, "directory");
}

typedef struct generated { /* content that needs no memory */
    ag_reader base;
    uint64_t left, state;
} generated;

static ptrdiff_t generate(ag_reader *base, void *into, size_t size, ag_err *err)
{
    generated *self = (generated *)base;
    (void)err;
    if (size > self->left) size = (size_t)self->left;
    for (size_t i = 0; i + 8 <= size; i += 8) {
        self->state = self->state * UINT64_C(6364136223846793005) + 1442695040888963407U;
        memcpy((char *)into + i, &self->state, 8);
    }
    self->left -= size;
    return (ptrdiff_t)size;
}

static long peak_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

AG_TEST(test_store__large_content_takes_constant_memory)
{
    ag_err err = {0};
    ag_blob *store = NULL;
    ag_tree *tree = NULL;
    ag_blob_ref ref;
    ag_reader *reader = NULL;
    uint64_t size = UINT64_C(300) << 20, total = 0;
    static char window[65536];
    AG_EXPECT_OK(ag_blob_open(ag_test_dir(), NULL, &store, &err));
    long before = peak_kib();
    generated source = {{generate, NULL}, size, 1};
    AG_EXPECT_OK(ag_blob_put(store, &source.base, &ref, &err));
    assert_int_equal(ref.size, size);
    AG_EXPECT_OK(ag_blob_get(store, &ref.sha256, &reader, &err));
    ptrdiff_t got;
    while ((got = ag_read(reader, window, sizeof(window), &err)) > 0) total += (uint64_t)got;
    AG_EXPECT_OK((int)got);
    assert_int_equal(total, size);
    AG_EXPECT_OK(ag_tree_open(ag_test_dir(), NULL, &tree, &err));
    AG_EXPECT_OK(ag_tree_put(tree, "large", reader, NULL, &err));
    ag_reader_close(reader);
    ag_tree_close(tree);
    ag_blob_close(store);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_true(peak_kib() - before < 40 * 1024);
#else
    (void)before;
#endif
}

AG_TEST(test_store__a_link_in_a_tree_leads_nowhere)
{
    ag_err err = {0};
    char path[5000];
    const char *root = ag_test_dir(), *outside = ag_test_dir();
    ag_tree *tree = NULL;
    ag_reader *reader = NULL;
    ag_arena *arena = ag_arena_new(0);
    ag_vec entries;
    ag_vec_init(&entries, sizeof(ag_tree_entry));
    snprintf(path, sizeof(path), "%s/secret", outside);
    AG_EXPECT_OK(ag_file_replace(path, "secret", 6, &err));
    snprintf(path, sizeof(path), "%s/door", root);
    assert_int_equal(symlink(outside, path), 0);
    AG_EXPECT_OK(ag_tree_open(root, NULL, &tree, &err));
    AG_EXPECT_ERROR(ag_tree_get(tree, "door/secret", 0, 9, &reader, &err), AG_EDENIED, "");
    AG_EXPECT_ERROR(ag_tree_remove(tree, "door/secret", &err), AG_EDENIED, "");
    AG_EXPECT_ERROR(ag_tree_remove_all(tree, "door", &err), AG_EDENIED, "");
    AG_EXPECT_OK(ag_reader_of_memory("x", 1, &reader, &err));
    AG_EXPECT_ERROR(ag_tree_put(tree, "door/new", reader, NULL, &err), AG_EDENIED, "");
    AG_EXPECT_OK(ag_tree_list(tree, "", arena, &entries, &err));
    assert_int_equal(entries.count, 0);
    ag_reader_close(reader);
    ag_vec_deinit(&entries);
    ag_arena_free(arena);
    ag_tree_close(tree);
}
