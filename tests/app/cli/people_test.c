// SPDX-License-Identifier: Apache-2.0
/* The commands on users, tokens and permissions. */
#include "app/cli/calls.h"

#include "core/io/file.h"

static char secret[600];

static void begin_with_secret(const char *text)
{
    ag_err err = {0};
    begin();
    ag_format(secret, sizeof(secret), "%s-secret", home);
    AG_EXPECT_OK(ag_file_replace(secret, text, strlen(text), &err));
}

AG_TEST(test_users__a_life)
{
    begin_with_secret("a long password\r\nnot this\n");
    assert_int_equal(AUGER("users", "create", "ada", "--password-file", secret), 0);
    assert_int_equal(AUGER("users", "create", "ada", "--password-file", secret), 1);
    expect_remark("already exists");
    assert_int_equal(AUGER("users", "create", "robot", "--no-password", "--admin"), 0);
    assert_int_equal(AUGER("users", "list"), 0);
    expect_printed("admin");
    assert_int_equal(AUGER("users", "list", "--csv"), 0);
    expect_printed("ada,user,");
    assert_int_equal(AUGER("users", "role", "ada", "admin"), 0);
    assert_int_equal(AUGER("users", "role", "robot", "disabled"), 0);
    assert_int_equal(AUGER("users", "list", "--json"), 0);
    expect_printed("\"username\":\"ada\",\"is_admin\":true,\"disabled\":false");
    expect_printed("\"disabled\":true");
    assert_int_equal(AUGER("users", "password", "ada", "--password-file", secret), 0);
    assert_int_equal(AUGER("users", "password", "nobody", "--password-file", secret), 1);
    assert_int_equal(AUGER("users", "delete", "robot"), 0);
    assert_int_equal(AUGER("users", "delete", "robot"), 1);
    end();
}

AG_TEST(test_users__a_bad_password_makes_nobody)
{
    begin_with_secret("short\n");
    assert_int_equal(AUGER("users", "create", "ada", "--password-file", secret), 2);
    assert_int_equal(AUGER("users", "create", "ada", "--password-file", "/nowhere/at/all"), 1);
    assert_int_equal(AUGER("users", "list", "--json"), 0);
    expect_printed("{\"users\":[]}");
    end();
}

AG_TEST(test_projects__a_life)
{
    begin();
    assert_int_equal(AUGER("projects", "list"), 1);
    assert_int_equal(AUGER("projects", "create", "wing"), 0);
    expect_remark("created project wing");
    assert_int_equal(AUGER("projects", "create", "wing"), 1);
    expect_remark("exists already");
    assert_int_equal(AUGER("projects", "create", " "), 2);
    assert_int_equal(AUGER("projects", "create", "hull", "--json"), 0);
    expect_printed("{\"project\":{\"name\":\"hull\"}}");
    assert_int_equal(AUGER("experiments", "create", "drill"), 0);
    assert_int_equal(AUGER("projects", "put", "wing"), 2);
    expect_remark("--experiment or --model");
    assert_int_equal(AUGER("projects", "put", "nowhere", "-e", "drill"), 1);
    expect_remark("there is no project 'nowhere'");
    assert_int_equal(AUGER("projects", "put", "wing", "-e", "nothing"), 1);
    assert_int_equal(AUGER("projects", "put", "wing", "-m", "nothing"), 1);
    expect_remark("there is no model 'nothing'");
    assert_int_equal(AUGER("projects", "put", "wing", "-e", "drill", "-e", "0"), 0);
    assert_int_equal(AUGER("projects", "list"), 0);
    expect_printed("experiments");
    assert_int_equal(AUGER("projects", "list", "--csv"), 0);
    expect_printed("wing,2,0");
    assert_int_equal(AUGER("projects", "list", "--json"), 0);
    expect_printed("{\"name\":\"hull\",\"experiments\":[],\"models\":[]}");
    expect_printed("{\"name\":\"wing\",\"experiments\":[");
    assert_int_equal(AUGER("projects", "put", "hull", "-e", "drill"), 0);
    assert_int_equal(AUGER("projects", "delete", "wing", "hull"), 0);
    assert_int_equal(AUGER("projects", "delete", "wing"), 1);
    assert_int_equal(AUGER("projects", "list", "--json"), 0);
    expect_printed("{\"projects\":[]}");
    assert_int_equal(AUGER("experiments", "list", "--csv"), 0);
    expect_printed("drill");
    end();
}

AG_TEST(test_tokens__are_shown_once_and_taken_away)
{
    begin();
    assert_int_equal(AUGER("users", "create", "robot", "--no-password"), 0);
    assert_int_equal(AUGER("users", "token", "create", "robot", "--label", "nightly", "--expires", "90d"), 0);
    expect_printed("agr_");
    assert_int_equal(AUGER("users", "token", "create", "robot", "--json"), 0);
    expect_printed("{\"token\":\"agr_");
    assert_int_equal(AUGER("users", "token", "list", "robot"), 0);
    expect_printed("nightly");
    expect_printed("never");
    assert_false(printed("agr_"));
    assert_int_equal(AUGER("users", "token", "revoke", "robot", "1"), 0);
    assert_int_equal(AUGER("users", "token", "list", "robot", "--csv"), 0);
    assert_false(printed("nightly"));
    assert_int_equal(AUGER("users", "token", "create", "nobody"), 1);
    end();
}

AG_TEST(test_permissions__are_given_and_taken)
{
    begin_with_secret("any file\n");
    assert_int_equal(AUGER("models", "register", "depth", secret), 0);
    assert_int_equal(AUGER("users", "create", "ada", "--no-password"), 0);
    assert_int_equal(AUGER("users", "permissions", "grant", "ada", "reader", "--model", "none"), 1);
    assert_int_equal(AUGER("users", "permissions", "grant", "ada", "editor", "--experiment", "Default"), 0);
    assert_int_equal(AUGER("users", "permissions", "grant", "ada", "reader", "--model", "depth"), 0);
    assert_int_equal(AUGER("users", "permissions", "grant", "ada", "reader"), 2);
    expect_remark("--experiment, --model and --project");
    assert_int_equal(AUGER("users", "permissions", "grant", "ada", "reader", "--model", "a", "--project", "b"), 2);
    assert_int_equal(AUGER("users", "permissions", "grant", "ada", "boss", "--model", "a"), 2);
    assert_int_equal(AUGER("users", "permissions", "list", "ada", "--csv"), 0);
    expect_printed("ada,experiment,0,editor");
    assert_int_equal(AUGER("users", "permissions", "list", "--json"), 0);
    expect_printed("\"kind\":\"model\",\"id\":\"depth\",\"role\":\"reader\"");
    assert_int_equal(AUGER("users", "permissions", "revoke", "ada", "--experiment", "0"), 0);
    assert_int_equal(AUGER("users", "permissions", "list"), 0);
    assert_false(printed("experiment"));
    assert_int_equal(AUGER("users", "permissions", "list", "nobody"), 1);
    end();
}
