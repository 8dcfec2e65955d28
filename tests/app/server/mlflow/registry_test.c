// SPDX-License-Identifier: Apache-2.0
/* registry_test.c: registered models, versions, aliases and logged models over HTTP. */
#include "app/server/mlflow/talk.h"

static void patch(const char *path, const char *body, int status, const char *part)
{
    expect("PATCH", text(API "%s", path), body, status, part);
}

static void erase(const char *path, const char *body, int status, const char *part)
{
    expect("DELETE", text(API "%s", path), body, status, part);
}

static void new_model(const char *name, int versions)
{
    post("registered-models/create", text("{\"name\":\"%s\",\"description\":\"d\"}", name), 200,
         "\"registered_model\"");
    for (int i = 0; i < versions; i++) {
        post("model-versions/create", text("{\"name\":\"%s\",\"source\":\"s3://bucket/%d\"}", name, i), 200,
             text("\"version\":\"%d\"", i + 1));
    }
}

/* A prompt has no files: its source is a word, and the tag opens no way around the rules of sources. */
AG_TEST(test_prompts__have_sources_that_lead_nowhere)
{
    static const char tags[] = "\"tags\":[{\"key\":\"mlflow.prompt.is_prompt\",\"value\":\"true\"}]";
    static const char *const bad[] = {"/etc",  "file:///etc",  "..",        "../etc",        "a/b",
                                      "a%2fb", "dummy.source", "s3://b/..", "etc\\\\passwd", "file:etc"};
    talk_begin();
    post("registered-models/create", text("{\"name\":\"p\",%s}", tags), 200, NULL);
    post("model-versions/create", text("{\"name\":\"p\",\"source\":\"dummy-source\",%s}", tags), 200,
         "\"version\":\"1\"");
    post("model-versions/create", "{\"name\":\"p\",\"source\":\"dummy-source\"}", 400, "Invalid model version source");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        post("model-versions/create", text("{\"name\":\"p\",\"source\":\"%s\",%s}", bad[i], tags), 400,
             "INVALID_PARAMETER_VALUE");
    expect("GET", "/model-versions/get-artifact?name=p&version=1&path=x", NULL, 403, NULL);
    talk_end();
}

AG_TEST(test_models__a_life)
{
    talk_begin();
    new_model("m", 1);
    post("registered-models/create", "{\"name\":\"m\"}", 400, "Registered Model (name=m) already exists.");
    get("registered-models/get?name=m", 200, "\"latest_versions\":[{\"name\":\"m\",\"version\":\"1\"");
    get("registered-models/get?name=n", 404, "Registered Model with name=n not found");
    patch("registered-models/update", "{\"name\":\"m\",\"description\":\"other\"}", 200, "\"description\":\"other\"");
    post("registered-models/set-tag", "{\"name\":\"m\",\"key\":\"a\",\"value\":\"b\"}", 200, "{}");
    get("registered-models/search?filter=tags.a%3D%27b%27", 200, "\"name\":\"m\"");
    get("registered-models/search?max_results=1001", 400, "'max_results'");
    erase("registered-models/delete-tag", "{\"name\":\"m\",\"key\":\"a\"}", 200, "{}");
    post("registered-models/rename", "{\"name\":\"m\",\"new_name\":\"n\"}", 200, "\"name\":\"n\"");
    get("model-versions/get?name=n&version=1", 200, "\"source\":\"s3://bucket/0\"");
    erase("registered-models/delete", "{\"name\":\"n\"}", 200, "{}");
    get("model-versions/get?name=n&version=1", 404, "RESOURCE_DOES_NOT_EXIST");
    talk_end();
}

AG_TEST(test_versions__a_life)
{
    talk_begin();
    new_model("m", 3);
    post("model-versions/transition-stage", "{\"name\":\"m\",\"version\":\"1\",\"stage\":\"PRODUCTION\"}", 200,
         "\"current_stage\":\"Production\"");
    post("model-versions/transition-stage",
         "{\"name\":\"m\",\"version\":\"2\",\"stage\":\"Production\",\"archive_existing_versions\":true}", 200,
         "Production");
    get("model-versions/get?name=m&version=1", 200, "\"current_stage\":\"Archived\"");
    post("registered-models/get-latest-versions", "{\"name\":\"m\",\"stages\":[\"Production\"]}", 200,
         "{\"model_versions\":[{\"name\":\"m\",\"version\":\"2\"");
    get("registered-models/get-latest-versions?name=m&stages=Archived&stages=None", 200, "\"version\":\"3\"");
    patch("model-versions/update", "{\"name\":\"m\",\"version\":\"1\",\"description\":\"x\"}", 200,
          "\"description\":\"x\"");
    post("model-versions/set-tag", "{\"name\":\"m\",\"version\":\"1\",\"key\":\"a\",\"value\":\"b\"}", 200, "{}");
    get("model-versions/search?filter=name%3D%27m%27&max_results=2", 200, "next_page_token");
    get("model-versions/get-download-uri?name=m&version=1", 200, "{\"artifact_uri\":\"s3://bucket/0\"}");
    get("model-versions/get?name=m&version=9", 404, "Model Version (name=m, version=9) not found");
    get("model-versions/get?name=m&version=x", 400, "Parameter 'version' must be an integer, got 'x'.");
    erase("model-versions/delete-tag", "{\"name\":\"m\",\"version\":\"1\",\"key\":\"a\"}", 200, "{}");
    erase("model-versions/delete", "{\"name\":\"m\",\"version\":\"3\"}", 200, "{}");
    post("model-versions/create", "{\"name\":\"m\",\"source\":\"s3://bucket/9\"}", 200, "\"version\":\"4\"");
    talk_end();
}

AG_TEST(test_aliases__point_at_versions)
{
    talk_begin();
    new_model("m", 2);
    post("registered-models/alias", "{\"name\":\"m\",\"alias\":\"champion\",\"version\":\"2\"}", 200, "{}");
    get("registered-models/alias?name=m&alias=champion", 200, "\"aliases\":[\"champion\"]");
    get("registered-models/get?name=m", 200, "\"aliases\":[{\"alias\":\"champion\",\"version\":\"2\"}]");
    erase("registered-models/alias", "{\"name\":\"m\",\"alias\":\"champion\"}", 200, "{}");
    erase("registered-models/alias", "{\"name\":\"m\",\"alias\":\"champion\"}", 200, "{}");
    get("registered-models/alias?name=m&alias=champion", 400, "Registered model alias champion not found");
    post("registered-models/alias", "{\"name\":\"m\",\"alias\":\"latest\",\"version\":\"2\"}", 400, "reserved");
    post("registered-models/alias", "{\"name\":\"m\",\"alias\":\"v3\",\"version\":\"2\"}", 400, "reserved");
    talk_end();
}

AG_TEST(test_logged_models__a_life)
{
    talk_begin();
    const char *run = new_run();
    const char *id = text_at(ask("POST", API "logged-models",
                                 text("{\"experiment_id\":\"0\",\"name\":\"net\",\"source_run_id\":\"%s\",\"params\":[{"
                                      "\"key\":\"p\",\"value\":\"1\"}]}",
                                      run)),
                             "model.info.model_id");
    assert_true(strncmp(id, "m-", 2) == 0 && strlen(id) == 34);
    post("runs/outputs", text("{\"run_id\":\"%s\",\"models\":[{\"model_id\":\"%s\",\"step\":3}]}", run, id), 200, "{}");
    get(text("runs/get?run_id=%s", run), 200, text("\"model_outputs\":[{\"model_id\":\"%s\",\"step\":3}]", id));
    post("runs/log-metric",
         text("{\"run_id\":\"%s\",\"key\":\"acc\",\"value\":0.5,\"timestamp\":1,\"model_id\":\"%s\"}", run, id), 200,
         "{}");
    patch(text("logged-models/%s", id), "{\"status\":2}", 200, "\"status\":\"LOGGED_MODEL_READY\"");
    patch(text("logged-models/%s", id), "{\"status\":\"LOGGED_MODEL_UPLOAD_FAILED\"}", 200, "UPLOAD_FAILED");
    patch(text("logged-models/%s", id), "{}", 400, "Missing value for required parameter 'status'");
    patch(text("logged-models/%s/tags", id), "{\"tags\":[{\"key\":\"a\",\"value\":\"b\"}]}", 200, "{\"key\":\"a\"");
    erase(text("logged-models/%s/tags/a", id), NULL, 200, "{}");
    erase(text("logged-models/%s/tags/a", id), NULL, 404, "No tag with key");
    expect("POST", text(API "logged-models/%s/params", id), "{\"params\":[{\"key\":\"q\",\"value\":\"2\"}]}", 200,
           "{}");
    get(text("logged-models/%s", id), 200,
        "\"params\":[{\"key\":\"p\",\"value\":\"1\"},{\"key\":\"q\",\"value\":\"2\"}]");
    get(text("logged-models/%s", id), 200, "\"key\":\"acc\",\"value\":0.5");
    post("logged-models/search", "{\"experiment_ids\":[\"0\"],\"order_by\":[{\"field_name\":\"metrics.acc\"}]}", 200,
         id);
    post("logged-models/search",
         "{\"experiment_ids\":[\"0\"],\"order_by\":[{\"field_name\":\"creation_time\",\"ascending\":false}]}", 200, id);
    erase(text("logged-models/%s", id), NULL, 200, "{}");
    get(text("logged-models/%s", id), 404, "RESOURCE_DOES_NOT_EXIST");
    talk_end();
}

AG_TEST(test_versions__of_logged_models_know_their_run)
{
    talk_begin();
    const char *run = new_run();
    const char *id =
        text_at(ask("POST", API "logged-models", text("{\"experiment_id\":\"0\",\"source_run_id\":\"%s\"}", run)),
                "model.info.model_id");
    new_model("m", 0);
    post("model-versions/create", text("{\"name\":\"m\",\"source\":\"models:/%s\"}", id), 200,
         text("\"run_id\":\"%s\"", run));
    post("model-versions/create", "{\"name\":\"m\",\"source\":\"models:/m-00000000000000000000000000000000\"}", 400,
         "Unable to fetch");
    talk_end();
}
