// SPDX-License-Identifier: Apache-2.0
#include "frame/test.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/str.h"

static const ag_str nothing = {0};

AG_TEST(test_str__comparing)
{
    assert_true(ag_str_equal(nothing, AG_STR("")));
    assert_false(ag_str_equal(AG_STR("a"), AG_STR("ab")));
    assert_true(ag_str_equal(AG_STR("a\0b"), (ag_str){"a\0b", 3}));
    assert_false(ag_str_equal(AG_STR("a\0b"), AG_STR("a\0c")));
    assert_true(ag_str_equal_nocase(AG_STR("Content-Type"), AG_STR("content-TYPE")));
    assert_false(ag_str_equal_nocase(AG_STR("@"), AG_STR("`"))); /* differ by the case bit, but are no letters */
    assert_true(ag_str_compare(AG_STR("a"), AG_STR("ab")) < 0);
    assert_true(ag_str_compare(AG_STR("b"), AG_STR("ab")) > 0);
    assert_true(ag_str_compare(AG_STR("\xff"), AG_STR("a")) > 0);
    assert_int_equal(ag_str_compare(nothing, nothing), 0);
    assert_true(ag_str_starts(AG_STR("abc"), AG_STR("ab")) && ag_str_starts(AG_STR("abc"), nothing));
    assert_true(ag_str_ends(AG_STR("abc"), AG_STR("bc")) && !ag_str_ends(AG_STR("c"), AG_STR("bc")));
    assert_true(ag_str_is(nothing, NULL) && ag_str_is(AG_STR("x"), "x"));
}

AG_TEST(test_str__cutting)
{
    assert_true(ag_str_is(ag_str_trim(AG_STR(" \t a b\r\n")), "a b"));
    assert_int_equal(ag_str_trim(AG_STR("   ")).size, 0);
    assert_int_equal(ag_str_trim(nothing).size, 0);
    assert_true(ag_str_is(ag_str_slice(AG_STR("abc"), 1, 1), "b"));
    assert_true(ag_str_is(ag_str_slice(AG_STR("abc"), 1, SIZE_MAX), "bc"));
    assert_int_equal(ag_str_slice(AG_STR("abc"), 9, 2).size, 0);
    assert_int_equal(ag_str_find(AG_STR("aXbX"), AG_STR("X"), 2), 3);
    assert_int_equal(ag_str_find(AG_STR("aXbX"), AG_STR("XX"), 0), SIZE_MAX);
    assert_int_equal(ag_str_find(AG_STR("ab"), nothing, 2), 2);
    assert_int_equal(ag_str_find(AG_STR("ab"), nothing, 3), SIZE_MAX);
    assert_int_equal(ag_str_find_char(AG_STR("a\0b"), 'b', 0), 2);
    assert_int_equal(ag_str_find_char(nothing, 'b', 0), SIZE_MAX);
}

AG_TEST(test_str__next_keeps_empty_parts)
{
    static const char *const wanted[] = {"a", "", "b", ""};
    ag_str rest = AG_STR("a,,b,"), part;
    for (size_t i = 0; i < 4; i++) {
        assert_true(ag_str_next(&rest, ',', &part));
        assert_true(ag_str_is(part, wanted[i]));
    }
    assert_false(ag_str_next(&rest, ',', &part));
    rest = AG_STR("");
    assert_true(ag_str_next(&rest, ',', &part) && part.size == 0 && !ag_str_next(&rest, ',', &part));
}

AG_TEST(test_str__integers_are_exact_and_whole)
{
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } rows[] = {{"0", true, 0},
                {"-0", true, 0},
                {"+7", true, 7},
                {"9223372036854775807", true, INT64_MAX},
                {"-9223372036854775808", true, INT64_MIN},
                {"9223372036854775808", false, 0},
                {"-9223372036854775809", false, 0},
                {"99999999999999999999999", false, 0},
                {"", false, 0},
                {"-", false, 0},
                {"+-1", false, 0},
                {" 1", false, 0},
                {"1 ", false, 0},
                {"0x10", false, 0},
                {"1e3", false, 0}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t value = 0;
        assert_int_equal(ag_str_to_int(ag_str_of(rows[i].text), &value), rows[i].good);
        assert_int_equal(value, rows[i].value);
    }
    uint64_t big;
    assert_true(ag_str_to_uint(AG_STR("18446744073709551615"), &big) && big == UINT64_MAX);
    assert_false(ag_str_to_uint(AG_STR("18446744073709551616"), &big));
    assert_false(ag_str_to_uint(AG_STR("-1"), &big));
    assert_false(ag_str_to_uint(AG_STR("+1"), &big));
    assert_false(ag_str_to_int(nothing, &(int64_t){0}));
}

AG_TEST(test_str__doubles_are_decimal_only)
{
    static const char *const bad[] = {"",   ".",  "-",     "0x1p3", "1e",    "1e+",    "1,5",
                                      " 1", "1 ", "nan()", "--1",   "1e999", "infinit"};
    double value;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(ag_str_to_double(ag_str_of(bad[i]), &value));
    }
    assert_true(ag_str_to_double(AG_STR("-1.5e-3"), &value) && value == -1.5e-3);
    assert_true(ag_str_to_double(AG_STR(".5"), &value) && value == 0.5);
    assert_true(ag_str_to_double(AG_STR("-Infinity"), &value) && value == -INFINITY);
    assert_true(ag_str_to_double(AG_STR("+inf"), &value) && value == INFINITY);
    assert_true(ag_str_to_double(AG_STR("NaN"), &value) && isnan(value));
    assert_true(ag_str_to_double(AG_STR("5e-324"), &value) && value == 5e-324);
    assert_true(ag_str_to_double(AG_STR("1e-999"), &value) && value == 0);
    char long_text[600];
    memset(long_text, '1', sizeof(long_text));
    assert_false(ag_str_to_double((ag_str){long_text, sizeof(long_text)}, &value));
}

AG_TEST(test_str__bytes_and_durations)
{
    uint64_t bytes;
    assert_true(ag_str_to_bytes(AG_STR("64"), &bytes) && bytes == 64);
    assert_true(ag_str_to_bytes(AG_STR("64k"), &bytes) && bytes == 65536);
    assert_true(ag_str_to_bytes(AG_STR("1.5 GiB"), &bytes) && bytes == 1610612736);
    assert_true(ag_str_to_bytes(AG_STR("10mb"), &bytes) && bytes == 10485760);
    assert_true(ag_str_to_bytes(AG_STR("18446744073709551615"), &bytes) && bytes == UINT64_MAX);
    assert_false(ag_str_to_bytes(AG_STR("-1k"), &bytes));
    assert_false(ag_str_to_bytes(AG_STR("1.3"), &bytes));
    assert_false(ag_str_to_bytes(AG_STR("99999999999T"), &bytes));
    assert_false(ag_str_to_bytes(AG_STR("5 parsecs"), &bytes));
    assert_false(ag_str_to_bytes(AG_STR("k"), &bytes));
    static const char *const blanks[] = {" 5MB", "5MB ", "5 ", "5 M B", "5\tMB", " 5", ""};
    for (size_t i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++)
        assert_false(ag_str_to_bytes(ag_str_of(blanks[i]), &bytes));
    int64_t time;
    assert_true(ag_str_to_duration(AG_STR("250ms"), &time) && time == 250000);
    assert_true(ag_str_to_duration(AG_STR("1.5h"), &time) && time == INT64_C(5400000000));
    assert_true(ag_str_to_duration(AG_STR("30"), &time) && time == 30000000);
    assert_true(ag_str_to_duration(AG_STR("2 d"), &time) && time == INT64_C(172800000000));
    assert_false(ag_str_to_duration(AG_STR("-5s"), &time));
    assert_false(ag_str_to_duration(AG_STR("s"), &time));
    assert_false(ag_str_to_duration(AG_STR("999999999d9"), &time));
    assert_false(ag_str_to_duration(AG_STR("9999999999999d"), &time));
}

static void expect_same_double(double value)
{
    char text[32];
    size_t size = ag_double_format(value, text);
    assert_int_equal(size, strlen(text));
    double back;
    assert_true(ag_str_to_double(ag_str_of(text), &back));
    assert_memory_equal(&back, &value, sizeof(value));
}

AG_TEST(test_str__double_format_reads_back_the_same)
{
    static const double some[] = {0.0,
                                  -0.0,
                                  1,
                                  -1,
                                  0.1,
                                  1.0 / 3,
                                  1e15,
                                  1e16,
                                  123456789012345678.0,
                                  DBL_MAX,
                                  DBL_MIN,
                                  5e-324,
                                  1e300,
                                  INFINITY,
                                  -INFINITY,
                                  9007199254740993.0,
                                  2.5,
                                  1e22,
                                  1e23};
    for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) expect_same_double(some[i]);
    uint64_t bits = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
        double value;
        memcpy(&value, &bits, sizeof(value));
        if (!isnan(value)) expect_same_double(value);
    }
    char text[32];
    ag_double_format(0.1, text);
    assert_string_equal(text, "0.1");
    ag_double_format(100, text);
    assert_string_equal(text, "100");
    ag_double_format(NAN, text);
    assert_string_equal(text, "nan");
}

AG_TEST(test_str__double_format_is_the_librarys_shortest)
{
    uint64_t seed = 88172645463325252u, power = 1;
    for (int round = 0; round < 40000; round++) {
        char text[32], want[32];
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        power = round % 19 ? power * 10 : 1;
        double value = (double)(int64_t)(seed % 2000000000000000u >> (seed >> 59)) / (double)power;
        if (value == (double)(int64_t)value) continue; /* whole numbers are written without an exponent */
        for (int digits = 15; digits <= 17; digits++) {
            (void)snprintf(want, sizeof(want), "%.*g", digits, value);
            if (strtod(want, NULL) == value) break;
        }
        ag_double_format(value, text);
        assert_string_equal(text, want);
    }
}

/* The library's shortest of 15 to 17 digits. */
static void expect_librarys(double value)
{
    char text[32], want[32];
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(want, sizeof(want), "%.*g", digits, value);
        if (strtod(want, NULL) == value) break;
    }
    ag_double_format(value, text);
    assert_string_equal(text, want);
}

AG_TEST(test_str__double_format_at_the_edges_of_its_ways)
{
    for (int power = -6; power < 15; power++) {
        double edge = pow(10, power), below = nextafter(edge, 0), above = nextafter(edge, INFINITY);
        for (int i = 0; i < 50; i++) {
            expect_librarys(below);
            expect_librarys(-above);
            below = nextafter(below, 0);
            above = nextafter(above, INFINITY);
        }
    }
    for (int power = -20; power < 49; power++) { /* the steps below a power of two are half as long */
        expect_librarys(nextafter(ldexp(1, power), 0));
        expect_librarys(nextafter(ldexp(1, power), INFINITY));
        if (power < 0) expect_librarys(ldexp(1, power));
    }
    for (int i = 1; i < 20000; i++) {
        if (i % 3) expect_librarys(i / 3.0);
        expect_librarys((i + 0.5) / 7e4);
    }
}

AG_TEST(test_str__utf8_is_strict)
{
    static const char *const good[] = {
        "", "plain", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "0123456789abcdef\xc3\xa9"};
    static const char *const bad[] = {"\x80",
                                      "\xc0\xaf",
                                      "\xc1\xbf",
                                      "\xe0\x80\x80",
                                      "\xed\xa0\x80",
                                      "\xf0\x80\x80\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xc3",
                                      "\xe2\x82",
                                      "\xff",
                                      "01234567\xc3"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) assert_true(ag_utf8_valid(ag_str_of(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) assert_false(ag_utf8_valid(ag_str_of(bad[i])));
    assert_true(ag_utf8_valid(AG_STR("a\0b")));
}

AG_TEST(test_str__utf8_width_and_cut)
{
    assert_int_equal(ag_utf8_width(AG_STR("abc")), 3);
    assert_int_equal(ag_utf8_width(AG_STR("e\xcc\x81")), 1);                /* e and a combining accent */
    assert_int_equal(ag_utf8_width(AG_STR("\xe6\x97\xa5\xe6\x9c\xac")), 4); /* two wide characters */
    assert_int_equal(ag_utf8_width(AG_STR("\xff")), 1);
    ag_str euro = AG_STR("a\xe2\x82\xac");
    assert_int_equal(ag_utf8_cut(euro, 4), 4);
    assert_int_equal(ag_utf8_cut(euro, 3), 1);
    assert_int_equal(ag_utf8_cut(euro, 2), 1);
    assert_int_equal(ag_utf8_cut(euro, 1), 1);
    assert_int_equal(ag_utf8_cut(euro, 99), 4);
    assert_int_equal(ag_utf8_count(euro), 2);
    assert_int_equal(ag_utf8_head(euro, 0), 0);
    assert_int_equal(ag_utf8_head(euro, 1), 1);
    assert_int_equal(ag_utf8_head(euro, 2), 4);
    assert_int_equal(ag_utf8_head(euro, 3), 4);
    assert_int_equal(ag_utf8_cut(nothing, 5), 0);
}

AG_TEST(test_str__nearest_finds_what_was_meant)
{
    static const char *const keys[] = {"epochs", "batch_size", "learning_rate", "seed", "optimizer"};
    assert_string_equal(ag_nearest(AG_STR("epoch"), keys, 5), "epochs");
    assert_string_equal(ag_nearest(AG_STR("batch-size"), keys, 5), "batch_size");
    assert_string_equal(ag_nearest(AG_STR("batchsize"), keys, 5), "batch_size");
    assert_string_equal(ag_nearest(AG_STR("laerning_rate"), keys, 5), "learning_rate"); /* neighbours swapped */
    assert_string_equal(ag_nearest(AG_STR("Optimiser"), keys, 5), "optimizer");
    assert_null(ag_nearest(AG_STR("wheel"), keys, 5));
    assert_null(ag_nearest(AG_STR(""), keys, 5));
    char long_word[100];
    memset(long_word, 'e', sizeof(long_word));
    assert_null(ag_nearest((ag_str){long_word, sizeof(long_word)}, keys, 5));
}

AG_TEST(test_str__nearest_hint_is_the_nearest_name_or_all_of_them)
{
    static const char *const keys[] = {"epochs", "batch_size", "seed"};
    const char *many[100];
    ag_err err;
    ag_fail(&err, AG_EINVAL, "there is no 'epoch'");
    assert_int_equal(ag_nearest_hint(&err, AG_STR("epoch"), keys, 3), AG_EINVAL);
    assert_string_equal(err.hint, "did you mean 'epochs'?");
    ag_nearest_hint(&err, AG_STR("wheel"), keys, 3);
    assert_string_equal(err.hint, "there are epochs, batch_size, seed");
    ag_nearest_hint(&err, AG_STR("wheel"), keys, 1);
    assert_string_equal(err.hint, "there is epochs");
    for (size_t i = 0; i < 100; i++) many[i] = "learning_rate";
    ag_nearest_hint(&err, AG_STR("wheel"), many, 100);
    assert_in_range(strlen(err.hint), 200, sizeof err.hint - 1);
    assert_string_equal(err.hint + strlen(err.hint) - strlen("learning_rate ..."), "learning_rate ...");
    assert_int_equal(ag_nearest_hint(NULL, AG_STR("wheel"), keys, 3), AG_EINTERNAL);
}

AG_TEST(test_str__format_tells_whether_it_fitted)
{
    char out[4];
    assert_true(ag_format(out, sizeof(out), "%d", 123));
    assert_false(ag_format(out, sizeof(out), "%d", 1234));
    assert_string_equal(out, "123");
}
