// SPDX-License-Identifier: Apache-2.0
#pragma once
/* command.h: what a command is. One file in commands/ with one const struct ag_command, plus one line in commands.c.
 * Parsing, help, completion, man pages and docs/cli.md are all made from these tables; ag_command_verify() checks them.
 *
 * The file of a command is named after its path: "data add" lives in commands/data_add.c (the man pages that the build
 * makes rely on it). */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

typedef struct ag_invocation ag_invocation; /* invocation.h: what a running command reads and writes */

typedef enum ag_option_type {
    AG_OPTION_FLAG,     /* --name, --no-name */
    AG_OPTION_INT,      /* int64_t */
    AG_OPTION_REAL,     /* double; "nan" is refused */
    AG_OPTION_TEXT,     /* any text, not empty */
    AG_OPTION_PATH,     /* a file or directory of the user's; not checked, completed by the shell */
    AG_OPTION_CHOICE,   /* one of `choices` */
    AG_OPTION_BYTES,    /* uint64_t; "64MB" */
    AG_OPTION_DURATION, /* int64_t microseconds; "30s", a bare number is seconds */
    AG_OPTION_PAIR,     /* KEY=VALUE; the key is not empty */
} ag_option_type;

/* An option (written --name) or a positional argument (named in capitals, "FILE"). */
typedef struct ag_option {
    const char *name;           /* "log-level" or "FILE" */
    char letter;                /* 'n' gives -n; 0: none. Not for positionals */
    ag_option_type type;        /* not FLAG for positionals */
    bool repeated;              /* may be given several times; a positional that takes all the rest */
    bool required;              /* absence is an error */
    const char *value_name;     /* "N" in the help; NULL: from the type */
    const char *fallback;       /* the default as users write it; NULL: none. Flags: NULL or "true" */
    double min, max;            /* numbers, bytes, durations (in seconds); both 0: any */
    const char *const *choices; /* of CHOICE; ended by NULL */
    const char *environment; /* variable that gives the value when the option is absent; an empty one does not count */
    const char *doc;         /* one sentence, no full stop at its end */
} ag_option;

typedef struct ag_option_table {
    const ag_option *items;
    size_t count;
} ag_option_table;

/* An initialiser for a table. */
#define AG_OPTIONS(array) {(array), sizeof(array) / sizeof((array)[0])}

typedef struct ag_example {
    const char *command; /* without "auger " */
    const char *doc;     /* what it does, "List the runs of ..." */
} ag_example;

typedef struct ag_command {
    const char *path;            /* "version", "data add" */
    const char *summary;         /* one line, begins with a verb, no full stop */
    const char *doc;             /* paragraphs between blank lines; required */
    ag_option_table options;     /* beside the global ones */
    ag_option_table positionals; /* in order: required ones first, at most the last one repeated */
    const ag_example *examples;  /* ended by {NULL, NULL}; at least one */
    /* Required. 0: done; > 0: done, but the exit status is this (everything has been said); < 0: failed. */
    int (*run)(ag_invocation *invocation, ag_err *err);
} ag_command;

typedef struct ag_command_table {
    const ag_command *const *items;
    size_t count;
} ag_command_table;

/* All commands of this program, sorted as `auger help` shows them. */
ag_command_table ag_commands(void);

/* What every command takes: --help, --json, --quiet, --log-level, --home, --color. */
ag_option_table ag_global_options(void);

const ag_command *ag_command_find(ag_command_table table, const char *path); /* NULL when absent */
/* True when some command's path begins with the words `path` and goes on ("data" of "data add"). */
bool ag_command_is_group(ag_command_table table, const char *path);

/* NULL when absent. */
const ag_option *ag_option_find(ag_option_table table, const char *name, size_t size);
const ag_option *ag_option_of_letter(ag_option_table table, char letter);
/* "N", "PATH", "WHEN": what the help shows for the value; NULL for a flag. */
const char *ag_option_value_name(const ag_option *option);

/* Checks one table: names well-formed and unique (also against the global options), docs and examples there, defaults
 * inside their own range, positionals in a sensible order. For tests. */
int ag_command_verify(const ag_command *command, ag_err *err);
