// SPDX-License-Identifier: Apache-2.0
/* What the numbers of a dropout owe to who trains with them: the share that is kept, to 1/65536, and elements that know
 * nothing of each other. That every table draws the same ones is tested in kernels/kernels_test.c. */
#include <math.h>

#include "core/base/mem.h"
#include "frame/test.h"
#include "learn/nn/kernels/kernels.h"

enum { COUNT = 1 << 20, FARTHEST = 20 };

/* 1 where an element is kept, else 0, of COUNT from `block` on. */
static uint8_t *draw(uint32_t keep, uint64_t stream, uint64_t block)
{
    ag_dropout drop = {.seed = 42, .stream = stream, .keep = keep, .scale = 1};
    ag_real *x = ag_alloc_array(COUNT, sizeof *x);
    uint8_t *kept = ag_alloc_array(COUNT, 1);
    assert_non_null(x);
    assert_non_null(kept);
    for (int i = 0; i < COUNT; i++) x[i] = 1;
    ag_kernels_best()->dropout_at(&drop, block, x, x, NULL, COUNT);
    for (int i = 0; i < COUNT; i++) kept[i] = x[i] > 0;
    ag_free(x);
    return kept;
}

static void expect_within(double value, double wanted, double deviation, const char *what, uint32_t keep)
{
    if (fabs(value - wanted) > 5.0 * deviation)
        fail_msg("%s, keep %u: %.1f instead of %.1f, deviation %.1f", what, keep, value, wanted, deviation);
}

/* Below 256 and above 65280 all that is drawn hangs on ties of the first byte. */
static const uint32_t shares[] = {1, 37, 128, 255, 256, 257, 13107, 21845, 32768, 52429, 65279, 65280, 65472, 65535};

AG_TEST(test_dropout__keeps_its_share_to_the_last_bit)
{
    for (size_t s = 0; s < sizeof shares / sizeof *shares; s++) {
        double p = shares[s] / 65536.0, sum = 0;
        uint8_t *kept = draw(shares[s], 5, 0);
        for (int i = 0; i < COUNT; i++) sum += kept[i];
        expect_within(sum, COUNT * p, sqrt(COUNT * p * (1 - p)), "kept", shares[s]);
        ag_free(kept);
    }
}

/* Within a word, a block, a vector and beyond; ties must not tie neighbours together. */
AG_TEST(test_dropout__neighbours_are_uncorrelated)
{
    for (size_t s = 0; s < sizeof shares / sizeof *shares; s++) {
        double p = shares[s] / 65536.0, variance = p * (1 - p);
        uint8_t *kept = draw(shares[s], 6, 1);
        for (int lag = 1; lag < FARTHEST; lag++) {
            double sum = 0;
            for (int i = 0; i + lag < COUNT; i++) sum += (kept[i] - p) * (kept[i + lag] - p);
            expect_within(sum, 0, sqrt(COUNT) * variance + 1, "lag", shares[s]);
        }
        ag_free(kept);
    }
}

/* Each place in a block has its share, and so have two blocks, streams or samples that follow one another. */
AG_TEST(test_dropout__places_and_streams_are_alike_and_apart)
{
    const uint32_t keep = 52501; /* ties decide 21 of 256 */
    double p = keep / 65536.0, variance = p * (1 - p), places[AG_DROPOUT_BLOCK] = {0}, next = 0, across = 0;
    uint8_t *kept = draw(keep, 7, 0), *other = draw(keep, 8, 0), *later = draw(keep, 7, 1);
    for (int i = 0; i < COUNT; i++) {
        places[i % AG_DROPOUT_BLOCK] += kept[i];
        across += (kept[i] - p) * (other[i] - p);
        next += (kept[i] - p) * (later[i] - p);
        if (i >= AG_DROPOUT_BLOCK) assert_true(kept[i] == later[i - AG_DROPOUT_BLOCK]);
    }
    double each = (double)COUNT / AG_DROPOUT_BLOCK;
    for (int i = 0; i < AG_DROPOUT_BLOCK; i++)
        expect_within(places[i], each * p, sqrt(each * variance), "place", (uint32_t)i);
    expect_within(across, 0, sqrt(COUNT) * variance, "stream", keep);
    expect_within(next, 0, sqrt(COUNT) * variance, "block", keep);
    ag_free(kept);
    ag_free(other);
    ag_free(later);
}

/* Of one word all 2^32 values come: each pair of elements is kept together with exactly the product of their
 * probabilities. Here with bytes of 2 bits in place of 8, of which there are 256 words. */
AG_TEST(test_dropout__the_rule_makes_pairs_exactly_independent)
{
    for (int keep = 1; keep < 16; keep++) {
        int alone[4] = {0}, both[4][4] = {{0}};
        for (int word = 0; word < 256; word++) {
            int kept[4], digit[4];
            for (int i = 0; i < 4; i++) digit[i] = word >> 2 * i & 3;
            for (int i = 0; i < 4; i++) kept[i] = digit[i] * 4 + (digit[(i + 1) % 4] ^ digit[(i + 2) % 4]) < keep;
            for (int i = 0; i < 4; i++) {
                alone[i] += kept[i];
                for (int k = 0; k < 4; k++) both[i][k] += kept[i] && kept[k];
            }
        }
        for (int i = 0; i < 4; i++) {
            assert_int_equal(alone[i], keep * 16);
            for (int k = 0; k < 4; k++)
                if (k != i) assert_int_equal(both[i][k], keep * keep);
        }
    }
}
