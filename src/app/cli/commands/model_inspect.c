// SPDX-License-Identifier: Apache-2.0
/* model_inspect.c: what a model is made of. Everything is read from the tables that also run it: the graph's nodes, its
 * parameters, the plan's memory; the file's tensors are looked at where they lie. A file of tensors without a
 * configuration has no graph: then its tensors are all there is to show. */
#include <math.h>
#include <string.h>

#include "app/cli/invocation.h"
#include "core/doc/json.h"
#include "core/show/table.h"
#include "core/show/text.h"
#include "learn/nn/checkpoint/compare.h"
#include "learn/nn/checkpoint/pretrained.h"
#include "learn/nn/plan.h"
#include "learn/nn/results.h"

static const ag_option options[] = {
    {.name = "all", .letter = 'a', .type = AG_OPTION_FLAG, .doc = "Every operation and every tensor, not blocks"},
    {.name = "batch",
     .type = AG_OPTION_INT,
     .fallback = "32",
     .min = 1,
     .max = 1000000,
     .doc = "Samples of a batch, for the memory that training takes"},
};

static const ag_option positionals[] = {
    {.name = "MODEL", .type = AG_OPTION_PATH, .required = true, .doc = "A model's directory or .safetensors file"},
};

static const ag_example examples[] = {
    {"model inspect exit-model", "Layers, shapes, parameters, work and memory"},
    {"model inspect exit-model --all", "The same down to each operation and tensor"},
    {"model inspect weights.safetensors --json", "For a program"},
    {NULL, NULL},
};

typedef struct inspection {
    ag_invocation *invocation;
    ag_model_files files;
    ag_graph *graph; /* NULL: tensors only */
    int64_t batch;
    int64_t forward_bytes, training_bytes; /* -1: not known */
    int64_t parameters, trainable, state, not_finite;
    ag_table *table;
} inspection;

static int64_t plan_bytes(const ag_graph *graph, bool training, int64_t batch)
{
    ag_plan_options planned = {
        .gradients = training, .training = training, .loss = training, .outputs = !training, .max_samples = batch};
    ag_plan *plan = NULL;
    if (ag_plan_new(graph, &planned, &plan, NULL) < 0) return -1;
    int64_t bytes = ag_plan_bytes(plan, 1);
    ag_plan_free(plan);
    return bytes;
}

static int64_t training_bytes(const inspection *s)
{
    static const ag_building with_loss = {.loss = true};
    ag_graph *graph = NULL;
    const ag_model_config *config = &s->files.config;
    if (ag_architecture_graph(config->architecture, config->values, &with_loss, &graph, NULL) < 0) return -1;
    int64_t bytes = plan_bytes(graph, true, s->batch);
    ag_graph_free(graph);
    return bytes;
}

static int build(inspection *s, ag_err *err)
{
    static const ag_building forward;
    int rc = ag_model_files_graph(&s->files, &forward, &s->graph, err);
    if (rc < 0) return rc;
    s->forward_bytes = plan_bytes(s->graph, false, 1);
    s->training_bytes = training_bytes(s);
    for (int32_t i = 0; i < ag_graph_parameters(s->graph); i++) {
        const ag_parameter *row = ag_graph_parameter_at(s->graph, i);
        if (row->state)
            s->state += row->size;
        else
            s->parameters += row->size;
        if (row->trainable && !row->state) s->trainable += row->size;
    }
    return 0;
}

/* Tells of weights that make a model useless, which every other command refuses. */
static void look_at_weights(inspection *s)
{
    const ag_safetensors *tensors = s->files.tensors;
    const char *first = NULL;
    size_t bad = 0;
    for (size_t i = 0; i < tensors->count; i++) {
        int64_t here = ag_tensor_summarise(&tensors->tensors[i]).not_finite;
        if (here && !bad++) first = tensors->tensors[i].name;
        s->not_finite += here;
    }
    if (bad)
        ag_note(s->invocation,
                "%lld numbers are not finite, in %zu of %zu tensors, the first of them '%s': no command "
                "takes this model",
                (long long)s->not_finite, bad, tensors->count, first);
}

static int open_files(inspection *s, const char *path, ag_err *err)
{
    ag_file_info info;
    int rc = ag_file_stat(path, &info, err);
    if (rc < 0) return rc;
    rc = ag_model_files_open(s->invocation->arena, path, &s->files, err);
    if (rc >= 0) return build(s, err);
    if (info.is_directory || rc != AG_ENOTFOUND) return rc;
    ag_note(s->invocation, "no configuration: only the tensors are shown");
    s->files.weights = path;
    s->files.size = info.size;
    if ((rc = ag_safetensors_open(path, &s->files.tensors, err)) < 0) return rc;
    for (size_t i = 0; i < s->files.tensors->count; i++) s->parameters += s->files.tensors->tensors[i].count;
    return 0;
}

static int open_model(inspection *s, const char *path, ag_err *err)
{
    int rc = open_files(s, path, err);
    if (rc >= 0) look_at_weights(s);
    return rc;
}

/* ---- layers ---- */

/* Nodes of one block are shown as one row: the path up to what follows the layer's number ("mixers.3.patch_mixer"), or
 * else to its second word. */
static ag_str block_of(const char *name)
{
    const char *mixers = strstr(name, "mixers.");
    const char *from = mixers ? mixers : name;
    int dots = mixers ? 3 : 2;
    size_t i = 0;
    for (; from[i]; i++)
        if (from[i] == '.' && --dots == 0) break;
    return (ag_str){name, (size_t)(from - name) + i};
}

static ag_str row_name(const ag_node *node, bool all)
{
    return all ? ag_str_of(node->name) : block_of(node->name);
}

/* Parameters that this node reads. */
static int64_t node_parameters(const ag_graph *graph, const ag_node *node)
{
    int64_t count = 0;
    for (int k = 0; k < node->inputs; k++) {
        const ag_graph_value *value = node->in[k].index ? ag_graph_value_at(graph, node->in[k]) : NULL;
        if (value && value->source == AG_FROM_PARAMETER) count += value->size;
    }
    return count;
}

static int add_layer(inspection *s, ag_str name, const ag_node *last, int32_t nodes, int64_t parameters, double cost,
                     ag_err *err)
{
    char shape[AG_SHAPE_TEXT];
    ag_buf flop;
    ag_buf_init(&flop, 64);
    ag_show_count(&flop, cost);
    int rc = ag_table_addf(s->table, AG_STYLE_PLAIN, err, "%.*s", AG_STR_ARG(name));
    if (rc >= 0)
        rc = nodes > 1 ? ag_table_addf(s->table, AG_STYLE_DIM, err, "%d operations", nodes)
                       : ag_table_add(s->table, AG_STYLE_DIM, last->op->name, err);
    if (rc >= 0) rc = ag_table_add(s->table, AG_STYLE_PLAIN, ag_shape_format(&last->out_shape[0], shape), err);
    if (rc >= 0) rc = ag_table_addf(s->table, AG_STYLE_PLAIN, err, "%lld", (long long)parameters);
    if (rc >= 0) rc = ag_table_add(s->table, AG_STYLE_PLAIN, flop.data, err);
    ag_buf_deinit(&flop);
    return rc;
}

static int fill_layers(inspection *s, bool all, ag_err *err)
{
    int32_t count = ag_graph_nodes(s->graph);
    for (int32_t i = 0; i < count;) {
        ag_str name = row_name(ag_graph_node(s->graph, i), all);
        int32_t from = i;
        int64_t parameters = 0;
        double cost = 0.0;
        for (; i < count; i++) {
            const ag_node *node = ag_graph_node(s->graph, i);
            if (i > from && (all || !ag_str_equal(name, row_name(node, all)))) break;
            parameters += node_parameters(s->graph, node);
            cost += node->op->cost(node);
        }
        int rc = add_layer(s, name, ag_graph_node(s->graph, i - 1), i - from, parameters, cost, err);
        if (rc < 0) return rc;
    }
    return 0;
}

static int fill_tensors(inspection *s, bool all, ag_err *err)
{
    char shape[AG_SHAPE_TEXT];
    (void)all;
    for (size_t i = 0; i < s->files.tensors->count; i++) {
        const ag_tensor *tensor = &s->files.tensors->tensors[i];
        ag_tensor_summary summary = ag_tensor_summarise(tensor);
        int rc = ag_table_add(s->table, AG_STYLE_PLAIN, tensor->name, err);
        if (rc >= 0) rc = ag_table_add(s->table, AG_STYLE_PLAIN, ag_dtype_name(tensor->dtype), err);
        if (rc >= 0) rc = ag_table_add(s->table, AG_STYLE_PLAIN, ag_shape_format(&tensor->shape, shape), err);
        if (rc >= 0) rc = ag_table_addf(s->table, AG_STYLE_PLAIN, err, "%.4g", summary.mean);
        if (rc >= 0) rc = ag_table_addf(s->table, AG_STYLE_PLAIN, err, "%.4g", summary.deviation);
        if (rc >= 0) rc = ag_table_addf(s->table, AG_STYLE_PLAIN, err, "%.4g", summary.least);
        if (rc >= 0) rc = ag_table_addf(s->table, AG_STYLE_PLAIN, err, "%.4g", summary.greatest);
        if (rc >= 0)
            rc = ag_table_addf(s->table, summary.not_finite ? AG_STYLE_BAD : AG_STYLE_DIM, err, "%lld",
                               (long long)summary.not_finite);
        if (rc < 0) return rc;
    }
    return 0;
}

static int show_table(inspection *s, const ag_column *columns, size_t count, int (*fill)(inspection *, bool, ag_err *),
                      bool all, ag_err *err)
{
    const ag_output *out = s->invocation->out;
    ag_buf text;
    ag_buf_init(&text, (size_t)64 << 20);
    int rc = ag_table_new(columns, count, &s->table, err);
    if (rc >= 0) rc = fill(s, all, err);
    if (rc >= 0)
        rc = ag_table_write(s->table, AG_TABLE_TERMINAL, out->is_terminal ? (unsigned)out->columns : 0, out->color,
                            &text, err);
    if (rc >= 0) ag_print_str(s->invocation, ag_buf_str(&text));
    ag_table_free(s->table);
    s->table = NULL;
    ag_buf_deinit(&text);
    return rc;
}

/* ---- text ---- */

static void print_size(ag_invocation *invocation, const char *what, double bytes)
{
    ag_buf text;
    ag_buf_init(&text, 64);
    ag_show_bytes(&text, bytes);
    ag_print(invocation, "%s%s\n", what, bytes < 0 ? "not known" : text.data ? text.data : "");
    ag_buf_deinit(&text);
}

static ag_predictive predictive_of(const inspection *s)
{
    return ag_predictive_of(s->files.config.architecture, s->files.config.values);
}

static void print_ports(const inspection *s)
{
    char shape[AG_SHAPE_TEXT];
    for (int32_t i = 0; i < ag_graph_inputs(s->graph); i++) {
        const ag_graph_port *port = ag_graph_input_at(s->graph, i);
        ag_print(s->invocation, "input       %s %s%s\n", port->name, ag_shape_format(&port->shape, shape),
                 port->optional ? " (optional)" : "");
    }
    for (int32_t i = 0; i < ag_graph_outputs(s->graph); i++) {
        const ag_graph_port *port = ag_graph_output_at(s->graph, i);
        ag_print(s->invocation, "output      %s %s\n", port->name, ag_shape_format(&port->shape, shape));
    }
    ag_predictive predictive = predictive_of(s);
    if (predictive.distribution)
        ag_print(s->invocation, "computed    mean, quantile:Q, samples:N of %s\n", predictive.distribution->name);
}

static void print_config(const inspection *s)
{
    const ag_model_config *config = &s->files.config;
    ag_print(s->invocation, "type        %s: %s\n", config->architecture->name, config->architecture->doc);
    for (size_t i = 0; i < config->unknown_count; i++)
        ag_print(s->invocation, "%s%s%s", i ? ", " : "not known   ", config->unknown[i],
                 i + 1 == config->unknown_count ? "\n" : "");
}

static int print_text(inspection *s, ag_err *err)
{
    static const ag_column layers[] = {{.title = "layer", .min_width = 20},
                                       {.title = "operation", .priority = 1},
                                       {.title = "output"},
                                       {.title = "parameters", .align = AG_ALIGN_RIGHT},
                                       {.title = "FLOP", .align = AG_ALIGN_RIGHT}};
    static const ag_column tensors[] = {{.title = "tensor", .min_width = 20},
                                        {.title = "type"},
                                        {.title = "shape"},
                                        {.title = "mean", .align = AG_ALIGN_RIGHT},
                                        {.title = "deviation", .align = AG_ALIGN_RIGHT, .priority = 1},
                                        {.title = "least", .align = AG_ALIGN_RIGHT, .priority = 2},
                                        {.title = "greatest", .align = AG_ALIGN_RIGHT, .priority = 2},
                                        {.title = "not finite", .align = AG_ALIGN_RIGHT}};
    bool all = ag_option_flag(s->invocation, "all");
    ag_buf work;
    ag_buf_init(&work, 64);
    ag_print(s->invocation, "file        %s\n", s->files.weights);
    print_size(s->invocation, "size        ", (double)s->files.size);
    if (s->graph) {
        print_config(s);
        print_ports(s);
        ag_print(s->invocation, "parameters  %lld, %lld of them trained\n", (long long)s->parameters,
                 (long long)s->trainable);
        ag_show_count(&work, ag_graph_cost(s->graph));
        ag_print(s->invocation, "work        %s FLOP for one sample forward\n", work.data ? work.data : "");
        print_size(s->invocation, "memory      one sample: ", (double)s->forward_bytes);
        ag_print(s->invocation, "            training with batch %lld: ", (long long)s->batch);
        print_size(s->invocation, "", (double)s->training_bytes);
    } else {
        ag_print(s->invocation, "numbers     %lld in %zu tensors\n", (long long)s->parameters, s->files.tensors->count);
    }
    ag_buf_deinit(&work);
    int rc = s->graph ? show_table(s, layers, 5, fill_layers, all, err) : 0;
    if (rc >= 0 && (all || !s->graph)) rc = show_table(s, tensors, 8, fill_tensors, all, err);
    return rc;
}

/* ---- JSON ---- */

static void json_shape(ag_json *json, const ag_shape *shape)
{
    ag_json_name(json, "shape");
    ag_json_begin_array(json);
    for (int i = 0; i < shape->axes; i++) ag_json_int(json, shape->at[i]);
    ag_json_end_array(json);
}

static void json_ports(ag_json *json, const char *name, const ag_graph *graph, int32_t count,
                       const ag_graph_port *(*at)(const ag_graph *, int32_t))
{
    ag_json_name(json, name);
    ag_json_begin_array(json);
    for (int32_t i = 0; i < count; i++) {
        const ag_graph_port *port = at(graph, i);
        ag_json_begin_object(json);
        ag_json_put_text(json, "name", port->name);
        json_shape(json, &port->shape);
        ag_json_put_bool(json, "optional", port->optional);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
}

static void json_layers(ag_json *json, const ag_graph *graph)
{
    ag_json_name(json, "layers");
    ag_json_begin_array(json);
    for (int32_t i = 0; i < ag_graph_nodes(graph); i++) {
        const ag_node *node = ag_graph_node(graph, i);
        ag_json_begin_object(json);
        ag_json_put_text(json, "name", node->name);
        ag_json_put_text(json, "operation", node->op->name);
        json_shape(json, &node->out_shape[0]);
        ag_json_put_int(json, "parameters", node_parameters(graph, node));
        ag_json_put_real(json, "flop", node->op->cost(node));
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
}

static void json_tensors(ag_json *json, const ag_safetensors *tensors)
{
    ag_json_name(json, "tensors");
    ag_json_begin_array(json);
    for (size_t i = 0; i < tensors->count; i++) {
        const ag_tensor *tensor = &tensors->tensors[i];
        ag_tensor_summary summary = ag_tensor_summarise(tensor);
        ag_json_begin_object(json);
        ag_json_put_text(json, "name", tensor->name);
        ag_json_put_text(json, "type", ag_dtype_name(tensor->dtype));
        json_shape(json, &tensor->shape);
        ag_json_put_real(json, "mean", summary.mean);
        ag_json_put_real(json, "deviation", summary.deviation);
        ag_json_put_real(json, "least", summary.least);
        ag_json_put_real(json, "greatest", summary.greatest);
        ag_json_put_int(json, "not_finite", summary.not_finite);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
}

static void json_model(ag_json *json, const inspection *s)
{
    const ag_model_config *config = &s->files.config;
    ag_json_put_text(json, "type", config->architecture->name);
    ag_json_name(json, "config");
    ag_describe_write(config->architecture->configuration, config->values, json);
    ag_json_name(json, "unknown_keys");
    ag_json_begin_array(json);
    for (size_t i = 0; i < config->unknown_count; i++) ag_json_text(json, config->unknown[i]);
    ag_json_end_array(json);
    json_ports(json, "inputs", s->graph, ag_graph_inputs(s->graph), ag_graph_input_at);
    json_ports(json, "outputs", s->graph, ag_graph_outputs(s->graph), ag_graph_output_at);
    ag_predictive predictive = predictive_of(s);
    ag_json_name(json, "distribution");
    predictive.distribution ? ag_json_text(json, predictive.distribution->name) : ag_json_null(json);
    ag_json_put_int(json, "trainable", s->trainable);
    ag_json_put_int(json, "state", s->state);
    ag_json_put_real(json, "flop", ag_graph_cost(s->graph));
    ag_json_name(json, "forward_bytes");
    s->forward_bytes < 0 ? ag_json_null(json) : ag_json_int(json, s->forward_bytes);
    ag_json_name(json, "training_bytes");
    s->training_bytes < 0 ? ag_json_null(json) : ag_json_int(json, s->training_bytes);
    json_layers(json, s->graph);
}

static int print_json(const inspection *s, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, (size_t)256 << 20);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_NONFINITE_NULL);
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "file", s->files.weights);
    ag_json_put_int(&json, "file_bytes", (int64_t)s->files.size);
    ag_json_put_int(&json, "parameters", s->parameters);
    ag_json_put_int(&json, "not_finite", s->not_finite);
    if (s->graph) json_model(&json, s);
    json_tensors(&json, s->files.tensors);
    ag_json_end_object(&json);
    int rc = ag_print_json(s->invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    inspection s = {.invocation = invocation, .batch = ag_option_int(invocation, "batch")};
    int rc = open_model(&s, ag_option_text(invocation, "MODEL"), err);
    if (rc >= 0) rc = ag_wants_json(invocation) ? print_json(&s, err) : print_text(&s, err);
    ag_graph_free(s.graph);
    ag_model_files_close(&s.files);
    return rc;
}

const ag_command ag_command_model_inspect = {
    .path = "model inspect",
    .summary = "Show what a model is made of: layers, shapes, parameters, work, memory",
    .doc =
        "Reads a model's directory (config.json and model.safetensors, as Hugging Face writes them) or one "
        ".safetensors "
        "file, checks it whole, and shows its inputs and outputs, its blocks with their parameters and floating-point "
        "operations, and the memory that predicting and training take with one thread.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
