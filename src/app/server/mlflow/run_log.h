// SPDX-License-Identifier: Apache-2.0
#pragma once
/* run_log.h: handlers of what a run logs, for the rows in runs.c. Private to the room. */
#include "app/server/route.h"

extern const ag_description ag_log_metric_message, ag_log_pair_message, ag_log_key_message, ag_log_batch_message,
    ag_log_inputs_message, ag_log_outputs_message, ag_log_model_message;

int ag_log_metric(ag_request *request, ag_response *response, ag_err *err);
int ag_log_param(ag_request *request, ag_response *response, ag_err *err);
int ag_log_tag(ag_request *request, ag_response *response, ag_err *err);
int ag_log_delete_tag(ag_request *request, ag_response *response, ag_err *err);
int ag_log_batch(ag_request *request, ag_response *response, ag_err *err);
int ag_log_inputs(ag_request *request, ag_response *response, ag_err *err);
int ag_log_outputs(ag_request *request, ag_response *response, ag_err *err);
int ag_log_model(ag_request *request, ag_response *response, ag_err *err);
