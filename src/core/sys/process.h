// SPDX-License-Identifier: Apache-2.0
#pragma once
/* process.h: another program at work for us: started without a shell, read line by line, fed through a queue, and ended
 * with everything it has started (it leads a process group of its own). Nothing of ours but the three standard
 * descriptors reaches it. One thread at a time may use a process. Errors name the program. */
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/str.h"
#include "core/sys/cancel.h"

typedef struct ag_process ag_process;

typedef struct ag_process_options {
    const char *const *words; /* the program, looked for in PATH when it has no '/', and its arguments; NULL ends */
    const char *const *environment; /* "NAME=value", over ours; NULL ends; may be NULL */
    const char *directory;          /* where it begins; NULL: here. A relative program is looked for from there */
    const char *error_file;         /* stderr is added to it; NULL: goes to ours */
    bool input;                     /* it reads what is sent; else its stdin is empty */
    int64_t grace;                  /* microseconds between asking it to end (SIGTERM) and ending it (SIGKILL) */
} ag_process_options;

typedef struct ag_process_end {
    int code;   /* of its exit; -1: a signal ended it */
    int signal; /* 0: none */
} ag_process_end;

int ag_process_start(const ag_process_options *options, ag_process **out, ag_err *err);
/* Ends it when it still runs; NULL is fine. */
void ag_process_free(ag_process *process);

/* The next line it prints, without its end: 1, or 0 when there are no more, or < 0. Borrowed until the next call; at
 * most a MiB, else AG_ELIMIT. Nothing for `silence` microseconds (0: may take any time) is AG_ETIMEOUT. What is queued
 * for it is sent meanwhile. */
int ag_process_line(ag_process *process, ag_cancel *cancel, int64_t silence, ag_str *line, ag_err *err);
uint64_t ag_process_lines(const ag_process *process); /* how many it has printed */
/* Queues bytes for its stdin; ag_process_line() sends them. */
int ag_process_send(ag_process *process, ag_str bytes, ag_err *err);
/* Its stdin ends behind what is queued. */
void ag_process_send_end(ag_process *process);

/* Waits for its end, passing over what it still prints; whatever it left running is ended. A bad exit is no failure. */
int ag_process_wait(ag_process *process, ag_cancel *cancel, ag_process_end *out, ag_err *err);
/* Asks its whole group to end, then ends it. */
void ag_process_stop(ag_process *process);

/* "exit code 3", "signal 9 (killed)". */
void ag_process_end_format(const ag_process_end *end, char out[64]);
