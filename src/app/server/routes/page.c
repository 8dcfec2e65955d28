// SPDX-License-Identifier: Apache-2.0
/* page.c: what a browser finds at the root: that the server is there, and where to go on. No script, no style from
 * elsewhere, nothing that was put in: so nothing can be put in its mouth. */
#include "app/server/server.h"

static int show(ag_request *request, ag_response *response, ag_err *err)
{
    static const char page[] =
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Auger</title>\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n"
        "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:42em;margin:3em auto;padding:0 1em}"
        "code{background:#8882;padding:.1em .3em}</style></head>\n<body>\n<h1>Auger</h1>\n"
        "<p>This server keeps experiments, runs, metrics, artifacts and models. MLflow's clients talk to it:</p>\n"
        "<p><code>MLFLOW_TRACKING_URI=%s%s</code></p>\n<ul>\n"
        "<li><a href=\"%s/openapi.json\">openapi.json</a>: every route</li>\n"
        "<li><a href=\"%s/health\">health</a>, <a href=\"%s/version\">version</a></li>\n"
        "</ul>\n<p>Version " AG_VERSION ".</p>\n</body>\n</html>\n";
    const char *prefix = ag_server_settings(request->server)->static_prefix;
    char origin[300];
    size_t used = 0;
    for (const char *at = request->origin; *at && used + 1 < sizeof(origin); at++)
        if (!strchr("<>&\"'", *at)) origin[used++] = *at;
    origin[used] = '\0';
    int rc = ag_response_text(response, 200, err, page, origin, prefix, prefix, prefix, prefix);
    response->content_type = "text/html; charset=utf-8";
    return rc;
}

static const ag_route routes[] = {
    {.method = AG_METHOD_GET,
     .path = "/",
     .rule = AG_PUBLIC,
     .summary = "Say where one is",
     .doc = "A page for people.",
     .handle = show,
     .gives = AG_GIVES_PAGE},
};

const ag_route_group ag_route_group_page = {
    .name = "Page",
    .doc = "For people who come with a browser.",
    .routes = routes,
    .count = sizeof(routes) / sizeof(routes[0]),
};
