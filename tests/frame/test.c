// SPDX-License-Identifier: Apache-2.0
/* test.c: the main program of every test. Prints TAP (meson reads it); a skip carries its reason. */
#include "frame/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/io/file.h"

#define MAX_TESTS 512

static struct CMUnitTest tests[MAX_TESTS];
static size_t test_count;
static char *directory;

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

const char *ag_test_dir(void)
{
    ag_err err = {0};
    if (!directory && ag_dir_temporary("auger-test-", &directory, &err) < 0) fail_msg("%s", err.text);
    char name[32];
    static unsigned number;
    snprintf(name, sizeof(name), "/%u", ++number);
    static char path[4096];
    snprintf(path, sizeof(path), "%s%s", directory, name);
    AG_EXPECT_OK(ag_dir_make(path, &err));
    return strdup(path); /* lives as long as the program: a test may keep several */
}

const char *ag_test_shared(const char *name)
{
    static char path[4096];
    const char *source = getenv("AUGER_SOURCE");
    snprintf(path, sizeof(path), "%s/../shared/data/%s", source ? source : ".", name);
    return access(path, R_OK) == 0 ? path : NULL;
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

int main(int argc, char **argv)
{
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    int failed = _cmocka_run_group_tests(argv[0], tests, test_count, NULL, NULL);
    ag_err err = {0};
    if (directory && failed == 0 && ag_dir_remove(directory, &err) < 0) fprintf(stderr, "# %s\n", err.text);
    if (directory && failed != 0) fprintf(stderr, "# files kept in %s\n", directory);
    ag_free(directory);
    return failed != 0;
}
