// SPDX-License-Identifier: Apache-2.0
/* version.c: the command: which Auger this is, how it was built, and the libraries that it runs with. The libraries are
 * asked at run time: a distribution's update of OpenSSL shows here without a new build. */
#include <curl/curl.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <yaml.h>
#include <zlib.h>
#include <zstd.h>

#include "app/cli/invocation.h"
#include "auger/version.h"
#include "core/base/version.h"

static const ag_example examples[] = {
    {"version", "Print the version, the build and the libraries"},
    {"version --json", "The same for a program, for instance to record it with a result"},
    {NULL, NULL},
};

static const char *curl_run_time(void)
{
    return curl_version_info(CURLVERSION_NOW)->version;
}

static const char *openssl_run_time(void)
{
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}

static const struct {
    const char *name;
    const char *(*version)(void);
} libraries[] = {
    {"sqlite", sqlite3_libversion},    {"curl", curl_run_time}, {"openssl", openssl_run_time},
    {"yaml", yaml_get_version_string}, {"zlib", zlibVersion},   {"zstd", ZSTD_versionString},
};

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

#if defined(__x86_64__)
#define MACHINE "x86-64"
#elif defined(__aarch64__)
#define MACHINE "arm64"
#else
#define MACHINE "other"
#endif

static int print_json(ag_invocation *invocation, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, 65536);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "version", auger_version());
    ag_json_put_text(&json, "commit", ag_commit());
    ag_json_put_text(&json, "profile", invocation->profile);
    ag_json_put_text(&json, "compiler", COMPILER);
    ag_json_put_text(&json, "machine", MACHINE);
    ag_json_name(&json, "libraries");
    ag_json_begin_object(&json);
    for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
        ag_json_put_text(&json, libraries[i].name, libraries[i].version());
    ag_json_end_object(&json);
    ag_json_end_object(&json);
    int rc = ag_print_json(invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    if (ag_wants_json(invocation)) return print_json(invocation, err);
    ag_print(invocation, "auger %s (commit %s)\n", auger_version(), ag_commit());
    ag_print(invocation, "build      %s, %s, %s\n", invocation->profile, MACHINE, COMPILER);
    ag_print(invocation, "libraries ");
    for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
        ag_print(invocation, "%s %s %s", i ? "," : "", libraries[i].name, libraries[i].version());
    ag_print(invocation, "\n");
    return AG_OK;
}

const ag_command ag_command_version = {
    .path = "version",
    .summary = "Print which Auger this is and what it runs with",
    .doc = "Prints the version, the commit and the profile that it was built from, the compiler, and the versions of "
           "the libraries that are loaded now.",
    .examples = examples,
    .run = run,
};
