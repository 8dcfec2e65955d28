// SPDX-License-Identifier: Apache-2.0
#pragma once
/* calls.h: whole calls of the program in this process, with a home of their own: AUGER("models", "list") gives the exit
 * status; what was printed is looked at with expect_printed() and expect_remark(). */
#include "frame/test.h"

#include <math.h>
#include <string.h>

#include "app/cli/program.h"
#include "app/cli/sample.h"
#include "core/doc/json.h"

static ag_output out, err_out;
static ag_arena *arena;
static char home[512];

static inline int call_program(ag_command_table commands, const char *const *words)
{
    ag_output_deinit(&out);
    ag_output_deinit(&err_out);
    ag_output_init(&out, -1, "standard output");
    ag_output_init(&err_out, -1, "standard error");
    ag_program program = {
        .commands = commands, .profile = "test", .environment = sample_no_environment, .out = &out, .err = &err_out};
    return ag_program_run(&program, sample_count(words), words);
}

static inline int call_of(const char *const *words)
{
    return call_program(ag_commands(), words);
}
#define AUGER(...) call_of(SAMPLE_WORDS(__VA_ARGS__, "--home", home))

static inline void expect_printed(const char *part)
{
    if (!strstr(ag_buf_str(&out.buf).data, part)) fail_msg("no '%s' in:\n%s", part, ag_buf_str(&out.buf).data);
}

static inline void expect_remark(const char *part)
{
    if (!strstr(ag_buf_str(&err_out.buf).data, part)) fail_msg("no '%s' in:\n%s", part, ag_buf_str(&err_out.buf).data);
}

static inline bool printed(const char *part)
{
    return strstr(ag_buf_str(&out.buf).data, part) != NULL;
}

/* What was printed, as JSON. */
static inline const ag_value *printed_json(void)
{
    ag_err err = {0};
    const ag_value *tree = NULL;
    AG_EXPECT_OK(ag_json_parse(arena, ag_buf_str(&out.buf), NULL, &tree, &err));
    return tree;
}

static inline double number_at(const ag_value *tree, const char *path)
{
    double value = NAN;
    if (!ag_value_real(ag_value_at(tree, path), &value)) fail_msg("no number at %s", path);
    return value;
}

static inline void begin(void)
{
    static int homes;
    ag_format(home, sizeof(home), "%s/home-%d", ag_test_dir(), ++homes);
    arena = ag_arena_new(0);
}

static inline void end(void)
{
    ag_output_deinit(&out);
    ag_output_deinit(&err_out);
    ag_arena_free(arena);
}
