// SPDX-License-Identifier: Apache-2.0
/* Real machine files in one batch: every byte comes back, and they take what the decision on the store promises. */
#include <stdio.h>
#include <stdlib.h>

#include "core/blob/blob.h"
#include "core/io/file.h"
#include "core/sys/clock.h"
#include "frame/test.h"

typedef struct corpus {
    const char *root;
    ag_blob *store;
    ag_blob_batch *batch; /* NULL: compare with what is stored */
    uint64_t bytes, count;
} corpus;

static int take_file(void *context, const char *relative, const ag_file_info *info, ag_err *walk_err)
{
    corpus *c = context;
    char path[5000];
    ag_reader *reader = NULL;
    ag_blob_ref ref;
    ag_sha256 id;
    ag_err err = {0};
    (void)info;
    if (!ag_str_ends(ag_str_of(relative), AG_STR(".xls"))) return 0;
    snprintf(path, sizeof(path), "%s/%s", c->root, relative);
    c->count++;
    if (!c->batch) {
        AG_EXPECT_OK(ag_sha256_of_file(path, &id, NULL, &err));
        return ag_blob_verify(c->store, &id, NULL, NULL, NULL, walk_err);
    }
    AG_EXPECT_OK(ag_reader_of_file(path, &reader, &err));
    int rc = ag_blob_batch_put(c->batch, reader, &ref, walk_err);
    ag_reader_close(reader);
    c->bytes += ref.size;
    return rc;
}

AG_TEST(test_corpus__similar_files_take_a_fourteenth)
{
    ag_err err = {0};
    char command[9000];
    corpus c = {.root = ag_test_dir()};
    ag_blob_usage usage;
    const char *archive = ag_test_shared("setitec-dev.tar.xz");
    if (!archive) ag_test_skip("shared/data is absent");
    snprintf(command, sizeof(command), "tar -xJf '%s' -C '%s'", archive, c.root);
    if (system(command) != 0) ag_test_skip("tar with xz is absent");
    AG_EXPECT_OK(ag_blob_open(ag_test_dir(), NULL, &c.store, &err));
    AG_EXPECT_OK(ag_blob_batch_open(c.store, &c.batch, &err));
    int64_t start = ag_monotonic();
    AG_EXPECT_OK(ag_dir_walk(c.root, take_file, &c, &err));
    AG_EXPECT_OK(ag_blob_batch_commit(c.batch, &err));
    double put = (double)(ag_monotonic() - start) / 1e6;
    ag_blob_batch_free(c.batch);
    c.batch = NULL;
    start = ag_monotonic();
    AG_EXPECT_OK(ag_dir_walk(c.root, take_file, &c, &err));
    double get = (double)(ag_monotonic() - start) / 1e6;
    AG_EXPECT_OK(ag_blob_measure(c.store, &usage, &err));
    printf("# %llu files, %.1f MB in %llu bytes: 1 to %.1f; put %.0f MB/s, verified %.0f MB/s\n",
           (unsigned long long)c.count / 2, (double)c.bytes / 1e6, (unsigned long long)usage.stored,
           (double)c.bytes / (double)usage.stored, (double)c.bytes / 1e6 / put, (double)c.bytes / 1e6 / get);
    assert_true(usage.stored * 14 < c.bytes);
    ag_blob_close(c.store);
}
