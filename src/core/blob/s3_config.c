// SPDX-License-Identifier: Apache-2.0
/* s3_config.c: reads the address, the environment and the credentials file, in this order; the first that says
 * something counts. No request is made to find credentials: there is no look at instance metadata. Threads: no state;
 * getenv as everywhere before threads change the environment, which nothing here does. */
#include "core/blob/s3_config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/io/uri.h"

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

ag_str s3_ini_value(ag_str text, const char *profile, const char *name)
{
    ag_str line;
    bool inside = false;
    if (!text.data) text.data = "";
    while (ag_str_next(&text, '\n', &line)) {
        line = ag_str_trim(line);
        if (line.size == 0 || line.data[0] == '#' || line.data[0] == ';') continue;
        if (line.data[0] == '[') {
            ag_str section = ag_str_trim(ag_str_slice(line, 1, ag_str_find_char(line, ']', 0) - 1));
            inside = ag_str_is(section, profile);
            continue;
        }
        size_t equals = ag_str_find_char(line, '=', 0);
        if (!inside || equals == SIZE_MAX || !ag_str_is(ag_str_trim(ag_str_slice(line, 0, equals)), name)) continue;
        return ag_str_trim(ag_str_slice(line, equals + 1, SIZE_MAX));
    }
    return (ag_str){NULL, 0};
}

static int keep(ag_arena *arena, ag_str text, const char **out, ag_err *err)
{
    *out = ag_arena_strndup(arena, text.data ? text.data : "", text.size);
    return *out ? 0 : ag_fail_memory(err, text.size);
}

static int credentials_of_file(ag_arena *arena, s3_config *out, ag_err *err)
{
    const char *path = environment("AWS_SHARED_CREDENTIALS_FILE"), *home = environment("HOME");
    const char *profile = environment("AWS_PROFILE");
    if (!profile) profile = "default";
    if (!path && home && !(path = ag_path_join(arena, home, ".aws/credentials"))) return ag_fail_memory(err, 64);
    if (!path) return 0;
    ag_buf text;
    ag_buf_init(&text, 1 << 20);
    int rc = ag_file_read(path, 1 << 20, &text, err);
    ag_str access = s3_ini_value(ag_buf_str(&text), profile, "aws_access_key_id");
    ag_str secret = s3_ini_value(ag_buf_str(&text), profile, "aws_secret_access_key");
    ag_str token = s3_ini_value(ag_buf_str(&text), profile, "aws_session_token");
    if (rc == AG_ENOTFOUND)
        rc = 0;
    else if (rc >= 0 && access.data && secret.data) {
        rc = keep(arena, access, &out->access_key, err);
        if (rc >= 0) rc = keep(arena, secret, &out->secret_key, err);
        if (rc >= 0 && token.data) rc = keep(arena, token, &out->token, err);
    }
    if (text.data) ag_wipe(text.data, text.size);
    ag_buf_deinit(&text);
    return rc;
}

static int find_credentials(ag_arena *arena, s3_config *out, ag_err *err)
{
    const char *access = environment("AWS_ACCESS_KEY_ID"), *secret = environment("AWS_SECRET_ACCESS_KEY");
    const char *token = environment("AWS_SESSION_TOKEN");
    int rc = 0;
    if (access && secret) {
        rc = keep(arena, ag_str_of(access), &out->access_key, err);
        if (rc >= 0) rc = keep(arena, ag_str_of(secret), &out->secret_key, err);
        if (rc >= 0 && token) rc = keep(arena, ag_str_of(token), &out->token, err);
    } else {
        rc = credentials_of_file(arena, out, err);
    }
    if (rc < 0 || out->access_key) return rc;
    ag_fail(err, AG_EAUTH, "no credentials for the S3 bucket '%s'", out->bucket);
    return ag_err_hint(err, "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or fill in ~/.aws/credentials.");
}

static const char *first_of(ag_arena *arena, ag_str own, const char *const *names, const char *otherwise)
{
    if (own.size) return ag_arena_strndup(arena, own.data, own.size);
    for (; *names; names++) {
        if (environment(*names)) return ag_arena_strdup(arena, environment(*names));
    }
    return ag_arena_strdup(arena, otherwise);
}

static int find_origin(ag_arena *arena, const ag_uri *uri, s3_config *out, ag_err *err)
{
    static const char *const schemes[] = {"http", "https", NULL};
    static const char *const names[] = {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", NULL};
    const char *text = first_of(arena, ag_uri_query(uri, "endpoint"), names, "");
    if (!text) return ag_fail_memory(err, 64);
    bool aws = text[0] == 0;
    if (aws && !(text = ag_arena_printf(arena, "https://s3.%s.amazonaws.com", out->region)))
        return ag_fail_memory(err, 64);
    ag_uri endpoint;
    int rc = ag_uri_parse(arena, ag_str_of(text), schemes, &endpoint, err);
    if (rc < 0) return ag_err_prefix(err, "the S3 endpoint");
    bool plain =
        endpoint.host.size && !endpoint.user.data && (endpoint.path.size == 0 || ag_str_is(endpoint.path, "/"));
    if (!plain) return ag_fail(err, AG_EINVAL, "the S3 endpoint must be http://HOST:PORT or https://HOST:PORT");
    ag_str style = ag_uri_query(uri, "style");
    if (style.size && !ag_str_is(style, "path") && !ag_str_is(style, "virtual"))
        return ag_fail(err, AG_EINVAL, "the S3 style '%.*s' is neither path nor virtual", AG_STR_ARG(style));
    out->path_style = style.size ? ag_str_is(style, "path") : !aws;
    bool six = ag_str_find_char(endpoint.host, ':', 0) != SIZE_MAX;
    const char *host =
        ag_arena_printf(arena, "%s%s%s%.*s%s", out->path_style ? "" : out->bucket, out->path_style ? "" : ".",
                        six ? "[" : "", AG_STR_ARG(endpoint.host), six ? "]" : "");
    uint16_t usual = ag_str_is(endpoint.scheme, "https") ? 443 : 80;
    if (host && endpoint.port && endpoint.port != usual) host = ag_arena_printf(arena, "%s:%u", host, endpoint.port);
    out->host = host;
    out->origin = host ? ag_arena_printf(arena, "%.*s://%s", AG_STR_ARG(endpoint.scheme), host) : NULL;
    return out->origin ? 0 : ag_fail_memory(err, 64);
}

static int check_bucket(ag_str bucket, ag_err *err)
{
    bool good = bucket.size >= 3 && bucket.size <= 63;
    for (size_t i = 0; i < bucket.size && good; i++) {
        char c = bucket.data[i];
        good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || ((c == '-' || c == '.') && i > 0);
    }
    return good ? 0 : ag_fail(err, AG_EINVAL, "'%.*s' is no name of an S3 bucket", AG_STR_ARG(bucket));
}

/* "a/b" or "/a/b/" to "a/b/". */
static int read_prefix(ag_arena *arena, ag_str path, s3_config *out, ag_err *err)
{
    while (path.size && path.data[0] == '/') path = ag_str_slice(path, 1, SIZE_MAX);
    while (path.size && path.data[path.size - 1] == '/') path.size--;
    if (path.size) {
        int rc = ag_path_check(path, err);
        if (rc < 0) return ag_err_prefix(err, "the prefix of the S3 address");
    }
    out->prefix = ag_arena_printf(arena, "%.*s%s", AG_STR_ARG(path), path.size ? "/" : "");
    return out->prefix ? 0 : ag_fail_memory(err, path.size);
}

int s3_config_read(ag_arena *arena, const char *address, s3_config *out, ag_err *err)
{
    static const char *const schemes[] = {"s3", NULL};
    static const char *const regions[] = {"AWS_REGION", "AWS_DEFAULT_REGION", NULL};
    static const char *const authorities[] = {"AWS_CA_BUNDLE", NULL};
    ag_uri uri;
    *out = (s3_config){0};
    int rc = ag_uri_parse(arena, ag_str_of(address), schemes, &uri, err);
    if (rc < 0 || (rc = check_bucket(uri.host, err)) < 0) return rc;
    if (uri.user.data) return ag_fail(err, AG_EINVAL, "credentials do not belong in an S3 address");
    if ((rc = keep(arena, uri.host, &out->bucket, err)) < 0 || (rc = read_prefix(arena, uri.path, out, err)) < 0)
        return rc;
    const char *ca = first_of(arena, ag_uri_query(&uri, "ca"), authorities, "");
    out->region = first_of(arena, ag_uri_query(&uri, "region"), regions, "us-east-1");
    if (!out->region || !ca) return ag_fail_memory(err, 64);
    if (ca[0]) out->ca_file = ca;
    if ((rc = find_origin(arena, &uri, out, err)) < 0) return rc;
    return find_credentials(arena, out, err);
}
