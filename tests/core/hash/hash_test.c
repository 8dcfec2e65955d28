// SPDX-License-Identifier: Apache-2.0
/* hash_test.c: published vectors for SHA-256 (FIPS 180), HMAC (RFC 4231) and SipHash-1-3 (its reference
 * implementation); the fast hash against pinned values, for avalanche and for collisions. */
#include "frame/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/hash/hash.h"
#include "core/io/file.h"

static void is_digest(const ag_sha256 *digest, const char *hex)
{
    char text[65];
    ag_sha256_format(digest, text);
    assert_string_equal(text, hex);
}

AG_TEST(test_hash__sha256_vectors)
{
    ag_err err = {0};
    ag_sha256 d, e;
    AG_EXPECT_OK(ag_sha256_of("", 0, &d, &err));
    is_digest(&d, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    AG_EXPECT_OK(ag_sha256_of("abc", 3, &d, &err));
    is_digest(&d, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    ag_hasher *h = NULL;
    AG_EXPECT_OK(ag_hasher_new(&h, &err));
    for (int round = 0; round < 2; round++) { /* finish starts anew */
        for (int i = 0; i < 1000; i++) AG_EXPECT_OK(ag_hasher_add(h, "aaaaaaaaaa", i == 999 ? 0 : 10, &err));
        AG_EXPECT_OK(ag_hasher_add(h, "aaaaaaaaaa", 10, &err));
        AG_EXPECT_OK(ag_hasher_finish(h, round ? &e : &d, &err));
    }
    assert_true(ag_sha256_equal(&d, &e));
    is_digest(&d, "27dd1f61b867b6a0f6e9d8a41c43231de52107e53ae424de8f847b821db4b711");
    ag_hasher_free(h);
    ag_hasher_free(NULL);
}

AG_TEST(test_hash__sha256_text_form)
{
    ag_sha256 d, e;
    ag_err err = {0};
    char text[65];
    AG_EXPECT_OK(ag_sha256_of("abc", 3, &d, &err));
    ag_sha256_format(&d, text);
    assert_true(ag_sha256_parse(ag_str_of(text), &e));
    assert_true(ag_sha256_equal(&d, &e));
    text[0] = 'B';
    assert_true(ag_sha256_parse(ag_str_of(text), &e));
    text[9] = 'g';
    assert_false(ag_sha256_parse(ag_str_of(text), &e));
    assert_false(ag_sha256_parse((ag_str){text, 63}, &e));
}

AG_TEST(test_hash__sha256_of_a_file)
{
    ag_err err = {0};
    ag_sha256 d, e;
    uint64_t size = 0;
    char path[4096];
    snprintf(path, sizeof(path), "%s/f", ag_test_dir());
    char *bytes = ag_calloc(1, 300000);
    memset(bytes, 7, 299999);
    AG_EXPECT_OK(ag_file_replace(path, bytes, 300000, &err));
    AG_EXPECT_OK(ag_sha256_of_file(path, &d, &size, &err));
    AG_EXPECT_OK(ag_sha256_of(bytes, 300000, &e, &err));
    assert_int_equal(size, 300000);
    assert_true(ag_sha256_equal(&d, &e));
    path[strlen(path) - 1] = 'g';
    AG_EXPECT_ERROR(ag_sha256_of_file(path, &d, NULL, &err), AG_ENOTFOUND, "cannot open");
    AG_EXPECT_ERROR(ag_sha256_of_file("/", &d, NULL, &err), AG_EIO, "cannot read");
    ag_free(bytes);
}

AG_TEST(test_hash__hmac_vectors)
{
    ag_err err = {0};
    ag_sha256 d;
    char key[131], data[50];
    memset(key, 0x0b, 20);
    AG_EXPECT_OK(ag_hmac_sha256((ag_str){key, 20}, AG_STR("Hi There"), &d, &err));
    is_digest(&d, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    AG_EXPECT_OK(ag_hmac_sha256(AG_STR("Jefe"), AG_STR("what do ya want for nothing?"), &d, &err));
    is_digest(&d, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    memset(data, 0xdd, sizeof(data));
    AG_EXPECT_OK(ag_hmac_sha256((ag_str){key, 20}, (ag_str){data, 50}, &d, &err));
    is_digest(&d, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    ag_str text = AG_STR("Test Using Larger Than Block-Size Key - Hash Key First");
    AG_EXPECT_OK(ag_hmac_sha256((ag_str){key, 131}, text, &d, &err));
    is_digest(&d, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    AG_EXPECT_OK(ag_hmac_sha256(AG_STR(""), AG_STR(""), &d, &err));
    is_digest(&d, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

AG_TEST(test_hash__secrets_compare)
{
    assert_true(ag_equal_secret(AG_STR("abc"), AG_STR("abc")));
    assert_false(ag_equal_secret(AG_STR("abc"), AG_STR("abd")));
    assert_false(ag_equal_secret(AG_STR("abc"), AG_STR("ab")));
    assert_true(ag_equal_secret((ag_str){NULL, 0}, AG_STR("")));
}

AG_TEST(test_hash__keyed_is_siphash_1_3)
{
    static const struct {
        size_t size;
        uint64_t hash;
    } zero_key[] = {{0, 0xd1fba762150c532c},  {1, 0x68a914128e01e473},  {7, 0x2f098ab0c751325a},
                    {8, 0xead411e67ebe2eea},  {9, 0x75927f9d95124362},  {15, 0xf30eb725bb91c9ea},
                    {16, 0x8972188433a5c5b7}, {63, 0x385d3e39e5f37359}, {64, 0x75e05fd5bbc870c6}};
    uint8_t bytes[64];
    for (size_t i = 0; i < sizeof(bytes); i++) bytes[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof(zero_key) / sizeof(*zero_key); i++)
        assert_true(ag_hash_keyed(bytes, zero_key[i].size, 0, 0) == zero_key[i].hash);
    assert_true(ag_hash_keyed(bytes, 0, 0x0706050403020100, 0x0f0e0d0c0b0a0908) == 0xabac0158050fc4dc);
    assert_true(ag_hash_keyed(bytes, 2, 0x0706050403020100, 0x0f0e0d0c0b0a0908) == 0x82cb9b024dc7d44d);
}

static uint64_t fast(const void *bytes, size_t size)
{
    return ag_hash_fast(bytes, size, 0);
}

/* Stable for ever: stored fingerprints depend on these. */
AG_TEST(test_hash__fast_is_pinned)
{
    static const struct {
        size_t size;
        uint64_t hash, seeded;
    } pinned[] = {{0, 0x10a84de0e2d263d8, 0x55bfd0cd830bbfe3},    {1, 0xf70a1a13499e735e, 0xca92f89f5ae5de70},
                  {3, 0x4a0b4dbc15c61eff, 0x9750a66cc509e0c6},    {4, 0x2ff63fd9a5d6d1ef, 0x13c2c0740dffaca5},
                  {8, 0xd6acebaeededc016, 0x39763131ccf21927},    {16, 0x791b29f4fc98f0ce, 0x7b3423f31f3dbc60},
                  {17, 0x57b1477a72292e17, 0x30a106d3e7e87fce},   {32, 0x4dfdff8082cb3549, 0x36389bbecee730a4},
                  {128, 0xf41fce2c5e7eef83, 0xa954a14bf44ec457},  {129, 0x25a65186a430507b, 0x49a85b2b028dde99},
                  {192, 0x35d5f7c4a18f0c12, 0xed8b321338314bf1},  {193, 0x3282e8eba8a4095c, 0x1c3b64871f27a5f0},
                  {1024, 0x3beaeca31186e160, 0x7050f12179f0a532}, {1025, 0x2c9ebe93c3710668, 0x4a0e05773c7358bf},
                  {1088, 0x10954364839c2b72, 0xdd810472675942e4}, {3000, 0x141ddbbf7a3b77f9, 0x70df7a6743f82bed}};
    uint8_t bytes[3000];
    for (size_t i = 0; i < sizeof(bytes); i++) bytes[i] = (uint8_t)(i * 7 + i / 256);
    for (size_t i = 0; i < sizeof(pinned) / sizeof(*pinned); i++) {
        assert_true(fast(bytes, pinned[i].size) == pinned[i].hash);
        assert_true(ag_hash_fast(bytes, pinned[i].size, 42) == pinned[i].seeded);
    }
}

/* Each flipped input bit must flip every output bit in about half of the samples. */
AG_TEST(test_hash__fast_avalanches)
{
    static const size_t sizes[] = {3, 4, 8, 11, 16, 17, 40, 128, 129, 200, 1100};
    enum { SAMPLES = 400 };
    size_t sparse = ag_test_rounds(101, 37), dense = ag_test_rounds(11, 5);
    ag_rng rng = ag_rng_stream(1, "avalanche");
    for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
        uint8_t bytes[1100];
        size_t bits = sizes[s] * 8, step = bits > 512 ? sparse : bits > 64 ? dense : 1;
        for (size_t bit = 0; bit < bits; bit += step) {
            int flips[64] = {0};
            for (int k = 0; k < SAMPLES; k++) {
                for (size_t i = 0; i < sizes[s]; i++) bytes[i] = (uint8_t)ag_rng_u32(&rng);
                uint64_t before = fast(bytes, sizes[s]);
                bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
                uint64_t change = before ^ fast(bytes, sizes[s]);
                for (int b = 0; b < 64; b++) flips[b] += change >> b & 1;
            }
            for (int b = 0; b < 64; b++) /* six standard deviations of 10 */
                if (flips[b] < SAMPLES / 2 - 60 || flips[b] > SAMPLES / 2 + 60)
                    fail_msg("size %zu, bit %zu -> %d: %d of %d", sizes[s], bit, b, flips[b], SAMPLES);
        }
    }
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* No two equal among n, and the low 32 bits as good as random: n * n / 2 / 2^32 equal pairs, give or take. */
static void check_collisions(uint64_t *hashes, size_t n)
{
    size_t pairs = 0;
    double expected = (double)n * (double)n / 2 / 4294967296.0;
    qsort(hashes, n, sizeof(*hashes), compare);
    for (size_t i = 1; i < n; i++) assert_true(hashes[i] != hashes[i - 1]);
    for (size_t i = 0; i < n; i++) hashes[i] &= 0xffffffff;
    qsort(hashes, n, sizeof(*hashes), compare);
    for (size_t i = 1; i < n; i++) pairs += hashes[i] == hashes[i - 1];
    assert_true((double)pairs < expected + 6 * (expected > 1 ? expected / 2 : 1) + 6);
}

AG_TEST(test_hash__fast_has_no_collisions_on_sparse_keys)
{
    const size_t most = ag_test_rounds(50000, 200000);
    uint64_t *hashes = ag_alloc_array(most, sizeof(*hashes));
    uint8_t bytes[512] = {0};
    for (uint64_t i = 0; i < most; i++) hashes[i] = fast(&i, 8);
    check_collisions(hashes, most);
    static const size_t sizes[] = {16, 64, 128, 200, 512};
    for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) { /* all keys with one or two bits set */
        size_t n = 0, bits = sizes[s] * 8;
        for (size_t a = 0; a < bits && n < most; a++)
            for (size_t b = a; b < bits && n < most; b += bits > 512 ? 11 : 1) {
                bytes[a / 8] |= (uint8_t)(1 << a % 8);
                bytes[b / 8] |= (uint8_t)(1 << b % 8);
                hashes[n++] = fast(bytes, sizes[s]);
                bytes[a / 8] = bytes[b / 8] = 0;
            }
        check_collisions(hashes, n);
    }
    for (size_t i = 0; i < sizeof(bytes); i++) hashes[i] = fast(bytes, i); /* zeros of every length */
    check_collisions(hashes, sizeof(bytes));
    for (uint64_t i = 0; i < most; i++) hashes[i] = ag_hash_fast("seeds", 5, i);
    check_collisions(hashes, most);
    ag_free(hashes);
}

static int hash_file(void *context, ag_err *err)
{
    ag_sha256 d;
    return ag_sha256_of_file(context, &d, NULL, err);
}

AG_TEST(test_hash__every_failure_is_reported)
{
    ag_err err = {0};
    char path[4096];
    snprintf(path, sizeof(path), "%s/f", ag_test_dir());
    AG_EXPECT_OK(ag_file_replace(path, "x", 1, &err));
    ag_test_fail_at_n(AG_FAULT_ANY, hash_file, NULL, path);
}
