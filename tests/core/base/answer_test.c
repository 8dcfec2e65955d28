// SPDX-License-Identifier: Apache-2.0
#include "core/base/answer.h"

#include <string.h>

#include "frame/test.h"

AG_TEST(test_answer__failure_keeps_code_place_and_hint)
{
    ag_err err = {0};
    auger_error error;
    int rc = ag_fail_at(&err, AG_EPARSE, "a.yaml", 3, 7, "no such key");
    ag_err_hint(&err, "did you mean 'epochs'?");
    assert_int_equal(ag_answer(rc, &err, &error), AUGER_EPARSE);
    assert_int_equal(error.code, AUGER_EPARSE);
    assert_string_equal(error.text, "a.yaml:3:7: no such key");
    assert_string_equal(error.hint, "did you mean 'epochs'?");
}

AG_TEST(test_answer__success_leaves_no_text)
{
    auger_error error;
    memset(&error, 'x', sizeof(error));
    assert_int_equal(ag_answer(7, NULL, &error), 0);
    assert_int_equal(error.code, 0);
    assert_string_equal(error.text, "");
    assert_string_equal(error.hint, "");
}

AG_TEST(test_answer__nobody_asks_for_the_text)
{
    ag_err err = {0};
    assert_int_equal(ag_answer(ag_fail_memory(&err, 10), &err, NULL), AUGER_ENOMEM);
}

AG_TEST(test_answer__what_a_public_call_has_said_fails_as_ours)
{
    ag_err err = {0};
    auger_error error = {.code = AUGER_EUNAVAILABLE, .text = "http://host is away", .hint = "try again later"};
    AG_EXPECT_ERROR(ag_fail_answered(error.code, &error, &err), AG_EUNAVAILABLE, "http://host is away");
    assert_string_equal(err.hint, "try again later");
}
