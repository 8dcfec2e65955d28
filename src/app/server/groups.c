// SPDX-License-Identifier: Apache-2.0
/* groups.c: the list of route groups, in the order of the documentation. A new group is one file with one const struct
 * and one line here. */
#include "app/server/route.h"

#define GROUPS(ROW)                                                                                                    \
    ROW(server)                                                                                                        \
    ROW(page)                                                                                                          \
    ROW(events)                                                                                                        \
    ROW(mlflow_experiments)                                                                                            \
    ROW(mlflow_runs)                                                                                                   \
    ROW(mlflow_metrics)                                                                                                \
    ROW(mlflow_artifacts)                                                                                              \
    ROW(mlflow_files)                                                                                                  \
    ROW(mlflow_multipart)                                                                                              \
    ROW(mlflow_proxy)                                                                                                  \
    ROW(mlflow_models)                                                                                                 \
    ROW(mlflow_versions)                                                                                               \
    ROW(mlflow_logged_models)                                                                                          \
    ROW(mlflow_webhooks)                                                                                               \
    ROW(mlflow_users)                                                                                                  \
    ROW(mlflow_permissions)                                                                                            \
    ROW(mlflow_server)

#define DECLARE(name) extern const ag_route_group ag_route_group_##name;
GROUPS(DECLARE)

#define REFER(name) &ag_route_group_##name,
static const ag_route_group *const groups[] = {GROUPS(REFER)};

ag_route_groups ag_route_groups_all(void)
{
    return (ag_route_groups){groups, sizeof(groups) / sizeof(groups[0])};
}
