// SPDX-License-Identifier: Apache-2.0
/* people.c: secrets never come from the command line, where other users of the machine could read them: they come from
 * a file, from standard input, or from a terminal that does not show them. */
#include "app/cli/people.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "app/cli/ledger.h"
#include "core/base/mem.h"

static int read_line(int fd, char out[AG_CLI_PASSWORD], ag_err *err)
{
    size_t used = 0;
    for (;;) {
        ssize_t got = read(fd, out + used, 1);
        if (got < 0) return ag_fail(err, AG_EIO, "cannot read the password");
        if (got == 0 || out[used] == '\n') break;
        if (++used == AG_CLI_PASSWORD - 1) {
            return ag_fail(err, AG_EINVAL, "a password has at most %d characters", AG_MAX_PASSWORD);
        }
    }
    if (used && out[used - 1] == '\r') used--;
    out[used] = '\0';
    return used ? AG_OK : ag_fail(err, AG_EINVAL, "the password is empty");
}

static int read_file(const char *path, char out[AG_CLI_PASSWORD], ag_err *err)
{
    if (strcmp(path, "-") == 0) return read_line(STDIN_FILENO, out, err);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return ag_fail(err, AG_ENOTFOUND, "cannot read the password from '%s'", path);
    int rc = read_line(fd, out, err);
    close(fd);
    return rc;
}

static int ask(const char *prompt, char out[AG_CLI_PASSWORD], ag_err *err)
{
    struct termios before, quiet;
    if (tcgetattr(STDIN_FILENO, &before) < 0) return ag_fail(err, AG_EIO, "the terminal cannot be made quiet");
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) < 0)
        return ag_fail(err, AG_EIO, "the terminal cannot be made quiet");
    bool said = write(STDERR_FILENO, prompt, strlen(prompt)) >= 0;
    int rc = read_line(STDIN_FILENO, out, err);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    if (said && write(STDERR_FILENO, "\n", 1) < 0 && rc >= 0) rc = ag_fail(err, AG_EIO, "the terminal is gone");
    return rc;
}

int ag_cli_password(ag_invocation *invocation, char out[AG_CLI_PASSWORD], ag_err *err)
{
    char again[AG_CLI_PASSWORD];
    const char *path = ag_option_text(invocation, "password-file");
    if (path) return read_file(path, out, err);
    if (!isatty(STDIN_FILENO)) {
        ag_fail(err, AG_EINVAL, "there is no terminal to ask for the password");
        return ag_err_hint(err, "say --password-file -, and write it to standard input");
    }
    int rc = ask("password: ", out, err);
    if (rc >= 0) rc = ask("once more: ", again, err);
    if (rc >= 0 && strcmp(out, again) != 0) rc = ag_fail(err, AG_EINVAL, "the two are not the same");
    ag_wipe(again, sizeof(again));
    return rc;
}

const char *ag_cli_resource_name(ag_resource kind)
{
    static const char *const names[] = {"experiment", "model", "project"};
    return names[kind];
}

int ag_cli_resource(ag_invocation *invocation, ag_ledger *ledger, ag_resource *kind, ag_str *id, ag_err *err)
{
    size_t given = 0;
    const char *text = NULL;
    for (int i = AG_RESOURCE_EXPERIMENT; i <= AG_RESOURCE_PROJECT; i++) {
        const char *one = ag_option_text(invocation, ag_cli_resource_name((ag_resource)i));
        if (!one) continue;
        given++;
        text = one;
        *kind = (ag_resource)i;
    }
    if (given != 1) return ag_fail(err, AG_EINVAL, "say one of --experiment, --model and --project");
    *id = ag_str_of(text);
    if (*kind != AG_RESOURCE_EXPERIMENT) return AG_OK;
    ag_experiment found;
    int rc = ag_cli_experiment(invocation, ledger, text, &found, err);
    if (rc >= 0) *id = ag_str_of(found.id);
    return rc;
}
