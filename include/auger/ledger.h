// SPDX-License-Identifier: Apache-2.0
#pragma once
/* ledger.h: record runs, parameters, metrics, files and model versions, in a ledger on this machine or on a server:
 * `auger serve`, or any MLflow server.
 *
 *     auger_error error;
 *     auger_ledger *ledger;
 *     auger_ledger_run *run;
 *     if (auger_ledger_open("http://127.0.0.1:5000", NULL, &ledger, &error) < 0) ...
 *     if (auger_run_start(ledger, NULL, &run, &error) < 0) ...
 *     auger_log_param(run, "learning_rate", "0.001", &error);
 *     auger_log_metric(run, "loss", 0.25, step, &error);
 *     auger_run_finish(run, AUGER_RUN_FINISHED, &error);
 *     auger_run_free(run);
 *     if (auger_ledger_close(ledger, 10000, &error) < 0) ...
 *
 * What is logged goes to a spool first: files that are mapped into memory. A call that has returned 0 survives the
 * death of the process (kill -9), whether or not the ledger can be reached; not a power failure before it is delivered.
 * A thread of the library delivers the spool in order, in batches, and tries again, with growing pauses, while the
 * ledger is away. What a process leaves behind is delivered by the next one that opens the same ledger with the same
 * spool directory. Nothing is recorded twice. What the ledger refuses for good (a second value of a parameter) goes to
 * "failed.jsonl" in the spool directory, with the reason, and holds nothing else up.
 *
 * Time: a call takes about as long as copying its arguments. When the spool is full it waits for room, at most
 * `block_ms`, and fails with AUGER_EFULL. Only calls with a `wait_ms`, auger_ledger_open(), and those that copy files
 * take longer, as told there. While a process has a ledger open it has two threads of the library; a child made by
 * fork() must not use it.
 *
 * Threads: everything here may be called by any number of threads at once, for one run too; only _free() and _close()
 * must be the last use of their object. All texts are UTF-8, and copied.
 *
 * Functions return 0, or a negative number and a text in *error (error.h), which may be NULL. */
#include <stddef.h>
#include <stdint.h>

#include "auger/error.h"
#include "auger/version.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct auger_ledger auger_ledger;
typedef struct auger_ledger_run auger_ledger_run;

/* A parameter or tag. */
typedef struct auger_pair {
    const char *key;   /* at most 250 letters, digits, '_', '-', '.', ' ', ':' and '/' */
    const char *value; /* at most 6000 characters of a parameter, 8000 of a tag */
} auger_pair;

/* One point of a metric. NaN and the infinities are kept. */
typedef struct auger_metric {
    const char *key; /* as that of a parameter */
    double value;
    int64_t step;  /* may be negative */
    int64_t at_ms; /* when, in milliseconds since 1970 [now] */
} auger_metric;

/* ---- the ledger ---- */

/* Zeros mean the defaults. */
typedef struct auger_ledger_options {
    const char *experiment; /* where runs belong that do not say it; made when absent ["Default"] */
    const char *token;      /* a server's: sent as "Authorization: Bearer" */
    const char *user;       /* or a user with a password, which may stand in the address too */
    const char *password;
    const char *ca_file;     /* PEM: whom to trust for https [the system's] */
    const char *spool;       /* directory of the spool; made when absent [HOME/spool, where HOME is the local ledger,
                                else $AUGER_HOME, else .auger] */
    int64_t spool_bytes;     /* the most that may wait there, of disk and of memory, at least 1 MiB [256 MiB] */
    int64_t block_ms;        /* how long a call may wait for room there; negative: not at all [1000] */
    int64_t flush_ms;        /* how long something may wait for more to travel with it [200] */
    int64_t request_ms;      /* how long a server may stay silent before it counts as away [30000] */
    int without_system_tags; /* 1: runs are not told where they ran (host, system, git commit of the working
                                directory ...) */
} auger_ledger_options;

/* `where`: "http://HOST:PORT" or "https://...", else the home directory of a local ledger (as of `auger serve --home`),
 * which is made when absent; NULL: $AUGER_HOME, else ".auger". `options` may be NULL. Opens a local ledger, which may
 * take as long as its migration; asks a server nothing. Fails when the spool directory cannot be written. */
AUGER_API int auger_ledger_open(const char *where, const auger_ledger_options *options, auger_ledger **out,
                                auger_error *error);

/* Waits until all that was logged before, here or by processes that died, is delivered or refused, at most `wait_ms`
 * (negative: as long as it takes); asks at once again if the ledger was away. AUGER_ETIMEOUT, with what the last
 * attempt met, when time was out. */
AUGER_API int auger_ledger_sync(auger_ledger *ledger, int64_t wait_ms, auger_error *error);

/* Delivers for at most `wait_ms` (0: what is in the spool stays there; negative: as long as it takes), ends the threads
 * and frees the ledger, also when it fails: AUGER_ETIMEOUT tells that something is left in the spool, which the next
 * open delivers. May take longer by what one request to a server takes to break off, or one writing to a local ledger
 * to end: up to 2 seconds. NULL is fine. Runs must be freed before. */
AUGER_API int auger_ledger_close(auger_ledger *ledger, int64_t wait_ms, auger_error *error);

typedef struct auger_ledger_status {
    uint64_t pending;        /* calls in the spool that are not delivered, also those of processes that died */
    uint64_t delivered;      /* calls since the ledger was opened */
    uint64_t refused;        /* parameters, points, files ... in failed.jsonl since then */
    uint64_t spool_bytes;    /* disk that the spool of this process takes */
    int away;                /* 1: the last attempt to deliver did not reach the ledger, or found it ailing */
    int64_t delivered_at_ms; /* when something was delivered last, in milliseconds since 1970; 0: not yet */
    char last_error[768];    /* of the last attempt that failed, or of the last refusal; empty: none */
} auger_ledger_status;
/* Never waits. */
AUGER_API void auger_ledger_status_read(auger_ledger *ledger, auger_ledger_status *out);

/* ---- runs ---- */

typedef enum auger_run_status {
    AUGER_RUN_FINISHED = 3, /* numbers of MLflow's protocol */
    AUGER_RUN_FAILED = 4,
    AUGER_RUN_KILLED = 5,
} auger_run_status;

/* Zeros mean the defaults. */
typedef struct auger_run_options {
    const char *name;               /* [made up by the ledger] */
    const char *experiment;         /* [that of the ledger] */
    const auger_ledger_run *parent; /* makes it a nested run [none] */
    const auger_pair *tags;
    size_t tag_count;
} auger_run_options;

/* Starts a run now. `options` may be NULL. The caller frees the run. */
AUGER_API int auger_run_start(auger_ledger *ledger, const auger_run_options *options, auger_ledger_run **out,
                              auger_error *error);
/* 32 hex digits, borrowed from the run: its id in the ledger. A server that is not Auger's gives it another one, and
 * this is its tag "auger.client_run". */
AUGER_API const char *auger_run_id(const auger_ledger_run *run);
/* Says that the run has ended, now, and how. One that is never told to end stays RUNNING. Logging goes on working. */
AUGER_API int auger_run_finish(auger_ledger_run *run, auger_run_status status, auger_error *error);
AUGER_API void auger_run_free(auger_ledger_run *run); /* does not end it; NULL is fine */

/* ---- what a run logs ---- */

/* A parameter has one value for ever: another one later is refused (failed.jsonl), the same one is fine. */
AUGER_API int auger_log_param(auger_ledger_run *run, const char *key, const char *value, auger_error *error);
/* Now. The same point twice (key, value, time in milliseconds, step) is kept once. */
AUGER_API int auger_log_metric(auger_ledger_run *run, const char *key, double value, int64_t step, auger_error *error);
/* The last value counts. */
AUGER_API int auger_set_tag(auger_ledger_run *run, const char *key, const char *value, auger_error *error);

/* Many at once: quicker, and all of them or none if the process dies in the midst, as long as they take less than
 * 64 KiB together; else in pieces of that size. Checked as a whole before anything is logged. */
AUGER_API int auger_log_params(auger_ledger_run *run, const auger_pair *params, size_t count, auger_error *error);
AUGER_API int auger_log_metrics(auger_ledger_run *run, const auger_metric *metrics, size_t count, auger_error *error);
AUGER_API int auger_set_tags(auger_ledger_run *run, const auger_pair *tags, size_t count, auger_error *error);

/* A file, or a directory with all regular files below it. `artifact_path`: what it is called in the run, parts divided
 * by '/' ["the last part of `path`"]. Files are copied into the spool before the call returns, so it takes as long as
 * that, and the originals may change or go afterwards. */
AUGER_API int auger_log_file(auger_ledger_run *run, const char *path, const char *artifact_path, auger_error *error);
/* The same for bytes in memory. */
AUGER_API int auger_log_bytes(auger_ledger_run *run, const void *bytes, size_t size, const char *artifact_path,
                              auger_error *error);

/* A data set that the run reads. */
typedef struct auger_dataset {
    const char *name;        /* at most 500 characters */
    const char *digest;      /* which state of it, at most 36 characters */
    const char *source_type; /* ["local"] */
    const char *source;      /* where it is [its name] */
    const char *schema;      /* JSON, may be NULL; less than 1 MiB together with the profile */
    const char *profile;     /* JSON, may be NULL */
    const char *context;     /* "training", "evaluation" ..., may be NULL */
} auger_dataset;
AUGER_API int auger_log_input(auger_ledger_run *run, const auger_dataset *dataset, auger_error *error);

/* Registers what the run has logged below `artifact_path` as the next version of a model, which is made when absent,
 * after everything that was logged before. Waits at most `wait_ms` (negative: as long as it takes) for the number; with
 * none by then it returns 0 with *version 0: the registration is in the spool and stays pending. A refusal that is
 * known by then is the result. `version` may be NULL. */
AUGER_API int auger_register_model(auger_ledger_run *run, const char *model, const char *artifact_path, int64_t wait_ms,
                                   int64_t *version, auger_error *error);

#ifdef __cplusplus
}
#endif
