// SPDX-License-Identifier: Apache-2.0
/* Users, passwords, tokens, permissions and projects, on SQLite and on PostgreSQL. */
#include "ledger/both.h"

#include <sodium.h>

#include "ledger/audit.h"
#include "ledger/model.h"
#include "ledger/user_private.h"

static const char password[] = "correct horse battery";

static void add_user(ag_ledger *ledger, ag_arena *arena, const char *name, bool admin)
{
    ag_err err = {0};
    ag_user user;
    AG_EXPECT_OK(ag_user_create(ledger, NULL, ag_str_of(name), AG_STR(""), admin, arena, &user, &err));
}

static int read_hash(ag_tx *tx, void *context, ag_err *err)
{
    ag_sql sql = ag_sql_text("read_hash", "SELECT password FROM users");
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, &sql, AG_NO_BINDS, &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    ag_str text = rc > 0 ? ag_rows_text(rows, 0) : AG_STR("");
    *(char **)context = strndup(text.data, text.size);
    ag_rows_free(rows);
    return rc;
}

ON_BOTH(a_password_is_checked_and_every_refusal_reads_the_same)
{
    static const char refusal[] = "the user name or the password is wrong";
    ag_err err = {0};
    ag_user user;
    AG_EXPECT_OK(ag_user_create(ledger, NULL, AG_STR("ada"), ag_str_of(password), true, arena, &user, &err));
    assert_true(user.admin);
    AG_EXPECT_ERROR(ag_user_create(ledger, NULL, AG_STR("ada"), ag_str_of(password), false, arena, &user, &err),
                    AG_EEXISTS, "User (username=ada) already exists.");
    AG_EXPECT_OK(ag_user_check_password(ledger, AG_STR("ada"), ag_str_of(password), arena, &user, &err));
    assert_string_equal(user.name, "ada");
    AG_EXPECT_ERROR(ag_user_check_password(ledger, AG_STR("ada"), AG_STR("wrong"), arena, &user, &err), AG_EAUTH,
                    refusal);
    AG_EXPECT_ERROR(ag_user_check_password(ledger, AG_STR("bob"), ag_str_of(password), arena, &user, &err), AG_EAUTH,
                    refusal);
    AG_EXPECT_ERROR(ag_user_check_password(ledger, AG_STR("ada"), AG_STR(""), arena, &user, &err), AG_EAUTH, refusal);
    AG_EXPECT_ERROR(ag_user_check_password(ledger, (ag_str){0}, (ag_str){0}, arena, &user, &err), AG_EAUTH, refusal);
    add_user(ledger, arena, "robot", true);
    AG_EXPECT_ERROR(ag_user_check_password(ledger, AG_STR("robot"), AG_STR(""), arena, &user, &err), AG_EAUTH, refusal);
    AG_EXPECT_OK(ag_user_set_disabled(ledger, NULL, AG_STR("ada"), true, &err));
    AG_EXPECT_ERROR(ag_user_check_password(ledger, AG_STR("ada"), ag_str_of(password), arena, &user, &err), AG_EAUTH,
                    refusal);
    AG_EXPECT_OK(ag_user_set_disabled(ledger, NULL, AG_STR("ada"), false, &err));
    AG_EXPECT_OK(ag_user_set_password(ledger, NULL, AG_STR("ada"), AG_STR("another password"), &err));
    AG_EXPECT_ERROR(ag_user_check_password(ledger, AG_STR("ada"), ag_str_of(password), arena, &user, &err), AG_EAUTH,
                    refusal);
    AG_EXPECT_OK(ag_user_check_password(ledger, AG_STR("ada"), AG_STR("another password"), arena, &user, &err));
}

/* An unknown name must cost a whole hash as a known one does: the hash that stands in for it must be readable, and of
 * the same cost as a new one. */
AG_TEST(test_user__an_unknown_name_costs_as_much_as_a_wrong_password)
{
    ag_err err = {0};
    ag_user user;
    char *hash = NULL;
    ag_ledger *ledger = open_with(NULL, NULL);
    ag_arena *arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_user_create(ledger, NULL, AG_STR("ada"), ag_str_of(password), true, arena, &user, &err));
    AG_EXPECT_OK(ag_db_read(ag_ledger_db(ledger), NULL, read_hash, &hash, &err));
    assert_int_equal(crypto_pwhash_str_needs_rehash(hash, 2, 19 << 20), 0);
    assert_int_equal(crypto_pwhash_str_needs_rehash(ag_user_nobody, 2, 19 << 20), 0);
    assert_int_equal(strlen(hash), strlen(ag_user_nobody));
    assert_null(strstr(hash, password));
    free(hash);
    ag_arena_free(arena);
    ag_ledger_close(ledger);
}

ON_BOTH(names_and_passwords_have_limits)
{
    ag_err err = {0};
    ag_user user;
    static const char *const bad[] = {"", "a:b", "a\nb", "\xff", "\x7f"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        AG_EXPECT_ERROR(ag_user_create(ledger, NULL, ag_str_of(bad[i]), ag_str_of(password), false, arena, &user, &err),
                        AG_EINVAL, "Invalid username");
    }
    AG_EXPECT_ERROR(ag_user_create(ledger, NULL, AG_STR("x"), AG_STR("short"), false, arena, &user, &err), AG_EINVAL,
                    "12");
    char *huge = ag_arena_alloc(arena, 1025);
    memset(huge, 'p', 1025);
    AG_EXPECT_ERROR(ag_user_create(ledger, NULL, AG_STR("x"), (ag_str){huge, 1025}, false, arena, &user, &err),
                    AG_EINVAL, "1024");
    AG_EXPECT_ERROR(ag_user_check_password(ledger, AG_STR("x"), (ag_str){huge, 1025}, arena, &user, &err), AG_EAUTH,
                    "wrong");
}

ON_BOTH(the_last_admin_stays)
{
    ag_err err = {0};
    add_user(ledger, arena, "ada", true);
    add_user(ledger, arena, "bob", false);
    AG_EXPECT_ERROR(ag_user_delete(ledger, NULL, AG_STR("ada"), &err), AG_ECONFLICT, "last admin");
    AG_EXPECT_ERROR(ag_user_set_admin(ledger, NULL, AG_STR("ada"), false, &err), AG_ECONFLICT, "last admin");
    AG_EXPECT_ERROR(ag_user_set_disabled(ledger, NULL, AG_STR("ada"), true, &err), AG_ECONFLICT, "last admin");
    AG_EXPECT_OK(ag_user_set_admin(ledger, NULL, AG_STR("bob"), true, &err));
    AG_EXPECT_OK(ag_user_delete(ledger, NULL, AG_STR("ada"), &err));
    AG_EXPECT_ERROR(ag_user_delete(ledger, NULL, AG_STR("ada"), &err), AG_ENOTFOUND,
                    "User with username=ada not found");
    const ag_user *users;
    size_t count;
    AG_EXPECT_OK(ag_user_list(ledger, arena, &users, &count, &err));
    assert_int_equal(count, 1);
    assert_string_equal(users[0].name, "bob");
    AG_EXPECT_OK(ag_audit_verify(ledger, NULL, &err));
}

ON_BOTH(tokens_are_shown_once_expire_and_are_revoked)
{
    ag_err err = {0};
    ag_user user;
    const char *token, *old;
    const ag_token *tokens;
    size_t count;
    add_user(ledger, arena, "ada", false);
    AG_EXPECT_OK(ag_token_create(ledger, NULL, AG_STR("ada"), AG_STR("ci"), 0, arena, &token, &err));
    assert_int_equal(strlen(token), 47);
    assert_memory_equal(token, "agr_", 4);
    AG_EXPECT_OK(ag_token_check(ledger, ag_str_of(token), arena, &user, &err));
    assert_string_equal(user.name, "ada");
    AG_EXPECT_OK(ag_token_create(ledger, NULL, AG_STR("ada"), (ag_str){0}, 1, arena, &old, &err));
    AG_EXPECT_ERROR(ag_token_check(ledger, ag_str_of(old), arena, &user, &err), AG_EAUTH, "not known");
    AG_EXPECT_OK(ag_token_list(ledger, AG_STR("ada"), arena, &tokens, &count, &err));
    assert_int_equal(count, 2);
    assert_string_equal(tokens[0].label, "ci");
    AG_EXPECT_OK(ag_user_set_disabled(ledger, NULL, AG_STR("ada"), true, &err));
    AG_EXPECT_ERROR(ag_token_check(ledger, ag_str_of(token), arena, &user, &err), AG_EAUTH, "not known");
    AG_EXPECT_OK(ag_user_set_disabled(ledger, NULL, AG_STR("ada"), false, &err));
    add_user(ledger, arena, "eve", false);
    AG_EXPECT_ERROR(ag_token_revoke(ledger, NULL, AG_STR("eve"), tokens[0].id, &err), AG_ENOTFOUND, "no token");
    AG_EXPECT_OK(ag_token_revoke(ledger, NULL, AG_STR("ada"), tokens[0].id, &err));
    AG_EXPECT_ERROR(ag_token_check(ledger, ag_str_of(token), arena, &user, &err), AG_EAUTH, "not known");
    static const char *const bad[] = {"", "agr_", "x", "agr_0000000000000000000000000000000000000000000",
                                      "AGR_0000000000000000000000000000000000000000000"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        AG_EXPECT_ERROR(ag_token_check(ledger, ag_str_of(bad[i]), arena, &user, &err), AG_EAUTH, "not known");
    }
    AG_EXPECT_ERROR(ag_token_create(ledger, NULL, AG_STR("nobody"), AG_STR(""), 0, arena, &token, &err), AG_ENOTFOUND,
                    "nobody");
}

static ag_role role_of(ag_ledger *ledger, const char *user, ag_resource kind, const char *id)
{
    ag_err err = {0};
    ag_role role = AG_ROLE_NONE;
    AG_EXPECT_OK(ag_permission_get(ledger, ag_str_of(user), kind, ag_str_of(id), &role, &err));
    return role;
}

static void make_model(ag_ledger *ledger, ag_arena *arena, const char *actor, const char *name)
{
    ag_err err = {0};
    ag_registered_model model;
    ag_actor who = {actor, NULL};
    AG_EXPECT_OK(ag_model_create(ledger, &who, ag_str_of(name), AG_STR(""), (ag_pairs){0}, arena, &model, &err));
}

ON_BOTH(the_nearest_permission_counts)
{
    ag_err err = {0};
    ag_role parsed;
    add_user(ledger, arena, "ada", true);
    add_user(ledger, arena, "bob", false);
    const char *id = new_experiment(ledger, arena, "e");
    assert_int_equal(role_of(ledger, "ada", AG_RESOURCE_EXPERIMENT, id), AG_ROLE_ADMIN);
    assert_int_equal(role_of(ledger, "bob", AG_RESOURCE_EXPERIMENT, id), AG_ROLE_NONE);
    AG_EXPECT_OK(ag_project_create(ledger, NULL, AG_STR("drills"), &err));
    AG_EXPECT_ERROR(ag_project_create(ledger, NULL, AG_STR("drills"), &err), AG_EEXISTS, "drills");
    AG_EXPECT_OK(ag_project_put(ledger, NULL, AG_STR("drills"), AG_RESOURCE_EXPERIMENT, ag_str_of(id), &err));
    AG_EXPECT_OK(
        ag_permission_set(ledger, NULL, AG_STR("bob"), AG_RESOURCE_PROJECT, AG_STR("drills"), AG_ROLE_EDITOR, &err));
    assert_int_equal(role_of(ledger, "bob", AG_RESOURCE_EXPERIMENT, id), AG_ROLE_EDITOR);
    AG_EXPECT_OK(
        ag_permission_set(ledger, NULL, AG_STR("bob"), AG_RESOURCE_EXPERIMENT, ag_str_of(id), AG_ROLE_READER, &err));
    assert_int_equal(role_of(ledger, "bob", AG_RESOURCE_EXPERIMENT, id), AG_ROLE_READER);
    const ag_permission *list;
    size_t count;
    AG_EXPECT_OK(
        ag_permission_list(ledger, AG_STR("bob"), AG_RESOURCE_EXPERIMENT, AG_STR(""), arena, &list, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(list[0].role, AG_ROLE_READER);
    assert_string_equal(list[0].id, id);
    AG_EXPECT_OK(ag_permission_delete(ledger, NULL, AG_STR("bob"), AG_RESOURCE_EXPERIMENT, ag_str_of(id), &err));
    assert_int_equal(role_of(ledger, "bob", AG_RESOURCE_EXPERIMENT, id), AG_ROLE_EDITOR);
    AG_EXPECT_ERROR(ag_permission_delete(ledger, NULL, AG_STR("bob"), AG_RESOURCE_EXPERIMENT, ag_str_of(id), &err),
                    AG_ENOTFOUND, "no permission");
    AG_EXPECT_OK(ag_user_set_disabled(ledger, NULL, AG_STR("bob"), true, &err));
    assert_int_equal(role_of(ledger, "bob", AG_RESOURCE_EXPERIMENT, id), AG_ROLE_NONE);
    AG_EXPECT_OK(ag_user_set_disabled(ledger, NULL, AG_STR("bob"), false, &err));
    const ag_project_member *members;
    AG_EXPECT_OK(ag_project_members(ledger, AG_STR("drills"), arena, &members, &count, &err));
    assert_int_equal(count, 1);
    AG_EXPECT_OK(ag_project_delete(ledger, NULL, AG_STR("drills"), &err));
    AG_EXPECT_OK(ag_project_create(ledger, NULL, AG_STR("drills"), &err));
    AG_EXPECT_OK(ag_project_put(ledger, NULL, AG_STR("drills"), AG_RESOURCE_EXPERIMENT, ag_str_of(id), &err));
    assert_int_equal(role_of(ledger, "bob", AG_RESOURCE_EXPERIMENT, id), AG_ROLE_NONE); /* nothing is inherited */
    AG_EXPECT_ERROR(
        ag_permission_set(ledger, NULL, AG_STR("bob"), AG_RESOURCE_MODEL, AG_STR("later"), AG_ROLE_MANAGER, &err),
        AG_ENOTFOUND, "there is no model 'later'");
    AG_EXPECT_ERROR(
        ag_permission_set(ledger, NULL, AG_STR("bob"), AG_RESOURCE_PROJECT, AG_STR("drills"), AG_ROLE_ADMIN, &err),
        AG_EINVAL, "admins");
    assert_true(ag_role_parse(AG_STR("EDIT"), &parsed) && parsed == AG_ROLE_EDITOR);
    assert_true(ag_role_parse(AG_STR("manager"), &parsed) && parsed == AG_ROLE_MANAGER);
    assert_false(ag_role_parse(AG_STR("root"), &parsed));
}

ON_BOTH(who_makes_a_thing_manages_it_and_its_name_leaves_nothing_behind)
{
    ag_err err = {0};
    ag_registered_model model;
    add_user(ledger, arena, "bob", false);
    make_model(ledger, arena, "bob", "m");
    make_model(ledger, arena, "stranger", "n");
    assert_int_equal(role_of(ledger, "bob", AG_RESOURCE_MODEL, "m"), AG_ROLE_MANAGER);
    AG_EXPECT_OK(ag_model_rename(ledger, NULL, AG_STR("m"), AG_STR("k"), arena, &model, &err));
    assert_int_equal(role_of(ledger, "bob", AG_RESOURCE_MODEL, "k"), AG_ROLE_MANAGER);
    assert_int_equal(role_of(ledger, "bob", AG_RESOURCE_MODEL, "m"), AG_ROLE_NONE);
    AG_EXPECT_OK(ag_model_delete(ledger, NULL, AG_STR("k"), &err));
    make_model(ledger, arena, "stranger", "k");
    assert_int_equal(role_of(ledger, "bob", AG_RESOURCE_MODEL, "k"), AG_ROLE_NONE);
    ag_actor bob = {"bob", NULL};
    const char *id;
    AG_EXPECT_OK(ag_experiment_create(ledger, &bob, AG_STR("of bob"), AG_STR(""), (ag_pairs){0}, arena, &id, &err));
    assert_int_equal(role_of(ledger, "bob", AG_RESOURCE_EXPERIMENT, id), AG_ROLE_MANAGER);
}

ON_BOTH(searches_show_what_the_reader_may_see_and_pages_are_full)
{
    ag_err err = {0};
    ag_experiments experiments;
    ag_models models;
    add_user(ledger, arena, "ada", true);
    add_user(ledger, arena, "bob", false);
    ag_actor bob = {"bob", NULL}, eve = {"eve", NULL};
    for (int i = 0; i < 12; i++) {
        const char *id, *name = ag_arena_printf(arena, "e%d", i);
        AG_EXPECT_OK(ag_experiment_create(ledger, i % 2 ? &bob : &eve, ag_str_of(name), AG_STR(""), (ag_pairs){0},
                                          arena, &id, &err));
        make_model(ledger, arena, i % 3 ? "eve" : "bob", name);
    }
    ag_page_request page = {.reader = "bob", .max_results = 4};
    AG_EXPECT_OK(ag_experiment_search(ledger, AG_VIEW_ACTIVE, &page, arena, &experiments, &err));
    assert_int_equal(experiments.count, 4);
    page.token = ag_str_of(experiments.next);
    AG_EXPECT_OK(ag_experiment_search(ledger, AG_VIEW_ACTIVE, &page, arena, &experiments, &err));
    assert_int_equal(experiments.count, 2);
    assert_null(experiments.next);
    page.token = (ag_str){0};
    AG_EXPECT_OK(ag_model_search(ledger, &page, arena, &models, &err));
    assert_int_equal(models.count, 4);
    assert_null(models.next);
    page.reader = "ada";
    page.max_results = 100;
    AG_EXPECT_OK(ag_experiment_search(ledger, AG_VIEW_ACTIVE, &page, arena, &experiments, &err));
    assert_int_equal(experiments.count, 13);
    page.reader = "nobody' OR '1'='1";
    AG_EXPECT_OK(ag_experiment_search(ledger, AG_VIEW_ACTIVE, &page, arena, &experiments, &err));
    assert_int_equal(experiments.count, 0);
}

AG_TEST(test_permission__the_default_role_counts_last)
{
    ag_err err = {0};
    ag_ledger *ledger = NULL;
    ag_arena *arena = ag_arena_new(0);
    ag_experiments experiments;
    ag_ledger_options options = {.home = ag_test_dir(), .default_role = AG_ROLE_READER};
    AG_EXPECT_OK(ag_ledger_open(&options, &ledger, &err));
    add_user(ledger, arena, "bob", false);
    assert_int_equal(role_of(ledger, "bob", AG_RESOURCE_EXPERIMENT, "0"), AG_ROLE_READER);
    AG_EXPECT_OK(
        ag_permission_set(ledger, NULL, AG_STR("bob"), AG_RESOURCE_EXPERIMENT, AG_STR("0"), AG_ROLE_NONE, &err));
    ag_page_request page = {.reader = "bob"};
    AG_EXPECT_OK(ag_experiment_search(ledger, AG_VIEW_ACTIVE, &page, arena, &experiments, &err));
    assert_int_equal(experiments.count, 0);
    ag_arena_free(arena);
    ag_ledger_close(ledger);
}

/* ---- failures ---- */

typedef struct attempt {
    ag_ledger *ledger;
    int which;
    bool done;
    uint64_t entries;
} attempt;

static int change_people(void *context, ag_err *err)
{
    attempt *at = context;
    if (at->done) return AG_OK;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    ag_user user;
    const char *token;
    int rc = AG_OK;
    const ag_str bob = AG_STR("bob"), zero = AG_STR("0"), p = AG_STR("p");
    switch (at->which) {
    case 0: rc = ag_user_create(at->ledger, NULL, bob, AG_STR(""), false, arena, &user, err); break;
    case 1: rc = ag_token_create(at->ledger, NULL, bob, AG_STR(""), 0, arena, &token, err); break;
    case 2: rc = ag_project_create(at->ledger, NULL, p, err); break;
    case 3: rc = ag_project_put(at->ledger, NULL, p, AG_RESOURCE_EXPERIMENT, zero, err); break;
    case 4: rc = ag_permission_set(at->ledger, NULL, bob, AG_RESOURCE_PROJECT, p, AG_ROLE_READER, err); break;
    case 5: rc = ag_permission_delete(at->ledger, NULL, bob, AG_RESOURCE_PROJECT, p, err); break;
    case 6: rc = ag_project_delete(at->ledger, NULL, p, err); break;
    case 7: rc = ag_token_revoke(at->ledger, NULL, bob, 1, err); break;
    case 8: rc = ag_user_set_admin(at->ledger, NULL, bob, true, err); break;
    case 9: rc = ag_user_set_password(at->ledger, NULL, bob, AG_STR(""), err); break;
    default: rc = ag_user_delete(at->ledger, NULL, AG_STR("ada"), err);
    }
    ag_arena_free(arena);
    at->done = rc >= 0;
    return rc;
}

static void nothing_half_done(void *context)
{
    attempt *at = context;
    ag_err err = {0};
    uint64_t entries = 0;
    AG_EXPECT_OK(ag_audit_verify(at->ledger, &entries, &err));
    if (entries != at->entries + at->done) fail_msg("%d is half done", at->which);
}

AG_TEST(test_people__a_change_that_fails_anywhere_leaves_nothing)
{
    ag_err err = {0};
    ag_ledger *ledger = open_with(NULL, NULL);
    ag_arena *arena = ag_arena_new(0);
    add_user(ledger, arena, "ada", true);
    for (int which = 0; which <= 10; which++) {
        attempt at = {.ledger = ledger, .which = which};
        AG_EXPECT_OK(ag_audit_verify(ledger, &at.entries, &err));
        ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_SQL, change_people, nothing_half_done, &at);
    }
    ag_arena_free(arena);
    ag_ledger_close(ledger);
}
