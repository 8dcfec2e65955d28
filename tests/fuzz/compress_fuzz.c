// SPDX-License-Identifier: Apache-2.0
/* compress_fuzz.c: the first byte chooses; the rest is decompressed under a small bound, or compressed and read back.
 */
#include <stdlib.h>

#include "core/io/compress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    ag_codec codec = data[0] & 1 ? AG_CODEC_ZSTD : AG_CODEC_GZIP;
    ag_str bytes = {(const char *)data + 1, size - 1};
    ag_err err = {0};
    ag_buf packed, plain;
    ag_buf_init(&packed, (size_t)1 << 22);
    ag_buf_init(&plain, (size_t)1 << 16);
    if (data[0] & 2) {
        check(ag_compress(codec, 1, bytes, &packed, &err) >= 0);
        check(ag_decompress(codec, ag_buf_str(&packed), &plain, &err) >= 0 || bytes.size > plain.max);
        check(bytes.size > plain.max || ag_str_equal(ag_buf_str(&plain), bytes));
    } else if (ag_decompress(codec, bytes, &plain, &err) < 0) {
        check(err.code < 0 && err.text[0] && plain.size == 0);
    } else {
        check(plain.size <= plain.max);
    }
    ag_buf_deinit(&packed);
    ag_buf_deinit(&plain);
    return 0;
}
