// SPDX-License-Identifier: Apache-2.0
/* A serialised result from anywhere. The hash is made good first, since anybody can make one: what is tried is what
 * stands behind it. */
#include <string.h>

#include "auger/training.h"
#include "core/base/mem.h"
#include "core/hash/hash.h"

enum { HEAD = 40, MOST = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ag_sha256 digest;
    auger_result *result = NULL;
    auger_error error;
    if (size > MOST) return 0;
    uint8_t *bytes = ag_alloc(size + HEAD);
    if (!bytes) return 0;
    memcpy(bytes, "AUGERPK1", 8);
    if (size) memcpy(bytes + HEAD, data, size);
    if (ag_sha256_of(bytes + HEAD, size, &digest, NULL) >= 0) memcpy(bytes + 8, digest.bytes, sizeof digest.bytes);
    if (auger_result_deserialise(bytes, size + HEAD, NULL, &result, &error) >= 0) {
        double value;
        for (size_t i = 0; auger_result_metric(result, i, &value); i++);
        auger_answer answer;
        (void)auger_result_predict_file(result, "/nowhere", &answer, &error);
        auger_result_free(result);
    }
    ag_free(bytes);
    return 0;
}
