// SPDX-License-Identifier: Apache-2.0
/* train_ledger.c: see train_ledger.h. */
#include "app/cli/train_ledger.h"

#include <stdlib.h>

#include "app/cli/ledger.h"
#include "core/io/file.h"
#include "core/io/path.h"

int ag_train_open_ledger(ag_invocation *invocation, ag_ledger **out, ag_err *err)
{
    const char *home = ag_home(invocation);
    if (!ag_option_flag(invocation, "record")) return 0;
    bool named = ag_option_given(invocation, "home") || ag_option_given(invocation, "db");
    const char *file = ag_path_join(invocation->arena, home, "auger.db");
    if (!file) return ag_fail_memory(err, strlen(home));
    if (named || ag_file_exists(file)) return ag_cli_open_ledger(invocation, true, out, err);
    ag_note(invocation, "not recorded: there is no ledger in '%s' (--home DIR makes one)", home);
    return 0;
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

auger_ledger_options ag_train_server_options(const char *spool)
{
    return (auger_ledger_options){.spool = spool,
                                  .token = variable("MLFLOW_TRACKING_TOKEN"),
                                  .user = variable("MLFLOW_TRACKING_USERNAME"),
                                  .password = variable("MLFLOW_TRACKING_PASSWORD"),
                                  .ca_file = variable("MLFLOW_TRACKING_SERVER_CERT_PATH")};
}

static int open_server(ag_invocation *invocation, const char *address, ag_tracker *out, ag_err *err)
{
    if (ag_option_given(invocation, "db"))
        return ag_fail(err, AG_EINVAL, "--tracking and --db name two ledgers: a training is recorded in one");
    const char *spool = ag_path_join(invocation->arena, ag_home(invocation), "spool");
    if (!spool) return ag_fail_memory(err, strlen(address));
    const auger_ledger_options how = ag_train_server_options(spool);
    int rc = ag_tracker_open(address, &how, out, err);
    return rc < 0 ? ag_err_prefix(err, "--tracking") : rc;
}

int ag_train_open_tracker(ag_invocation *invocation, ag_tracker *out, ag_err *err)
{
    const char *address = ag_option_text(invocation, "tracking");
    if (address && ag_option_flag(invocation, "record")) return open_server(invocation, address, out, err);
    return ag_train_open_ledger(invocation, &out->ledger, err);
}
