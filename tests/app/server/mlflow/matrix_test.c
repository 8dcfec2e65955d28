// SPDX-License-Identifier: Apache-2.0
/* matrix_test.c: every route of the program against every role, with a real ledger behind it: generated from the route
 * table, so that no route can be missed. Each thing that a rule can name is there; who has too little is refused with
 * 403 whatever else is wrong with the request, who has enough is never told 401 or 403. */
#include "app/server/mlflow/talk.h"
#include "app/server/router.h"
#include "ledger/experiment.h"
#include "ledger/logged_model.h"
#include "ledger/model.h"
#include "ledger/run.h"
#include "ledger/user.h"

static const char *const people[] = {"stranger", "reader", "editor", "manager", "root"};
static const char *tokens[5], *experiment, *run, *logged;
static size_t asked;

static void make_things(void)
{
    ag_err err = {0};
    ag_run made;
    ag_logged_model model;
    ag_registered_model registered;
    AG_EXPECT_OK(ag_experiment_create(talk_ledger, NULL, ag_str_of(text("e%p", (const void *)run)), (ag_str){0},
                                      (ag_pairs){0}, talk_arena, &experiment, &err));
    AG_EXPECT_OK(
        ag_run_create(talk_ledger, &(ag_run_new){.experiment_id = ag_str_of(experiment)}, talk_arena, &made, &err));
    run = made.id;
    ag_logged_model_new wanted = {.experiment_id = ag_str_of(experiment), .name = AG_STR("l")};
    AG_EXPECT_OK(ag_logged_model_create(talk_ledger, NULL, &wanted, talk_arena, &model, &err));
    logged = model.id;
    AG_EXPECT_OK(
        ag_model_create(talk_ledger, NULL, AG_STR("model"), AG_STR(""), (ag_pairs){0}, talk_arena, &registered, &err));
}

static void make_people(void)
{
    ag_err err = {0};
    ag_user user;
    for (size_t i = 0; i < 5; i++) {
        ag_str name = ag_str_of(people[i]);
        AG_EXPECT_OK(ag_user_create(talk_ledger, NULL, name, AG_STR(""), i == 4, talk_arena, &user, &err));
        AG_EXPECT_OK(ag_token_create(talk_ledger, NULL, name, AG_STR("t"), 0, talk_arena, &tokens[i], &err));
        if (i == 0 || i == 4) continue;
        AG_EXPECT_OK(ag_permission_set(talk_ledger, NULL, name, AG_RESOURCE_EXPERIMENT, ag_str_of(experiment),
                                       (ag_role)i, &err));
        AG_EXPECT_OK(ag_permission_set(talk_ledger, NULL, name, AG_RESOURCE_MODEL, AG_STR("model"), (ag_role)i, &err));
    }
}

/* What names the thing that the rule is about. */
static const char *value_of(const ag_rule *rule)
{
    if (rule->scope == &ag_scope_run) return run;
    if (rule->scope == &ag_scope_logged_model) return logged;
    if (rule->scope == &ag_scope_model) return "model";
    if (rule->scope == &ag_scope_experiment_name) return text("e%p", (const void *)NULL);
    if (rule->scope == &ag_scope_artifact) return text("%s/x", experiment);
    return experiment;
}

/* The path with its captures filled in. */
static const char *path_of(const ag_route *route, const char *prefix)
{
    ag_buf path;
    ag_buf_init(&path, 4096);
    ag_buf_add_text(&path, prefix);
    for (const char *at = route->path; *at; at++) {
        if (*at != '{') {
            ag_buf_add_char(&path, *at);
            continue;
        }
        size_t size = strcspn(at + 1, ".}");
        bool named = route->rule.field && strncmp(route->rule.field, at + 1, size) == 0;
        ag_buf_add_text(&path, named ? value_of(&route->rule) : "7");
        at = strchr(at, '}');
    }
    const char *kept = ag_arena_strndup(talk_arena, path.data, path.size);
    ag_buf_deinit(&path);
    return kept;
}

static int ask_as(const ag_route *route, const char *prefix, int who)
{
    char field[64] = "x";
    if (route->rule.field)
        ag_format(field, sizeof(field), "%.*s", (int)strcspn(route->rule.field, "|"), route->rule.field);
    const char *value = route->rule.field ? value_of(&route->rule) : "7", *target = path_of(route, prefix);
    talk_authorization = who < 0 ? "" : text("Authorization: Bearer %s\r\n", tokens[who]);
    if (route->body == AG_BODY_JSON)
        return wire_status(ask(ag_method_name(route->method), target, text("{\"%s\":\"%s\"}", field, value)));
    return wire_status(ask(ag_method_name(route->method), text("%s?%s=%s", target, field, value), NULL));
}

static void check(const ag_route *route, const char *prefix, int who, bool refused, int status)
{
    asked++;
    bool fits = refused ? status == (who < 0 ? 401 : 403) : status != 401 && status != 403;
    if (!fits)
        fail_msg("%s %s%s as %s gave %d", ag_method_name(route->method), prefix, route->path,
                 who < 0 ? "nobody" : people[who], status);
}

/* Who is refused; -1 is somebody without a name. */
static bool is_refused(const ag_rule *rule, int who)
{
    if (rule->may == AG_MAY_PUBLIC || who == 4) return false;
    if (who < 0 || rule->may == AG_MAY_ADMIN) return true;
    return rule->may == AG_MAY_ROLE && who < (int)rule->role;
}

/* What ends the things that others are asked about, or is for oneself alone, or never ends. */
static bool is_skipped(const ag_route *route)
{
    return route->gives == AG_GIVES_EVENTS || route->rule.may == AG_MAY_USER || strstr(route->path, "delete") ||
           strstr(route->path, "rename") || strstr(route->path, "permissions") || strstr(route->path, "/users/") ||
           route->method == AG_METHOD_DELETE;
}

static void check_all(bool refusals)
{
    static const char *const once[] = {"", NULL};
    ag_route_groups groups = ag_route_groups_all();
    for (size_t i = 0; i < groups.count; i++) {
        const ag_route_group *group = groups.items[i];
        for (const char *const *prefix = group->prefixes ? group->prefixes : once; *prefix; prefix++) {
            for (size_t k = 0; k < group->count; k++) {
                const ag_route *route = &group->routes[k];
                for (int who = -1; who < 5; who++) {
                    bool refused = is_refused(&route->rule, who);
                    if (refused != refusals || (!refused && is_skipped(route))) continue;
                    check(route, *prefix, who, refused, ask_as(route, *prefix, who));
                }
            }
        }
    }
}

AG_TEST(test_matrix__every_role_on_every_route_with_a_ledger)
{
    talk_begin_with(true);
    run = NULL;
    make_things();
    make_people();
    check_all(true);
    check_all(false);
    assert_true(asked > 500);
    talk_end();
}
