// SPDX-License-Identifier: Apache-2.0
#include "learn/findings.h"

#include <string.h>

#include "frame/test.h"

AG_TEST(test_findings__each_name_is_there_once_with_its_last_value)
{
    ag_err err = {0};
    ag_findings f = {0};
    char name[8] = "b";
    ag_arena *arena = ag_arena_new(0);
    assert_int_equal(ag_findings_count(&f), 0);
    assert_null(ag_finding_at(&f, 0));
    assert_null(ag_finding_named(&f, "b"));
    AG_EXPECT_OK(ag_findings_put(&f, arena, name, 1, &err));
    name[0] = 'a'; /* the name is copied */
    AG_EXPECT_OK(ag_findings_put(&f, arena, name, 2, &err));
    AG_EXPECT_OK(ag_findings_put(&f, arena, "b", 3, &err));
    assert_int_equal(ag_findings_count(&f), 2);
    assert_string_equal(ag_finding_at(&f, 0)->name, "b");
    assert_string_equal(ag_finding_at(&f, 1)->name, "a");
    assert_true(ag_finding_named(&f, "b")->value == 3 && ag_finding_named(&f, "a")->value == 2);
    assert_null(ag_finding_named(&f, ""));
    assert_null(ag_finding_at(&f, 2));
    ag_findings_deinit(&f);
    ag_findings_deinit(&f);
    ag_arena_free(arena);
}

AG_TEST(test_findings__their_number_has_an_end)
{
    ag_err err = {0};
    ag_findings f = {0};
    char name[32];
    ag_arena *arena = ag_arena_new(0);
    for (int i = 0; i < AG_FINDINGS_MOST; i++) {
        ag_format(name, sizeof name, "m%d", i);
        AG_EXPECT_OK(ag_findings_put(&f, arena, name, i, &err));
    }
    AG_EXPECT_ERROR(ag_findings_put(&f, arena, "more", 1, &err), AG_ELIMIT, "more than 10000 results; 'more'");
    AG_EXPECT_OK(ag_findings_put(&f, arena, "m7", -1, &err));
    assert_int_equal(ag_findings_count(&f), AG_FINDINGS_MOST);
    assert_true(ag_finding_at(&f, 7)->value == -1);
    ag_findings_deinit(&f);
    ag_arena_free(arena);
}

static int put_some(void *context, ag_err *err)
{
    ag_findings f = {0};
    ag_arena *arena = ag_arena_new(0);
    (void)context;
    int rc = arena ? ag_findings_put(&f, arena, "one", 1, err) : ag_fail_memory(err, 1);
    if (rc >= 0) rc = ag_findings_put(&f, arena, "two", 2, err);
    if (rc >= 0) rc = ag_findings_put(&f, arena, "one", 3, err);
    const ag_finding *one = ag_finding_named(&f, "one"), *two = ag_finding_named(&f, "two");
    assert_int_equal(ag_findings_count(&f), (one != NULL) + (two != NULL));
    ag_findings_deinit(&f);
    ag_arena_free(arena);
    return rc;
}

AG_TEST(test_findings__without_memory_all_stays_as_it_was)
{
    (void)ag_test_fail_at_n(AG_FAULT_ALLOC, put_some, NULL, NULL);
}
