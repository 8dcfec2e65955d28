// SPDX-License-Identifier: Apache-2.0
/* tabularnet.c: an MLP for tables: numbers as they are, categories as learnt vectors, residual blocks
 * x + W2 relu(W1 norm(x)) as in Gorishniy et al. (2021). The only input is "past_values" [columns]: first the numeric
 * columns, then one column per category with its number. */
#include "learn/nn/models/tabularnet.h"

#include "core/base/str.h"
#include "learn/nn/layers.h"
#include "learn/nn/ops/arrange.h"
#include "learn/nn/ops/dropout.h"
#include "learn/nn/ops/reshape.h"

static const char *const norms[] = {"layer", "batch", NULL};

#define AT(member) offsetof(ag_tabularnet, member)

static const ag_field fields[] = {
    AG_HEAD_FIELDS(ag_tabularnet, head, "regression"),
    {.name = "num_numeric",
     .type = AG_FIELD_INT,
     .offset = AT(num_numeric),
     .fallback = "0",
     .min = 0,
     .max = 1e5,
     .doc = "Columns of numbers."},
    {.name = "category_counts",
     .type = AG_FIELD_LIST,
     .item = AG_FIELD_INT,
     .offset = AT(category_counts),
     .min = 0,
     .max = 1000,
     .nullable = true,
     .doc = "For each column of categories, how many values it has."},
    {.name = "embedding_dim",
     .type = AG_FIELD_INT,
     .offset = AT(embedding_dim),
     .fallback = "0",
     .min = 0,
     .max = 1e4,
     .doc = "Features that a category becomes; 0 takes half of its values, 50 at most."},
    {.name = "hidden_size",
     .type = AG_FIELD_INT,
     .offset = AT(hidden_size),
     .fallback = "128",
     .min = 1,
     .max = 1e5,
     .doc = "Features of a row inside the model."},
    {.name = "num_layers",
     .type = AG_FIELD_INT,
     .offset = AT(num_layers),
     .fallback = "3",
     .min = 0,
     .max = 1000,
     .doc = "Residual blocks."},
    {.name = "expansion_factor",
     .type = AG_FIELD_INT,
     .offset = AT(expansion_factor),
     .fallback = "2",
     .min = 1,
     .max = 1024,
     .doc = "Width of the hidden layer of a block, in widths of the row."},
    {.name = "dropout",
     .type = AG_FIELD_REAL,
     .offset = AT(dropout),
     .fallback = "0.1",
     .min = 0,
     .max = 0.999,
     .doc = "Dropout in blocks, in training."},
    {.name = "norm",
     .type = AG_FIELD_CHOICE,
     .offset = AT(norm),
     .fallback = "layer",
     .choices = norms,
     .doc = "Norm at the beginning of each block."},
};

const ag_description ag_tabularnet_description = {
    .name = "tabularnet",
    .doc = "A network for tables.",
    .size = sizeof(ag_tabularnet),
    .fields = fields,
    .count = sizeof fields / sizeof *fields,
};

/* Columns of categories as vectors behind the numeric ones. */
static ag_ref embed(ag_graph *g, const ag_tabularnet *c, ag_ref columns)
{
    const int64_t *counts = c->category_counts.items;
    int64_t categories = (int64_t)c->category_counts.count;
    if (!categories) return columns;
    ag_ref row = c->num_numeric ? ag_slice_of(g, columns, 0, 0, c->num_numeric) : AG_NO_REF;
    for (int64_t i = 0; i < categories; i++) {
        char name[32];
        if (counts[i] < 1 || counts[i] > 1000000) {
            ag_graph_refuse(g, "category_counts holds %lld: 1 to 1000000 can be", (long long)counts[i]);
            return columns;
        }
        int64_t half = (counts[i] + 1) / 2, width = c->embedding_dim ? c->embedding_dim : half < 50 ? half : 50;
        ag_format(name, sizeof name, "embeddings.%d", (int)i);
        ag_ref one = ag_slice_of(g, columns, 0, c->num_numeric + i, 1);
        one = ag_reshape(g, ag_layer_embedding(g, one, name, counts[i], width), ag_shape_of(width));
        row = row.index ? ag_concat2(g, row, one, 0) : one;
    }
    return row;
}

static ag_ref normed(ag_graph *g, const ag_tabularnet *c, ag_ref x, const char *name)
{
    return c->norm ? ag_layer_batch_norm(g, x, name, 1e-5) : ag_layer_norm_affine(g, x, name, 1e-5);
}

static void build(ag_graph *graph, const void *configuration, const ag_building *building)
{
    const ag_tabularnet *c = configuration;
    ag_heading h = {.graph = graph, .config = &c->head, .building = building};
    int64_t columns = c->num_numeric + (int64_t)c->category_counts.count;
    if (!columns) ag_graph_refuse(graph, "a table needs columns: num_numeric and category_counts are both empty");
    ag_ref x = embed(graph, c, ag_graph_input(graph, "past_values", ag_shape_of(columns)));
    x = ag_layer_linear(graph, x, "first", c->hidden_size, (ag_layer_init){0});
    for (int64_t i = 0; i < c->num_layers; i++) {
        ag_graph_push(graph, "blocks.%d", (int)i);
        ag_ref y = normed(graph, c, x, "norm");
        y = ag_layer_linear(graph, y, "linear1", c->hidden_size * c->expansion_factor, (ag_layer_init){0});
        y = ag_drop(graph, ag_graph_apply1(graph, &ag_op_relu, "relu", y, NULL), c->dropout);
        y = ag_drop(graph, ag_layer_linear(graph, y, "linear2", c->hidden_size, (ag_layer_init){0}), c->dropout);
        x = ag_graph_apply2(graph, &ag_op_add, "residual", y, x, NULL);
        ag_graph_pop(graph);
    }
    x = ag_graph_apply1(graph, &ag_op_relu, "relu", normed(graph, c, x, "norm"), NULL);
    ag_heading_finish_vector(&h, x);
}

const ag_architecture ag_architecture_tabularnet = {
    .name = "tabularnet",
    .doc = "an MLP of residual blocks for tables, with learnt vectors for categories",
    .configuration = &ag_tabularnet_description,
    .build = build,
};
