// SPDX-License-Identifier: Apache-2.0
#include "learn/data_name.h"

#include <string.h>

#include "core/base/str.h"
#include "frame/test.h"

static const ag_data_name version = {
    .name = "drilling@v1", .path = "h/checkouts/af72", .absolute = "/t/h/checkouts/af72"};

AG_TEST(test_data_name__stands_for_the_directory_in_every_spelling)
{
    char buffer[200];
    assert_string_equal(ag_data_name_in(&version, "h/checkouts/af72: 66 holes", buffer, sizeof buffer),
                        "drilling@v1: 66 holes");
    assert_string_equal(
        ag_data_name_in(&version, "'/t/h/checkouts/af72/a.csv', h/checkouts/af72/b", buffer, sizeof buffer),
        "'drilling@v1/a.csv', drilling@v1/b");
    const char *other = "h/checkouts/af73 is another";
    assert_ptr_equal(ag_data_name_in(&version, other, buffer, sizeof buffer), other);
    const ag_data_name path = {0};
    assert_ptr_equal(ag_data_name_in(&path, other, buffer, sizeof buffer), other);
}

AG_TEST(test_data_name__what_does_not_fit_is_cut_between_letters)
{
    char buffer[14];
    assert_string_equal(ag_data_name_in(&version, "h/checkouts/af72: holes", buffer, sizeof buffer), "drilling@v1: ");
    assert_string_equal(ag_data_name_in(&version, "h/checkouts/af72:\xc3\xa4", buffer, sizeof buffer), "drilling@v1:");
    assert_string_equal(ag_data_name_in(&version, "123456h/checkouts/af72h/checkouts/af72", buffer, sizeof buffer),
                        "123456drillin");
}

AG_TEST(test_data_name__in_all_that_an_error_says)
{
    ag_err err = {0};
    ag_fail_at(&err, AG_EPARSE, "/t/h/checkouts/af72/truth.csv", 3, 0, "a row of h/checkouts/af72 is too short");
    ag_err_hint(&err, "look at h/checkouts/af72/truth.csv");
    ag_data_name_in_error(&version, &err);
    assert_int_equal(err.code, AG_EPARSE);
    assert_string_equal(err.file, "drilling@v1/truth.csv");
    assert_string_equal(err.text, "a row of drilling@v1 is too short");
    assert_string_equal(err.hint, "look at drilling@v1/truth.csv");
    ag_data_name_in_error(&version, NULL);
}
