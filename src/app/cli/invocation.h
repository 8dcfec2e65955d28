// SPDX-License-Identifier: Apache-2.0
#pragma once
/* invocation.h: one call of one command: its values, typed, and where its words go. Results go to stdout with
 * ag_print() or ag_print_json(); remarks go to stderr with ag_note(). Not thread-safe: one thread prints. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/cli/command.h"
#include "app/cli/output.h"
#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/doc/json.h"
#include "core/show/bar.h"
#include "core/sys/cancel.h"
#include "core/sys/progress.h"

/* A value as written and as read. `text` is never NULL. */
typedef struct ag_option_value {
    const char *text;
    union {
        bool flag;
        int64_t integer; /* also microseconds of a duration */
        double real;
        uint64_t bytes;
        size_t choice; /* index into choices */
        ag_str key;    /* of a pair */
    };
    const char *pair_value; /* of a pair */
} ag_option_value;

typedef enum ag_option_origin {
    AG_ORIGIN_NONE,        /* not given, no default */
    AG_ORIGIN_DEFAULT,     /* the table's fallback */
    AG_ORIGIN_ENVIRONMENT, /* the table's variable */
    AG_ORIGIN_GIVEN,       /* on the command line */
} ag_option_origin;

/* The values of one option or positional. */
typedef struct ag_option_slot {
    const ag_option *option;
    ag_option_origin origin;
    ag_option_value *values;
    size_t count;
    size_t capacity;
} ag_option_slot;

struct ag_invocation {
    const ag_command *command; /* NULL for a bare `auger`, and for a group with --help */
    const char *path;          /* the words of the command or group, "" for none */
    const char *const *words;  /* the whole call, without the program's name */
    int word_count;
    ag_command_table commands; /* those that exist, for help and completion */
    ag_option_slot *slots;     /* global options, then the command's, then its positionals */
    size_t slot_count;
    size_t positionals_at; /* index of the first positional's slot */
    ag_arena *arena;       /* lives as long as the invocation */
    ag_output *out;
    ag_output *err;
    const char *profile; /* how the program was built: "release", "debug, address,undefined" */
    ag_bar *bar;         /* what shows progress; made when first wanted */
    ag_cancel *cancel;   /* requested by Ctrl-C; NULL in tests */
    const char *misread; /* the name of an undeclared option that the command asked for: a bug that the frame reports */
};

/* The values by name: "jobs", "FILE". A name that the command (or the global table) does not declare, or declares as
 * another type, gives zero and makes the whole call fail with AG_EINTERNAL. Absent: zero, NULL. */
bool ag_option_given(ag_invocation *invocation, const char *name); /* on the command line or by the environment */
bool ag_option_flag(ag_invocation *invocation, const char *name);
int64_t ag_option_int(ag_invocation *invocation, const char *name);
double ag_option_real(ag_invocation *invocation, const char *name);
const char *ag_option_text(ag_invocation *invocation, const char *name); /* TEXT, PATH, CHOICE */
size_t ag_option_choice(ag_invocation *invocation, const char *name);    /* index; SIZE_MAX when absent */
uint64_t ag_option_bytes(ag_invocation *invocation, const char *name);
int64_t ag_option_duration(ag_invocation *invocation, const char *name); /* microseconds */
/* Whether the file that an option names can be written: before the work whose result it takes. AG_OK also when it is
 * not given, or "-". */
int ag_option_check_output(ag_invocation *invocation, const char *name, ag_err *err);
/* All values of a repeated option or positional, of any type. */
const ag_option_value *ag_option_values(ag_invocation *invocation, const char *name, size_t *count);

/* The global --json: the command prints JSON only. */
bool ag_wants_json(ag_invocation *invocation);

/* To stdout. A failed write sticks in invocation->out and is reported by the frame at the end. */
void ag_print(ag_invocation *invocation, const char *format, ...) AG_PRINTF(2, 3);
void ag_print_str(ag_invocation *invocation, ag_str text);
/* Prints one finished JSON document and a newline. `json` writes into `buf`. */
int ag_print_json(ag_invocation *invocation, ag_json *json, ag_buf *buf, ag_err *err);
/* A remark to stderr, with a newline; nothing with --quiet. */
void ag_note(ag_invocation *invocation, const char *format, ...) AG_PRINTF(2, 3);

/* Progress on stderr: a bar on a terminal, plain lines otherwise. NULL (which all of progress.h takes) with --quiet or
 * when out of memory. The caller frees it; one at a time. */
ag_progress *ag_begin_progress(ag_invocation *invocation, const char *what, uint64_t total);

/* Where state lives: --home, else $AUGER_HOME, else "./.auger". Never NULL; nothing is made or checked. */
const char *ag_home(ag_invocation *invocation);
/* Another default than "./.auger", for a command that has a place of its own. */
int ag_home_default(ag_invocation *invocation, const char *path, ag_err *err);
