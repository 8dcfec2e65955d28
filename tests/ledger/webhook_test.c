// SPDX-License-Identifier: Apache-2.0
/* Webhooks in the ledger, on SQLite and on PostgreSQL. */
#include "ledger/webhook.h"

#include "ledger/audit.h"
#include "ledger/both.h"

static ag_webhook sample(void)
{
    return (ag_webhook){.name = "w",
                        .url = "https://example.org/hook?x=1",
                        .secret = "s",
                        .events = "model_version.created prompt.created"};
}

ON_BOTH(a_webhook_has_a_life)
{
    ag_err err = {0};
    ag_webhook made = sample(), found;
    ag_webhooks_page page;
    AG_EXPECT_OK(ag_webhook_create(ledger, NULL, &made, arena, &err));
    assert_int_equal(strlen(made.id), 36);
    assert_int_equal(made.id[14], '4');
    AG_EXPECT_OK(ag_webhook_get(ledger, ag_str_of(made.id), arena, &found, &err));
    assert_string_equal(found.url, made.url);
    assert_string_equal(found.secret, "s");
    assert_null(found.description);
    ag_webhook change = {.description = "new", .secret = ""};
    bool disabled = true;
    AG_EXPECT_OK(ag_webhook_update(ledger, NULL, ag_str_of(made.id), &change, &disabled, arena, &found, &err));
    assert_string_equal(found.description, "new");
    assert_string_equal(found.name, "w");
    assert_null(found.secret);
    assert_true(found.disabled && found.updated_at >= made.updated_at);
    for (int i = 0; i < 4; i++) {
        ag_webhook more = sample();
        AG_EXPECT_OK(ag_webhook_create(ledger, NULL, &more, arena, &err));
    }
    AG_EXPECT_OK(ag_webhook_list(ledger, 3, (ag_str){0}, arena, &page, &err));
    assert_int_equal(page.count, 3);
    AG_EXPECT_OK(ag_webhook_list(ledger, 3, ag_str_of(page.next), arena, &page, &err));
    assert_int_equal(page.count, 2);
    assert_null(page.next);
    AG_EXPECT_ERROR(ag_webhook_list(ledger, 3, AG_STR("?"), arena, &page, &err), AG_EINVAL, "token");
    AG_EXPECT_ERROR(ag_webhook_list(ledger, 5000, (ag_str){0}, arena, &page, &err), AG_EINVAL, "1000");
    AG_EXPECT_OK(ag_webhook_delete(ledger, NULL, ag_str_of(made.id), &err));
    AG_EXPECT_ERROR(ag_webhook_delete(ledger, NULL, ag_str_of(made.id), &err), AG_ENOTFOUND, "not found");
    AG_EXPECT_ERROR(ag_webhook_get(ledger, AG_STR("x'y"), arena, &found, &err), AG_ENOTFOUND, "x'y");
    AG_EXPECT_OK(ag_audit_verify(ledger, NULL, &err));
}

ON_BOTH(only_those_that_hear_an_event_are_told)
{
    ag_err err = {0};
    const ag_webhook *items;
    size_t count;
    ag_webhook first = sample(), second = sample(), third = sample();
    second.events = "model_version_tag.set";
    third.disabled = true;
    AG_EXPECT_OK(ag_webhook_create(ledger, NULL, &first, arena, &err));
    AG_EXPECT_OK(ag_webhook_create(ledger, NULL, &second, arena, &err));
    AG_EXPECT_OK(ag_webhook_create(ledger, NULL, &third, arena, &err));
    AG_EXPECT_OK(ag_webhook_of_event(ledger, "prompt.created", arena, &items, &count, &err));
    assert_int_equal(count, 1);
    assert_string_equal(items[0].id, first.id);
    AG_EXPECT_OK(ag_webhook_of_event(ledger, "model_version_tag.set", arena, &items, &count, &err));
    assert_int_equal(count, 1);
    AG_EXPECT_OK(ag_webhook_of_event(ledger, "prompt", arena, &items, &count, &err));
    assert_int_equal(count, 0);
}

AG_TEST(test_webhook__what_is_refused)
{
    static const char *const urls[] = {"ftp://e.org",     "https://",          "e.org",        "",
                                       "https://u@e.org", "https://u:p@e.org", "javascript:x", "https://e.org/%zz",
                                       "http:///x"};
    static const char *const names[] = {"", "-a", "a-", "a b", "\xc3\xa4", "a/b", "a\n"};
    ag_err err = {0};
    ag_ledger *ledger = open_with(NULL, NULL);
    ag_arena *arena = ag_arena_new(0);
    char text[2001];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        ag_webhook bad = sample();
        bad.url = urls[i];
        if (ag_webhook_create(ledger, NULL, &bad, arena, &err) != AG_EINVAL) fail_msg("'%s' passed", urls[i]);
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ag_webhook bad = sample();
        bad.name = names[i];
        if (ag_webhook_create(ledger, NULL, &bad, arena, &err) != AG_EINVAL) fail_msg("'%s' passed", names[i]);
    }
    ag_webhook none = sample(), wordy = sample(), long_name = sample(), secretive = sample();
    none.events = "";
    wordy.description = secretive.secret = text;
    long_name.name = text;
    AG_EXPECT_ERROR(ag_webhook_create(ledger, NULL, &none, arena, &err), AG_EINVAL, "non-empty");
    AG_EXPECT_ERROR(ag_webhook_create(ledger, NULL, &wordy, arena, &err), AG_EINVAL, "description");
    AG_EXPECT_ERROR(ag_webhook_create(ledger, NULL, &long_name, arena, &err), AG_EINVAL, "is invalid");
    AG_EXPECT_ERROR(ag_webhook_create(ledger, NULL, &secretive, arena, &err), AG_EINVAL, "secret");
    ag_arena_free(arena);
    ag_ledger_close(ledger);
}

static int look(void *context, ag_err *err)
{
    const ag_webhook *items;
    size_t count;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    int rc = ag_webhook_of_event(context, "prompt.created", arena, &items, &count, err);
    ag_arena_free(arena);
    return rc;
}

static int live(void *context, ag_err *err)
{
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    ag_webhook made = sample();
    ag_webhook change = {.name = "v"};
    int rc = ag_webhook_create(context, NULL, &made, arena, err);
    if (rc >= 0) rc = ag_webhook_update(context, NULL, ag_str_of(made.id), &change, NULL, arena, &made, err);
    if (rc >= 0) rc = ag_webhook_delete(context, NULL, ag_str_of(made.id), err);
    ag_arena_free(arena);
    return rc;
}

AG_TEST(test_webhook__memory_and_database_that_fail_are_said)
{
    ag_ledger *ledger = open_with(NULL, NULL);
    assert_true(ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_SQL, look, NULL, ledger) > 0);
    assert_true(ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_SQL, live, NULL, ledger) > 0);
    ag_ledger_close(ledger);
}
