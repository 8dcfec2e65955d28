// SPDX-License-Identifier: Apache-2.0
/* train_ledger.c: see train_ledger.h. */
#include "app/cli/train_ledger.h"

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
