// SPDX-License-Identifier: Apache-2.0
#pragma once
/* test.h: what every test program includes. AG_TEST(name) { ... } is a test; it registers itself, in file order. The
 * name is the behaviour: test_run__finish_twice_conflicts. Link the floor, see its internal headers, never include a
 * .c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/fault.h"

void ag_test_register(const char *name, void (*function)(void **state));

#define AG_TEST(name)                                                                                                  \
    static void name(void **state);                                                                                    \
    __attribute__((constructor)) static void register_##name(void)                                                     \
    {                                                                                                                  \
        ag_test_register(#name, name);                                                                                 \
    }                                                                                                                  \
    static void name(__attribute__((unused)) void **state)

/* Ends the test as skipped; the reason appears in the summary. */
_Noreturn void ag_test_skip(const char *reason);

/* A new empty directory for this test, removed when the program ends well (kept and named when a test failed). */
const char *ag_test_dir(void);
/* "../shared/data/NAME" when it is there, else NULL: skip with ag_test_skip("shared/data is absent"). */
const char *ag_test_shared(const char *name);

/* How often a test that could go on for ever does its round: `quick`, or `full` when $AUGER_TEST_FULL is 1. */
size_t ag_test_rounds(size_t quick, size_t full);

/* 1 where a sanitizer looks at every access, and all takes five to thirty times as long. There it is enough that every
 * line runs, with the same threads: what a long training ends with is asserted of the release build. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define AG_TEST_WATCHED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define AG_TEST_WATCHED 1
#endif
#endif
#ifndef AG_TEST_WATCHED
#define AG_TEST_WATCHED 0
#endif

/* Uses the variable `ag_err err` of the test. */
void ag_test_expect_ok(int rc, const ag_err *err, const char *call, const char *file, int line);
/* Fails unless rc == code and err->text contains `part`. */
void ag_test_expect_error(int rc, const ag_err *err, int code, const char *part, const char *file, int line);
#define AG_EXPECT_OK(call) ag_test_expect_ok((call), &err, #call, __FILE__, __LINE__)
#define AG_EXPECT_ERROR(call, code, part) ag_test_expect_error((call), &err, (code), (part), __FILE__, __LINE__)

/* Failing-at-n: runs `operation` with the 1st, 2nd, ... call of `kinds` failing, until it succeeds with nothing fired.
 * Each failing round must return < 0 with a text; `check` (may be NULL) then looks that no half state is left. Returns
 * the number of rounds. In a build without faults runs once. */
typedef int (*ag_test_operation)(void *context, ag_err *err);
uint64_t ag_test_fail_at_n(unsigned kinds, ag_test_operation operation, void (*check)(void *context), void *context);
