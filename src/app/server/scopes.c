// SPDX-License-Identifier: Apache-2.0
/* scopes.c: from the value of a request's field to the thing that carries permissions. */
#include "app/server/route.h"
#include "ledger/experiment.h"
#include "ledger/run.h"

static int find_experiment(const ag_request *request, ag_str value, ag_resource *kind, ag_str *id, ag_err *err)
{
    (void)request;
    (void)err;
    *kind = AG_RESOURCE_EXPERIMENT;
    *id = value;
    return AG_OK;
}

static int find_experiment_name(const ag_request *request, ag_str value, ag_resource *kind, ag_str *id, ag_err *err)
{
    ag_experiment experiment;
    int rc = ag_experiment_by_name(request->ledger, value, request->arena, &experiment, err);
    if (rc < 0) return rc;
    return find_experiment(request, ag_str_of(experiment.id), kind, id, err);
}

static int find_run(const ag_request *request, ag_str value, ag_resource *kind, ag_str *id, ag_err *err)
{
    ag_run run;
    int rc = ag_run_get(request->ledger, value, request->arena, &run, err);
    if (rc < 0) return rc;
    return find_experiment(request, ag_str_of(run.experiment_id), kind, id, err);
}

static int find_model(const ag_request *request, ag_str value, ag_resource *kind, ag_str *id, ag_err *err)
{
    (void)request;
    (void)err;
    *kind = AG_RESOURCE_MODEL;
    *id = value;
    return AG_OK;
}

static int find_artifact(const ag_request *request, ag_str value, ag_resource *kind, ag_str *id, ag_err *err)
{
    size_t slash = ag_str_find_char(value, '/', 0);
    ag_str first = ag_str_slice(value, 0, slash);
    bool number = first.size > 0 && (first.data[0] != '0' || first.size == 1);
    for (size_t i = 0; i < first.size; i++) number = number && first.data[i] >= '0' && first.data[i] <= '9';
    if (!number) return ag_fail(err, AG_EDENIED, "Permission denied");
    return find_experiment(request, first, kind, id, err);
}

const ag_scope ag_scope_experiment = {"experiment", find_experiment};
const ag_scope ag_scope_experiment_name = {"experiment name", find_experiment_name};
const ag_scope ag_scope_run = {"run", find_run};
const ag_scope ag_scope_model = {"model", find_model};
const ag_scope ag_scope_artifact = {"artifact", find_artifact};
