// SPDX-License-Identifier: Apache-2.0
/* parts.c: the libraries that Auger is linked with, the optional parts, and how to get what is missing.
 * A library counts as present when it can be loaded, not when a package manager knows it. The command to install is
 * exact where the package names are known (Debian, Ubuntu and what descends from them). */
#include <dlfcn.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <sqlite3.h>

#include "app/cli/doctor/check.h"
#include "core/base/buf.h"
#include "core/base/str.h"
#include "core/io/file.h"
#include "core/sys/clock.h"

/* The value of NAME=value or NAME="value" in an os-release file, empty when absent. */
static ag_str release_field(ag_str text, const char *name)
{
    ag_str line;
    while (text.data && ag_str_next(&text, '\n', &line)) {
        size_t equals = ag_str_find_char(line, '=', 0);
        if (equals == SIZE_MAX || !ag_str_is(ag_str_slice(line, 0, equals), name)) continue;
        ag_str value = ag_str_slice(line, equals + 1, line.size);
        bool quoted = value.size >= 2 && value.data[0] == '"' && value.data[value.size - 1] == '"';
        return quoted ? ag_str_slice(value, 1, value.size - 2) : value;
    }
    return (ag_str){"", 0};
}

void ag_doctor_init(ag_doctor *doctor, const char *home, ag_arena *arena)
{
    *doctor = (ag_doctor){.home = home, .arena = arena, .patience = 5 * AG_SECOND};
    ag_buf text;
    ag_buf_init(&text, 65536);
    if (ag_file_read("/etc/os-release", 65536, &text, NULL) == AG_OK) {
        ag_str id = release_field(ag_buf_str(&text), "ID");
        ag_str version = release_field(ag_buf_str(&text), "VERSION_ID");
        ag_str like = release_field(ag_buf_str(&text), "ID_LIKE");
        ag_format(doctor->system, sizeof(doctor->system), "%.*s%s%.*s", AG_STR_ARG(id), version.size ? " " : "",
                  AG_STR_ARG(version));
        doctor->has_apt =
            ag_str_is(id, "debian") || ag_str_is(id, "ubuntu") || ag_str_find(like, AG_STR("debian"), 0) != SIZE_MAX;
    }
    ag_buf_deinit(&text);
}

void ag_part_install(const ag_part *part, const ag_doctor *doctor, char *out, size_t size)
{
    if (part->pip)
        ag_format(out, size, "python3 -m pip install %s", part->pip);
    else if (doctor->has_apt)
        ag_format(out, size, "%sapt-get install %s", geteuid() == 0 ? "" : "sudo ",
                  part->ubuntu && ag_str_starts(ag_str_of(doctor->system), AG_STR("ubuntu")) ? part->ubuntu
                                                                                             : part->packages);
    else
        ag_format(out, size, "install what Debian calls %s with your system's package manager", part->packages);
}

static const char *loadable(const char *const *libraries)
{
    for (; libraries && *libraries; libraries++) {
        void *handle = dlopen(*libraries, RTLD_LAZY | RTLD_LOCAL);
        if (!handle) continue;
        dlclose(handle);
        return *libraries;
    }
    return NULL;
}

/* Whether `pattern` (with '/', may have wild cards) names a file; the last one, which is the newest version. */
static bool match_file(const char *pattern, char *found, size_t size)
{
    glob_t matches = {0};
    bool any = glob(pattern, 0, NULL, &matches) == 0 && matches.gl_pathc > 0;
    if (any) ag_format(found, size, "%s", matches.gl_pathv[matches.gl_pathc - 1]);
    globfree(&matches);
    return any;
}

static bool find_program(const char *name, char *found, size_t size)
{
    const char *variable = getenv("PATH");
    ag_str rest = ag_str_of(variable ? variable : "/usr/bin:/bin"), directory;
    while (rest.data && ag_str_next(&rest, ':', &directory)) {
        if (!directory.size) continue;
        if (ag_format(found, size, "%.*s/%s", AG_STR_ARG(directory), name) && access(found, X_OK) == 0) return true;
    }
    return false;
}

int ag_part_check(const ag_check *self, ag_doctor *doctor, ag_finding *out, ag_err *err)
{
    (void)err;
    char found[200];
    const char *library = loadable(self->part->libraries);
    if (library) {
        ag_finding_set(out, AG_CHECK_OK, "%s", library);
        return AG_OK;
    }
    for (const char *const *file = self->part->files; file && *file; file++) {
        if (!(strchr(*file, '/') ? match_file(*file, found, sizeof(found)) : find_program(*file, found, sizeof(found))))
            continue;
        ag_finding_set(out, AG_CHECK_OK, "%s", found);
        return AG_OK;
    }
    char command[256];
    ag_part_install(self->part, doctor, command, sizeof(command));
    ag_finding_set(out, AG_CHECK_ABSENT, "would add %s", self->part->adds);
    ag_finding_advise(out, "%s", command);
    return AG_OK;
}

static int check_sqlite(const ag_check *self, ag_doctor *doctor, ag_finding *out, ag_err *err)
{
    (void)self;
    (void)doctor;
    (void)err;
    if (sqlite3_libversion_number() < 3037000) {
        ag_finding_set(out, AG_CHECK_FAIL, "%s is too old", sqlite3_libversion());
        ag_finding_advise(out, "update SQLite to 3.37 or newer");
    } else if (!sqlite3_threadsafe()) {
        ag_finding_set(out, AG_CHECK_FAIL, "%s was built without support for threads", sqlite3_libversion());
        ag_finding_advise(out, "use the SQLite of your distribution");
    } else {
        ag_finding_set(out, AG_CHECK_OK, "%s, threads %s", sqlite3_libversion(),
                       sqlite3_threadsafe() == 1 ? "serialized" : "multi-thread");
    }
    return AG_OK;
}

const ag_check ag_check_sqlite = {
    .name = "SQLite",
    .room = "libraries",
    .doc = "the embedded database is new enough and can be used from several threads",
    .run = check_sqlite,
};

static int check_openssl(const ag_check *self, ag_doctor *doctor, ag_finding *out, ag_err *err)
{
    (void)self;
    (void)doctor;
    (void)err;
    bool right = OPENSSL_version_major() == 3;
    ag_finding_set(out, right ? AG_CHECK_OK : AG_CHECK_WARN, "%s", OpenSSL_version(OPENSSL_VERSION_STRING));
    if (!right) ag_finding_advise(out, "Auger is tested with OpenSSL 3");
    return AG_OK;
}

const ag_check ag_check_openssl = {
    .name = "OpenSSL",
    .room = "libraries",
    .doc = "hashes and signatures come from it",
    .run = check_openssl,
};

static int check_curl(const ag_check *self, ag_doctor *doctor, ag_finding *out, ag_err *err)
{
    (void)self;
    (void)doctor;
    (void)err;
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    bool https = false;
    for (const char *const *protocol = info->protocols; *protocol; protocol++)
        https = https || strcmp(*protocol, "https") == 0;
    ag_finding_set(out, https ? AG_CHECK_OK : AG_CHECK_WARN, https ? "%s with %s" : "%s without TLS (%s)",
                   info->version, info->ssl_version ? info->ssl_version : "none");
    if (!https) ag_finding_advise(out, "use the libcurl of your distribution to reach https addresses");
    return AG_OK;
}

const ag_check ag_check_curl = {
    .name = "curl",
    .room = "libraries",
    .doc = "requests to other machines go through it",
    .run = check_curl,
};

static const char *const certificate_files[] = {"/etc/ssl/certs/ca-certificates.crt",
                                                "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem", NULL};
static const ag_part certificates = {
    .adds = "trust in https addresses (S3, remote servers)",
    .files = certificate_files,
    .packages = "ca-certificates",
};
const ag_check ag_check_certificates = {
    .name = "certificates",
    .room = "optional parts",
    .doc = "the certificate authorities that https addresses are checked against",
    .part = &certificates,
    .run = ag_part_check,
};

static const char *const time_zone_files[] = {"/usr/share/zoneinfo/Europe/Berlin", NULL};
static const ag_part time_zones = {
    .adds = "times in named zones such as Europe/Berlin",
    .files = time_zone_files,
    .packages = "tzdata",
};
const ag_check ag_check_time_zones = {
    .name = "time zones",
    .room = "optional parts",
    .doc = "the system's database of time zones",
    .part = &time_zones,
    .run = ag_part_check,
};

static const char *const libpq_libraries[] = {"libpq.so.5", NULL};
static const ag_part libpq = {
    .adds = "PostgreSQL as the database",
    .libraries = libpq_libraries,
    .packages = "libpq5",
};
const ag_check ag_check_libpq = {
    .name = "libpq",
    .room = "optional parts",
    .doc = "the client library of PostgreSQL, loaded when a database URL asks for it",
    .part = &libpq,
    .run = ag_part_check,
};

static const char *const postgresql_files[] = {"/usr/lib/postgresql/*/bin/initdb", "initdb", NULL};
static const ag_part postgresql = {
    .adds = "the tests against a real PostgreSQL server, and a server to use",
    .files = postgresql_files,
    .packages = "postgresql",
};
const ag_check ag_check_postgresql = {
    .name = "PostgreSQL server",
    .room = "optional parts",
    .doc = "the programs of a PostgreSQL server on this machine",
    .part = &postgresql,
    .run = ag_part_check,
};

static const char *const python_files[] = {"python3", NULL};
static const ag_part python = {
    .adds = "the tests with foreign clients",
    .files = python_files,
    .packages = "python3",
};
const ag_check ag_check_python = {
    .name = "Python",
    .room = "optional parts",
    .doc = "Auger itself needs no Python; its tests with foreign clients do",
    .part = &python,
    .run = ag_part_check,
};

static const char *const python_venv_files[] = {"/usr/lib/python3*/ensurepip/__init__.py",
                                                "/usr/lib/python3*/*/ensurepip/__init__.py", NULL};
static const ag_part python_venv = {
    .adds = "virtual environments, into which tests install the foreign clients",
    .files = python_venv_files,
    .packages = "python3-venv",
};
const ag_check ag_check_python_venv = {
    .name = "Python venv",
    .room = "optional parts",
    .doc = "virtual environments of the system's Python",
    .part = &python_venv,
    .run = ag_part_check,
};

static const char *const chromium_files[] = {"chromium", "chromium-browser", "google-chrome", NULL};
static const ag_part chromium = {
    .adds = "tests in a real browser",
    .files = chromium_files,
    .packages = "chromium",
    .ubuntu = "chromium-browser",
};
const ag_check ag_check_chromium = {
    .name = "Chromium",
    .room = "optional parts",
    .doc = "a browser that tests can drive",
    .part = &chromium,
    .run = ag_part_check,
};
