// SPDX-License-Identifier: Apache-2.0
/* message_test.c: what is said of requests that are wrong, word by word, since clients and their tests compare it; and
 * what is taken although it looks odd. */
#include "app/server/mlflow/message.h"

#include "app/server/mlflow/talk.h"

#define SEE " See the API docs for more information about request parameters."
#define MISSING(name)                                                                                                  \
    "{\"error_code\":\"INVALID_PARAMETER_VALUE\",\"message\":\"Missing value for required parameter '" name "'." SEE

typedef struct mistake {
    const char *path, *body, *part;
} mistake;

static const mistake mistakes[] = {
    {"experiments/create", "{}", MISSING("name")},
    {"experiments/create", "", MISSING("name")},
    {"experiments/create", "{\"name\":\"\"}", MISSING("name")},
    {"experiments/create", "{\"name\":null}", MISSING("name")},
    {"experiments/create", "{\"name\":31}",
     "Invalid value 31 for parameter 'name' supplied:  Hint: Value was of type 'int'." SEE},
    {"experiments/create", "{\"name\":[\"a\"]}", "Invalid value [\\\"a\\\"] for parameter 'name' supplied"},
    {"experiments/create", "{\"name\":{}}", "Value was of type 'dict'"},
    {"experiments/create", "{\"name\":1.5}", "Value was of type 'float'"},
    {"experiments/create", "{\"name\":true}", "Value was of type 'bool'"},
    {"experiments/create", "{\"name\":\"a\\u0000b\"}", "NUL"},
    {"experiments/create", "{\"name\":\"x\",\"tags\":3}", "parameter 'tags' supplied"},
    {"experiments/create", "{\"name\":\"x\",\"tags\":[{\"value\":\"v\"}]}", MISSING("tags[0].key")},
    {"experiments/create", "{\"name\":\"x\",\"tags\":[7]}", "Invalid value 7 for parameter 'tags[0]' supplied"},
    {"experiments/create", "{\"name\":\"x\",\"tags\":[null]}", "Value was of type 'NoneType'"},
    {"experiments/create", "[1]", "must be a JSON object"},
    {"experiments/create", "{\"name\":", "BAD_REQUEST"},
    {"experiments/search", "{\"max_results\":\"x\"}", "Invalid value \\\"x\\\" for parameter 'max_results' supplied"},
    {"experiments/search", "{\"max_results\":0}", "'max_results' supplied. It must be a positive integer"},
    {"experiments/search", "{\"max_results\":-5}", "It must be at least 0"},
    {"experiments/search", "{\"max_results\":1.5}", "Value was of type 'float'"},
    {"experiments/search", "{\"max_results\":true}", "Value was of type 'bool'"},
    {"experiments/search", "{\"view_type\":\"SOME\"}", "parameter 'view_type' supplied"},
    {"experiments/search", "{\"view_type\":4}", "parameter 'view_type' supplied"},
    {"experiments/search", "{\"order_by\":[1]}", "parameter 'order_by[0]' supplied"},
    {"experiments/search", "{\"page_token\":\"garbage\"}", "INVALID_PARAMETER_VALUE"},
    {"runs/search", "{\"max_results\":50001}", "It must be at most 50000, but got value 50001"},
    {"runs/log-metric", "{}", MISSING("run_id")},
    {"runs/log-metric", "{\"run_uuid\":\"a\",\"key\":\"k\"}", MISSING("value")},
    {"runs/log-metric", "{\"run_id\":\"a\",\"key\":\"k\",\"value\":1}", MISSING("timestamp")},
    {"runs/log-metric", "{\"run_id\":\"a\",\"key\":\"k\",\"value\":\"one\",\"timestamp\":1}",
     "Value was of type 'str'"},
    {"runs/log-metric", "{\"run_id\":\"a\",\"key\":\"k\",\"value\":true,\"timestamp\":1}",
     "parameter 'value' supplied"},
    {"runs/log-metric", "{\"run_id\":\"a\",\"key\":\"k\",\"value\":1,\"timestamp\":-1}",
     "Timestamp must be a nonnegative long (64-bit integer)"},
    {"runs/log-metric", "{\"run_id\":\"a\",\"key\":\"k\",\"value\":1,\"timestamp\":9223372036854775807}", "beyond all"},
    {"runs/log-metric", "{\"run_id\":\"a\",\"key\":\"k\",\"value\":1,\"timestamp\":1,\"step\":\"x\"}",
     "parameter 'step' supplied"},
    {"runs/log-batch", "{\"run_id\":\"a\",\"metrics\":[{\"key\":\"k\",\"value\":1,\"timestamp\":1},{\"key\":\"k\"}]}",
     MISSING("metrics[1].value")},
    {"runs/log-batch", "{\"run_id\":\"a\",\"metrics\":[{\"key\":\"k\",\"value\":1,\"timestamp\":-3}]}",
     "parameter 'metrics[0].timestamp' supplied"},
    {"runs/log-batch", "{\"run_id\":\"a\",\"params\":[{\"value\":\"v\"}]}", MISSING("params[0].key")},
    {"runs/log-batch", "{\"run_id\":\"a\",\"metrics\":[{\"key\":\"a*\",\"value\":1,\"timestamp\":1}]}",
     "Invalid value \\\"a*\\\" for parameter 'metrics[0].name' supplied: Names may only contain"},
    {"runs/log-metric", "{\"run_id\":\"a\",\"key\":\"../b\",\"value\":1,\"timestamp\":1}",
     "Invalid value \\\"../b\\\" for parameter 'name' supplied: Names may be treated as files"},
    {"runs/log-parameter", "{\"run_id\":\"a\",\"key\":\"p*\",\"value\":\"v\"}", "for parameter 'key' supplied"},
    {"runs/log-batch", "{\"run_id\":\"a\",\"tags\":{}}", "parameter 'tags' supplied"},
    {"runs/log-inputs", "{\"run_id\":\"a\",\"datasets\":[{}]}", MISSING("datasets[0].dataset")},
    {"runs/log-inputs", "{\"run_id\":\"a\",\"datasets\":[{\"dataset\":{\"digest\":\"d\"}}]}",
     MISSING("datasets[0].dataset.name")},
    {"runs/outputs", "{\"run_id\":\"a\"}", MISSING("models")},
    {"runs/log-model", "{\"run_id\":\"a\",\"model_json\":\"{\"}", "Malformed model info"},
    {"runs/log-model", "{\"run_id\":\"a\",\"model_json\":\"{}\"}",
     "missing mandatory fields: {'artifact_path', 'flavors', 'utc_time_created', 'run_id'}"},
    {"runs/update", "{\"run_id\":\"a\",\"status\":\"DONE\"}", "parameter 'status' supplied"},
    {"experiments/search-datasets", "{}", "must specify at least one experiment_id"},
    {"registered-models/alias", "{\"name\":\"m\",\"alias\":\"a\",\"version\":\"one\"}",
     "Parameter 'version' must be an integer, got 'one'."},
    {"model-versions/transition-stage", "{\"name\":\"m\",\"version\":\"1\",\"stage\":\"up\"}",
     "Invalid Model Version stage: up"},
    {"model-versions/transition-stage",
     "{\"name\":\"m\",\"version\":\"1\",\"stage\":\"None\",\"archive_existing_versions\":\"true\"}",
     "parameter 'archive_existing_versions' supplied"},
    {"logged-models/search", "{}", MISSING("experiment_ids")},
};

AG_TEST(test_message__every_mistake_is_400_in_the_words_that_clients_know)
{
    talk_begin();
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        expect("POST", text(API "%s", mistakes[i].path), mistakes[i].body, 400, mistakes[i].part);
        expect("POST", text("/ajax-api/2.0/mlflow/%s", mistakes[i].path), mistakes[i].body, 400, mistakes[i].part);
    }
    talk_end();
}

AG_TEST(test_message__odd_but_right_is_taken)
{
    talk_begin();
    post("experiments/create", "\"{\\\"name\\\":\\\"twice encoded\\\"}\"", 200, "{\"experiment_id\":\"1\"}");
    post("experiments/create", "{\"name\":\"more\",\"unknown\":{\"a\":[1]},\"tags\":null}", 200, "\"2\"");
    post("experiments/search", "{\"max_results\":\"1\",\"view_type\":3}", 200, "next_page_token");
    post("experiments/search", "", 200, "\"Default\"");
    get("experiments/search?max_results=5&view_type=ACTIVE_ONLY&order_by=name&order_by=creation_time", 200, "Default");
    get("experiments/search?max_results=", 200, "Default");
    get("experiments/get?experiment_id=0&experiment_id=1", 200, "Default");
    const char *run = new_run();
    post("runs/log-metric", text("{\"run_uuid\":\"%s\",\"key\":\"k\",\"value\":\"1.5\",\"timestamp\":\"7\"}", run), 200,
         "{}");
    post("runs/update", text("{\"run_id\":\"%s\",\"status\":3}", run), 200, "\"status\":\"FINISHED\"");
    post("runs/update", text("{\"run_id\":\"%s\",\"status\":\"\"}", run), 200, "\"status\":\"FINISHED\"");
    get(text("runs/get?run_uuid=%s", run), 200, "\"value\":1.5");
    talk_end();
}

AG_TEST(test_message__other_types_of_content_are_refused)
{
    talk_begin();
    wire_expect(ag_server_port(talk_server),
                "POST " API "experiments/create HTTP/1.1\r\n" HOST
                "Connection: close\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\n{\"name\":\"a\"}",
                400, "application/json");
    talk_end();
}

/* ---- without memory ---- */

typedef struct thing {
    const char *run_id;
    ag_list pairs;
    int64_t number;
} thing;
static const ag_field thing_fields[] = {
    AG_RUN_ID(thing),
    AG_LIST_FIELD(thing, pairs, &ag_message_pair_description, "Pairs."),
    AG_INT_FIELD(thing, number, "A number."),
};
static const ag_description thing_message = AG_MESSAGE(thing, "A thing.");

static int read_thing(void *context, ag_err *err)
{
    ag_value pair[2] = {{.kind = AG_STRING, .string = AG_STR("k")}, {.kind = AG_STRING, .string = AG_STR("v")}};
    ag_member members[2] = {{.name = AG_STR("key"), .value = pair[0]}, {.name = AG_STR("value"), .value = pair[1]}};
    ag_value item = {.kind = AG_OBJECT, .object = {members, 2}};
    ag_member top[2] = {{.name = AG_STR("run_uuid"), .value = pair[1]},
                        {.name = AG_STR("pairs"), .value = {.kind = AG_ARRAY, .array = {&item, 1}}}};
    ag_value root = {.kind = AG_OBJECT, .object = {top, 2}};
    ag_uri_pair query[] = {{AG_STR("run_id"), AG_STR("r")}, {AG_STR("number"), AG_STR("5")}};
    thing out;
    ag_pairs pairs;
    (void)context;
    ag_request request = {.arena = ag_arena_new(0), .json = &root};
    if (!request.arena) return ag_fail_memory(err, 1);
    int rc = ag_message_read(&request, &thing_message, &out, err);
    if (rc >= 0) rc = ag_message_pairs(request.arena, out.pairs, 0, &pairs, err);
    if (rc >= 0 && !ag_str_is(pairs.items[0].value, "v")) rc = ag_fail(err, AG_EINTERNAL, "not what was sent");
    request.json = NULL;
    request.query = query;
    request.query_count = 2;
    if (rc >= 0) rc = ag_message_read(&request, &thing_message, &out, err);
    if (rc >= 0 && out.number != 5) rc = ag_fail(err, AG_EINTERNAL, "not what was asked");
    ag_arena_free(request.arena);
    return rc;
}

AG_TEST(test_message__memory_that_runs_out_is_said)
{
    assert_true(ag_test_fail_at_n(AG_FAULT_ALLOC, read_thing, NULL, NULL) > 0);
}

AG_TEST(test_message__values_are_cut_between_characters)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_message_pair pair = {"k", "ab\xc3\xa4\xc3\xa4"};
    ag_pairs out;
    AG_EXPECT_OK(ag_message_pairs(arena, (ag_list){&pair, 1}, 3, &out, &err));
    assert_true(ag_str_is(out.items[0].value, "ab\xc3\xa4"));
    ag_arena_free(arena);
}

AG_TEST(test_message__tables_are_sound)
{
    ag_err err = {0};
    ag_route_groups all = ag_route_groups_all();
    for (size_t i = 0; i < all.count; i++) {
        for (size_t k = 0; k < all.items[i]->count; k++) {
            const ag_description *one = all.items[i]->routes[k].describes;
            if (one) AG_EXPECT_OK(ag_describe_verify(one, &err));
        }
    }
}
