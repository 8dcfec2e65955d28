// SPDX-License-Identifier: Apache-2.0
/* version.c: the version and the commit, both written into constants by the build. A file of its own, so that a new
 * commit compiles these lines and no others. No date: the same sources give the same bytes. */
#include "core/base/version.h"

#include "auger/version.h"
#include "commit.h"

const char *auger_version(void)
{
    return AG_VERSION;
}

const char *ag_commit(void)
{
    return AG_COMMIT;
}
