// SPDX-License-Identifier: Apache-2.0
/* home.c: checks of the home directory. Nothing is made that stays: where the home does not exist yet, its nearest
 * existing parent is looked at, since the home would lie on the same file system. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "app/cli/doctor/check.h"
#include "app/cli/doctor/disk.h"
#include "core/base/str.h"
#include "core/blob/blob.h"
#include "core/db/db.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/show/spark.h"
#include "core/sys/cancel.h"
#include "core/sys/clock.h"

static int check_home(const ag_check *self, ag_doctor *doctor, ag_finding *out, ag_err *err)
{
    (void)self;
    char *there;
    if (ag_disk_place(doctor, &there, err) < 0) {
        ag_finding_set(out, AG_CHECK_FAIL, "%s", err->text);
        ag_finding_advise(out, "choose another home with --home DIR or $AUGER_HOME");
        return AG_OK;
    }
    bool exists = strcmp(there, doctor->home) == 0;
    if (faccessat(AT_FDCWD, there, W_OK | X_OK, AT_EACCESS) < 0) {
        ag_finding_set(out, AG_CHECK_FAIL, "%s: %s", there, strerror(errno));
        ag_finding_advise(out, "make it writable for you, or choose another home with --home DIR or $AUGER_HOME");
    } else {
        ag_finding_set(out, AG_CHECK_OK, exists ? "%s, writable" : "%s does not exist yet and can be made",
                       doctor->home);
    }
    return AG_OK;
}

const ag_check ag_check_home = {
    .name = "directory",
    .room = "home",
    .doc = "the directory that holds the database and the stored files exists and is writable, or can be made",
    .run = check_home,
};

static int check_space(const ag_check *self, ag_doctor *doctor, ag_finding *out, ag_err *err)
{
    (void)self;
    char *there;
    uint64_t bytes;
    int rc = ag_disk_place(doctor, &there, err);
    if (rc < 0 || (rc = ag_disk_free(there, &bytes, err)) < 0) return rc;
    ag_check_state state = bytes < ((uint64_t)16 << 20)  ? AG_CHECK_FAIL
                           : bytes < ((uint64_t)1 << 30) ? AG_CHECK_WARN
                                                         : AG_CHECK_OK;
    ag_finding_set(out, state, "%.1f GiB free", (double)bytes / (1024.0 * 1024 * 1024));
    if (state != AG_CHECK_OK) ag_finding_advise(out, "free some space, or choose a home on another disk with --home");
    return AG_OK;
}

const ag_check ag_check_space = {
    .name = "space",
    .room = "home",
    .doc = "free space on the disk of the home",
    .run = check_space,
};

static const struct {
    uint32_t magic;
    const char *name;
    const char *trouble; /* NULL: none */
} file_systems[] = {
    {0x6969, "NFS", "network"},      {0x517b, "SMB", "network"},      {0xff534d42, "CIFS", "network"},
    {0xfe534d42, "SMB2", "network"}, {0x00c36400, "Ceph", "network"}, {0x0bd00bd0, "Lustre", "network"},
    {0x47504653, "GPFS", "network"}, {0x5346414f, "AFS", "network"},  {0x01021997, "9p", "network"},
    {0x65735546, "FUSE", "network"}, {0x01021994, "tmpfs", "memory"}, {0x858458f6, "ramfs", "memory"},
    {0xef53, "ext4", NULL},          {0x58465342, "XFS", NULL},       {0x9123683e, "Btrfs", NULL},
    {0x2fc12fc1, "ZFS", NULL},       {0xf2f52010, "F2FS", NULL},      {0x794c7630, "overlay", NULL},
};

static int check_file_system(const ag_check *self, ag_doctor *doctor, ag_finding *out, ag_err *err)
{
    (void)self;
    char *there;
    struct statfs info;
    int rc = ag_disk_place(doctor, &there, err);
    if (rc < 0) return rc;
    if (statfs(there, &info) < 0) return ag_fail_errno(err, errno, "cannot look at the file system of %s", there);
    ag_finding_set(out, AG_CHECK_OK, "of type %#x", (unsigned)info.f_type);
    for (size_t i = 0; i < sizeof(file_systems) / sizeof(file_systems[0]); i++) {
        if (file_systems[i].magic != (uint32_t)info.f_type) continue;
        const char *trouble = file_systems[i].trouble;
        ag_finding_set(out, trouble ? AG_CHECK_WARN : AG_CHECK_OK, "%s", file_systems[i].name);
        if (trouble && strcmp(trouble, "network") == 0)
            ag_finding_advise(out, "keep the home on a local disk: SQLite's locks and its write-ahead log are not "
                                   "reliable on a network file system");
        else if (trouble)
            ag_finding_advise(out, "choose a home on a disk: this file system is gone after a restart");
    }
    return AG_OK;
}

const ag_check ag_check_file_system = {
    .name = "file system",
    .room = "home",
    .doc = "the home lies on a local disk: not on a network, not in memory",
    .run = check_file_system,
};

enum { ROUNDS = 12 };

static void judge_sync(const double *took, ag_finding *out)
{
    double sum = 0, slowest = 0;
    for (size_t i = 0; i < ROUNDS; i++) {
        sum += took[i];
        if (took[i] > slowest) slowest = took[i];
    }
    ag_buf picture;
    ag_buf_init(&picture, 256);
    ag_spark_line(&picture, took, ROUNDS, ROUNDS);
    bool slow = slowest > 1000;
    ag_finding_set(out, slow ? AG_CHECK_WARN : AG_CHECK_OK, "works, %.1f ms on average, slowest %.1f ms %s",
                   sum / ROUNDS, slowest, picture.data ? picture.data : "");
    if (slow) ag_finding_advise(out, "the disk is slow or busy; every record waits for it");
    ag_buf_deinit(&picture);
}

static int check_fsync(const ag_check *self, ag_doctor *doctor, ag_finding *out, ag_err *err)
{
    (void)self;
    double took[ROUNDS];
    if (ag_disk_sync(doctor, took, ROUNDS, NULL, NULL, err) < 0) {
        ag_finding_set(out, AG_CHECK_FAIL, "%s", err->text);
        ag_finding_advise(out, "check the disk, or choose another home with --home: what is stored here can be lost");
    } else {
        judge_sync(took, out);
    }
    return AG_OK;
}

const ag_check ag_check_fsync = {
    .name = "fsync",
    .room = "home",
    .doc = "a small file can be written and forced to the disk",
    .run = check_fsync,
};

/* What a whole verification gave. */
static void judge_store(const ag_doctor *doctor, int rc, const ag_err *why, const char *path, const char *sound,
                        ag_finding *out)
{
    if (rc >= 0) {
        ag_finding_set(out, AG_CHECK_OK, "%s", sound);
    } else if (rc == AG_ETIMEOUT) {
        ag_finding_set(out, AG_CHECK_OK, "no damage in what could be read in %lld s",
                       (long long)(doctor->patience / AG_SECOND));
    } else if (rc == AG_ECORRUPT) {
        ag_finding_set(out, AG_CHECK_FAIL, "damaged: %s", why->text);
        ag_finding_advise(out, "stop using it, copy %s aside and restore the last backup", path);
    } else {
        ag_finding_set(out, AG_CHECK_WARN, "could not be checked: %s", why->text);
        ag_finding_advise(out, "%s", *why->hint ? why->hint : "see what the message says");
    }
}

static int check_database(const ag_check *self, ag_doctor *doctor, ag_finding *out, ag_err *err)
{
    (void)self;
    char *path = ag_path_join(doctor->arena, doctor->home, "auger.db");
    if (!path) return ag_fail_memory(err, strlen(doctor->home));
    if (!ag_file_exists(path)) {
        ag_finding_set(out, AG_CHECK_OK, "none yet");
        return AG_OK;
    }
    ag_db *db = NULL;
    ag_cancel *patience = NULL;
    ag_db_options options = {.connections = 1, .wait = doctor->patience, .read_only = true, .must_exist = true};
    int rc = ag_cancel_new(NULL, &patience, err);
    if (rc < 0) return rc;
    ag_cancel_deadline(patience, ag_monotonic() + doctor->patience);
    rc = ag_db_open(path, &options, &db, err);
    if (rc >= 0) rc = ag_db_verify(db, patience, err);
    judge_store(doctor, rc, err, path, "sound", out);
    ag_db_close(db);
    ag_cancel_free(patience);
    return AG_OK;
}

const ag_check ag_check_database = {
    .name = "database",
    .room = "home",
    .doc = "the database of the home, if there is one, passes SQLite's own check",
    .run = check_database,
};

static int verify_blobs(const ag_doctor *doctor, const char *path, ag_finding *out, ag_err *err)
{
    ag_blob *store = NULL;
    ag_blob_check seen = {0};
    ag_cancel *patience = NULL;
    char sound[64];
    int rc = ag_cancel_new(NULL, &patience, err);
    if (rc < 0) return rc;
    ag_cancel_deadline(patience, ag_monotonic() + doctor->patience);
    rc = ag_blob_open(path, &(ag_blob_options){.read_only = true, .cancel = patience}, &store, err);
    if (rc >= 0) rc = ag_blob_verify(store, NULL, NULL, NULL, &seen, err);
    ag_format(sound, sizeof(sound), "%llu stored, all sound", (unsigned long long)seen.objects);
    judge_store(doctor, rc, err, path, sound, out);
    ag_blob_close(store);
    ag_cancel_free(patience);
    return AG_OK;
}

static int check_blobs(const ag_check *self, ag_doctor *doctor, ag_finding *out, ag_err *err)
{
    (void)self;
    char *path = ag_path_join(doctor->arena, doctor->home, "blobs");
    if (!path) return ag_fail_memory(err, strlen(doctor->home));
    ag_file_info info;
    if (!ag_file_exists(path)) {
        ag_finding_set(out, AG_CHECK_OK, "none yet");
        return AG_OK;
    }
    int rc = ag_file_stat(path, &info, err);
    if (rc < 0) return rc;
    if (info.is_directory && faccessat(AT_FDCWD, path, R_OK | W_OK | X_OK, AT_EACCESS) == 0) {
        ag_vec names;
        ag_vec_init(&names, sizeof(const char *));
        rc = ag_dir_list(path, doctor->arena, &names, err);
        size_t count = names.count;
        ag_vec_deinit(&names);
        ag_finding_set(out, AG_CHECK_OK, "nothing stored yet");
        return rc < 0 || count == 0 ? rc : verify_blobs(doctor, path, out, err);
    }
    ag_finding_set(out, AG_CHECK_FAIL, "%s cannot be used", path);
    ag_finding_advise(out, "make %s a directory that you can read and write", path);
    return AG_OK;
}

const ag_check ag_check_blobs = {
    .name = "stored files",
    .room = "home",
    .doc = "the store of the home, if there is one, can be used, and its files are what was stored",
    .run = check_blobs,
};
