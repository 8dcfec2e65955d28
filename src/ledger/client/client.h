// SPDX-License-Identifier: Apache-2.0
#pragma once
/* client.h: the handles of the public C API of the ledger (include/auger/ledger.h), for the files of this room. */
#include "auger/ledger.h"
#include "ledger/client/deliver.h"

struct auger_ledger {
    ag_arena *arena; /* of what is here from opening to closing */
    ag_spool *spool;
    ag_delivery *delivery;
    ag_cancel *cancel;
    const char *directory; /* of the spool */
    const char *name;      /* the address without a password, or an absolute directory */
    const char *experiment;
    const char *runs; /* the file with ids that a server has chosen; NULL: a ledger of this machine */
    ag_pairs system_tags;
    bool pinned; /* $AUGER_NOW says what time it is; looking for it takes longer than the clock */
};

struct auger_ledger_run {
    auger_ledger *ledger;
    char id[33];
};

/* How queues and failed.jsonl call the ledger at an address, in the arena. */
int ag_client_name(ag_arena *arena, const char *where, const char **out, ag_err *err);

/* One record into the spool. */
int ag_client_append(auger_ledger *ledger, const ag_entry *record, ag_err *err);
int ag_client_append_of(auger_ledger_run *run, ag_entry *record, ag_err *err); /* fills in the run */

/* As auger_run_start() does, of a run whose id (32 hexadecimal digits) the caller has chosen. A second time, it is the
 * same run, unless it was refused. */
int ag_client_run_start(auger_ledger *ledger, const auger_run_options *options, const char *id, auger_ledger_run **out,
                        ag_err *err);
/* A handle of a run that was started earlier, by this process or another; `id` is the client's. Nothing is asked. */
int ag_client_run_again(auger_ledger *ledger, const char *id, auger_ledger_run **out, ag_err *err);
/* The run has gone on: it is RUNNING again. */
int ag_client_run_running(auger_ledger_run *run, ag_err *err);
/* The ledger has refused to begin it: nothing of it is there, and nothing will be. */
bool ag_client_run_lost(const auger_ledger_run *run);
/* What the server calls the run, which is the client's id where it is not known (yet); at least 64 bytes. */
int ag_client_run_name(const auger_ledger_run *run, char *out, size_t size, ag_err *err);

typedef struct ag_client_version { /* may be NULL or empty but for the first two */
    const char *model, *path;
    const char *description, *stage, *alias;
    const char *operation; /* 32 hexadecimal digits: asked for again with the same ones, it is the same version */
    ag_pairs tags;
} ag_client_version;
/* As auger_register_model() does, with more said of the version. */
int ag_client_register(auger_ledger_run *run, const ag_client_version *what, int64_t wait_ms, int64_t *version,
                       ag_err *err);

/* Texts as the ledger will want them; NULL is refused. */
int ag_client_check_pairs(const auger_pair *pairs, size_t count, const char *what, size_t longest, ag_err *err);
int ag_client_check_text(const char *text, const char *what, size_t longest, ag_err *err);
