// SPDX-License-Identifier: Apache-2.0
#pragma once
/* progress.h: how far long work has come. Work counts; who shows it (a bar, plain lines, JSON, the server's events)
 * is the business of the sink. Counting is lock-free and cheap; the sink is called at most every 100 ms and at the end.
 */
#include <stdint.h>

typedef struct ag_progress_state {
    const char *what;  /* "files": what is counted, for people */
    const char *stage; /* "reading": may be NULL */
    uint64_t done;
    uint64_t total;  /* 0: not known */
    uint64_t bytes;  /* 0: not counted */
    int64_t elapsed; /* microseconds */
    double rate;     /* items per second, smoothed over the last seconds */
    double bytes_rate;
    int64_t remaining; /* microseconds, -1: not known */
    int finished;      /* 1 in the last call */
} ag_progress_state;

typedef struct ag_progress ag_progress;
typedef void (*ag_progress_fn)(void *context, const ag_progress_state *state);

/* NULL when out of memory; every function below takes NULL and does nothing, so that work need not ask. */
ag_progress *ag_progress_new(const char *what, uint64_t total, ag_progress_fn sink, void *context);
void ag_progress_free(ag_progress *progress);                     /* reports the end unless ag_progress_finish() did */
void ag_progress_stage(ag_progress *progress, const char *stage); /* a string that outlives the progress */
void ag_progress_total(ag_progress *progress, uint64_t total);
/* Something else is counted from here on: from 0, at a rate and a time of its own. `what` outlives the progress. */
void ag_progress_next(ag_progress *progress, const char *what, const char *stage, uint64_t total);
void ag_progress_add(ag_progress *progress, uint64_t items, uint64_t bytes); /* any thread */
void ag_progress_finish(ag_progress *progress);
ag_progress_state ag_progress_read(const ag_progress *progress);
