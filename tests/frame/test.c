// SPDX-License-Identifier: Apache-2.0
/* test.c: the main program of every test. Prints TAP; a skip carries its reason. Needs only core/base, so that the
 * files of the other rooms can be tested one by one; directories are made and removed with plain POSIX calls, which no
 * injected failure reaches. */
#include "frame/test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/single_threaded.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_TESTS 512

static struct CMUnitTest tests[MAX_TESTS];
static size_t test_count;
static char *test_dirs[MAX_TESTS]; /* a test may hold several; they are forgotten only after MAX_TESTS more */
static char directory[4096];       /* of all test directories of this program, and its $TMPDIR */

void ag_test_register(const char *name, void (*function)(void **state))
{
    if (test_count == MAX_TESTS) abort();
    tests[test_count++] = (struct CMUnitTest){.name = name, .test_func = function};
}

_Noreturn void ag_test_skip(const char *reason)
{
    printf("# skipped: %s\n", reason);
    fflush(stdout);
    skip();
    abort(); /* not reached: skip() leaves the test */
}

/* What the tested code leaves in the system's place for temporary files, as it may when its own cleaning up is made to
 * fail, goes with the directory too. */
static bool make_directory(void)
{
    const char *temporary = getenv("TMPDIR");
    snprintf(directory, sizeof(directory), "%s/auger-test-XXXXXX", temporary ? temporary : "/tmp");
    return mkdtemp(directory) && setenv("TMPDIR", directory, 1) == 0;
}

const char *ag_test_dir(void)
{
    static unsigned number;
    char path[sizeof(directory) + 16];
    snprintf(path, sizeof(path), "%s/%u", directory, ++number);
    if (mkdir(path, 0700) < 0) fail_msg("cannot make %s", path);
    char *kept = test_dirs[number % MAX_TESTS];
    free(kept);
    return test_dirs[number % MAX_TESTS] = strdup(path);
}

const char *ag_test_shared(const char *name)
{
    static char path[4096];
    const char *source = getenv("AUGER_SOURCE");
    snprintf(path, sizeof(path), "%s/../shared/data/%s", source ? source : ".", name);
    return access(path, R_OK) == 0 ? path : NULL;
}

size_t ag_test_rounds(size_t quick, size_t full)
{
    const char *wanted = getenv("AUGER_TEST_FULL");
    return wanted && strcmp(wanted, "1") == 0 ? full : quick;
}

void ag_test_expect_ok(int rc, const ag_err *err, const char *call, const char *file, int line)
{
    if (rc >= 0) return;
    char text[1024];
    ag_err_format(err, text, sizeof(text));
    print_error("%s:%d: %s gave %d: %s\n", file, line, call, rc, text);
    _fail(file, line);
}

void ag_test_expect_error(int rc, const ag_err *err, int code, const char *part, const char *file, int line)
{
    if (rc == code && strstr(err->text, part)) return;
    print_error("%s:%d: wanted %s with '%s', got %d: %s\n", file, line, ag_code_name((ag_code)code), part, rc,
                err->text);
    _fail(file, line);
}

uint64_t ag_test_fail_at_n(unsigned kinds, ag_test_operation operation, void (*check)(void *context), void *context)
{
    for (uint64_t n = 1;; n++) {
        ag_err err = {0};
        ag_fault_arm(n, kinds);
        int rc = operation(context, &err);
        bool fired = ag_fault_fired();
        ag_fault_arm(0, 0);
        if (!fired) {
            AG_EXPECT_OK(rc);
            return n;
        }
        if (rc < 0 && !err.text[0]) fail_msg("round %llu failed without a text", (unsigned long long)n);
        if (check) check(context);
    }
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *position)
{
    (void)status, (void)position;
    if (type == FTW_DNR) chmod(path, 0700);
    return remove(path);
}

static void clean_up(bool failed)
{
    for (size_t i = 0; i < MAX_TESTS; i++) free(test_dirs[i]);
    if (failed)
        fprintf(stderr, "# files kept in %s\n", directory);
    else if (nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS) < 0)
        fprintf(stderr, "# cannot remove all of %s\n", directory);
}

int main(int argc, char **argv)
{
    if (test_count == 0) {
        printf("1..1\nnot ok 1 - %s registers no test\n", argv[0]);
        return 1;
    }
    if (!make_directory()) {
        printf("1..1\nnot ok 1 - cannot make a directory like %s\n", directory);
        return 1;
    }
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    int failed = _cmocka_run_group_tests(argv[0], tests, test_count, NULL, NULL);
    /* For scripts/test, which holds tests/tsan-skip.txt against it. */
    if (!__libc_single_threaded) printf("# threads were made\n");
    clean_up(failed != 0);
    return failed != 0;
}
