// SPDX-License-Identifier: Apache-2.0
/* output.c: buffered text to a descriptor.
 * Not stdio: a command's result must be known to have arrived ("auger help > /dev/full" fails), and a reader that left
 * early (a pipe into head) must not look like a failure. Text is buffered up to FLUSH_AT bytes; a terminal's stderr is
 * flushed by whoever writes a whole line (ag_note). Threads: none; one thread prints. */
#include "app/cli/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/fault.h"

#define FLUSH_AT 65536
#define MAX_KEPT ((size_t)64 << 20) /* of an output without a descriptor */

static size_t terminal_columns(int fd)
{
    struct winsize size;
    if (fd >= 0 && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    int64_t columns;
    const char *variable = getenv("COLUMNS");
    if (variable && ag_str_to_int(ag_str_of(variable), &columns) && columns > 0 && columns < 10000)
        return (size_t)columns;
    return 80;
}

void ag_output_init(ag_output *output, int fd, const char *name)
{
    *output = (ag_output){.fd = fd, .name = name};
    ag_buf_init(&output->buf, MAX_KEPT);
    output->is_terminal = fd >= 0 && isatty(fd);
    output->columns = fd >= 0 ? terminal_columns(fd) : 80;
    if (output->columns < 40) output->columns = 40;
    if (output->columns > 120) output->columns = 120; /* longer lines of prose are hard to read */
    ag_output_set_color(output, "auto");
}

void ag_output_deinit(ag_output *output)
{
    ag_buf_deinit(&output->buf);
}

void ag_output_set_color(ag_output *output, const char *mode)
{
    if (strcmp(mode, "auto") != 0) {
        output->color = strcmp(mode, "always") == 0;
        return;
    }
    const char *refused = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    output->color = output->is_terminal && !(refused && *refused) && !(terminal && strcmp(terminal, "dumb") == 0);
}

static void write_out(ag_output *output)
{
    size_t done = 0;
    while (done < output->buf.size && output->failure.code == AG_OK && !output->hung_up) {
        bool fault = ag_fault(AG_FAULT_FILE);
        ssize_t wrote = fault ? -1 : write(output->fd, output->buf.data + done, output->buf.size - done);
        if (fault) errno = EIO;
        if (wrote >= 0)
            done += (size_t)wrote;
        else if (errno == EPIPE)
            output->hung_up = true;
        else if (errno != EINTR)
            ag_fail_errno(&output->failure, errno, "cannot write to %s", output->name);
    }
    ag_buf_clear(&output->buf);
}

void ag_output_add(ag_output *output, ag_str text)
{
    if (output->failure.code != AG_OK || output->hung_up) return;
    ag_buf_add_str(&output->buf, text);
    if (output->buf.failed)
        ag_buf_check(&output->buf, output->name, &output->failure);
    else if (output->fd >= 0 && output->buf.size >= FLUSH_AT)
        write_out(output);
}

void ag_output_addf(ag_output *output, const char *format, ...)
{
    if (output->failure.code != AG_OK || output->hung_up) return;
    va_list arguments;
    va_start(arguments, format);
    ag_buf_vaddf(&output->buf, format, arguments);
    va_end(arguments);
    ag_output_add(output, (ag_str){0});
}

void ag_output_style(ag_output *output, ag_style style, const char *text)
{
    static const char *const codes[] = {
        [AG_STYLE_PLAIN] = "0", [AG_STYLE_STRONG] = "1", [AG_STYLE_DIM] = "2",
        [AG_STYLE_GOOD] = "32", [AG_STYLE_WARN] = "33",  [AG_STYLE_BAD] = "31",
    };
    if (output->color && style != AG_STYLE_PLAIN)
        ag_output_addf(output, "\033[%sm%s\033[0m", codes[style], text);
    else
        ag_output_add(output, ag_str_of(text));
}

int ag_output_flush(ag_output *output, ag_err *err)
{
    if (output->fd >= 0) write_out(output);
    if (output->failure.code == AG_OK) return AG_OK;
    if (err) *err = output->failure;
    return output->failure.code;
}
