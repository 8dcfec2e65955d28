// SPDX-License-Identifier: Apache-2.0
/* main.c: what belongs to the process: descriptors, signals, environment, what was built. The rest is in app/cli. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/cli/program.h"
#include "core/sys/cancel.h"

static const char *environment(const char *name)
{
    return getenv(name);
}

/* A program started with closed descriptors would write its messages into the first file that it opens. Each missing
 * one is opened the wrong way round, so that using it fails. */
static void keep_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd) _exit(1);
}

int main(int argc, char **argv)
{
    keep_standard_descriptors();
    signal(SIGPIPE, SIG_IGN); /* a reader that went away is an error of write(), see output.c */
    signal(SIGXFSZ, SIG_IGN); /* so is a file that may not become longer (ulimit -f) */
    ag_output out, err;
    ag_output_init(&out, 1, "standard output");
    ag_output_init(&err, 2, "standard error");
    ag_err failure = {0};
    int status = 1;
    if (ag_cancel_on_signals(&failure) < 0) {
        ag_error_text(&failure, &err);
        ag_output_flush(&err, NULL);
    } else {
        ag_program program = {.commands = ag_commands(),
                              .profile = AUGER_PROFILE,
                              .environment = environment,
                              .out = &out,
                              .err = &err,
                              .cancel = ag_cancel_process()};
        int words = argc > 0 ? argc - 1 : 0;
        status = ag_program_run(&program, words, (const char *const *)argv + (argc > 0));
    }
    ag_output_deinit(&out);
    ag_output_deinit(&err);
    return status;
}
