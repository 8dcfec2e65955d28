// SPDX-License-Identifier: Apache-2.0
/* Where a model version may come from: one table of every family of holes that servers of this protocol have had, each
 * in its raw, encoded and doubly encoded form, with backslashes, with file:, with links; and what must go on working.
 */
#include "ledger/both.h"

#include <sys/stat.h>
#include <unistd.h>

#include "core/io/file.h"
#include "ledger/artifact.h"
#include "ledger/model.h"

static int try_source(ag_ledger *ledger, ag_arena *arena, const char *source, const char *run, const char **storage,
                      ag_err *err)
{
    ag_version version;
    ag_version_new wanted = {.model = AG_STR("m"), .source = ag_str_of(source), .run_id = ag_str_of(run)};
    int rc = ag_version_create(ledger, NULL, &wanted, arena, &version, err);
    if (rc >= 0 && storage) *storage = version.storage;
    return rc;
}

static void make_model(ag_ledger *ledger, ag_arena *arena)
{
    ag_err err = {0};
    ag_registered_model model;
    AG_EXPECT_OK(ag_model_create(ledger, NULL, AG_STR("m"), AG_STR(""), (ag_pairs){0}, arena, &model, &err));
}

static const char *const hostile[] = {
    /* relative parts */
    "mlflow-artifacts://host:9000/models/../../../",
    "http://host:9000/models/../../../",
    "https://host/api/2.0/mlflow-artifacts/artifacts/../../../",
    "s3a://bucket/api/../../../",
    "ftp://host:8888/api/2.0/mlflow-artifacts/artifacts/../../../",
    "dbfs:/path/../../etc",
    "s3://b/a/..",
    "s3://b/../a",
    "mlflow-artifacts:..",
    "mlflow-artifacts:/..",
    "http://h/a?x=../../etc",
    "http://h/a#../../etc",
    "http://h/..;/etc",
    "runs:/abc/../../etc",
    "models:/../1",
    "http://h/./a",
    "mlflow-artifacts:/a/./b",
    /* encoded once */
    "mlflow-artifacts://host:9000/models/..%2f..%2f..%2f",
    "http://host:9000/models/%2e%2e/%2e%2e/etc",
    "https://host/a/%2E%2E%2Fetc",
    "s3://b/.%2e/x",
    "s3://b/%2e./x",
    "mlflow-artifacts:/a%2fb",
    "runs:/abc/%2e%2e/x",
    "http://h/%2fetc/passwd",
    /* twice and more */
    "mlflow-artifacts:/a/%252e%252e/b",
    "http://host/a/..%252f..%252fetc",
    "http://h/%25252e%25252e/x",
    "mlflow-artifacts:/%25%32%65%25%32%65/x",
    "s3://b/%252f%252fetc",
    "http://h/%2525252525252525252525252e/x",
    /* backslashes */
    "http://host/a\\..\\..\\etc",
    "mlflow-artifacts:/a%5c..%5c..%5cetc",
    "s3://b/a%255c%255cx",
    "C:\\windows\\x",
    "\\\\host\\share",
    /* bytes that end or hide something */
    "http://host/a%00",
    "mlflow-artifacts:/a%2500b",
    "http://host/a\nb",
    "http://host/a%0ab",
    "http://h/a%7fb",
    "mlflow-artifacts:/\xff",
    "http://h/%ff%fe",
    /* absolute paths inside addresses, and no host at all */
    "mlflow-artifacts:////etc/passwd",
    "http://host//etc/passwd",
    "https:///etc/passwd",
    "ftp:///etc/passwd",
    "http:etc/passwd",
    "mlflow-artifacts:etc/passwd",
    "s3:etc",
    /* schemes that nobody listed */
    "gopher://h/x",
    "javascript:alert(1)",
    "data:text/plain,x",
    "jar:file:///x!/y",
    "x-unknown:/a",
    ":/a",
    "netdoc:/etc",
    "c:/windows",
    /* local files of nobody's run */
    "/etc/passwd",
    "/etc",
    "/",
    "//etc/passwd",
    "etc/passwd",
    "./model",
    "../model",
    "~/x",
    "file:///etc/passwd",
    "file:/etc/passwd",
    "file:etc/passwd",
    "FILE:///etc/passwd",
    "File:/etc",
    "file://localhost/etc/passwd",
    "file:///etc/%70asswd",
    "file:///etc/passwd?x=1",
    "file:///etc/passwd#x",
    "file:///etc%2fpasswd",
    "file:////etc",
    "/proc/self/root/etc/passwd",
    "file:///a/../etc/passwd",
    "file:///%2e%2e/etc",
    "file://user:pw@localhost/etc",
    /* what says nothing */
    "models:/",
    "models:/nope/1",
    "models:/m/999",
    "models:/m@nobody",
    "models:/m-00000000000000000000000000000000",
    "models:m/1",
    "runs:abc/x",
    "models:/m/Production/x",
};

ON_BOTH(every_family_of_holes_is_refused)
{
    make_model(ledger, arena);
    ag_run run = new_run(ledger, arena, "0");
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        for (int with_run = 0; with_run < 2; with_run++) {
            ag_err err = {0};
            int rc = try_source(ledger, arena, hostile[i], with_run ? run.id : "", NULL, &err);
            if (rc != AG_EINVAL) fail_msg("'%s' gave %d %s", hostile[i], rc, err.text);
        }
    }
    ag_versions all;
    ag_page_request page = {0};
    ag_err err = {0};
    AG_EXPECT_OK(ag_version_search(ledger, &page, arena, &all, &err));
    assert_int_equal(all.count, 0);
    AG_EXPECT_ERROR(try_source(ledger, arena, "file://123.456.789.123/path/to/source", run.id, NULL, &err), AG_EINVAL,
                    "is not a valid remote uri");
    AG_EXPECT_ERROR(try_source(ledger, arena, "http://h/../x", "", NULL, &err), AG_EINVAL,
                    "If supplying a source as an http, https,");
    AG_EXPECT_ERROR(try_source(ledger, arena, "/etc", "", NULL, &err), AG_EINVAL,
                    "To use a local path as a model version source");
    AG_EXPECT_ERROR(try_source(ledger, arena, "", "", NULL, &err), AG_EINVAL,
                    "Missing value for required parameter 'source'");
    char *huge = ag_arena_alloc(arena, 8000);
    memset(huge, 'a', 7999);
    huge[7999] = '\0';
    AG_EXPECT_ERROR(try_source(ledger, arena, huge, "", NULL, &err), AG_EINVAL, "at most 4096");
}

ON_BOTH(remote_sources_go_on_working)
{
    static const char *const good[] = {
        "https://foo.example/model",
        "http://host:9000/api/2.0/mlflow-artifacts/artifacts/1/x",
        "s3://bucket/a/b",
        "mlflow-artifacts:/models",
        "mlflow-artifacts:/models/",
        "mlflow-artifacts:/models///",
        "mlflow-artifacts:/models/foo///bar",
        "mlflow-artifacts:/models/...",
        "mlflow-artifacts://host:5000/1/a",
        "mlflow-artifacts:///1/a",
        "gs://b/m",
        "dbfs:/databricks/x",
        "s3://b/50%25 off",
        "s3://b/a%20b",
        "s3://b/100%",
        "http://h/..a/b..",
        "hdfs://n/x",
        "wasbs://c@a.example/x",
    };
    make_model(ledger, arena);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        ag_err err = {0};
        const char *storage = NULL;
        int rc = try_source(ledger, arena, good[i], "", &storage, &err);
        if (rc < 0) fail_msg("'%s' gave %d %s", good[i], rc, err.text);
        assert_string_equal(storage, good[i]);
    }
}

ON_BOTH(local_sources_must_lie_in_the_artifacts_of_their_run)
{
    ag_err err = {0};
    make_model(ledger, arena);
    ag_run run = new_run(ledger, arena, "0"), other = new_run(ledger, arena, "0");
    const char *model = ag_arena_printf(arena, "%s/model", run.artifact_uri);
    AG_EXPECT_OK(ag_dir_make(model, &err));
    const char *link = ag_arena_printf(arena, "%s/link", run.artifact_uri);
    assert_int_equal(symlink("/etc", link), 0);
    const struct {
        const char *format;
        bool fine;
    } cases[] = {
        {"%s/model", true},
        {"%s", true},
        {"%s/", true},
        {"%s//model///", true},
        {"%s/./model/.", true},
        {"file://%s/model", true},
        {"file:%s/model", true},
        {"%s/not-there-yet", true},
        {"file://localhost%s/model", true},
        {"%s/..", false},
        {"%s/model/../..", false},
        {"%sx", false},
        {"%s/link/passwd", false},
        {"%s/link", false},
        {"%s/%%2e%%2e", false},
        {"%s/model%%2f..", false},
        {"http://h%s/../..", false},
        {"file://%s/link/passwd", false},
        {"%s/model\\x", false},
        {"file://%s/%%2e%%2e/x", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char source[1024];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(source, sizeof(source), cases[i].format, run.artifact_uri);
#pragma GCC diagnostic pop
        int rc = try_source(ledger, arena, source, run.id, NULL, &err);
        if ((rc >= 0) != cases[i].fine) fail_msg("'%s' gave %d %s", source, rc, err.text);
        if (rc < 0) assert_int_equal(rc, AG_EINVAL);
        if (try_source(ledger, arena, source, other.id, NULL, &err) >= 0) fail_msg("'%s' of another run", source);
        if (try_source(ledger, arena, source, "", NULL, &err) >= 0) fail_msg("'%s' of no run", source);
    }
    AG_EXPECT_ERROR(try_source(ledger, arena, model, "nope", NULL, &err), AG_ENOTFOUND, "Run with id=nope not found");
}

/* Somebody makes an experiment whose artifacts are "/etc": the source is then inside its run, but nothing is read. */
ON_BOTH(an_experiment_at_a_foreign_place_gives_nothing_to_read)
{
    static const char *const places[] = {"/etc", "/", "file:///etc", "s3://somebody/x", "http://h/x"};
    ag_err err = {0};
    make_model(ledger, arena);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        const char *id;
        ag_artifact_place place;
        const char *name = ag_arena_printf(arena, "e%zu", i);
        AG_EXPECT_OK(
            ag_experiment_create(ledger, NULL, ag_str_of(name), ag_str_of(places[i]), (ag_pairs){0}, arena, &id, &err));
        ag_run run = new_run(ledger, arena, id);
        AG_EXPECT_ERROR(ag_artifact_resolve(ledger, run.artifact_uri, AG_STR(""), arena, &place, &err), AG_EDENIED, "");
    }
}

ON_BOTH(runs_and_models_resolve_to_where_the_files_are)
{
    ag_err err = {0};
    const char *storage = NULL;
    make_model(ledger, arena);
    ag_run run = new_run(ledger, arena, "0");
    const char *source = ag_arena_printf(arena, "runs:/%s/model", run.id);
    AG_EXPECT_OK(try_source(ledger, arena, source, run.id, &storage, &err));
    assert_string_equal(storage, ag_arena_printf(arena, "%s/model", run.artifact_uri));
    AG_EXPECT_OK(try_source(ledger, arena, "models:/m/1", "", &storage, &err));
    assert_string_equal(storage, ag_arena_printf(arena, "%s/model", run.artifact_uri));
    AG_EXPECT_OK(ag_alias_set(ledger, NULL, AG_STR("m"), AG_STR("best"), 2, &err));
    AG_EXPECT_OK(try_source(ledger, arena, "models:/m@best", "", &storage, &err));
    assert_string_equal(storage, ag_arena_printf(arena, "%s/model", run.artifact_uri));
    AG_EXPECT_OK(try_source(ledger, arena, "runs:/not-here/model", "", &storage, &err));
    assert_string_equal(storage, "runs:/not-here/model");
    ag_artifact_place place;
    AG_EXPECT_ERROR(ag_artifact_resolve(ledger, storage, AG_STR(""), arena, &place, &err), AG_EDENIED, "");
}

AG_TEST(test_source__a_pattern_may_restrict_it)
{
    ag_err err = {0};
    ag_ledger *ledger = NULL;
    ag_arena *arena = ag_arena_new(0);
    ag_ledger_options options = {.home = ag_test_dir(), .source_pattern = "^s3://trusted/"};
    AG_EXPECT_OK(ag_ledger_open(&options, &ledger, &err));
    make_model(ledger, arena);
    AG_EXPECT_OK(try_source(ledger, arena, "s3://trusted/m", "", NULL, &err));
    AG_EXPECT_ERROR(try_source(ledger, arena, "s3://other/m", "", NULL, &err), AG_EINVAL,
                    "Invalid model version source");
    ag_ledger_close(ledger);
    options.source_pattern = "(";
    AG_EXPECT_ERROR(ag_ledger_open(&options, &ledger, &err), AG_EINVAL, "regular expression");
    ag_arena_free(arena);
}
