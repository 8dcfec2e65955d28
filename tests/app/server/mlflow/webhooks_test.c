// SPDX-License-Identifier: Apache-2.0
/* webhooks_test.c: webhooks over HTTP: their life, what a receiver gets, and where they must not lead. */
#include <pthread.h>

#include "app/server/mlflow/talk.h"
#include "core/hash/encode.h"
#include "core/hash/hash.h"
#include "core/sys/clock.h"

/* ---- a receiver ---- */

enum { MOST = 32 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct delivery {
    char body[4096], id[64], timestamp[32], signature[128];
} got[MOST];
static size_t got_count;
static int failures; /* this many are answered with 500 first */

static void keep(const ag_request *request, const char *name, char *out, size_t size)
{
    ag_format(out, size, "%.*s", AG_STR_ARG(ag_request_header(request, name)));
}

static int receive(ag_request *request, ag_response *response, ag_err *err)
{
    pthread_mutex_lock(&lock);
    if (got_count < MOST) {
        struct delivery *d = &got[got_count++];
        ag_format(d->body, sizeof(d->body), "%.*s", AG_STR_ARG(request->body));
        keep(request, "x-mlflow-delivery-id", d->id, sizeof(d->id));
        keep(request, "x-mlflow-timestamp", d->timestamp, sizeof(d->timestamp));
        keep(request, "x-mlflow-signature", d->signature, sizeof(d->signature));
    }
    bool fail = failures > 0 && failures--;
    pthread_mutex_unlock(&lock);
    return ag_response_text(response, fail ? 500 : 200, err, "got it");
}

static int lead_astray(ag_request *request, ag_response *response, ag_err *err)
{
    int rc = ag_response_text(response, 307, err, "elsewhere");
    return rc < 0 ? rc : ag_response_header_addf(response, err, "Location", "%s/hook", request->origin);
}

static const ag_route rows[] = {
    {AG_METHOD_POST, "/hook", AG_PUBLIC, AG_BODY_BYTES, .summary = "Receive", .handle = receive},
    {AG_METHOD_POST, "/astray", AG_PUBLIC, AG_BODY_BYTES, .summary = "Redirect", .handle = lead_astray},
};
static const ag_route_group group = {.name = "Receiver", .doc = "For tests.", .routes = rows, .count = 2};
static const ag_route_group *const list[] = {&group};
static ag_server *receiver;
static const char *address;

static void begin(void)
{
    ag_server_options options = wire_options();
    options.groups = (ag_route_groups){list, 1};
    receiver = wire_start(&options);
    talk_webhook_private = true;
    talk_begin();
    address = ag_server_address(receiver);
    got_count = 0;
    failures = 0;
}

static void end(void)
{
    talk_end();
    ag_server_free(receiver);
}

/* Waits for that many. */
static void await(size_t count)
{
    for (int i = 0; i < 60000; i++) {
        pthread_mutex_lock(&lock);
        bool there = got_count >= count;
        pthread_mutex_unlock(&lock);
        if (there) return;
        ag_sleep(5000);
    }
    fail_msg("%zu deliveries, not %zu", got_count, count);
}

static const char *make(const char *path, const char *rest)
{
    return text_at(ask("POST", API "webhooks", text("{\"name\":\"w\",\"url\":\"%s%s\",%s}", address, path, rest)),
                   "webhook.webhook_id");
}

/* ---- tests ---- */

AG_TEST(test_webhooks__a_life)
{
    begin();
    const char *answer =
        ask("POST", API "webhooks",
            "{\"name\":\"first\",\"url\":\"https://example.org/x\",\"secret\":\"top-secret\",\"events\":[{\"entity\":"
            "\"MODEL_VERSION\",\"action\":\"CREATED\"},{\"entity\":5,\"action\":1}]}");
    const char *id = text_at(answer, "webhook.webhook_id");
    assert_int_equal(strlen(id), 36);
    assert_non_null(strstr(answer, "\"events\":[{\"entity\":\"MODEL_VERSION\",\"action\":\"CREATED\"},{\"entity\":"
                                   "\"PROMPT\",\"action\":\"CREATED\"}],\"status\":\"ACTIVE\""));
    assert_null(strstr(answer, "top-secret"));
    assert_null(strstr(ask("GET", text(API "webhooks/%s", id), NULL), "top-secret"));
    assert_null(strstr(ask("GET", API "webhooks", NULL), "top-secret"));
    expect("PATCH", text(API "webhooks/%s", id), "{\"status\":\"DISABLED\",\"name\":\"second\"}", 200,
           "\"status\":\"DISABLED\"");
    get(text("webhooks/%s", id), 200, "\"name\":\"second\"");
    get(text("webhooks/%s", id), 200, "\"url\":\"https://example.org/x\"");
    make("/hook", "\"events\":[{\"entity\":\"PROMPT\",\"action\":\"CREATED\"}]");
    const char *page = ask("GET", API "webhooks?max_results=1", NULL);
    get(text("webhooks?max_results=1&page_token=%s", text_at(page, "next_page_token")), 200, "\"name\":\"second\"");
    expect("DELETE", text(API "webhooks/%s", id), NULL, 200, "{}");
    get(text("webhooks/%s", id), 404, text("Webhook with ID %s not found.", id));
    expect("DELETE", text(API "webhooks/%s", id), NULL, 404, "RESOURCE_DOES_NOT_EXIST");
    end();
}

AG_TEST(test_webhooks__what_is_refused)
{
    static const char *const bad[] = {
        "{\"name\":\"-x\",\"url\":\"https://e.org\",\"events\":[{\"entity\":\"PROMPT\",\"action\":\"CREATED\"}]}",
        "{\"name\":\"x y\",\"url\":\"https://e.org\",\"events\":[{\"entity\":\"PROMPT\",\"action\":\"CREATED\"}]}",
        "{\"name\":\"x\",\"url\":\"ftp://e.org\",\"events\":[{\"entity\":\"PROMPT\",\"action\":\"CREATED\"}]}",
        "{\"name\":\"x\",\"url\":\"file:///etc/passwd\",\"events\":[{\"entity\":\"PROMPT\",\"action\":\"CREATED\"}]}",
        "{\"name\":\"x\",\"url\":\"https://\",\"events\":[{\"entity\":\"PROMPT\",\"action\":\"CREATED\"}]}",
        "{\"name\":\"x\",\"url\":\"https://u:p@e.org\",\"events\":[{\"entity\":\"PROMPT\",\"action\":\"CREATED\"}]}",
        "{\"name\":\"x\",\"url\":\"https://e.org\",\"events\":[]}",
        "{\"name\":\"x\",\"url\":\"https://e.org\"}",
        "{\"name\":\"x\",\"url\":\"https://e.org\",\"events\":[{\"entity\":\"PROMPT\",\"action\":\"SET\"}]}",
        "{\"name\":\"x\",\"url\":\"https://e.org\",\"events\":[{\"entity\":\"NOTHING\",\"action\":\"SET\"}]}",
        "{\"name\":\"x\",\"url\":\"https://e.org\",\"events\":[{\"entity\":\"PROMPT\"}]}",
        "{\"url\":\"https://e.org\",\"events\":[{\"entity\":\"PROMPT\",\"action\":\"CREATED\"}]}",
    };
    begin();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) post("webhooks", bad[i], 400, "INVALID_PARAMETER_VALUE");
    end();
}

AG_TEST(test_webhooks__deliveries_are_signed)
{
    begin();
    make("/hook", "\"secret\":\"s3\",\"events\":[{\"entity\":\"REGISTERED_MODEL\",\"action\":\"CREATED\"},{\"entity\":"
                  "\"MODEL_VERSION\",\"action\":\"CREATED\"},{\"entity\":\"MODEL_VERSION_ALIAS\",\"action\":"
                  "\"CREATED\"}]");
    post("registered-models/create", "{\"name\":\"m\",\"tags\":[{\"key\":\"a\",\"value\":\"b\"}]}", 200, NULL);
    await(1);
    assert_non_null(
        strstr(got[0].body, "{\"entity\": \"registered_model\", \"action\": \"created\", \"timestamp\": \""));
    assert_non_null(strstr(got[0].body, "\"data\": {\"name\":\"m\",\"tags\":{\"a\":\"b\"},\"description\":null}}"));
    ag_sha256 digest;
    ag_buf code;
    ag_buf_init(&code, 128);
    const char *signed_text = text("%s.%s.%s", got[0].id, got[0].timestamp, got[0].body);
    assert_true(ag_hmac_sha256(AG_STR("s3"), ag_str_of(signed_text), &digest, NULL) >= 0);
    ag_base64(&code, (ag_str){(const char *)digest.bytes, 32});
    assert_string_equal(got[0].signature, text("v1,%s", code.data));
    ag_buf_deinit(&code);
    post("model-versions/create", "{\"name\":\"m\",\"source\":\"s3://b/m\"}", 200, NULL);
    await(2);
    assert_non_null(strstr(got[1].body,
                           "\"data\": {\"name\":\"m\",\"version\":\"1\",\"source\":\"s3://b/m\",\"run_id\":"
                           "null,\"tags\":{},\"description\":null}}"));
    post("model-versions/set-tag", "{\"name\":\"m\",\"version\":\"1\",\"key\":\"k\",\"value\":\"v\"}", 200, "{}");
    post("registered-models/alias", "{\"name\":\"m\",\"alias\":\"a\",\"version\":\"1\"}", 200, "{}");
    await(3);
    assert_non_null(strstr(got[2].body, "\"entity\": \"model_version_alias\""));
    assert_true(strcmp(got[0].id, got[1].id) != 0);
    end();
}

AG_TEST(test_webhooks__prompts_have_events_of_their_own)
{
    begin();
    make("/hook",
         "\"events\":[{\"entity\":\"PROMPT\",\"action\":\"CREATED\"},{\"entity\":\"PROMPT_VERSION\",\"action\":"
         "\"CREATED\"},{\"entity\":\"PROMPT_TAG\",\"action\":\"SET\"}]");
    post("registered-models/create", "{\"name\":\"plain\"}", 200, NULL);
    post("registered-models/create",
         "{\"name\":\"p\",\"tags\":[{\"key\":\"mlflow.prompt.is_prompt\",\"value\":\"true\"},{\"key\":\"x\",\"value\":"
         "\"y\"}]}",
         200, NULL);
    await(1);
    assert_non_null(strstr(got[0].body, "\"entity\": \"prompt\""));
    assert_non_null(strstr(got[0].body, "\"tags\":{\"x\":\"y\"}"));
    assert_string_equal(got[0].signature, "");
    post("model-versions/create",
         "{\"name\":\"p\",\"source\":\"s3://b/p\",\"tags\":[{\"key\":\"mlflow.prompt.is_prompt\",\"value\":\"true\"},{"
         "\"key\":\"mlflow.prompt.text\",\"value\":\"Hello {{you}}\"}]}",
         200, NULL);
    await(2);
    assert_non_null(strstr(got[1].body, "\"template\":\"Hello {{you}}\",\"tags\":{}"));
    post("registered-models/set-tag", "{\"name\":\"p\",\"key\":\"k\",\"value\":\"v\"}", 200, "{}");
    await(3);
    assert_non_null(strstr(got[2].body, "\"entity\": \"prompt_tag\", \"action\": \"set\""));
    end();
}

AG_TEST(test_webhooks__a_failed_delivery_is_tried_again_under_its_id)
{
    begin();
    failures = 1;
    make("/hook", "\"secret\":\"s\",\"events\":[{\"entity\":\"REGISTERED_MODEL\",\"action\":\"CREATED\"}]");
    post("registered-models/create", "{\"name\":\"m\"}", 200, NULL);
    await(2);
    assert_string_equal(got[0].id, got[1].id);
    assert_string_equal(got[0].body, got[1].body);
    end();
}

AG_TEST(test_webhooks__trials)
{
    begin();
    const char *id = make("/hook", "\"events\":[{\"entity\":\"MODEL_VERSION_TAG\",\"action\":\"SET\"}]");
    expect("POST", text(API "webhooks/%s/test", id), "{}", 200,
           "{\"result\":{\"success\":true,\"response_status\":200,\"response_body\":\"got it\"");
    assert_non_null(strstr(got[0].body,
                           "\"data\": {\"name\":\"example_model\",\"version\":\"1\",\"key\":\"example_key\","
                           "\"value\":\"example_value\"}}"));
    expect("POST", text(API "webhooks/%s/test", id), "{\"event\":{\"entity\":\"PROMPT\",\"action\":\"CREATED\"}}", 200,
           "\"success\":true");
    assert_non_null(strstr(got[1].body, "example_prompt"));
    const char *astray = make("/astray", "\"events\":[{\"entity\":\"PROMPT\",\"action\":\"CREATED\"}]");
    expect("POST", text(API "webhooks/%s/test", astray), "{}", 200, "\"response_status\":307");
    assert_int_equal(got_count, 2); /* nobody followed */
    post("webhooks/none/test", "{}", 404, "Webhook with ID none not found.");
    end();
}

/* Registered while it was allowed, or by a name that leads there: the connection itself is refused. */
AG_TEST(test_webhooks__private_addresses_are_out_of_reach)
{
    static const char *const bad[] = {"http://127.0.0.1/",
                                      "http://localhost:80/",
                                      "https://10.0.0.1/",
                                      "http://169.254.169.254/latest/meta-data/",
                                      "http://[::1]/",
                                      "http://2130706433/",
                                      "http://[::ffff:10.0.0.1]/",
                                      "http://0x7f.1/"};
    ag_err err = {0};
    begin();
    const char *id = make("/hook", "\"events\":[{\"entity\":\"REGISTERED_MODEL\",\"action\":\"CREATED\"}]");
    ag_server_free(talk_server);
    ag_server_options options = wire_options();
    options.ledger = talk_ledger;
    options.groups = ag_route_groups_all();
    talk_server = wire_start(&options);
    const char *answer = ask("POST", text(API "webhooks/%s/test", id), "{}");
    assert_non_null(strstr(answer, "\"success\":false"));
    assert_non_null(strstr(answer, "not one of the public internet"));
    post("registered-models/create", "{\"name\":\"m\"}", 200, NULL);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        post(
            "webhooks",
            text("{\"name\":\"x\",\"url\":\"%s\",\"events\":[{\"entity\":\"PROMPT\",\"action\":\"CREATED\"}]}", bad[i]),
            400, "non-public IP address");
    }
    AG_EXPECT_OK(ag_server_stop(talk_server, &err));
    assert_int_equal(got_count, 0);
    end();
}
