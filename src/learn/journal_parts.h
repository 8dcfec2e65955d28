// SPDX-License-Identifier: Apache-2.0
#pragma once
/* journal_parts.h: what the files of a journal share. */
#include "learn/journal.h"

typedef struct ag_journal_seat { /* where one training is looked at from */
    ag_journal *journal;
    const char *name;
    int64_t index;
    const char *run;   /* the id of its own when there are several; else NULL */
    ag_record *record; /* of its own when there are several, else the run's */
    bool own;
    bool ended;
    ag_train_monitor next;
} ag_journal_seat;

struct ag_journal {
    ag_journal_options options;
    ag_arena *arena;
    ag_strategy_watch watch;
    const char *run, *experiment; /* ids, known before the run is there; NULL: not yet, or of a server */
    ag_record *record;
    ag_vec seats;                           /* ag_journal_seat * */
    ag_vec datasets;                        /* ag_strategy_dataset */
    const ag_value *known;                  /* run.json as it was found; NULL: none */
    const char *version;                    /* that was registered; NULL: none */
    const char *registered, *registered_as; /* the model a server was told of, and its version; NULL: none */
    const char *unregistered;               /* why the model is not; NULL: all is well */
    char unsettled[1200];                   /* what is not on the server at the end */
};

/* journal_run.c: OUTPUT/run.json: which runs are those of this training, for --resume. */
void ag_journal_read_known(ag_journal *journal);
/* The id of a run that is gone on with: of the whole (NULL), or of one training; NULL: there is none. */
const char *ag_journal_known_run(const ag_journal *journal, const char *training);
int ag_journal_write_known(const ag_journal *journal, ag_err *err);
void ag_journal_forget_known(const ag_journal *journal);
