// SPDX-License-Identifier: Apache-2.0
/* Several threads at one content-addressed store. Beside blob_store_test.c, so that ThreadSanitizer spends its time on
 * what has threads. */
#include <pthread.h>

#include "conformance/places.h"
#include "core/blob/blob.h"

typedef struct crowd {
    ag_blob *store;
    const char *bytes;
    int failures;
    pthread_mutex_t lock;
} crowd;

static void *put_the_same(void *context)
{
    crowd *c = context;
    ag_err err = {0};
    for (size_t i = 0; i < ag_test_rounds(3, 12); i++) {
        ag_blob_ref ref;
        ag_buf out;
        size_t size = i % 3 ? 20000 : 5 << 20;
        ag_buf_init(&out, size);
        int bad = ag_blob_put_bytes(c->store, c->bytes + i % 3, size, &ref, &err) < 0 ||
                  ag_blob_get_bytes(c->store, &ref.sha256, &out, &err) < 0 || out.size != size;
        ag_buf_deinit(&out);
        pthread_mutex_lock(&c->lock);
        if (bad) print_error("%s\n", err.text);
        c->failures += bad;
        pthread_mutex_unlock(&c->lock);
    }
    return NULL;
}

static void threads_agree(place where)
{
    char address[4600];
    ag_err err = {0};
    crowd c = {.bytes = random_bytes((5 << 20) + 8, 5)};
    pthread_t threads[4];
    ag_blob_usage usage;
    make_address(where, address);
    AG_EXPECT_OK(ag_blob_open(address, NULL, &c.store, &err));
    pthread_mutex_init(&c.lock, NULL);
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, put_the_same, &c);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    assert_int_equal(c.failures, 0);
    AG_EXPECT_OK(ag_blob_measure(c.store, &usage, &err));
    assert_int_equal(usage.objects, 3);
    AG_EXPECT_OK(ag_blob_verify(c.store, NULL, NULL, NULL, NULL, &err));
    ag_free((void *)(uintptr_t)c.bytes);
    ag_blob_close(c.store);
}
AG_TEST(test_blob_local__threads_that_put_the_same_agree)
{
    threads_agree(LOCAL);
}
AG_TEST(test_blob_s3__threads_that_put_the_same_agree)
{
    threads_agree(S3);
}
