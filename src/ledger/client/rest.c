// SPDX-License-Identifier: Apache-2.0
/* rest.c: requests are tried once here: when and how often again is decided by who delivers, for all of them together.
 */
#include "ledger/client/rest.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/hash/encode.h"
#include "core/io/stream.h"
#include "core/sys/clock.h"

enum { MAX_ANSWER = 64 << 20, MAX_HEADER = 16384 };

static int make_authorization(const ag_client_target_server_options *options, ag_rest *rest, ag_err *err)
{
    ag_buf pair, value;
    if (!options->token && !options->user) return AG_OK;
    ag_buf_init(&pair, MAX_HEADER);
    ag_buf_init(&value, MAX_HEADER);
    if (options->token) {
        ag_buf_addf(&value, "Bearer %s", options->token);
    } else {
        ag_buf_addf(&pair, "%s:%s", options->user, options->password ? options->password : "");
        ag_buf_add_text(&value, "Basic ");
        ag_base64(&value, ag_buf_str(&pair));
    }
    int rc = ag_buf_check(&pair, "user and password", err);
    if (rc >= 0) rc = ag_buf_check(&value, "a token", err);
    if (rc >= 0 && strpbrk(value.data, "\r\n"))
        rc = ag_fail(err, AG_EINVAL, "the token or password has a line break in it");
    if (rc >= 0) rest->authorization = ag_buf_steal(&value);
    if (pair.data) ag_wipe(pair.data, pair.size);
    ag_buf_deinit(&pair);
    ag_buf_deinit(&value);
    return rc;
}

int ag_rest_open(const ag_client_target_server_options *options, ag_rest *out, ag_err *err)
{
    ag_rest rest = {.cancel = options->cancel, .url = ag_strdup(options->url), .arena = ag_arena_new(0)};
    ag_http_options http = {.ca_file = options->ca_file,
                            .connect_timeout = options->timeout < 10 * AG_SECOND ? options->timeout : 10 * AG_SECOND,
                            .idle_timeout = options->timeout,
                            .attempts = 1,
                            .max_body_bytes = MAX_ANSWER};
    int rc = rest.url && rest.arena ? AG_OK : ag_fail_memory(err, strlen(options->url));
    if (rc >= 0) rc = make_authorization(options, &rest, err);
    if (rc >= 0) rc = ag_http_new(&http, &rest.http, err);
    if (rc < 0)
        ag_rest_close(&rest);
    else
        *out = rest;
    return rc;
}

void ag_rest_close(ag_rest *rest)
{
    ag_http_free(rest->http);
    if (rest->authorization) ag_wipe(rest->authorization, strlen(rest->authorization));
    ag_free(rest->authorization);
    ag_free(rest->url);
    ag_arena_free(rest->arena);
    *rest = (ag_rest){0};
}

/* ---- answers ---- */

static int code_of_word(ag_str word, int status)
{
    static const struct {
        const char *word;
        int code;
    } codes[] = {
        {"RESOURCE_DOES_NOT_EXIST", AG_ENOTFOUND},
        {"RESOURCE_ALREADY_EXISTS", AG_EEXISTS},
        {"TEMPORARILY_UNAVAILABLE", AG_EUNAVAILABLE},
        {"REQUEST_LIMIT_EXCEEDED", AG_EUNAVAILABLE},
        {"INTERNAL_ERROR", AG_EINTERNAL},
        {"PERMISSION_DENIED", AG_EDENIED},
        {"UNAUTHENTICATED", AG_EAUTH},
        {"INVALID_STATE", AG_ECONFLICT},
        {"RESOURCE_CONFLICT", AG_ECONFLICT},
        {"NOT_IMPLEMENTED", AG_EUNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (ag_str_is(word, codes[i].word)) return codes[i].code;
    }
    return status >= 500 ? AG_EINTERNAL : AG_EINVAL;
}

/* Of a status alone, when the text is no answer of this protocol: a proxy, or another program at that address. */
static int code_of_status(int status)
{
    switch (status) {
    case 401:
    case 403: return AG_EAUTH;
    case 413: return AG_ELIMIT;
    case 400:
    case 422: return AG_EINVAL;
    case 500: return AG_EINTERNAL;
    default: return AG_EUNAVAILABLE;
    }
}

/* What a refusal says, in the server's words. */
static int fail_answer(ag_rest *rest, const ag_http_request *request, const ag_http_response *response, ag_err *err)
{
    const ag_value *answer = NULL;
    ag_str word = {0}, message = {0};
    int status = response->status;
    (void)ag_json_parse(rest->arena, ag_buf_str(&response->body), NULL, &answer, NULL);
    bool known = ag_value_string(ag_value_get(answer, "error_code"), &word);
    if (!known || status == 401 || status == 429 || status == 502 || status == 503 || status == 504) {
        ag_err plain = {0};
        (void)ag_http_check(request, response, &plain);
        int code = status == 401 ? AG_EAUTH : code_of_status(status);
        return ag_fail(err, (ag_code)code, "%s", plain.text);
    }
    (void)ag_value_string(ag_value_get(answer, "message"), &message);
    return ag_fail(err, (ag_code)code_of_word(word, status), "%.*s (%.*s)", AG_STR_ARG(message), AG_STR_ARG(word));
}

static int read_answer(ag_rest *rest, const ag_http_request *request, const ag_http_response *response,
                       const ag_value **out, ag_err *err)
{
    const ag_value *answer = NULL;
    ag_json_options options = {.nonfinite = AG_JSON_NONFINITE_WORDS};
    if (response->status < 200 || response->status > 299) return fail_answer(rest, request, response, err);
    if (!out) return AG_OK;
    ag_err bad = {0};
    if (ag_json_parse(rest->arena, ag_buf_str(&response->body), &options, &answer, &bad) < 0 ||
        answer->kind != AG_OBJECT) {
        char shown[256];
        ag_http_show_url(request->url, shown, sizeof(shown));
        return ag_fail(err, AG_EUNAVAILABLE, "%s did not answer as an MLflow server does: %.150s", shown, bad.text);
    }
    *out = answer;
    return AG_OK;
}

/* A request that got no answer: whatever the reason, another attempt may get one. */
static int fail_sending(int rc, ag_err *err)
{
    bool transient = rc == AG_EUNAVAILABLE || rc == AG_ETIMEOUT || rc == AG_ECANCELLED || rc == AG_ENOMEM;
    if (transient) return rc;
    if (err) err->code = AG_EUNAVAILABLE;
    return AG_EUNAVAILABLE;
}

static int send_request(ag_rest *rest, ag_http_request *request, const ag_value **out, ag_err *err)
{
    ag_http_response response = {0};
    ag_http_header headers[2];
    request->headers = headers;
    if (request->body.data) headers[request->header_count++] = (ag_http_header){"Content-Type", "application/json"};
    if (rest->authorization) headers[request->header_count++] = (ag_http_header){"Authorization", rest->authorization};
    request->cancel = rest->cancel;
    request->idempotent = !rest->once;
    rest->once = false;
    int rc = ag_http_send(rest->http, request, &response, err);
    rc = rc < 0 ? fail_sending(rc, err) : read_answer(rest, request, &response, out, err);
    ag_http_response_deinit(&response);
    return rc;
}

int ag_rest_ask(ag_rest *rest, const char *method, const char *path, const ag_buf *body, const ag_value **out,
                ag_err *err)
{
    const char *url = ag_arena_printf(rest->arena, "%s/api/2.0/mlflow/%s", rest->url, path);
    if (!url) return ag_fail_memory(err, strlen(rest->url) + strlen(path));
    int rc = body ? ag_buf_check(body, "a request", err) : AG_OK;
    ag_http_request request = {.method = method, .url = url, .body = body ? ag_buf_str(body) : (ag_str){0}};
    return rc < 0 ? rc : send_request(rest, &request, out, err);
}

int ag_rest_put(ag_rest *rest, const char *url, const char *file, uint64_t size, ag_err *err)
{
    ag_reader *reader = NULL;
    int rc = ag_reader_of_file(file, &reader, err);
    if (rc < 0) return rc;
    ag_http_request request = {.method = "PUT", .url = url, .body_reader = reader, .body_size = size};
    if (!size) request = (ag_http_request){.method = "PUT", .url = url};
    rc = send_request(rest, &request, NULL, err);
    ag_reader_close(reader);
    return rc;
}

int ag_rest_text(const ag_value *answer, const char *path, ag_str *out, ag_err *err)
{
    if (ag_value_string(ag_value_at(answer, path), out)) return AG_OK;
    return ag_fail(err, AG_EUNAVAILABLE, "the server's answer has no '%s'", path);
}
