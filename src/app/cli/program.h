// SPDX-License-Identifier: Apache-2.0
#pragma once
/* program.h: one call of the program from its words to its exit status. main() only fetches what belongs to the process
 * (descriptors, signals, environment), so that tests can run whole calls in one process. */
#include "app/cli/invocation.h"
#include "app/cli/parse.h"

typedef struct ag_program {
    ag_command_table commands;
    const char *profile; /* of the build, for `auger version` */
    ag_environment_fn environment;
    ag_output *out;
    ag_output *err;
    ag_cancel *cancel; /* may be NULL */
} ag_program;

/* Runs the command that `argv` (without the program's name) names; returns the exit status: 0 good, 1 the work failed,
 * 2 the call was wrong. Everything is printed and flushed. */
int ag_program_run(const ag_program *program, int argc, const char *const *argv);

/* An error as `--json` prints it: {"error": {code, text, file, line, column, hint}}. */
int ag_error_json(const ag_err *error, ag_buf *out);
/* An error as people read it: "error: text" and the hint below. Control characters that came in with the input are
 * replaced, so that no message can steer the terminal. */
void ag_error_text(const ag_err *error, ag_output *out);
