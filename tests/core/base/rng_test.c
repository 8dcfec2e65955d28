// SPDX-License-Identifier: Apache-2.0
#include "core/base/rng.h"

#include <math.h>
#include <string.h>

#include "frame/test.h"

static void expect_block(uint64_t seed, uint64_t stream, uint64_t block, const uint32_t wanted[4])
{
    uint32_t words[4];
    ag_philox4x32(seed, stream, block, words);
    assert_memory_equal(words, wanted, sizeof(words));
}

/* The known answers that Random123 publishes for philox4x32 with 10 rounds. */
AG_TEST(test_philox__known_answers)
{
    expect_block(0, 0, 0, (const uint32_t[]){0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    expect_block(UINT64_MAX, UINT64_MAX, UINT64_MAX,
                 (const uint32_t[]){0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
    expect_block(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88,
                 (const uint32_t[]){0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

AG_TEST(test_rng__words_are_the_blocks_from_any_index)
{
    uint32_t blocks[12];
    for (uint64_t i = 0; i < 3; i++) ag_philox4x32(7, 9, i, blocks + i * 4);
    for (uint64_t from = 0; from < 8; from++) {
        ag_rng rng = {7, 9, from};
        assert_int_equal(ag_rng_u32(&rng), blocks[from]);
        rng.index = from;
        assert_true(ag_rng_u64(&rng) == ((uint64_t)blocks[from + 1] << 32 | blocks[from]));
        assert_int_equal(rng.index, from + 2);
    }
}

AG_TEST(test_rng__many_words_are_those_that_come_one_by_one)
{
    uint32_t many[301];
    for (uint64_t from = 0; from < 6; from++)
        for (size_t count = 0; count < 301; count += count < 9 ? 1 : 73) {
            ag_rng rng = {7, 9, from + (UINT64_C(1) << 34)}, one = rng;
            ag_rng_words(&rng, many, count);
            for (size_t i = 0; i < count; i++) assert_int_equal(many[i], ag_rng_u32(&one));
            assert_true(rng.index == one.index);
        }
}

/* Stored results depend on these for ever. */
AG_TEST(test_rng__streams_are_stable)
{
    ag_rng a = ag_rng_stream(1, "dropout"), b = ag_rng_stream(1, "fold 3 shuffle"), empty = ag_rng_stream(1, "");
    ag_rng child = ag_rng_child(&a, 3);
    assert_true(a.stream == UINT64_C(0x3f667e9a76a47bac));
    assert_true(child.stream == UINT64_C(0x11f15a847fbfd1b0));
    assert_true(a.stream != b.stream && b.stream != empty.stream && child.stream != a.stream);
    assert_int_equal(a.index, 0);
    assert_int_equal(child.seed, 1);
    assert_true(ag_rng_child(&a, 4).stream != child.stream);
}

AG_TEST(test_rng__below_stays_below_and_is_even)
{
    ag_rng rng = ag_rng_stream(42, "below");
    int counts[7] = {0};
    for (int i = 0; i < 70000; i++) counts[ag_rng_below(&rng, 7)]++;
    double chi = 0;
    for (int i = 0; i < 7; i++) chi += (counts[i] - 10000.0) * (counts[i] - 10000.0) / 10000.0;
    assert_true(chi < 22.5); /* 6 degrees of freedom, 0.1 % */
    for (int i = 0; i < 100; i++) assert_int_equal(ag_rng_below(&rng, 1), 0);
    for (int i = 0; i < 100; i++) assert_true(ag_rng_below(&rng, (UINT64_C(1) << 63) + 1) <= UINT64_C(1) << 63);
}

AG_TEST(test_rng__fractions_are_in_range_with_the_right_moments)
{
    ag_rng rng = ag_rng_stream(3, "fractions");
    double sum = 0, squares = 0;
    for (int i = 0; i < 100000; i++) {
        double x = ag_rng_double(&rng);
        float f = ag_rng_float(&rng);
        assert_true(x >= 0 && x < 1 && f >= 0 && f < 1);
        sum += x;
        squares += x * x;
    }
    assert_true(fabs(sum / 1e5 - 0.5) < 0.005);
    assert_true(fabs(squares / 1e5 - 1.0 / 3) < 0.005);
}

AG_TEST(test_rng__normal_has_its_moments_and_tails)
{
    ag_rng rng = ag_rng_stream(5, "normal");
    double sum = 0, squares = 0, fourth = 0;
    int beyond[5] = {0}, count = 400000;
    for (int i = 0; i < count; i++) {
        double x = ag_rng_normal(&rng);
        sum += x;
        squares += x * x;
        fourth += x * x * x * x;
        for (int k = 0; k < 5; k++) beyond[k] += fabs(x) > k;
    }
    assert_int_equal(rng.index, count * 4);
    assert_true(fabs(sum / count) < 0.006);
    assert_true(fabs(squares / count - 1) < 0.01);
    assert_true(fabs(fourth / count - 3) < 0.06);
    for (int k = 0; k < 5; k++) {
        double wanted = erfc(k / sqrt(2)) * count;
        assert_true(fabs(beyond[k] - wanted) < 5 * sqrt(wanted) + 1);
    }
}

/* Each normal against the tail that its own words give, through the library's erfc. */
AG_TEST(test_rng__normal_inverts_the_distribution)
{
    ag_rng rng = ag_rng_stream(6, "inverse");
    for (int i = 0; i < 100000; i++) {
        ag_rng same = rng;
        uint64_t high = ag_rng_u64(&same);
        double tail = ((double)(high >> 1) + ((double)ag_rng_u64(&same) + 0.5) * 0x1p-64) * 0x1p-64;
        double x = ag_rng_normal(&rng);
        assert_true((high & 1 ? x : -x) >= 0);
        double back = 0.5 * erfc(fabs(x) / sqrt(2));
        if (fabs(back / tail - 1) >= 2e-14) fail_msg("%.17g gives %.17g, not %.17g", x, back, tail);
    }
}

AG_TEST(test_rng__shuffle_is_a_permutation_and_repeats)
{
    int items[100], again[100], seen[100] = {0};
    for (int i = 0; i < 100; i++) items[i] = again[i] = i;
    ag_rng rng = ag_rng_stream(8, "shuffle"), same = rng;
    ag_rng_shuffle(&rng, items, 100, sizeof(int));
    ag_rng_shuffle(&same, again, 100, sizeof(int));
    assert_memory_equal(items, again, sizeof(items));
    for (int i = 0; i < 100; i++) seen[items[i]]++;
    for (int i = 0; i < 100; i++) assert_int_equal(seen[i], 1);
    ag_rng_shuffle(&rng, items, 0, sizeof(int));
    ag_rng_shuffle(&rng, items, 1, sizeof(int));
    char large[3][150];
    for (int i = 0; i < 3; i++) memset(large[i], 'a' + i, sizeof(large[i]));
    ag_rng_shuffle(&rng, large, 3, sizeof(large[0]));
    for (int i = 0; i < 3; i++) assert_int_equal(large[i][0], large[i][149]);
}

AG_TEST(test_random__bytes_differ_and_failure_is_told)
{
    ag_err err = {0};
    char a[32] = {0}, b[32] = {0};
    AG_EXPECT_OK(ag_random_bytes(a, sizeof(a), &err));
    AG_EXPECT_OK(ag_random_bytes(b, sizeof(b), &err));
    assert_memory_not_equal(a, b, sizeof(a));
    AG_EXPECT_OK(ag_random_bytes(a, 0, &err));
    if (!ag_fault_available()) return;
    ag_fault_arm(1, AG_FAULT_FILE);
    int rc = ag_random_bytes(a, sizeof(a), &err);
    ag_fault_arm(0, 0);
    AG_EXPECT_ERROR(rc, AG_EIO, "random");
}
