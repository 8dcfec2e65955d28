// SPDX-License-Identifier: Apache-2.0
/* artifacts_test.c: files in and out, and the family of paths that lead out of where files may be: every field that
 * takes a path is asked with every one of them (CVE-2023-1177, -2356, -2780, -6831, CVE-2024-1560, -1593,
 * CVE-2026-2614). */
#include <sys/stat.h>

#include "app/server/mlflow/talk.h"

#define PROXY "/api/2.0/mlflow-artifacts/artifacts"

AG_TEST(test_proxy__keeps_files)
{
    talk_begin();
    expect("PUT", PROXY "/0/run/artifacts/a/b%20c.txt", "hello", 200, "{}");
    expect("POST", PROXY "/0/run/artifacts/old", "client", 200, "{}");
    expect("GET", PROXY "/0/run/artifacts/a/b%20c.txt", NULL, 200, "hello");
    const char *answer = ask("GET", PROXY "/0/run/artifacts/a/b%20c.txt", NULL);
    assert_non_null(strstr(answer, "Content-Disposition: attachment; filename=\"b c.txt\""));
    assert_non_null(strstr(answer, "X-Content-Type-Options: nosniff"));
    assert_non_null(strstr(answer, "Content-Type: text/plain"));
    expect("GET", PROXY "?path=0/run/artifacts", NULL, 200,
           "{\"files\":[{\"path\":\"a\",\"is_dir\":true},{\"path\":\"old\",\"is_dir\":false,\"file_size\":6}]}");
    expect("GET", PROXY "?path=absent", NULL, 200, "{}");
    expect("GET", PROXY "/0/run/artifacts/absent", NULL, 404, "RESOURCE_DOES_NOT_EXIST");
    expect("GET", PROXY "/0/run/artifacts/a", NULL, 400, "is a directory");
    expect("DELETE", PROXY "/0/run/artifacts/a", NULL, 200, "{}");
    expect("DELETE", PROXY "/0/run/artifacts/a", NULL, 200, "{}");
    expect("DELETE", PROXY "/0/run/artifacts/old", NULL, 200, "{}");
    expect("GET", PROXY "?path=0/run/artifacts", NULL, 200, "{}");
    talk_end();
}

/* The path of an upload's part, without the host. */
static const char *part_of(const char *created, int number)
{
    const char *url = text_at(created, text("credentials[%d].url", number - 1));
    return strchr(url + 8, '/');
}

#define MPU "/api/2.0/mlflow-artifacts/mpu/"

AG_TEST(test_multipart__parts_come_in_any_order)
{
    talk_begin();
    const char *made = ask("POST", MPU "create/0/run/artifacts/dir", "{\"path\":\"/home/me/big.bin\",\"num_parts\":3}");
    const char *id = text_at(made, "upload_id");
    const char *all =
        text("{\"path\":\"big.bin\",\"upload_id\":\"%s\",\"parts\":[{\"part_number\":1},{\"part_number\":2,"
             "\"etag\":\"x\"},{\"part_number\":3}]}",
             id);
    expect("PUT", part_of(made, 3), "ghi", 200, "{}");
    expect("PUT", part_of(made, 1), "abc", 200, "{}");
    expect("POST", MPU "complete/0/run/artifacts/dir", all, 400, "part 2 has not come");
    expect("GET", PROXY "/0/run/artifacts/dir/big.bin", NULL, 404, NULL);
    assert_non_null(strstr(ask("PUT", part_of(made, 2), "def"), "ETag: "));
    expect("POST", MPU "complete/0/run/artifacts/other", all, 404, "no such upload");
    expect("POST", MPU "complete/0/run/artifacts/dir", all, 200, "{}");
    expect("GET", PROXY "/0/run/artifacts/dir/big.bin", NULL, 200, "abcdefghi");
    expect("POST", MPU "complete/0/run/artifacts/dir", all, 404, "no such upload");
    expect("PUT", part_of(made, 1), "abc", 404, "no such upload");
    talk_end();
}

AG_TEST(test_multipart__what_is_refused)
{
    talk_begin();
    static const char *const bad[] = {"{}", "{\"path\":\"\"}", "{\"path\":\"..\"}", "{\"path\":\"a/\"}",

                                      "{\"path\":\"a\",\"num_parts\":10001}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect("POST", MPU "create/0/run/artifacts", bad[i], 400, "INVALID_PARAMETER_VALUE");
    const char *made = ask("POST", MPU "create/0/run/artifacts", "{\"path\":\"b\"}");
    const char *id = text_at(made, "upload_id");
    static const char *const parts[] = {"[]", "[{\"part_number\":2}]", "[{\"part_number\":1},{\"part_number\":1}]",
                                        "[{\"part_number\":0}]"};
    expect("PUT", part_of(made, 1), "x", 200, "{}");
    for (size_t i = 0; i < 4; i++)
        expect("POST", MPU "complete/0/run/artifacts",
               text("{\"path\":\"b\",\"upload_id\":\"%s\",\"parts\":%s}", id, parts[i]), 400, NULL);
    static const char *const ids[] = {"..", "../../0", "x", "00000000000000000000000000000000",
                                      "ABCDEFABCDEFABCDEFABCDEFABCDEFAB"};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        expect("POST", MPU "complete/0/run/artifacts",
               text("{\"path\":\"b\",\"upload_id\":\"%s\",\"parts\":[{\"part_number\":1}]}", ids[i]), 404, NULL);
    expect("PUT", text(MPU "part/%s/0", id), "x", 400, NULL);
    expect("PUT", text(MPU "part/%s/10001", id), "x", 400, NULL);
    expect("PUT", MPU "part/00000000000000000000000000000000/1", "x", 404, NULL);
    expect("POST", MPU "abort/0/run/artifacts", text("{\"path\":\"c\",\"upload_id\":\"%s\"}", id), 404, NULL);
    expect("POST", MPU "abort/0/run/artifacts", text("{\"path\":\"b\",\"upload_id\":\"%s\"}", id), 200, "{}");
    expect("PUT", part_of(made, 1), "x", 404, NULL);
    talk_end();
}

AG_TEST(test_paths__too_long_for_a_disk_are_the_clients_mistake)
{
    char name[300], deep[4000];
    talk_begin();
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    for (size_t i = 0; i < sizeof(deep) - 1; i++) deep[i] = i % 100 ? 'd' : '/';
    deep[sizeof(deep) - 1] = '\0';
    expect("PUT", text(PROXY "/0/run/artifacts/%s", name), "x", 400, "Invalid path");
    expect("GET", text(PROXY "/0/run/artifacts/%s", name), NULL, 400, "Invalid path");
    expect("PUT", text(PROXY "/0/run/artifacts%s", deep), "x", 400, "Invalid path");
    expect("PUT", text(PROXY "/0/run/artifacts/%.220s", name), "x", 200, "{}");
    talk_end();
}

AG_TEST(test_page__at_the_root)
{
    talk_begin();
    expect("GET", "/", NULL, 200, "MLFLOW_TRACKING_URI=http://");
    talk_end();
}

AG_TEST(test_runs__files_are_listed_and_sent)
{
    talk_begin();
    const char *run = new_run();
    expect("PUT", text(PROXY "/0/%s/artifacts/d/f.bin", run), "0123456789", 200, "{}");
    get(text("artifacts/list?run_id=%s", run), 200,
        text("{\"root_uri\":\"mlflow-artifacts:/0/%s/artifacts\",\"files\":[{\"path\":\"d\",\"is_dir\":true}]}", run));
    get(text("artifacts/list?run_uuid=%s&path=d", run), 200,
        "{\"path\":\"d/f.bin\",\"is_dir\":false,\"file_size\":10}");
    get(text("artifacts/list?run_id=%s&path=d/f.bin", run), 200, "\"root_uri\"");
    get(text("artifacts/list?run_id=%s&path=absent", run), 200, "\"root_uri\"");
    expect("GET", text("/get-artifact?run_uuid=%s&path=d/f.bin", run), NULL, 200, "0123456789");
    expect("GET", text("/get-artifact?run_id=%s", run), NULL, 400, "'path'");
    expect("POST", text("/ajax-api/2.0/mlflow/upload-artifact?run_uuid=%s&path=u/x.txt", run), "from a browser", 200,
           "{}");
    expect("GET", text("/get-artifact?run_id=%s&path=u/x.txt", run), NULL, 200, "from a browser");
    expect("POST", text("/ajax-api/2.0/mlflow/upload-artifact?run_uuid=%s&path=u", run), "", 400, "must specify data");
    expect("POST", text("/ajax-api/2.0/mlflow/upload-artifact?run_uuid=%s", run), "x", 400, "must specify path");
    const char *part = text("GET /get-artifact?run_id=%s&path=d/f.bin HTTP/1.1\r\n" HOST
                            "Connection: close\r\nRange: bytes=2-4\r\n\r\n",
                            run);
    wire_expect(ag_server_port(talk_server), part, 206, "\r\n\r\n234");
    talk_end();
}

AG_TEST(test_models__files_are_listed_and_sent)
{
    talk_begin();
    const char *id = text_at(ask("POST", API "logged-models", "{\"experiment_id\":\"0\"}"), "model.info.model_id");
    const char *uri = text_at(ask("GET", text(API "logged-models/%s", id), NULL), "model.info.artifact_uri");
    const char *below = uri + strlen("mlflow-artifacts:/");
    expect("PUT", text(PROXY "/%s/MLmodel", below), "flavors: {}", 200, "{}");
    get(text("logged-models/%s/artifacts/directories", id), 200, "\"path\":\"MLmodel\"");
    expect("GET", text("/ajax-api/2.0/mlflow/logged-models/%s/artifacts/files?artifact_file_path=MLmodel", id), NULL,
           200, "flavors: {}");
    post("registered-models/create", "{\"name\":\"m\"}", 200, NULL);
    post("model-versions/create", text("{\"name\":\"m\",\"source\":\"models:/%s\",\"model_id\":\"%s\"}", id, id), 200,
         NULL);
    expect("GET", "/model-versions/get-artifact?name=m&version=1&path=MLmodel", NULL, 200, "flavors: {}");
    get("model-versions/get-download-uri?name=m&version=1", 200, uri);
    talk_end();
}

/* As they are written in a target: decoded once by the server. */
static const char *const ways_out[] = {
    "..",
    "../..",
    "../../../../etc/passwd",
    "a/../../b",
    "a/..",
    "./a",
    "a//b",
    "/etc/passwd",
    "//etc/passwd",
    "%2e%2e/secret",
    "%2e%2e%2fsecret",
    "..%2fsecret",
    "..%2Fsecret",
    "%252e%252e%252fsecret",
    "%252e%252e/secret",
    "..%255csecret",
    "..%5csecret",
    "..%5C..%5Csecret",
    "a%5c..%5c..%5csecret",
    "%5cserver%5cshare",
    "C:%5cWindows",
    "C:/Windows",
    "c:secret",
    "file:///etc/passwd",
    "file:%2f%2f%2fetc%2fpasswd",
    "%2fetc%2fpasswd",
    "a%00b",
    "a%0ab",
    "%c0%ae%c0%ae/secret",
};

static bool has_secret(const char *answer)
{
    return strstr(answer, "the secret") || strstr(answer, "root:x:");
}

static void expect_refused(const char *method, const char *target, const char *body)
{
    const char *answer = ask(method, target, body);
    int status = wire_status(answer);
    if (has_secret(answer)) fail_msg("%s %s gave it away:\n%.600s", method, target, answer);
    if (status < 400 || status >= 500) fail_msg("%s %s gave %d:\n%.600s", method, target, status, answer);
}

AG_TEST(test_paths__none_leads_out)
{
    talk_begin();
    ag_err err = {0};
    const char *run = new_run();
    const char *model = text_at(ask("POST", API "logged-models", "{\"experiment_id\":\"0\"}"), "model.info.model_id");
    post("registered-models/create", "{\"name\":\"m\"}", 200, NULL);
    post("model-versions/create", text("{\"name\":\"m\",\"source\":\"models:/%s\"}", model), 200, NULL);
    AG_EXPECT_OK(ag_file_replace(text("%s/secret", talk_home), "the secret", 10, &err));
    for (size_t i = 0; i < sizeof(ways_out) / sizeof(ways_out[0]); i++) {
        const char *way = ways_out[i];
        expect_refused("GET", text(API "artifacts/list?run_id=%s&path=%s", run, way), NULL);
        expect_refused("GET", text(API "logged-models/%s/artifacts/directories?artifact_directory_path=%s", model, way),
                       NULL);
        expect_refused("GET", text(API "logged-models/%s/artifacts/files?artifact_file_path=%s", model, way), NULL);
        expect_refused("GET", text("/get-artifact?run_id=%s&path=%s", run, way), NULL);
        expect_refused("GET", text("/model-versions/get-artifact?name=m&version=1&path=%s", way), NULL);
        expect_refused("POST", text("/ajax-api/2.0/mlflow/upload-artifact?run_uuid=%s&path=%s", run, way), "x");
        expect_refused("GET", text(PROXY "?path=%s", way), NULL);
        expect_refused("GET", text(PROXY "/%s", way), NULL);
        expect_refused("PUT", text(PROXY "/%s", way), "x");
        expect_refused("POST", text("/api/2.0/mlflow-artifacts/mpu/create/%s", way), "{\"path\":\"x\"}");
        if (!ag_str_is(ag_str_of(way), "a/..")) expect_refused("DELETE", text(PROXY "/%s", way), NULL);
    }
    assert_true(ag_file_exists(text("%s/secret", talk_home)));
    assert_true(ag_file_exists(text("%s/auger.db", talk_home)));
    talk_end();
}

AG_TEST(test_paths__a_link_that_leads_out_is_not_followed)
{
    talk_begin();
    ag_err err = {0};
    const char *run = new_run();
    AG_EXPECT_OK(ag_file_replace(text("%s/secret", talk_home), "the secret", 10, &err));
    expect("PUT", text(PROXY "/0/%s/artifacts/f", run), "x", 200, "{}");
    const char *folder = text("%s/artifacts/0/%s/artifacts", talk_home, run);
    assert_int_equal(symlink("../../../../secret", text("%s/link", folder)), 0);
    assert_int_equal(symlink("/", text("%s/top", folder)), 0);
    static const char *const paths[] = {"link", "top/etc/passwd", "top"};
    for (size_t i = 0; i < 3; i++) {
        expect_refused("GET", text("/get-artifact?run_id=%s&path=%s", run, paths[i]), NULL);
        expect_refused("GET", text(PROXY "/0/%s/artifacts/%s", run, paths[i]), NULL);
        assert_false(has_secret(ask("GET", text(API "artifacts/list?run_id=%s&path=%s", run, paths[i]), NULL)));
    }
    talk_end();
}

AG_TEST(test_sources__none_leads_out)
{
    talk_begin();
    const char *run = new_run();
    post("registered-models/create", "{\"name\":\"m\"}", 200, NULL);
    static const char *const sources[] = {
        "/etc",         "file:///etc",       "file:///etc/passwd",           "./relative",
        "..",           "../../etc",         "mlflow-artifacts:/../../etc",  "mlflow-artifacts:/%2e%2e/etc",
        "http://h/../", "http://h/a/%2e%2e", "https://h/a/..%2f..%2f",       "mlflow-artifacts:/a/%252e%252e/b",
        "ftp://h/../x", "file:/etc",         "mlflow-artifacts://h/..%5c..", "http://h/%00",
    };
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        expect_refused("POST", API "model-versions/create", text("{\"name\":\"m\",\"source\":\"%s\"}", sources[i]));
        expect_refused("POST", API "model-versions/create",
                       text("{\"name\":\"m\",\"source\":\"%s\",\"run_id\":\"%s\"}", sources[i], run));
    }
    static const char *const locations[] = {"file:///a/../../etc", "http://h/a/../b", "s3://b/%2e%2e/x",
                                            "runs:/x/y",           "s3://b/x#y",      "s3://b/x?y=z"};
    for (size_t i = 0; i < sizeof(locations) / sizeof(locations[0]); i++) {
        expect_refused("POST", API "experiments/create",
                       text("{\"name\":\"e%zu\",\"artifact_location\":\"%s\"}", i, locations[i]));
    }
    talk_end();
}

AG_TEST(test_paths__an_experiment_elsewhere_is_not_read)
{
    talk_begin();
    const char *id =
        text_at(ask("POST", API "experiments/create", "{\"name\":\"e\",\"artifact_location\":\"file:///etc\"}"),
                "experiment_id");
    const char *run =
        text_at(ask("POST", API "runs/create", text("{\"experiment_id\":\"%s\"}", id)), "run.info.run_id");
    expect_refused("GET", text("/get-artifact?run_id=%s&path=passwd", run), NULL);
    expect_refused("GET", text(API "artifacts/list?run_id=%s", run), NULL);
    expect_refused("POST", text("/ajax-api/2.0/mlflow/upload-artifact?run_uuid=%s&path=x", run), "x");
    talk_end();
}

/* What a disk answers is for the log: a client learns which of its own paths it was, and the request's id. */
AG_TEST(test_artifacts__failures_do_not_tell_where_the_server_keeps_files)
{
    talk_begin();
    const char *run = new_run();
    static const char proxy[] = "/api/2.0/mlflow-artifacts/artifacts/";
    expect("PUT", text("%s0/%s/artifacts/a", proxy, run), "content", 200, "{}");
    const char *targets[] = {text("%s0/%s/artifacts/a/b", proxy, run), text("%s0/%s/artifacts", proxy, run)};
    for (size_t i = 0; i < 2; i++) {
        const char *answer = ask("PUT", targets[i], "content");
        if (wire_status(answer) != 400 || strstr(answer, talk_home)) fail_msg("%.600s", answer);
    }
    const char *answer = ask("GET", text("%s0/%s/artifacts/a/b", proxy, run), NULL);
    assert_null(strstr(answer, talk_home));
    char path[1024];
    ag_format(path, sizeof(path), "%s/artifacts/0/%s/artifacts/locked", talk_home, run);
    assert_int_equal(mkdir(path, 0), 0);
    answer = ask("PUT", text("%s0/%s/artifacts/locked/x", proxy, run), "content");
    if (strstr(answer, talk_home)) fail_msg("%.600s", answer);
    assert_int_equal(chmod(path, 0700), 0);
    talk_end();
}
