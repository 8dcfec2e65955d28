// SPDX-License-Identifier: Apache-2.0
#pragma once
/* places.h: where the suites of the blob ports run. */
#include "conformance/s3_server.h"
#include "core/base/mem.h"
#include "core/base/rng.h"

typedef enum place { LOCAL, S3 } place;

static void make_address(place where, char out[4600])
{
    static int number;
    if (where == LOCAL) {
        snprintf(out, 4600, "%s/store", ag_test_dir());
        return;
    }
    if (!s3_server_start()) ag_test_skip("no S3 server: python3 (3.10 or newer) with venv and PyPI is needed");
    snprintf(out, 4600, "s3://auger-test/suite/%d?endpoint=http://127.0.0.1:%d", ++number, s3_server.port);
}

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
