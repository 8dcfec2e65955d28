// SPDX-License-Identifier: Apache-2.0
#pragma once
/* route.h: every route is one row of one const table. From the rows are made: dispatch, 404 and 405, the check of who
 * may, /openapi.json, docs/api.md, the labels of /metrics, and the test of the authorisation matrix. A new group is one
 * file with one const struct, plus one line in groups.c. */
#include "app/server/request.h"
#include "app/server/response.h"
#include "core/doc/describe.h"

/* What a role is needed on: from the value of a field to the resource that carries permissions. */
typedef struct ag_scope {
    const char *name; /* "run": for the documentation */
    /* Required. AG_ENOTFOUND with the text a client knows. */
    int (*find)(const ag_request *request, ag_str value, ag_resource *kind, ag_str *id, ag_err *err);
} ag_scope;

extern const ag_scope ag_scope_experiment;      /* value: its id */
extern const ag_scope ag_scope_experiment_name; /* value: its name */
extern const ag_scope ag_scope_run;             /* value: a run's id; the role counts on its experiment */
extern const ag_scope ag_scope_model;           /* value: a registered model's name */
extern const ag_scope ag_scope_logged_model;    /* value: "m-..."; the role counts on its experiment */
extern const ag_scope ag_scope_artifact;        /* value: a path below "mlflow-artifacts:/" that begins with an
                                                   experiment's id; any other needs an administrator */

typedef enum ag_may {
    AG_MAY_PUBLIC, /* everybody, also without a name */
    AG_MAY_USER,   /* whoever has shown a name; the handler filters what is theirs to see (ag_request_may) */
    AG_MAY_ADMIN,
    AG_MAY_ROLE, /* `role` or more on the resource that `field` names; an administrator always */
} ag_may;

typedef struct ag_rule {
    ag_may may;
    ag_role role;
    const ag_scope *scope;
    const char *field;  /* as in ag_request_field(): "run_id|run_uuid" */
    const char *absent; /* the value when the field is absent; NULL: absence is refused as a missing parameter */
} ag_rule;

/* Initialisers of a rule. */
#define AG_PUBLIC {.may = AG_MAY_PUBLIC}
#define AG_ANY_USER {.may = AG_MAY_USER}
#define AG_ADMIN_ONLY {.may = AG_MAY_ADMIN}
#define AG_NEEDS(needed, of, named)                                                                                    \
    {.may = AG_MAY_ROLE, .role = AG_ROLE_##needed, .scope = &ag_scope_##of, .field = (named)}

typedef enum ag_body_kind {
    AG_BODY_NONE,   /* a body is refused, unless it is empty or the method is DELETE (then it is read over) */
    AG_BODY_JSON,   /* application/json, read whole and parsed; none counts as {} */
    AG_BODY_BYTES,  /* of any type, read whole */
    AG_BODY_STREAM, /* handed over as it comes */
} ag_body_kind;

typedef enum ag_gives { /* what a good answer is, for the documentation */
                        AG_GIVES_JSON,
                        AG_GIVES_TEXT,
                        AG_GIVES_BYTES, /* of any type */
                        AG_GIVES_EVENTS,
                        AG_GIVES_PAGE,
} ag_gives;

/* A parameter of the path or query, or a member of the body, for the documentation. */
typedef struct ag_route_field {
    const char *name;
    const char
        *type; /* a JSON Schema type, "array" of "string": "string[]"; "integer", "number", "boolean", "object" */
    bool required;
    const char *doc; /* may be NULL */
} ag_route_field;

struct ag_route {
    ag_method method; /* a GET row also answers HEAD */
    /* "/runs/{run_id}/files/{path...}": a {name} takes one part, decoded; a {name...} at the end takes all the rest (at
     * least one character). Below each prefix of the group. */
    const char *path;
    ag_rule rule;
    ag_body_kind body;
    uint64_t limit;                  /* largest body; 0: the server's setting for the kind */
    const char *summary;             /* begins with a verb, no full stop; required */
    const char *doc;                 /* more, or NULL */
    const ag_route_field *fields;    /* query (GET) or body, ended by {0}; or NULL */
    const ag_description *describes; /* the same as a described struct, in place of `fields`; or NULL */
    /* Required. >= 0: the response is what was made; < 0: failed. */
    int (*handle)(ag_request *request, ag_response *response, ag_err *err);
    ag_gives gives;
};

typedef struct ag_route_group {
    const char *name;            /* "MLflow tracking": a tag in OpenAPI, a section in docs/api.md */
    const char *doc;             /* required */
    const char *const *prefixes; /* where the rows are mounted, ended by NULL: {"/api/2.0/mlflow", "/ajax-api/...",
                                    NULL}; NULL: once, at "". The first is the one that is documented */
    const ag_route *routes;
    size_t count;
    /* Optional: how a failure is told. NULL: {"error": {code, text, hint, ...}}. Headers that the server needs
     * (WWW-Authenticate, Retry-After) are there already; `err->code` may be any, before the handler too. The default
     * status stands in response->status. Must not fail. */
    void (*fail)(const ag_request *request, const ag_err *err, ag_response *response);
    bool (*enabled)(const ag_server *server); /* optional: absent routes give 404 */
} ag_route_group;

typedef struct ag_route_groups {
    const ag_route_group *const *items;
    size_t count;
} ag_route_groups;

/* All groups of this program, in the order of the documentation. */
ag_route_groups ag_route_groups_all(void);
/* Checks the rows: paths well-formed, none twice, docs there, rules complete. For tests. */
int ag_route_groups_verify(ag_route_groups groups, ag_err *err);

/* Inside a handler: does the asker have `role` or more on this resource? AG_EDENIED "Permission denied" when not.
 * Free when authentication is off. */
int ag_request_may(const ag_request *request, ag_resource kind, ag_str id, ag_role role, ag_err *err);
