// SPDX-License-Identifier: Apache-2.0
/* gate.c: authentication and permission. A secret is looked up among the sessions first: that costs an HMAC. Only a
 * miss asks the door, behind the limiter and at most a few at a time, since a password's hash is slow and large on
 * purpose. Who was refused learns nothing from the text: unknown names and wrong secrets read the same. */
#include "app/server/gate.h"

#include <errno.h>
#include <semaphore.h>

#include "app/server/fields.h"
#include "app/server/limiter.h"
#include "app/server/sessions.h"
#include "core/base/mem.h"
#include "core/sys/clock.h"
#include "core/sys/thread.h"

struct ag_gate {
    const ag_server_options *options;
    ag_sessions *sessions;
    ag_limiter *limiter;
    sem_t checks; /* secrets that may be checked at the same time */
};

int ag_gate_new(const ag_server_options *options, ag_gate **out, ag_err *err)
{
    ag_gate *gate = ag_calloc(1, sizeof(*gate));
    if (!gate) return ag_fail_memory(err, sizeof(*gate));
    gate->options = options;
    unsigned at_a_time = (ag_cpu_count() + 1) / 2;
    sem_init(&gate->checks, 0, at_a_time);
    int rc = AG_OK;
    if (options->authenticate) rc = ag_sessions_new(&gate->sessions, err);
    if (options->authenticate && rc >= 0) rc = ag_limiter_new(&gate->limiter, err);
    if (rc < 0)
        ag_gate_free(gate);
    else
        *out = gate;
    return rc;
}

void ag_gate_free(ag_gate *gate)
{
    if (!gate) return;
    ag_sessions_free(gate->sessions);
    ag_limiter_free(gate->limiter);
    sem_destroy(&gate->checks);
    ag_free(gate);
}

void ag_gate_forget(ag_gate *gate, ag_str user)
{
    if (gate->sessions) ag_sessions_forget(gate->sessions, user);
}

static int refuse(ag_err *err)
{
    ag_fail(err, AG_EAUTH, "You are not authenticated.");
    return ag_err_hint(err, "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN");
}

static int ask_door(ag_gate *gate, ag_scheme scheme, ag_str name, ag_str secret, ag_arena *arena, ag_user *out,
                    ag_err *err)
{
    const ag_door *door = gate->options->door;
    void *context = gate->options->door_context;
    while (sem_wait(&gate->checks) < 0 && errno == EINTR) {
    }
    int rc = scheme == AG_SCHEME_BASIC ? door->check_password(context, name, secret, arena, out, err)
                                       : door->check_token(context, secret, arena, out, err);
    sem_post(&gate->checks);
    if (rc >= 0 && out->disabled) rc = AG_EAUTH;
    return rc;
}

int ag_gate_identify(ag_gate *gate, ag_str authorization, const char *peer, ag_arena *arena, ag_who *out,
                     int64_t *retry_after, ag_err *err)
{
    ag_sha256 key;
    ag_str name = {0}, secret = {0};
    *out = (ag_who){.admin = !gate->options->authenticate};
    if (!gate->options->authenticate) return AG_OK;
    if (!authorization.data) return refuse(err);
    int rc = ag_sessions_key(gate->sessions, authorization, &key, err);
    if (rc < 0) return rc;
    if (ag_sessions_find(gate->sessions, &key, arena, out)) return AG_OK;
    ag_scheme scheme = ag_authorization_parse(authorization, arena, &name, &secret);
    if (scheme != AG_SCHEME_BASIC && scheme != AG_SCHEME_BEARER) return refuse(err);
    int64_t now = ag_monotonic(), wait = ag_limiter_wait(gate->limiter, name, peer, now);
    if (wait > 0) {
        *retry_after = (wait + AG_SECOND - 1) / AG_SECOND;
        return ag_fail(err, AG_ELIMIT, "too many wrong secrets; try again in %lld s", (long long)*retry_after);
    }
    uint64_t generation = ag_sessions_generation(gate->sessions);
    ag_user user = {0};
    rc = ask_door(gate, scheme, name, secret, arena, &user, err);
    if (rc == AG_EAUTH || rc == AG_ENOTFOUND || rc == AG_EINVAL) {
        ag_limiter_failed(gate->limiter, name, peer, now);
        return refuse(err);
    }
    if (rc < 0) return rc;
    ag_limiter_succeeded(gate->limiter, name, peer);
    *out = (ag_who){.name = user.name, .id = user.id, .admin = user.admin, .known = true};
    ag_sessions_keep(gate->sessions, &key, out, gate->options->session_age, generation);
    return AG_OK;
}

/* ---- permission ---- */

static int deny(ag_err *err)
{
    return ag_fail(err, AG_EDENIED, "Permission denied");
}

int ag_gate_may(ag_gate *gate, const ag_who *who, ag_resource kind, ag_str id, ag_role role, ag_err *err)
{
    ag_role has = AG_ROLE_NONE;
    if (who->admin) return AG_OK;
    if (!who->known) return refuse(err);
    int rc = gate->options->door->permission(gate->options->door_context, ag_str_of(who->name), kind, id, &has, err);
    if (rc < 0) return rc == AG_ENOTFOUND ? deny(err) : rc;
    return has >= role ? AG_OK : deny(err);
}

int ag_gate_permit(ag_gate *gate, const ag_request *request, const ag_rule *rule, ag_err *err)
{
    if (rule->may == AG_MAY_PUBLIC || request->who.admin) return AG_OK;
    if (!request->who.known) return refuse(err);
    if (rule->may == AG_MAY_USER) return AG_OK;
    if (rule->may == AG_MAY_ADMIN) return deny(err);
    ag_str value = ag_request_field(request, rule->field);
    if (!value.data && rule->absent) value = ag_str_of(rule->absent);
    if (!value.data) {
        size_t size = strcspn(rule->field, "|");
        return ag_fail(err, AG_EINVAL,
                       "Missing value for required parameter '%.*s'. See the API docs for more "
                       "information about request parameters.",
                       (int)size, rule->field);
    }
    ag_resource kind = AG_RESOURCE_EXPERIMENT;
    ag_str id = {0};
    int rc = rule->scope->find(request, value, &kind, &id, err);
    return rc < 0 ? rc : ag_gate_may(gate, &request->who, kind, id, rule->role, err);
}
