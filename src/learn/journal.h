// SPDX-License-Identifier: Apache-2.0
#pragma once
/* journal.h: a training as the ledger keeps it. A watch (strategy.h) that writes what it is told into a run and passes
 * all of it on to the next watch, which shows it. One training is the run itself; of several each is a child of it. The
 * ids stand in OUTPUT/run.json, so that a resumed training goes on in the same runs. Without a ledger it only passes
 * on. */
#include "learn/data_name.h"
#include "learn/record.h"
#include "learn/strategy.h"
#include "ledger/run.h"

#define AG_JOURNAL_RUN "run.json"       /* in OUTPUT: the ids, the tracker's name, the version */
#define AG_JOURNAL_REPORT "report.html" /* in OUTPUT, when whoever shows the training has written it */

/* Tags that let the training be made again (auger replay). */
#define AG_JOURNAL_DATA_DIR "auger.data.dir"         /* the directory or file that was named, absolute */
#define AG_JOURNAL_DATA_VERSION "auger.data.version" /* or the version of a data set: "drilling@v3" */
#define AG_JOURNAL_PROCESSOR "auger.processor"       /* the kind that decides bits: "avx512" */

typedef struct ag_journal ag_journal;

typedef struct ag_journal_options {
    ag_tracker tracker; /* none: nothing is recorded; borrowed */
    const ag_settings *settings;
    const char *data_dir; /* for the tags; NULL: not said */
    const char *output_dir;
    bool resume;
    const ag_pair *tags; /* more for the run; may be NULL */
    size_t tag_count;
    const char *entry; /* "auger train" */
    int argc;          /* the command line, for the tags; 0: not said */
    const char *const *argv;
    const ag_run_input *version; /* the data are this version of a data set (ag_dataset_input()); NULL: they are not */
    const ag_data_name *called;  /* and are called so; NULL: by their path */
    const ag_strategy_watch *next; /* may be NULL; outlives the journal */
} ag_journal_options;

int ag_journal_new(const ag_journal_options *options, ag_journal **out, ag_err *err);
void ag_journal_free(ag_journal *journal);
/* For the strategy's task. */
const ag_strategy_watch *ag_journal_watch(const ag_journal *journal);
/* The end: files of OUTPUT into the run when it went well (the report in any case), its model registered when the
 * settings say so, and its status. A registration that is refused fails nothing: it is told as a remark. */
int ag_journal_finish(ag_journal *journal, int rc, const ag_err *why, ag_err *err);
/* What could not be recorded on the way: a sentence each, mostly none. */
void ag_journal_troubles(const ag_journal *journal, void (*tell)(void *context, const char *text), void *context);
/* Its id in the ledger; on a server that is not Auger's ours, until it is told (known by its tag auger.client_run).
 * NULL: none; before the configuration was accepted there is none. */
const char *ag_journal_run(const ag_journal *journal);
const char *ag_journal_experiment_name(const ag_journal *journal);
/* The version that was registered, "depth/3"; NULL: none. */
const char *ag_journal_version(const ag_journal *journal);
/* Why the model is not registered although it should be, a sentence; NULL: nothing went wrong. The model itself is
 * whole, and the same training resumed registers it. */
const char *ag_journal_unregistered(const ag_journal *journal);
ag_record *ag_journal_record(const ag_journal *journal); /* of the run; NULL: likewise */
