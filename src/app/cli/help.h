// SPDX-License-Identifier: Apache-2.0
#pragma once
/* help.h: the tables as text for people: on a terminal, as a man page, as Markdown. All three say the same. */
#include "app/cli/command.h"
#include "app/cli/output.h"
#include "core/base/buf.h"
#include "core/base/err.h"

/* One thing to show: a command, the commands of a group ("data"), or everything (""). */
typedef struct ag_topic {
    const char *path;
    const ag_command *command; /* NULL for a group without a command of its own, and for everything */
    ag_command_table commands;
} ag_topic;

/* AG_ENOTFOUND with the nearest as a hint when `path` is neither command nor group nor "". */
int ag_topic_find(ag_command_table commands, const char *path, ag_topic *out, ag_err *err);
bool ag_topic_covers(const ag_topic *topic, const ag_command *command); /* below it, but not itself */

/* `out` gives width and colours. */
void ag_help_text(const ag_topic *topic, ag_output *out);
/* roff with man(7) macros; `version` goes into the footer. */
void ag_help_man(const ag_topic *topic, const char *version, ag_buf *out);
/* Markdown of all commands: docs/cli.md. */
void ag_help_markdown(ag_command_table commands, ag_buf *out);

/* "auger train [OPTIONS] FILE [MORE...]". */
void ag_help_usage(const ag_topic *topic, ag_buf *out);
/* "-n, --jobs N", "--[no-]json"; for a positional its name. */
void ag_help_option_names(const ag_option *option, ag_buf *out);
/* "required; 1 to 64; default 4; else $NAME; may be repeated"; empty when there is nothing to say. */
void ag_help_option_remark(const ag_option *option, ag_buf *out);

/* Words of `text` in lines of at most `columns` cells, each but the first indented by `indent`; ends in a newline. */
void ag_help_wrap(ag_buf *out, const char *text, size_t indent, size_t at, size_t columns);
