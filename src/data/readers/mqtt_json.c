// SPDX-License-Identifier: Apache-2.0
/* mqtt_json.c: a hole from the messages that a drilling unit publishes: the trace (samples), the result (steps and
 * their stop codes), and what is known of head, tool, box and motor, each a message of its own; or the older form with
 * all of it in one. A message is an object whose payload maps long node names to values; only the part behind the
 * device's name counts, and a last ".MeasuredValue" does not. One step gives bare numbers, several give arrays.
 *
 * Numbers are thousandths in the machine, so that the nearest thousandth of a double is exact. Messages have no idle
 * currents per sample (the result has them per step) and no stop codes among the samples: the former are spread over
 * the rows of their step, the latter stand in the runs of the hole. Whole messages are parsed into the arena: a hole of
 * 10,000 rows takes a few MB for a moment. */
#include <math.h>
#include <string.h>

#include "core/doc/json.h"
#include "core/sys/clock.h"
#include "data/reader.h"

typedef struct leaf { /* a path and what it is */
    const char *path;
    int id;
} leaf;

static const leaf header_leaves[] = {
    {"ResultMetaData.CreationTime", AG_HEADER_DATE},
    {"ResultMetaData.SerialNumber", AG_HEADER_MOTOR_SERIAL},
    {"ResultMetaData.CustomerInformation", AG_HEADER_HEAD_CUSTOMER},
    {"ResultMetaData.InternalRecipeType", AG_HEADER_PSET_TYPE},
    {"ResultMetaData.InternalRecipeId", AG_HEADER_PSET_NUMBER},
    {"ResultMetaData.InternalRecipeVersion", AG_HEADER_PSET_VERSION},
    {"ResultMetaData.ResultId", AG_HEADER_HEAD_GLOBAL_COUNTER},
    {"ResultMetaData.ResultEvaluation", AG_HEADER_CYCLE_OK},
    {"ResultMetaData.Distance", AG_HEADER_DISTANCE},
    {"ResultMetaData.JobId", AG_HEADER_CYCLE_ID},
    {"ResultMetaData.Version", AG_HEADER_VERSION},
    {"ResultMetaData.SampleRate", AG_HEADER_SAMPLE_RATE},
    {"ResultContent.OverallResultValues.CycleTime", AG_HEADER_CYCLE_TIME},
    {"Heads.0.Identification.DefaultInstanceBrowseName", AG_HEADER_HEAD_NAME},
    {"Heads.0.Identification.Model", AG_HEADER_HEAD_TYPE},
    {"Heads.0.Identification.SerialNumber", AG_HEADER_HEAD_TAG},
    {"Heads.0.Identification.CustomerInformation", AG_HEADER_HEAD_CUSTOMER},
    {"Heads.0.LifetimeCounters.0.LifeTimeCycleCounter", AG_HEADER_HEAD_GLOBAL_COUNTER},
    {"CuttingTools.0.OperationCounters.OperationCycleCounter", AG_HEADER_HEAD_LOCAL_COUNTER},
    {"CuttingTools.0.OperationCounters.OperationCycleCounter2", AG_HEADER_HEAD_LOCAL_COUNTER_2},
    {"Servos.0.Identification.DefaultInstanceBrowseName", AG_HEADER_MOTOR_NAME},
    {"Servos.0.Identification.Model", AG_HEADER_MOTOR_TYPE},
    {"Servos.0.Identification.ProductCode", AG_HEADER_MOTOR_STSE},
    {"Servos.0.OperationCounters.OperationDuration", AG_HEADER_MOTOR_OPERATION},
    {"Tools.0.Identification.SerialNumber", AG_HEADER_MOTOR_SERIAL},
    {"Tools.0.Parameters.CycleParameters.MaximumCyclesLimit2", AG_HEADER_MAX_CYCLES_2},
    {"Tools.0.Parameters.CycleParameters.CCPressure", AG_HEADER_CC_PRESSURE},
    {"Tools.0.Parameters.CycleParameters.MaximumStroke", AG_HEADER_MAX_STROKE},
    {"Tools.0.Parameters.CycleParameters.VacuumDelay", AG_HEADER_VACUUM_DELAY},
    {"Tools.0.Parameters.CycleParameters.VacuumFlowRate", AG_HEADER_VACUUM_FLOW},
    {"Tools.0.Parameters.CycleParameters.RetractRotationSpeed", AG_HEADER_RETRACT_ROTATION},
    {"Tools.0.Parameters.CycleParameters.RetractFeed", AG_HEADER_RETRACT_FEED},
    {"Tools.0.Parameters.CycleParameters.DisableAbort", AG_HEADER_DISABLE_ABORT},
    {"Tools.0.Parameters.CycleParameters.ToolBreakageStatus", AG_HEADER_BREAKAGE_ENABLED},
    {"Tools.0.Parameters.CycleParameters.ToolBreakageDEP", AG_HEADER_BREAKAGE_DEPTH},
    {"Tools.0.Parameters.CycleParameters.ToolBreakageThrust", AG_HEADER_BREAKAGE_THRUST},
    {"Tools.0.Parameters.CycleParameters.ToolBreakageTorque", AG_HEADER_BREAKAGE_TORQUE},
    {"Controllers.0.Identification.DefaultInstanceBrowseName", AG_HEADER_BOX_NAME},
    {"Controllers.0.Identification.Model", AG_HEADER_BOX_TYPE},
    {"Controllers.0.Identification.SerialNumber", AG_HEADER_BOX_SERIAL},
    {"Controllers.0.Identification.SoftwareRevision", AG_HEADER_FIRMWARE},
    {"Controllers.0.Identification.ProductCode", AG_HEADER_BOX_STSE},
    {"Controllers.0.Identification.CustomerInformation", AG_HEADER_BOX_CUSTOMER},
    {"Controllers.0.Identification.HardwareRevision", AG_HEADER_BOX_RELEASE},
    {"Controllers.0.Identification.InitialOperationDate", AG_HEADER_BOX_PRODUCED},
    {"Controllers.0.Maintenance.Service.LastService", AG_HEADER_BOX_MAINTAINED},
    {"Controllers.0.OperationCounters.OperationDuration", AG_HEADER_BOX_OPERATION},
    {"Controllers.0.Parameters.ProgramCode.MicropeckOscillation", AG_HEADER_MICROPECK_OSCILLATIONS},
    {"Controllers.0.Parameters.ProgramCode.MicropeckAmplitude", AG_HEADER_MICROPECK_AMPLITUDE},
    {"Controllers.0.Parameters.ProgramCode.PowerSupplyLimit", AG_HEADER_BOX_POWER_LIMIT},
    {"Controllers.0.Parameters.ProgramCode.LubricationPumpCoefficient", AG_HEADER_BOX_LUB_PUMP},
    {"Controllers.0.Parameters.ProgramCode.ParameterSetDefaultSelection", AG_HEADER_BOX_DEFAULT_PSET},
};

/* Behind "StepResultValues.". */
static const leaf result_leaves[] = {
    {"StepNumber", AG_RESULT_STEP},
    {"StopCode", AG_RESULT_STOP_CODE},
    {"Duration", AG_RESULT_DURATION},
    {"M1Distance", AG_RESULT_DISTANCE_M1},
    {"M2Distance", AG_RESULT_DISTANCE_M2},
    {"M1MaxAmperage", AG_RESULT_M1_MAX},
    {"M2MaxAmperage", AG_RESULT_M2_MAX},
    {"IntensityTorqueEmpty", AG_RESULT_M1_NO_LOAD},
    {"IntensityThrustEmpty", AG_RESULT_M2_NO_LOAD},
    {"GapMax", AG_RESULT_GAP_MAX},
};

/* Behind "StepTraces.", and those of the older form behind "StepResultValues.". */
static const leaf trace_leaves[] = {
    {"PositionTrace.StepTraceContent[0].Values", AG_CHANNEL_POSITION},
    {"IntensityTorqueTrace.StepTraceContent[0].Values", AG_CHANNEL_TORQUE},
    {"IntensityThrustTrace.StepTraceContent[0].Values", AG_CHANNEL_THRUST},
    {"StepNumberTrace.StepTraceContent[0].Values", AG_CHANNEL_STEP},
    {"PowerTrace.StepTraceContent[0].Values", AG_CHANNEL_POWER},
    {"GapLengthTrace.StepTraceContent[0].Values", AG_CHANNEL_GAP},
};
static const leaf old_leaves[] = {
    {"Position", AG_CHANNEL_POSITION},
    {"Torque", AG_CHANNEL_TORQUE},
    {"Thrust", AG_CHANNEL_THRUST},
    {"TorqueEmpty", AG_CHANNEL_TORQUE_EMPTY},
    {"ThrustEmpty", AG_CHANNEL_THRUST_EMPTY},
    {"StepNb", AG_CHANNEL_STEP},
    {"TorquePower", AG_CHANNEL_POWER},
    {"GapLength", AG_CHANNEL_GAP},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef struct gathered { /* what the payloads hold, by its meaning */
    ag_hole_source *source;
    ag_hole *hole;
    const ag_value *header[AG_HEADER_COUNT];
    const ag_value *result[AG_RESULT_COUNT];
    const ag_value *trace[AG_CHANNEL_COUNT];
    const ag_value *result_id; /* of the result */
    const ag_value *trace_id;  /* of the trace */
    const ag_value *sampling;
    size_t rows;
} gathered;

static int find_leaf(const leaf *leaves, size_t count, ag_str path)
{
    for (size_t i = 0; i < count; i++)
        if (ag_str_is(path, leaves[i].path)) return leaves[i].id;
    return -1;
}

/* The text behind `marker`; false when it is not there. */
static bool behind(ag_str name, const char *marker, ag_str *out)
{
    size_t at = ag_str_find(name, ag_str_of(marker), 0);
    if (at == SIZE_MAX) return false;
    at += strlen(marker);
    *out = ag_str_slice(name, at, name.size - at);
    return true;
}

static bool is_set(const ag_value *value)
{
    return value && value->kind != AG_NULL;
}

static void take_value(gathered *g, ag_str name, const ag_value *value)
{
    static const ag_str suffix = {".MeasuredValue", 14};
    ag_str path;
    int id;
    if (ag_str_ends(name, suffix)) name.size -= suffix.size;
    if (behind(name, ".StepTraces.", &path)) {
        id = find_leaf(trace_leaves, COUNT(trace_leaves), path);
        if (id >= 0) g->trace[id] = value;
        if (ag_str_is(path, "PositionTrace.StepResultId")) g->trace_id = value;
        if (ag_str_is(path, "PositionTrace.SamplingInterval")) g->sampling = value;
    } else if (behind(name, ".StepResultValues.", &path)) {
        id = find_leaf(result_leaves, COUNT(result_leaves), path);
        if (id >= 0) g->result[id] = value;
        id = find_leaf(old_leaves, COUNT(old_leaves), path);
        if (id >= 0 && value->kind == AG_ARRAY) g->trace[id] = value;
    } else if (behind(name, "ResultManagement.Results.0.", &path) || behind(name, "AssetManagement.Assets.", &path)) {
        id = find_leaf(header_leaves, COUNT(header_leaves), path);
        if (id >= 0 && !is_set(g->header[id])) g->header[id] = value;
        if (ag_str_is(path, "ResultMetaData.ResultId")) g->result_id = value;
    }
}

static void take_message(gathered *g, const ag_value *message)
{
    const ag_value *payload = ag_value_get(ag_value_get(message, "Messages"), "Payload");
    for (size_t i = 0; payload && payload->kind == AG_OBJECT && i < payload->object.count; i++) {
        const ag_member *member = &payload->object.members[i];
        const ag_value *value = ag_value_get(&member->value, "Value");
        if (value) take_value(g, member->name, value);
    }
}

static int parse(gathered *g, ag_str bytes, const ag_value **out, ag_err *err)
{
    ag_json_options options = {.file = g->source->name, .max_bytes = (size_t)256 << 20, .max_values = 50000000};
    return ag_json_parse(g->hole->arena, bytes, &options, out, err);
}

static int take_text(gathered *g, ag_str bytes, ag_err *err)
{
    const ag_value *root;
    int rc = parse(g, bytes, &root, err);
    if (rc < 0) return rc;
    if (root->kind != AG_ARRAY) take_message(g, root);
    for (size_t i = 0; root->kind == AG_ARRAY && i < root->array.count; i++) take_message(g, &root->array.items[i]);
    return AG_OK;
}

/* Integer and text forms of one id are the same id. */
static bool same_id(const ag_value *a, const ag_value *b)
{
    ag_str text;
    int64_t x = 0, y = 0;
    bool left = ag_value_int(a, &x) || (ag_value_string(a, &text) && ag_str_to_int(text, &x));
    bool right = ag_value_int(b, &y) || (ag_value_string(b, &text) && ag_str_to_int(text, &y));
    return left && right ? x == y : ag_value_equal(a, b);
}

/* A companion that cannot be read or belongs to another hole is left out, with a flaw. */
static int take_companion(gathered *g, ag_str bytes, ag_err *err)
{
    ag_flaw flaw = {.rule = "F20", .row = SIZE_MAX};
    gathered other = {.source = g->source, .hole = g->hole};
    ag_err reason = {0};
    int rc = take_text(&other, bytes, &reason);
    if (rc == AG_ENOMEM) return ag_fail_memory(err, bytes.size);
    if (rc < 0)
        return ag_flaw_add(&g->hole->flaws, g->hole->arena, &flaw, err, "a message beside it cannot be read: %s",
                           reason.text);
    if (is_set(other.result_id) && is_set(g->trace_id) && !same_id(other.result_id, g->trace_id))
        return ag_flaw_add(&g->hole->flaws, g->hole->arena, &flaw, err, "the result beside it is of another hole");
    for (size_t i = 0; i < AG_HEADER_COUNT; i++)
        if (!is_set(g->header[i])) g->header[i] = other.header[i];
    for (size_t i = 0; i < AG_RESULT_COUNT; i++)
        if (!is_set(g->result[i])) g->result[i] = other.result[i];
    return AG_OK;
}

static int text_of(ag_arena *arena, const ag_value *value, ag_str *out, double *number, ag_err *err)
{
    char digits[32];
    int64_t whole;
    *number = NAN;
    *out = (ag_str){"", 0};
    if (ag_value_string(value, out)) {
        *out = ag_str_trim(*out);
        if (!ag_str_to_double(*out, number)) *number = NAN;
        return AG_OK;
    }
    if (value->kind == AG_BOOL) {
        *out = value->boolean ? AG_STR("True") : AG_STR("False");
        return AG_OK;
    }
    if (!ag_value_real(value, number)) return AG_OK;
    size_t size = ag_value_int(value, &whole) ? 0 : ag_double_format(*number, digits);
    if (size == 0) {
        ag_format(digits, sizeof(digits), "%lld", (long long)whole);
        size = strlen(digits);
    }
    out->data = ag_arena_strndup(arena, digits, size);
    out->size = size;
    return out->data ? AG_OK : ag_fail_memory(err, size);
}

/* Seconds since 1970 as text, as the oldest messages give the date, become an ISO date. */
static int fix_date(ag_arena *arena, ag_header_field *field, ag_err *err)
{
    if (field->id != AG_HEADER_DATE || !(field->number > 1e8 && field->number < 1e11)) return AG_OK;
    char iso[40];
    ag_instant_format((int64_t)field->number * AG_SECOND, 0, iso);
    field->text = ag_str_of(ag_arena_strdup(arena, iso));
    return field->text.data ? AG_OK : ag_fail_memory(err, sizeof(iso));
}

static int make_fields(gathered *g, ag_err *err)
{
    ag_hole *hole = g->hole;
    hole->fields = ag_arena_array(hole->arena, AG_HEADER_COUNT, sizeof(*hole->fields));
    if (!hole->fields) return ag_fail_memory(err, AG_HEADER_COUNT * sizeof(*hole->fields));
    if (!is_set(g->header[AG_HEADER_SAMPLE_RATE])) g->header[AG_HEADER_SAMPLE_RATE] = g->sampling;
    if (!is_set(g->header[AG_HEADER_HEAD_GLOBAL_COUNTER])) g->header[AG_HEADER_HEAD_GLOBAL_COUNTER] = g->trace_id;
    for (int id = 0; id < AG_HEADER_COUNT; id++) {
        if (!is_set(g->header[id])) continue;
        ag_header_field *field = &hole->fields[hole->field_count++];
        *field = (ag_header_field){.section = ag_header_names[id].section,
                                   .id = (ag_header_id)id,
                                   .name = ag_str_of(ag_header_names[id].id),
                                   .line = g->header[id]->line,
                                   .column = g->header[id]->column};
        int rc = text_of(hole->arena, g->header[id], &field->text, &field->number, err);
        if (rc == AG_OK) rc = fix_date(hole->arena, field, err);
        if (rc < 0) return rc;
        if (id == AG_HEADER_VERSION && field->number > 0 && field->number < 1e6) hole->version = (int)field->number;
    }
    return AG_OK;
}

static size_t length_of(const ag_value *value)
{
    return !is_set(value) ? 0 : value->kind == AG_ARRAY ? value->array.count : 1;
}

static int make_results(gathered *g, ag_err *err)
{
    ag_hole *hole = g->hole;
    size_t steps = length_of(g->result[AG_RESULT_STEP]);
    if (steps == 0) steps = length_of(g->result[AG_RESULT_STOP_CODE]);
    hole->results = ag_arena_array(hole->arena, steps, sizeof(*hole->results));
    if (!hole->results) return ag_fail_memory(err, steps * sizeof(*hole->results));
    hole->result_count = steps;
    bool told = false;
    for (size_t id = 0; id < AG_RESULT_COUNT; id++) {
        const ag_value *value = g->result[id];
        size_t length = length_of(value);
        for (size_t i = 0; i < steps; i++) {
            const ag_value *item = i >= length ? NULL : value->kind == AG_ARRAY ? &value->array.items[i] : value;
            if (!ag_value_real(item, &hole->results[i].value[id])) hole->results[i].value[id] = NAN;
        }
        if (length == 0 || length == steps || told) continue;
        told = true;
        ag_flaw flaw = {.rule = "F19", .line = value->line, .column = value->column, .row = SIZE_MAX};
        int rc = ag_flaw_add(&hole->flaws, hole->arena, &flaw, err, "%s has %zu values for %zu steps",
                             ag_result_names[id].id, length, steps);
        if (rc < 0) return rc;
    }
    return AG_OK;
}

static int add_channel(gathered *g, ag_channel_id id, int32_t **values, ag_err *err)
{
    ag_signal *signal = &g->hole->signal;
    *values = ag_arena_array(g->hole->arena, g->rows + 1, sizeof(int32_t));
    if (!*values) return ag_fail_memory(err, (g->rows + 1) * sizeof(int32_t));
    signal->channels[signal->count++] =
        (ag_channel){.id = id, .name = ag_str_of(ag_channel_names[id].id), .values = *values};
    return AG_OK;
}

static int read_channel(gathered *g, ag_channel_id id, ag_err *err)
{
    const ag_value *list = g->trace[id];
    int32_t *values;
    int rc = add_channel(g, id, &values, err);
    if (rc < 0) return rc;
    for (size_t i = 0; i < g->rows; i++) {
        const ag_value *item = &list->array.items[i];
        double number;
        if (item->kind == AG_NULL) { /* a gap that was not measured is none */
            values[i] = id == AG_CHANNEL_GAP ? 0 : AG_SAMPLE_ABSENT;
            continue;
        }
        if (!ag_value_real(item, &number) || !(fabs(number) < 2e6)) {
            g->source->rule = "F6";
            return ag_fail_at(err, AG_EPARSE, g->source->name, item->line, item->column,
                              "F6: sample %zu of %s is %s, no number below 2 million", i + 1, ag_channel_names[id].id,
                              ag_kind_name(item->kind));
        }
        values[i] = (int32_t)lround(number * 1000);
    }
    return AG_OK;
}

/* Without step numbers: a step is where the idle currents stay the same. */
static int guess_steps(gathered *g, ag_err *err)
{
    const ag_value *torque = g->trace[AG_CHANNEL_TORQUE_EMPTY], *thrust = g->trace[AG_CHANNEL_THRUST_EMPTY];
    int32_t *values;
    int rc = add_channel(g, AG_CHANNEL_STEP, &values, err);
    if (rc < 0) return rc;
    int32_t step = 0;
    for (size_t i = 1; i < g->rows; i++) {
        bool changed = (torque && !ag_value_equal(&torque->array.items[i], &torque->array.items[i - 1])) ||
                       (thrust && !ag_value_equal(&thrust->array.items[i], &thrust->array.items[i - 1]));
        step += changed;
        values[i] = step < 1000000 ? step * 1000 : 1000000000;
    }
    ag_flaw flaw = {.rule = "F21", .row = SIZE_MAX};
    return ag_flaw_add(&g->hole->flaws, g->hole->arena, &flaw, err, "no step numbers: %d steps by their idle currents",
                       (int)step + 1);
}

/* Idle currents per step, spread over its rows. */
static int spread(gathered *g, ag_channel_id id, ag_result_id from, ag_err *err)
{
    const ag_hole *hole = g->hole;
    const int32_t *step = NULL;
    int32_t *values;
    for (size_t i = 0; i < hole->signal.count; i++)
        if (hole->signal.channels[i].id == AG_CHANNEL_STEP) step = hole->signal.channels[i].values;
    if (!is_set(g->result[from]) || !step) return AG_OK;
    int rc = add_channel(g, id, &values, err);
    for (size_t row = 0; rc == AG_OK && row < g->rows; row++) {
        values[row] = row > 0 && step[row] == step[row - 1] ? values[row - 1] : 0;
        if (row > 0 && step[row] == step[row - 1]) continue;
        for (size_t i = 0; i < hole->result_count; i++) {
            double amperes = hole->results[i].value[from];
            if (hole->results[i].value[AG_RESULT_STEP] * 1000 == step[row] && fabs(amperes) < 2e6)
                values[row] = (int32_t)lround(amperes * 1000);
        }
    }
    return rc;
}

static int make_signal(gathered *g, ag_err *err)
{
    ag_signal *signal = &g->hole->signal;
    signal->channels = ag_arena_array(g->hole->arena, AG_CHANNEL_COUNT + 2, sizeof(*signal->channels));
    if (!signal->channels) return ag_fail_memory(err, AG_CHANNEL_COUNT * sizeof(*signal->channels));
    signal->rows = g->rows;
    int rc = AG_OK;
    for (int id = 0; rc == AG_OK && id < AG_CHANNEL_COUNT; id++)
        if (g->trace[id]) rc = read_channel(g, (ag_channel_id)id, err);
    if (rc == AG_OK && !g->trace[AG_CHANNEL_STEP]) rc = guess_steps(g, err);
    if (rc == AG_OK && !g->trace[AG_CHANNEL_TORQUE_EMPTY])
        rc = spread(g, AG_CHANNEL_TORQUE_EMPTY, AG_RESULT_M1_NO_LOAD, err);
    if (rc == AG_OK && !g->trace[AG_CHANNEL_THRUST_EMPTY])
        rc = spread(g, AG_CHANNEL_THRUST_EMPTY, AG_RESULT_M2_NO_LOAD, err);
    return rc;
}

/* All traces must be lists of one length; that is the number of rows. */
static int measure(gathered *g, ag_err *err)
{
    int64_t limit = g->source->options ? g->source->options->max_rows : 10000000;
    if (!g->trace[AG_CHANNEL_POSITION])
        return ag_fail_at(err, AG_EPARSE, g->source->name, 0, 0, "there is no trace of the position in this message");
    g->rows = g->trace[AG_CHANNEL_POSITION]->kind == AG_ARRAY ? g->trace[AG_CHANNEL_POSITION]->array.count : 0;
    if (g->rows > (uint64_t)limit)
        return ag_fail_at(err, AG_ELIMIT, g->source->name, 0, 0, "%zu rows are more than the %lld allowed", g->rows,
                          (long long)limit);
    for (int id = 0; id < AG_CHANNEL_COUNT; id++) {
        const ag_value *list = g->trace[id];
        if (!is_set(list)) {
            g->trace[id] = NULL;
            continue;
        }
        if (list->kind == AG_ARRAY && list->array.count == g->rows) continue;
        g->source->rule = "F4";
        return ag_fail_at(err, AG_EPARSE, g->source->name, list->line, list->column,
                          "F4: %s has %zu samples, position has %zu", ag_channel_names[id].id, length_of(list),
                          g->rows);
    }
    return AG_OK;
}

/* The older form tells stop codes without step numbers: they stand in the order of the steps. */
static void number_results(ag_hole *hole)
{
    if (hole->result_count != hole->step_count) return;
    for (size_t i = 0; i < hole->result_count; i++) {
        double *value = hole->results[i].value;
        if (!isnan(value[AG_RESULT_STEP])) continue;
        value[AG_RESULT_STEP] = hole->steps[i].number;
        if (value[AG_RESULT_STOP_CODE] >= 0 && value[AG_RESULT_STOP_CODE] <= 1e9)
            hole->steps[i].stop_code = (int32_t)value[AG_RESULT_STOP_CODE];
    }
}

static int read_messages(ag_hole_source *source, ag_hole *hole, ag_err *err)
{
    gathered g = {.source = source, .hole = hole};
    int rc = take_text(&g, source->bytes, err);
    if (rc == AG_EPARSE) source->rule = "F23";
    for (size_t i = 0; rc == AG_OK && i < source->companion_count; i++)
        rc = take_companion(&g, source->companions[i], err);
    if (rc == AG_OK) rc = measure(&g, err);
    if (rc == AG_OK) rc = make_fields(&g, err);
    if (rc == AG_OK) rc = make_results(&g, err);
    if (rc == AG_OK) rc = make_signal(&g, err);
    if (rc == AG_OK) rc = ag_hole_finish(hole, err);
    if (rc == AG_OK) number_results(hole);
    return rc;
}

static bool holds(ag_str text, const char *part)
{
    return ag_str_find(text, ag_str_of(part), 0) != SIZE_MAX;
}

static int sniff(ag_str beginning)
{
    ag_str text = ag_str_trim(beginning);
    if (text.size == 0 || (text.data[0] != '{' && text.data[0] != '[')) return 0;
    return holds(text, "\"ua-data\"") || holds(text, "\"Payload\"") ? 2 : 0;
}

static bool is_companion(ag_str all)
{
    return !holds(all, ".PositionTrace.") && !holds(all, ".StepResultValues.Position\"");
}

static const char *const endings[] = {".json", NULL};
static const char *const companions[] = {
    "Result.json", "ResultManagement.json", "Heads.json", "CuttingTools.json", "Servos.json",
    "Tools.json",  "Controllers.json",      NULL};

const ag_hole_reader ag_hole_reader_mqtt_json = {
    .name = "mqtt_json",
    .doc =
        "Messages of drilling units (OPC UA over MQTT): a trace with the result, head and other assets beside it, or "
        "the older form of one message",
    .endings = endings,
    .companions = companions,
    .sniff = sniff,
    .is_companion = is_companion,
    .read = read_messages,
};
