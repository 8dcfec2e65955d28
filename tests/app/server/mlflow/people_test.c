// SPDX-License-Identifier: Apache-2.0
/* people_test.c: users and permissions over HTTP, and what readers, editors and strangers see and may do. */
#include "app/server/mlflow/talk.h"
#include "core/hash/encode.h"
#include "ledger/user.h"

/* From here on requests are of this user, whose password is the name and "-password-1". */
static void be(const char *name)
{
    char plain[128];
    ag_buf code;
    ag_format(plain, sizeof(plain), "%s:%s-password-1", name, name);
    ag_buf_init(&code, 4096);
    assert_true(ag_base64(&code, ag_str_of(plain)) >= 0);
    talk_authorization = text("Authorization: Basic %s\r\n", ag_buf_str(&code).data);
    ag_buf_deinit(&code);
}

static void begin(void)
{
    static const char *const people[] = {"ada", "bob", "eve"};
    ag_err err = {0};
    ag_user user;
    talk_begin_with(true);
    AG_EXPECT_OK(
        ag_user_create(talk_ledger, NULL, AG_STR("root"), AG_STR("root-password-1"), true, talk_arena, &user, &err));
    be("root");
    for (size_t i = 0; i < 3; i++) {
        post("users/create", text("{\"username\":\"%s\",\"password\":\"%s-password-1\"}", people[i], people[i]), 200,
             text("{\"user\":{\"id\":%zu,\"username\":\"%s\",\"is_admin\":false", i + 2, people[i]));
    }
}

AG_TEST(test_users__are_made_and_changed)
{
    begin();
    post("users/create", "{\"username\":\"ada\",\"password\":\"another-one-12\"}", 400, "RESOURCE_ALREADY_EXISTS");
    post("users/create", "{\"username\":\"x\"}", 400, "Missing value for required parameter 'password'");
    post("users/create", "{\"username\":\"x\",\"password\":\"short\"}", 400, "INVALID_PARAMETER_VALUE");
    get("users/list", 200, "\"username\":\"bob\"");
    get("users/get?username=nobody", 404, "RESOURCE_DOES_NOT_EXIST");
    expect("PATCH", API "users/update-admin", "{\"username\":\"bob\",\"is_admin\":true}", 200, "{}");
    be("bob");
    get("users/current", 200, "{\"user\":{\"id\":3,\"username\":\"bob\",\"is_admin\":true},\"is_basic_auth\":true}");
    be("root");
    expect("PATCH", API "users/update-admin", "{\"username\":\"bob\",\"is_admin\":false}", 200, "{}");
    be("bob");
    get("users/list", 403, "PERMISSION_DENIED");
    get("users/get?username=ada", 403, "Permission denied");
    get("users/get?username=bob", 200, "\"experiment_permissions\":[]");
    post("users/create", "{\"username\":\"y\",\"password\":\"password-of-y-1\"}", 403, "PERMISSION_DENIED");
    expect("DELETE", API "users/delete", "{\"username\":\"ada\"}", 403, "PERMISSION_DENIED");
    be("root");
    expect("DELETE", API "users/delete", "{\"username\":\"bob\"}", 200, "{}");
    be("bob");
    get("users/current", 401, "You are not authenticated");
    talk_end();
}

AG_TEST(test_users__change_their_own_password_with_the_old_one)
{
    begin();
    be("ada");
    expect("PATCH", API "users/update-password", "{\"username\":\"ada\",\"password\":\"ada-password-2\"}", 400,
           "Current password is required");
    expect("PATCH", API "users/update-password",
           "{\"username\":\"ada\",\"password\":\"ada-password-2\",\"current_password\":\"wrong\"}", 400,
           "does not match");
    expect("PATCH", API "users/update-password",
           "{\"username\":\"ada\",\"password\":\"ada-password-1\",\"current_password\":\"ada-password-1\"}", 400,
           "must differ");
    expect("PATCH", API "users/update-password", "{\"username\":\"eve\",\"password\":\"ada-password-2\"}", 403, NULL);
    expect("PATCH", API "users/update-password",
           "{\"username\":\"ada\",\"password\":\"ada-password-2\",\"current_password\":\"ada-password-1\"}", 200, "{}");
    get("users/current", 401, NULL);
    talk_end();
}

AG_TEST(test_permissions__decide_what_is_seen)
{
    begin();
    be("ada");
    const char *id = text_at(ask("POST", API "experiments/create", "{\"name\":\"hers\"}"), "experiment_id");
    const char *run =
        text_at(ask("POST", API "runs/create", text("{\"experiment_id\":\"%s\"}", id)), "run.info.run_id");
    get(text("runs/get?run_id=%s", run), 200, "\"user_id\":\"ada\"");
    const char *model =
        text_at(ask("POST", API "logged-models", text("{\"experiment_id\":\"%s\"}", id)), "model.info.model_id");
    expect("PUT", text("/api/2.0/mlflow-artifacts/artifacts/%s/%s/artifacts/f", id, run), "x", 200, "{}");
    post("registered-models/create", "{\"name\":\"m\"}", 200, NULL);

    be("eve"); /* a stranger */
    const char *const refused[] = {text("experiments/get?experiment_id=%s", id),
                                   "experiments/get-by-name?experiment_name=hers",
                                   text("runs/get?run_id=%s", run),
                                   text("metrics/get-history?run_id=%s&metric_key=m", run),
                                   text("metrics/get-history-bulk?run_id=%s&metric_key=m", run),
                                   text("metrics/get-history-bulk-interval?run_ids=%s&metric_key=m", run),
                                   text("artifacts/list?run_id=%s", run),
                                   text("logged-models/%s", model),
                                   "registered-models/get?name=m",
                                   text("experiments/permissions/get?experiment_id=%s&username=ada", id)};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) get(refused[i], 403, "PERMISSION_DENIED");
    expect("GET", text("/api/2.0/mlflow-artifacts/artifacts/%s/%s/artifacts/f", id, run), NULL, 403, NULL);
    expect("GET", "/api/2.0/mlflow-artifacts/artifacts", NULL, 403, NULL);
    post("runs/search", text("{\"experiment_ids\":[\"%s\"]}", id), 200, "{}");
    post("logged-models/search", text("{\"experiment_ids\":[\"%s\"]}", id), 200, "{}");
    post("experiments/search-datasets", text("{\"experiment_ids\":[\"%s\"]}", id), 200, "{}");
    assert_null(strstr(ask("POST", API "experiments/search", "{}"), "hers"));
    assert_null(strstr(ask("GET", API "registered-models/search", NULL), "\"m\""));
    post("registered-models/create", "{\"name\":\"theirs\"}", 200, NULL);
    post("model-versions/create", text("{\"name\":\"theirs\",\"source\":\"s3://b/x\",\"run_id\":\"%s\"}", run), 403,
         NULL);
    post("model-versions/create",
         text("{\"name\":\"theirs\",\"source\":\"models:/%s\",\"model_id\":\"%s\"}", model, model), 403, NULL);

    be("ada");
    const char *give = text("{\"experiment_id\":\"%s\",\"username\":\"eve\",\"permission\":\"READ\"}", id);
    post("experiments/permissions/create", give, 200,
         text("{\"experiment_permission\":{\"experiment_id\":\"%s\",\"user_id\":4,\"permission\":\"READ\"}}", id));
    post("experiments/permissions/create", give, 400, "RESOURCE_ALREADY_EXISTS");
    be("eve"); /* a reader */
    get(text("runs/get?run_id=%s", run), 200, NULL);
    assert_non_null(strstr(ask("POST", API "experiments/search", "{}"), "hers"));
    post("runs/set-tag", text("{\"run_id\":\"%s\",\"key\":\"a\",\"value\":\"b\"}", run), 403, "PERMISSION_DENIED");
    be("ada");
    expect("PATCH", API "experiments/permissions/update",
           text("{\"experiment_id\":\"%s\",\"username\":\"eve\",\"permission\":\"EDIT\"}", id), 200, "{}");
    expect("PATCH", API "experiments/permissions/update",
           text("{\"experiment_id\":\"%s\",\"username\":\"eve\",\"permission\":\"OWN\"}", id), 400,
           "Invalid permission");
    get(text("experiments/permissions/get?experiment_id=%s&username=eve", id), 200, "\"permission\":\"EDIT\"");
    be("eve"); /* an editor */
    post("runs/set-tag", text("{\"run_id\":\"%s\",\"key\":\"a\",\"value\":\"b\"}", run), 200, "{}");
    post("experiments/delete", text("{\"experiment_id\":\"%s\"}", id), 403, "PERMISSION_DENIED");
    be("ada");
    expect("DELETE", API "experiments/permissions/delete", text("{\"experiment_id\":\"%s\",\"username\":\"eve\"}", id),
           200, "{}");
    get(text("experiments/permissions/get?experiment_id=%s&username=eve", id), 404, "not found");
    be("eve");
    get(text("runs/get?run_id=%s", run), 403, NULL);
    talk_end();
}

AG_TEST(test_permissions__of_models)
{
    begin();
    be("ada");
    post("registered-models/create", "{\"name\":\"m\"}", 200, NULL);
    post("registered-models/permissions/create", "{\"name\":\"m\",\"username\":\"eve\",\"permission\":\"MANAGE\"}", 200,
         "{\"registered_model_permission\":{\"name\":\"m\",\"user_id\":4,\"permission\":\"MANAGE\"}}");
    be("eve");
    get("users/get?username=eve", 200, "\"registered_model_permissions\":[{\"name\":\"m\"");
    expect("PATCH", API "registered-models/permissions/update",
           "{\"name\":\"m\",\"username\":\"eve\",\"permission\":\"READ\"}", 200, "{}");
    get("registered-models/permissions/get?name=m&username=eve", 403, NULL);
    get("registered-models/get?name=m", 200, NULL);
    be("ada");
    expect("DELETE", API "registered-models/permissions/delete", "{\"name\":\"m\",\"username\":\"eve\"}", 200, "{}");
    talk_end();
}

/* One name is checked and the same is used: another way of writing it must not open what it does not name. */
AG_TEST(test_permissions__are_of_what_the_handler_reads)
{
    begin();
    be("root");
    const char *theirs = new_run();
    be("ada");
    const char *mine = text_at(ask("POST", API "experiments/create", "{\"name\":\"ada's\"}"), "experiment_id");
    const char *run =
        text_at(ask("POST", API "runs/create", text("{\"experiment_id\":\"%s\"}", mine)), "run.info.run_id");
    post("runs/set-tag", text("{\"run_id\":\"%s\",\"key\":\"a\",\"value\":\"b\"}", run), 200, "{}");
    post("runs/set-tag", text("{\"run_id\":\"%s\",\"key\":\"a\",\"value\":\"b\"}", theirs), 403, "Permission denied");
    post(text("runs/set-tag?run_id=%s", run), text("{\"run_id\":\"%s\",\"key\":\"a\",\"value\":\"b\"}", theirs), 403,
         "Permission denied");
    post(text("runs/set-tag?run_uuid=%s", run), text("{\"run_uuid\":\"%s\",\"key\":\"a\",\"value\":\"b\"}", theirs),
         403, "Permission denied");
    post("runs/set-tag", text("{\"run_id\":\"\",\"run_uuid\":\"%s\",\"key\":\"a\"}", run), 400, NULL);
    post("runs/set-tag", text("{\"run_id\":\"%s\",\"run_id\":\"%s\",\"key\":\"a\",\"value\":\"b\"}", run, theirs), 403,
         "Permission denied");
    post(text("experiments/delete?experiment_id=%s", mine), "{\"experiment_id\":\"0\"}", 403, "Permission denied");
    get(text("runs/get?run_id=%s&run_id=%s", run, theirs), 200, text("\"run_id\":\"%s\"", run));
    get(text("runs/get?run_uuid=%s&run_id=%s", run, theirs), 403, NULL);
    talk_end();
}

/* A version opens its files to the model's readers: its source must be its maker's to read, however it is written. */
AG_TEST(test_permissions__sources_of_versions_are_readable_to_their_maker)
{
    begin();
    be("root");
    const char *theirs = new_run();
    post("registered-models/create", "{\"name\":\"root's\"}", 200, NULL);
    post("model-versions/create",
         text("{\"name\":\"root's\",\"source\":\"runs:/%s/model\",\"run_id\":\"%s\"}", theirs, theirs), 200, NULL);
    be("ada");
    const char *mine = text_at(ask("POST", API "experiments/create", "{\"name\":\"ada's\"}"), "experiment_id");
    const char *run =
        text_at(ask("POST", API "runs/create", text("{\"experiment_id\":\"%s\"}", mine)), "run.info.run_id");
    post("registered-models/create", "{\"name\":\"ada-model\"}", 200, NULL);
    static const char *const sources[] = {
        "runs:/%s/model",
        "runs://%s/model",
        "mlflow-artifacts:/0/%s/artifacts/model",
        "mlflow-artifacts://host/0/%s/artifacts/model",
        "mlflow-artifacts:/%30/%s/artifacts/model",
        "mlflow-artifacts:/%%30/%s/artifacts/model",
        "mlflow-artifacts:/",
        "http://127.0.0.1:5000/api/2.0/mlflow-artifacts/artifacts/0/%s/artifacts",
        "models:/root's/1",
        "models:/root's@x",
    };
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        const char *gap = strstr(sources[i], "%s");
        const char *source = gap ? text("%.*s%s%s", (int)(gap - sources[i]), sources[i], theirs, gap + 2) : sources[i];
        const char *body = text("{\"name\":\"ada-model\",\"source\":\"%s\",\"run_id\":\"%s\"}", source, run);
        const char *answer = ask("POST", API "model-versions/create", body);
        if (wire_status(answer) != 403 && wire_status(answer) != 400) fail_msg("%s gave %.400s", source, answer);
    }
    post("model-versions/create",
         text("{\"name\":\"ada-model\",\"source\":\"runs:/%s/model\",\"run_id\":\"%s\"}", run, run), 200, NULL);
    post("model-versions/create",
         text("{\"name\":\"ada-model\",\"source\":\"mlflow-artifacts:/%s/%s/artifacts/m\",\"run_id\":\"%s\"}", mine,
              run, run),
         200, NULL);
    talk_end();
}
