// SPDX-License-Identifier: Apache-2.0
/* encode_test.c: the vectors of RFC 4648, and what strict reading refuses. */
#include "frame/test.h"

#include <string.h>

#include "core/hash/encode.h"

AG_TEST(test_encode__hex_round_trips)
{
    ag_err err = {0};
    char text[9], back[4];
    ag_hex("\x00\xff\x1a\xB2", 4, text);
    assert_string_equal(text, "00ff1ab2");
    AG_EXPECT_OK(ag_unhex(AG_STR("00Ff1aB2"), back, 4, &err));
    assert_memory_equal(back, "\x00\xff\x1a\xB2", 4);
    AG_EXPECT_ERROR(ag_unhex(AG_STR("00ff1ab"), back, 4, &err), AG_EPARSE, "8 hexadecimal");
    AG_EXPECT_ERROR(ag_unhex(AG_STR("00ff1ab2c3"), back, 4, &err), AG_EPARSE, "8 hexadecimal");
    memset(back, 1, 4);
    AG_EXPECT_ERROR(ag_unhex(AG_STR("00ff1aG2"), back, 4, &err), AG_EPARSE, "character 7");
    assert_int_equal(back[0], 1); /* untouched */
}

static const char *const vectors[][3] = {{"", "", ""},
                                         {"f", "Zg==", "Zg"},
                                         {"fo", "Zm8=", "Zm8"},
                                         {"foo", "Zm9v", "Zm9v"},
                                         {"foob", "Zm9vYg==", "Zm9vYg"},
                                         {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
                                         {"\xfb\xff\xfe", "+//+", "-__-"}};

AG_TEST(test_encode__base64_vectors)
{
    ag_err err = {0};
    ag_buf buf;
    ag_buf_init(&buf, 100);
    for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
        ag_buf_clear(&buf);
        ag_base64(&buf, ag_str_of(vectors[i][0]));
        assert_true(ag_str_is(ag_buf_str(&buf), vectors[i][1]));
        ag_buf_clear(&buf);
        ag_base64_url(&buf, ag_str_of(vectors[i][0]));
        assert_true(ag_str_is(ag_buf_str(&buf), vectors[i][2]));
        for (size_t k = 1; k < 3; k++) {
            ag_buf_clear(&buf);
            AG_EXPECT_OK(ag_unbase64(ag_str_of(vectors[i][k]), &buf, &err));
            assert_true(ag_str_is(ag_buf_str(&buf), vectors[i][0]));
        }
    }
    ag_buf_deinit(&buf);
}

AG_TEST(test_encode__base64_is_strict)
{
    static const char *const bad[] = {"A",    "AAAAA", "Zg=",  "Z===", "====", "=",     "Zg==Zg==", "Zm9v\n",
                                      "Zh==", "Zm9=",  "Z g=", "+_AA", "Zg=A", "Zm9v=", "Zm9v==",   "\x80\x80\x80\x80"};
    ag_buf buf;
    ag_buf_init(&buf, 100);
    ag_buf_add_text(&buf, "kept");
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        ag_err err = {0};
        if (ag_unbase64(ag_str_of(bad[i]), &buf, &err) != AG_EPARSE) fail_msg("'%s' got through", bad[i]);
        assert_int_equal(buf.size, 4);
    }
    ag_buf_deinit(&buf);
    ag_err err = {0};
    ag_buf_init(&buf, 3);
    AG_EXPECT_ERROR(ag_unbase64(AG_STR("Zm9vYmFy"), &buf, &err), AG_ELIMIT, "3 bytes");
    ag_buf_deinit(&buf);
}

AG_TEST(test_encode__ids_differ)
{
    ag_err err = {0};
    char a[33], b[33];
    AG_EXPECT_OK(ag_id_new(a, &err));
    AG_EXPECT_OK(ag_id_new(b, &err));
    assert_int_equal(strspn(a, "0123456789abcdef"), 32);
    assert_string_not_equal(a, b);
}
