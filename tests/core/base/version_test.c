// SPDX-License-Identifier: Apache-2.0
#include "frame/test.h"

#include <ctype.h>
#include <string.h>

#include "auger/version.h"
#include "core/base/version.h"

AG_TEST(test_version__is_three_numbers)
{
    int dots = 0;
    for (const char *c = auger_version(); *c; c++) {
        dots += *c == '.';
        assert_true(*c == '.' || isdigit((unsigned char)*c));
    }
    assert_int_equal(dots, 2);
}

AG_TEST(test_version__commit_is_unknown_or_hexadecimal)
{
    const char *commit = ag_commit();
    if (strcmp(commit, "unknown") == 0) return;
    assert_true(strspn(commit, "0123456789abcdef") >= 7);
}
