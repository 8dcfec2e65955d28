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
    const char *experiment;
    ag_pairs system_tags;
    bool pinned; /* $AUGER_NOW says what time it is; looking for it takes longer than the clock */
};

struct auger_ledger_run {
    auger_ledger *ledger;
    char id[33];
};

/* One record into the spool. */
int ag_client_append(auger_ledger *ledger, const ag_entry *record, ag_err *err);
/* Texts as the ledger will want them; NULL is refused. */
int ag_client_check_pairs(const auger_pair *pairs, size_t count, const char *what, size_t longest, ag_err *err);
int ag_client_check_text(const char *text, const char *what, size_t longest, ag_err *err);
