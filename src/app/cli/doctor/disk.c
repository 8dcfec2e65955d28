// SPDX-License-Identifier: Apache-2.0
/* disk.c: where the home lies, and how long the disk takes to keep something for good: what every record in the ledger
 * waits for. The temporary file is gone afterwards, whatever happens short of a crash. */
#include "app/cli/doctor/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fault.h"
#include "core/base/str.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/clock.h"

int ag_disk_place(ag_doctor *doctor, char **out, ag_err *err)
{
    char *path = ag_arena_strdup(doctor->arena, doctor->home);
    if (!path) return ag_fail_memory(err, strlen(doctor->home));
    ag_file_info info;
    int rc;
    while ((rc = ag_file_stat(path, &info, err)) == AG_ENOTFOUND && strcmp(path, ".") != 0 && strcmp(path, "/") != 0) {
        ag_str parent = ag_path_parent(ag_str_of(path));
        path = ag_arena_strndup(doctor->arena, parent.data, parent.size);
        if (!path) return ag_fail_memory(err, parent.size);
    }
    if (rc < 0) return rc;
    if (!info.is_directory) return ag_fail(err, AG_EINVAL, "%s is not a directory", path);
    *out = path;
    return AG_OK;
}

static int write_and_sync(int fd, ag_err *err)
{
    if (ag_fault(AG_FAULT_FILE)) return ag_fail_errno(err, EIO, "fsync");
    if (write(fd, "auger", 5) != 5) return ag_fail_errno(err, errno, "cannot write");
    return fsync(fd) < 0 ? ag_fail_errno(err, errno, "fsync") : AG_OK;
}

int ag_disk_sync(ag_doctor *doctor, double *milliseconds, size_t rounds, ag_progress *progress, const ag_cancel *cancel,
                 ag_err *err)
{
    char *there;
    int rc = ag_disk_place(doctor, &there, err);
    if (rc < 0) return rc;
    char *path = ag_path_join(doctor->arena, there, ".auger-doctor-XXXXXX");
    if (!path) return ag_fail_memory(err, strlen(there));
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) return ag_fail_errno(err, errno, "cannot make a file in %s", there);
    for (size_t i = 0; i < rounds && rc == AG_OK; i++) {
        int64_t start = ag_monotonic();
        rc = write_and_sync(fd, err);
        milliseconds[i] = (double)(ag_monotonic() - start) / 1000;
        ag_progress_add(progress, 1, 0);
        if (rc == AG_OK) rc = ag_cancel_check(cancel, err);
    }
    close(fd);
    unlink(path);
    return rc;
}
