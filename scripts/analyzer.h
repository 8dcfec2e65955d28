// SPDX-License-Identifier: Apache-2.0
#pragma once
/* analyzer.h: read by clang-tidy before each file but err.c (scripts/tidy). The analyzer sees one file at a time and
 * cannot know what err.h promises: that a failure returns a negative code. Without it every caller of a static function
 * that fails seems to go on with what it never got. */
#include "core/base/err.h"

static inline int ag_analyzer_negative(int code)
{
    __builtin_assume(code < 0);
    return code;
}

#define ag_fail(...) ag_analyzer_negative(ag_fail(__VA_ARGS__))
#define ag_fail_at(...) ag_analyzer_negative(ag_fail_at(__VA_ARGS__))
#define ag_fail_memory(...) ag_analyzer_negative(ag_fail_memory(__VA_ARGS__))
#define ag_fail_errno(...) ag_analyzer_negative(ag_fail_errno(__VA_ARGS__))
#define ag_err_prefix(...) ag_analyzer_negative(ag_err_prefix(__VA_ARGS__))
#define ag_err_hint(...) ag_analyzer_negative(ag_err_hint(__VA_ARGS__))
#define ag_err_place(...) ag_analyzer_negative(ag_err_place(__VA_ARGS__))
