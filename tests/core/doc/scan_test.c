// SPDX-License-Identifier: Apache-2.0
/* scan_test.c: the fast scanners against their plain twins, the exact decimals against the C library. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/doc/scan.h"
#include "frame/test.h"

/* xorshift: the tests of the generator have their own file. */
static uint64_t seed = 0x2545F4914F6CDD1Du;
static uint64_t random64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

AG_TEST(test_scan__the_fast_scanner_stops_where_the_plain_one_does)
{
    char text[80];
    for (int byte = 0; byte < 256; byte++) {
        for (size_t at = 0; at < sizeof text; at++) {
            memset(text, 'x', sizeof text);
            text[at] = (char)byte;
            for (size_t size = at; size <= sizeof text; size += 7)
                assert_int_equal(ag_scan_plain(text, size), ag_scan_plain_slow(text, size));
        }
    }
    for (int round = 0; round < 20000; round++) {
        size_t size = random64() % sizeof text;
        for (size_t i = 0; i < size; i++) text[i] = (char)random64();
        assert_int_equal(ag_scan_plain(text, size), ag_scan_plain_slow(text, size));
    }
}

AG_TEST(test_scan__utf8_takes_exactly_the_legal_sequences)
{
    for (uint32_t code = 0x80; code <= 0x10FFFF; code += code < 0x900 ? 1 : 37) {
        char text[4];
        size_t size, bad;
        if (code < 0x800) {
            size = 2;
            text[0] = (char)(0xC0 | code >> 6);
        } else if (code < 0x10000) {
            size = 3;
            text[0] = (char)(0xE0 | code >> 12);
        } else {
            size = 4;
            text[0] = (char)(0xF0 | code >> 18);
        }
        for (size_t i = 1; i < size; i++) text[i] = (char)(0x80 | (code >> (6 * (size - 1 - i)) & 0x3F));
        bool surrogate = code >= 0xD800 && code <= 0xDFFF;
        assert_int_equal(ag_scan_utf8(text, size, &bad), surrogate ? 0 : size);
        assert_int_equal(ag_scan_utf8(text, size - 1, &bad), 0);
        assert_true(bad >= 1 && bad < size);
    }
    static const char *const wrong[] = {"\x80",
                                        "\xC0\x80",
                                        "\xC1\xBF",
                                        "\xE0\x9F\xBF",
                                        "\xED\xA0\x80",
                                        "\xF0\x8F\xBF\xBF",
                                        "\xF4\x90\x80\x80",
                                        "\xF5\x80\x80\x80",
                                        "\xFF",
                                        "\xC3(",
                                        "\xE2\x82(",
                                        "\xF0\x9F\x98("};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        size_t bad;
        assert_int_equal(ag_scan_utf8(wrong[i], strlen(wrong[i]), &bad), 0);
        assert_true(bad >= 1 && bad <= strlen(wrong[i]));
    }
}

/* What the reader does: digits, point, exponent. */
static bool exact(const char *text, double *out)
{
    ag_decimal decimal = {.negative = *text == '-'};
    const char *at = ag_decimal_scan(&decimal, text + decimal.negative, false);
    if (*at == '.') at = ag_decimal_scan(&decimal, at + 1, true);
    if (*at == 'e') decimal.exponent += strtol(at + 1, NULL, 10);
    return ag_decimal_exact(&decimal, out);
}

static void expect_same(const char *text)
{
    double ours = 0.0, theirs = strtod(text, NULL);
    if (!exact(text, &ours)) return;
    if (memcmp(&ours, &theirs, sizeof ours) != 0) fail_msg("%s: %.17g, the library says %.17g", text, ours, theirs);
}

AG_TEST(test_scan__exact_decimals_are_the_librarys_bit_for_bit)
{
    char text[80];
    for (int round = 0; round < 200000; round++) {
        uint64_t bits = random64();
        unsigned drop = (unsigned)(random64() % 64);
        (void)snprintf(text, sizeof text, "%s%llue%d", bits & 1 ? "-" : "", (unsigned long long)(bits >> drop),
                       (int)(random64() % 50) - 25);
        expect_same(text);
        (void)snprintf(text, sizeof text, "%.*g", (int)(random64() % 19) + 1,
                       (double)(int64_t)random64() / (double)((random64() >> (random64() % 64)) | 1));
        expect_same(text);
    }
}

AG_TEST(test_scan__ties_go_to_even)
{
    /* Halves between two doubles, and one unit of the last digit to either side. */
    for (int round = 0; round < 50000; round++) {
        uint64_t mantissa = (random64() >> 11) | (UINT64_C(1) << 52);
        char text[80];
        for (int off = -1; off <= 1; off++) {
            (void)snprintf(text, sizeof text, "%llu",
                           (unsigned long long)(mantissa * 2 + 1) * 2 + (unsigned)(off + 1) - 1);
            expect_same(text);
            (void)snprintf(text, sizeof text, "%llu.5", (unsigned long long)mantissa);
            expect_same(text);
            (void)snprintf(text, sizeof text, "%llue-3",
                           (unsigned long long)(mantissa * 2 + 1) * 125 * 4 + (unsigned)(off + 1));
            expect_same(text);
        }
    }
    expect_same("9007199254740993");
    expect_same("9007199254740992.5");
    expect_same("18446744073709551609");
    expect_same("0.000000000000000001");
    expect_same("-0.0");
}

AG_TEST(test_scan__common_decimals_need_no_library)
{
    static const char *const common[] = {"0",
                                         "0.1",
                                         "-273.15",
                                         "3.141592653589793",
                                         "1e-3",
                                         "1e22",
                                         "6.02e23",
                                         "0.30000000000000004",
                                         "12345678901234567.8",
                                         "99999.9999"};
    for (size_t i = 0; i < sizeof common / sizeof *common; i++) {
        double out;
        assert_true(exact(common[i], &out));
    }
}

AG_TEST(test_scan__the_library_reads_the_rest_to_the_last_digit)
{
    double out = 0.0;
    const char *least = "4.9406564584124654e-324,";
    assert_true(ag_decimal_library(least, least + strlen(least) - 1, &out) && out > 0.0);
    const char *huge = "1e309";
    assert_false(ag_decimal_library(huge, huge + 5, &out));
    const char *cut = "1.5x";
    assert_false(ag_decimal_library(cut, cut + 4, &out));
    /* 2^53 + 1 with a long tail: only the thousandth digit decides. */
    char text[1200];
    memset(text, '0', sizeof text);
    memcpy(text, "9007199254740993.", 17);
    text[1100] = '1';
    text[1101] = '\0';
    assert_true(ag_decimal_library(text, text + 1101, &out) && out == 9007199254740994.0);
    text[1100] = '0';
    assert_true(ag_decimal_library(text, text + 1101, &out) && out == 9007199254740992.0);
}
