// SPDX-License-Identifier: Apache-2.0
#pragma once
/* train_ledger.h: the ledger that a training is recorded in, if any. */
#include "app/cli/invocation.h"
#include "learn/tracker.h"

#define AG_OPTION_OF_TRAIN_DATABASE                                                                                    \
    {.name = "db",                                                                                                     \
     .type = AG_OPTION_TEXT,                                                                                           \
     .value_name = "URL",                                                                                              \
     .doc = "Database: a file or postgresql://...; without it, auger.db in the home"}

#define AG_OPTION_OF_TRAIN_TRACKING                                                                                    \
    {.name = "tracking",                                                                                               \
     .type = AG_OPTION_TEXT,                                                                                           \
     .value_name = "URL",                                                                                              \
     .doc = "Record on a server instead: http://host:5000 of 'auger serve' or of MLflow. Who you are stands in "       \
            "$MLFLOW_TRACKING_TOKEN, or in $MLFLOW_TRACKING_USERNAME and $MLFLOW_TRACKING_PASSWORD"}

/* By --record, --home and --db: a ledger that is named is made when absent, one in the usual home is only used. *out is
 * untouched when there is none. */
int ag_train_open_ledger(ag_invocation *invocation, ag_ledger **out, ag_err *err);
/* How a server is spoken to: who one is stands in the environment, as MLflow's client has it. Texts are borrowed. */
auger_ledger_options ag_train_server_options(const char *spool);
/* The same, or by --tracking a server, whose spool is HOME/spool. */
int ag_train_open_tracker(ag_invocation *invocation, ag_tracker *out, ag_err *err);
