// SPDX-License-Identifier: Apache-2.0
/* Cyclic checksums against known values. */
#include "frame/test.h"

#include "core/hash/crc.h"

AG_TEST(test_crc__known_values)
{
    uint8_t zeros[32] = {0};
    assert_int_equal(ag_crc32(0, "123456789", 9), 0xcbf43926);
    assert_int_equal(ag_crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(ag_crc32c(0, zeros, 32), 0x8a9136aa); /* RFC 3720 */
    assert_int_equal(ag_crc32(0, "", 0), 0);
}

AG_TEST(test_crc__in_pieces_it_is_the_same)
{
    const char *text = "the quick brown fox";
    for (size_t cut = 0; cut <= 19; cut++) {
        assert_int_equal(ag_crc32(ag_crc32(0, text, cut), text + cut, 19 - cut), ag_crc32(0, text, 19));
        assert_int_equal(ag_crc32c(ag_crc32c(0, text, cut), text + cut, 19 - cut), ag_crc32c(0, text, 19));
    }
}
