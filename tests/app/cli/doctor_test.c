// SPDX-License-Identifier: Apache-2.0
#include "frame/test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "app/cli/doctor/check.h"
#include "core/base/str.h"
#include "core/blob/blob.h"
#include "core/io/file.h"
#include "core/sys/clock.h"

static ag_arena *arena;
static ag_doctor doctor;

static void open_doctor(const char *home)
{
    ag_arena_free(arena);
    arena = ag_arena_new(0);
    ag_doctor_init(&doctor, home, arena);
    doctor.patience = 3600 * AG_SECOND;
}

static ag_finding find(const char *name)
{
    ag_check_table checks = ag_checks();
    ag_finding finding = {0};
    for (size_t i = 0; i < checks.count; i++)
        if (strcmp(checks.items[i]->name, name) == 0) {
            ag_check_run(checks.items[i], &doctor, &finding);
            return finding;
        }
    fail_msg("there is no check '%s'", name);
    return finding;
}

static const char *path_in(const char *directory, const char *name)
{
    return ag_arena_printf(arena, "%s/%s", directory, name);
}

AG_TEST(test_doctor__every_check_is_complete_and_unique)
{
    ag_check_table checks = ag_checks();
    for (size_t i = 0; i < checks.count; i++) {
        const ag_check *check = checks.items[i];
        assert_non_null(check->run);
        assert_true(check->name && *check->name && check->room && *check->room && check->doc && *check->doc);
        if (check->part) assert_true(check->part->adds && (check->part->packages || check->part->pip));
        for (size_t j = i + 1; j < checks.count; j++) {
            assert_string_not_equal(check->name, checks.items[j]->name);
            bool together =
                strcmp(check->room, checks.items[j]->room) != 0 || strcmp(check->room, checks.items[j - 1]->room) == 0;
            if (!together) fail_msg("'%s' does not stand beside its room", checks.items[j]->name);
        }
    }
}

AG_TEST(test_doctor__every_finding_has_a_text_and_an_advice_unless_ok)
{
    open_doctor(ag_test_dir());
    ag_check_table checks = ag_checks();
    for (size_t i = 0; i < checks.count; i++) {
        ag_finding finding;
        ag_check_run(checks.items[i], &doctor, &finding);
        if (!*finding.text || (finding.state != AG_CHECK_OK) != (*finding.advice != '\0'))
            fail_msg("%s: '%s' / '%s'", checks.items[i]->name, finding.text, finding.advice);
    }
}

AG_TEST(test_doctor__a_home_that_can_be_made_is_fine_and_nothing_is_made)
{
    const char *directory = ag_test_dir();
    open_doctor(directory);
    const char *home = path_in(directory, "a/b/c");
    doctor.home = home;
    assert_int_equal(find("directory").state, AG_CHECK_OK);
    assert_int_equal(find("fsync").state, AG_CHECK_OK);
    assert_int_not_equal(find("space").state, AG_CHECK_FAIL);
    assert_int_not_equal(find("file system").state, AG_CHECK_FAIL);
    assert_int_equal(find("database").state, AG_CHECK_OK);
    ag_err err = {0};
    ag_vec names;
    ag_vec_init(&names, sizeof(const char *));
    AG_EXPECT_OK(ag_dir_list(directory, arena, &names, &err));
    assert_int_equal(names.count, 0);
    ag_vec_deinit(&names);
}

AG_TEST(test_doctor__a_file_in_the_way_fails)
{
    const char *directory = ag_test_dir();
    open_doctor(directory);
    ag_err err = {0};
    AG_EXPECT_OK(ag_file_replace(path_in(directory, "home"), "x", 1, &err));
    doctor.home = path_in(directory, "home");
    assert_int_equal(find("directory").state, AG_CHECK_FAIL);
    doctor.home = path_in(directory, "home/below");
    assert_int_equal(find("directory").state, AG_CHECK_FAIL);
}

AG_TEST(test_doctor__a_home_without_permission_fails)
{
    const char *directory = ag_test_dir();
    open_doctor(directory);
    enum { NOBODY = 65534 };
    bool root = geteuid() == 0; /* root may write everywhere: look as somebody else */
    assert_int_equal(chmod(directory, 0500), 0);
    if (root) assert_int_equal(seteuid(NOBODY), 0);
    ag_finding finding = find("directory");
    if (root) assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(directory, 0700), 0);
    assert_int_equal(finding.state, AG_CHECK_FAIL);
    assert_non_null(strstr(finding.text, "ermission denied"));
}

AG_TEST(test_doctor__a_sound_and_a_damaged_database)
{
    const char *directory = ag_test_dir();
    open_doctor(directory);
    const char *path = path_in(directory, "auger.db");
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE t(x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    ag_finding finding = find("database");
    assert_int_equal(finding.state, AG_CHECK_OK);
    assert_string_equal(finding.text, "sound");
    ag_err err = {0};
    AG_EXPECT_OK(ag_file_replace(path,
                                 "this is not a database, and long enough to be looked at by SQLite, is it not? "
                                 "One hundred bytes are what it reads first.",
                                 118, &err));
    finding = find("database");
    assert_int_equal(finding.state, AG_CHECK_FAIL);
    assert_non_null(strstr(finding.advice, "backup"));
}

AG_TEST(test_doctor__the_store_must_be_a_directory)
{
    const char *directory = ag_test_dir();
    open_doctor(directory);
    ag_err err = {0};
    assert_string_equal(find("stored files").text, "none yet");
    AG_EXPECT_OK(ag_file_replace(path_in(directory, "blobs"), "x", 1, &err));
    assert_int_equal(find("stored files").state, AG_CHECK_FAIL);
    AG_EXPECT_OK(ag_file_remove(path_in(directory, "blobs"), &err));
    AG_EXPECT_OK(ag_dir_make(path_in(directory, "blobs"), &err));
    assert_int_equal(find("stored files").state, AG_CHECK_OK);
}

AG_TEST(test_doctor__stored_files_are_compared_with_their_hashes)
{
    const char *directory = ag_test_dir();
    open_doctor(directory);
    ag_err err = {0};
    ag_blob *store = NULL;
    ag_blob_ref ref;
    const char *blobs = path_in(directory, "blobs");
    AG_EXPECT_OK(ag_blob_open(blobs, NULL, &store, &err));
    AG_EXPECT_OK(ag_blob_put_bytes(store, "some content", 12, &ref, &err));
    ag_blob_close(store);
    ag_finding finding = find("stored files");
    assert_int_equal(finding.state, AG_CHECK_OK);
    assert_string_equal(finding.text, "1 stored, all sound");
    char hex[65];
    ag_sha256_format(&ref.sha256, hex);
    const char *object = ag_arena_printf(arena, "%s/objects/%.2s/%s", blobs, hex, hex + 2);
    assert_int_equal(chmod(object, 0600), 0);
    assert_int_equal(truncate(object, 5), 0);
    finding = find("stored files");
    assert_int_equal(finding.state, AG_CHECK_FAIL);
    assert_non_null(strstr(finding.text, "damaged"));
    assert_non_null(strstr(finding.advice, "backup"));
}

AG_TEST(test_doctor__a_pinned_clock_must_be_readable)
{
    open_doctor(ag_test_dir());
    assert_int_equal(setenv("AUGER_NOW", "2026-11-21T09:30:00Z", 1), 0);
    assert_int_equal(find("clock").state, AG_CHECK_OK);
    assert_int_equal(setenv("AUGER_NOW", "yesterday", 1), 0);
    ag_finding finding = find("clock");
    unsetenv("AUGER_NOW");
    assert_int_equal(finding.state, AG_CHECK_WARN);
    assert_non_null(strstr(finding.text, "'yesterday'"));
    assert_non_null(strstr(finding.advice, "unset it"));
}

AG_TEST(test_doctor__parts_say_how_to_get_them)
{
    open_doctor(ag_test_dir());
    static const char *const nowhere[] = {"libauger-no-such-library.so.9", NULL};
    static const char *const no_files[] = {"auger-no-such-program", "/no/such/*/file", NULL};
    const ag_part part = {.adds = "something", .libraries = nowhere, .files = no_files, .packages = "a b"};
    const ag_check check = {.name = "x", .room = "y", .doc = "z", .part = &part, .run = ag_part_check};
    ag_finding finding;
    doctor.has_apt = true;
    ag_check_run(&check, &doctor, &finding);
    assert_int_equal(finding.state, AG_CHECK_ABSENT);
    assert_string_equal(finding.text, "would add something");
    assert_non_null(strstr(finding.advice, "apt-get install a b"));
    doctor.has_apt = false;
    ag_check_run(&check, &doctor, &finding);
    assert_non_null(strstr(finding.advice, "what Debian calls a b"));
    static const char *const shell[] = {"sh", NULL};
    const ag_part there = {.adds = "something", .files = shell, .packages = "a"};
    const ag_check present = {.name = "x", .room = "y", .doc = "z", .part = &there, .run = ag_part_check};
    ag_check_run(&present, &doctor, &finding);
    assert_int_equal(finding.state, AG_CHECK_OK);
    const ag_part browser = {.adds = "something", .packages = "chromium", .ubuntu = "chromium-browser"};
    char here[128];
    doctor.has_apt = true;
    ag_format(doctor.system, sizeof(doctor.system), "ubuntu 24.04");
    ag_part_install(&browser, &doctor, here, sizeof(here));
    assert_non_null(strstr(here, "apt-get install chromium-browser"));
    ag_format(doctor.system, sizeof(doctor.system), "debian 13");
    ag_part_install(&browser, &doctor, here, sizeof(here));
    assert_null(strstr(here, "browser"));
    const ag_part wheel = {.adds = "something", .pip = "mlflow"};
    char command[128];
    ag_part_install(&wheel, &doctor, command, sizeof(command));
    assert_string_equal(command, "python3 -m pip install mlflow");
}

static int failing_run(const ag_check *self, ag_doctor *unused, ag_finding *out, ag_err *err)
{
    (void)self;
    (void)unused;
    (void)out;
    return ag_fail(err, AG_EIO, "the disk is on fire");
}

AG_TEST(test_doctor__a_check_that_cannot_run_is_a_warning)
{
    open_doctor(ag_test_dir());
    const ag_check check = {.name = "x", .room = "y", .doc = "z", .run = failing_run};
    ag_finding finding;
    ag_check_run(&check, &doctor, &finding);
    assert_int_equal(finding.state, AG_CHECK_WARN);
    assert_string_equal(finding.text, "could not be checked: the disk is on fire");
}

static int check_all(void *context, ag_err *err)
{
    (void)context;
    (void)err;
    ag_check_table checks = ag_checks();
    for (size_t i = 0; i < checks.count; i++) {
        ag_finding finding;
        ag_check_run(checks.items[i], &doctor, &finding);
        assert_true(*finding.text);
    }
    return AG_OK;
}

AG_TEST(test_doctor__failing_calls_become_findings)
{
    if (!ag_fault_available()) ag_test_skip("built without fault injection");
    open_doctor(ag_test_dir());
    for (uint64_t n = 1; n < 200; n++) {
        ag_err err = {0};
        ag_fault_arm(n, AG_FAULT_ALLOC | AG_FAULT_FILE);
        check_all(NULL, &err);
        bool fired = ag_fault_fired();
        ag_fault_arm(0, 0);
        if (!fired) break;
    }
    ag_arena_free(arena);
    arena = NULL;
}
