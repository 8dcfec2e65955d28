// SPDX-License-Identifier: Apache-2.0
#include "frame/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/str.h"

AG_TEST(test_err__fail_writes_code_and_text_and_clears_the_rest)
{
    ag_err err;
    memset(&err, 'x', sizeof(err));
    assert_int_equal(ag_fail(&err, AG_EINVAL, "value %d is odd", 3), AG_EINVAL);
    assert_int_equal(err.code, AG_EINVAL);
    assert_string_equal(err.text, "value 3 is odd");
    assert_string_equal(err.hint, "");
    assert_string_equal(err.file, "");
    assert_int_equal(err.line, 0);
    assert_int_equal(err.column, 0);
}

AG_TEST(test_err__null_is_accepted_everywhere)
{
    assert_int_equal(ag_fail(NULL, AG_EIO, "x"), AG_EIO);
    assert_int_equal(ag_fail_at(NULL, AG_EPARSE, "f", 1, 2, "x"), AG_EPARSE);
    assert_int_equal(ag_fail_memory(NULL, 5), AG_ENOMEM);
    assert_int_equal(ag_fail_errno(NULL, ENOSPC, "x"), AG_EFULL);
    assert_int_equal(ag_err_prefix(NULL, "x"), AG_EINTERNAL);
    assert_int_equal(ag_err_hint(NULL, "x"), AG_EINTERNAL);
    assert_int_equal(ag_err_place(NULL, "x", 1, 1), AG_EINTERNAL);
}

AG_TEST(test_err__format_joins_place_text_and_hint)
{
    ag_err err;
    char out[256];
    ag_fail_at(&err, AG_EPARSE, "run.yaml", 3, 7, "unknown key 'epoch'");
    ag_err_hint(&err, "did you mean '%s'?", "epochs");
    ag_err_format(&err, out, sizeof(out));
    assert_string_equal(out, "run.yaml:3:7: unknown key 'epoch' (did you mean 'epochs'?)");
    ag_fail_at(&err, AG_EPARSE, "run.yaml", 3, 0, "x");
    ag_err_format(&err, out, sizeof(out));
    assert_string_equal(out, "run.yaml:3: x");
    ag_fail_at(&err, AG_EPARSE, NULL, 3, 4, "x");
    ag_err_format(&err, out, sizeof(out));
    assert_string_equal(out, "line 3:4: x");
    ag_fail_at(&err, AG_EPARSE, "a.csv", 0, 0, "x");
    ag_err_format(&err, out, sizeof(out));
    assert_string_equal(out, "a.csv: x");
    assert_int_equal(ag_err_format(&err, out, 3), 8);
    assert_string_equal(out, "a.");
}

AG_TEST(test_err__prefix_goes_before_and_keeps_the_code)
{
    ag_err err;
    ag_fail(&err, AG_ENOTFOUND, "no such file");
    assert_int_equal(ag_err_prefix(&err, "reading '%s'", "x"), AG_ENOTFOUND);
    assert_string_equal(err.text, "reading 'x': no such file");
}

AG_TEST(test_err__long_texts_are_cut_at_a_character)
{
    ag_err err;
    char filler[700];
    memset(filler, 'a', sizeof(filler));
    filler[510] = '\0';
    ag_fail(&err, AG_EIO, "%s\xc3\xa9", filler); /* é would need bytes 510 and 511 */
    assert_int_equal(strlen(err.text), 510);
    assert_true(ag_utf8_valid(ag_str_of(err.text)));
    for (size_t prefix = 480; prefix < 530; prefix++) {
        ag_fail(&err, AG_EIO, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9");
        ag_err_prefix(&err, "%.*s", (int)prefix, filler);
        assert_true(ag_utf8_valid(ag_str_of(err.text)));
        assert_true(strlen(err.text) < sizeof(err.text));
    }
}

AG_TEST(test_err__control_characters_of_the_input_do_not_pass)
{
    ag_err err;
    ag_fail_at(&err, AG_EINVAL, "a\033b.csv", 1, 1, "'%s' is wrong", "x\033[31m\n\177\xc2\x9b\xc2\xa0\xc3\x9f\t");
    ag_err_prefix(&err, "in\r'%s'", "\a");
    ag_err_hint(&err, "not %s", "\b");
    assert_string_equal(err.text, "in?'?': 'x?[31m?\?\?\?\xc2\xa0\xc3\x9f?' is wrong");
    assert_string_equal(err.hint, "not ?");
    assert_string_equal(err.file, "a?b.csv");
    ag_fail_errno(&err, ENOENT, "cannot open %s", "\033");
    assert_non_null(strstr(err.text, "cannot open ?: "));
}

AG_TEST(test_err__bytes_that_are_no_text_do_not_pass)
{
    ag_err err;
    ag_fail_at(&err, AG_EINVAL, "\xe4.csv", 1, 1, "'%s' is no number",
               "\xf8\xbb\xfe"
               "n\xc3\x9f\xe2\x82");
    ag_err_hint(&err, "not '%s'", "\xff");
    assert_string_equal(err.text, "'?\?\?n\xc3\x9f?\?' is no number");
    assert_string_equal(err.hint, "not '?'");
    assert_string_equal(err.file, "?.csv");
}

AG_TEST(test_err__a_long_file_keeps_its_end)
{
    ag_err err;
    char path[600];
    memset(path, 'd', sizeof(path));
    memcpy(path + 590, "/end.csv", 9);
    ag_fail_at(&err, AG_EPARSE, path, 1, 1, "x");
    assert_true(strlen(err.file) < sizeof(err.file));
    assert_non_null(strstr(err.file, "/end.csv"));
}

AG_TEST(test_err__errno_becomes_a_code_with_words)
{
    static const struct {
        int number;
        int code;
    } rows[] = {{ENOSPC, AG_EFULL},       {EDQUOT, AG_EFULL},   {ENOENT, AG_ENOTFOUND}, {EACCES, AG_EDENIED},
                {EROFS, AG_EDENIED},      {EEXIST, AG_EEXISTS}, {ENOMEM, AG_ENOMEM},    {EINTR, AG_ECANCELLED},
                {ETIMEDOUT, AG_ETIMEOUT}, {EIO, AG_EIO},        {EBADF, AG_EIO}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ag_err err;
        assert_int_equal(ag_fail_errno(&err, rows[i].number, "writing 'a'"), rows[i].code);
        assert_non_null(strstr(err.text, "writing 'a': "));
        assert_true(strlen(err.text) > strlen("writing 'a': "));
    }
}

AG_TEST(test_err__every_code_has_a_row_of_its_own)
{
    for (int code = AG_EDIVERGED; code < 0; code++) {
        assert_true(ag_code_http_status((ag_code)code) >= 400);
        assert_in_range(ag_code_exit_status((ag_code)code), 1, 2);
        for (int other = code + 1; other <= 0; other++) {
            assert_string_not_equal(ag_code_name((ag_code)code), ag_code_name((ag_code)other));
        }
    }
    assert_int_equal(ag_code_exit_status(AG_OK), 0);
    assert_int_equal(ag_code_http_status(AG_OK), 200);
    assert_int_equal(ag_code_exit_status(AG_EINVAL), 2);
    assert_string_equal(ag_code_name((ag_code)-999), "internal");
    assert_string_equal(ag_code_name((ag_code)7), "internal");
}
