// SPDX-License-Identifier: Apache-2.0
/* The fused mixers against the single operations that they stand for: outputs, loss and every parameter's gradient. */
#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "learn/nn/golden.h"

/* A bias before a softmax or a norm has no gradient but what rounding leaves of terms that cancel, 1e-8 to 5e-8: that
 * is measured by what other gradients are. */
static void compare(const char *what, const ag_real *a, const ag_real *b, int64_t count)
{
    double most = 0.0, worst = 0.0;
    for (int64_t i = 0; i < count; i++) {
        most = fmax(most, fabs((double)b[i]));
        worst = fmax(worst, fabs((double)a[i] - (double)b[i]));
    }
    if (!(worst <= (AG_REAL_IS_DOUBLE ? 1e-11 : 2e-5) * fmax(most, 4e-3)))
        fail_msg("%s: fused and single operations differ by %g where the largest is %g", what, worst, most);
}

static void compare_blocks(const ag_patchtsmixer *config)
{
    golden_run fused = golden_compute(config, true, false, NULL), single = golden_compute(config, true, true, NULL);
    golden_run predicted = golden_compute(config, false, false, NULL); /* nothing is kept: other ways through a tile */
    const ag_graph *graph = single.model->graph;
    assert_true(ag_graph_nodes(fused.model->graph) < ag_graph_nodes(graph));
    assert_int_equal(ag_graph_parameters(fused.model->graph), ag_graph_parameters(graph));
    for (int32_t i = 0; i < ag_graph_outputs(graph); i++) {
        const ag_graph_port *port = ag_graph_output_at(graph, i);
        compare(port->name, golden_output(&fused, port->name), single.outputs[i], port->size);
        compare(port->name, golden_output(&predicted, port->name), single.outputs[i], port->size);
    }
    ag_check_near(fused.loss, single.loss, 1e-6, "loss");
    for (int32_t p = 0; p < ag_graph_parameters(graph); p++) {
        const ag_parameter *row = ag_graph_parameter_at(graph, p);
        int32_t at = ag_graph_parameter_find(fused.model->graph, row->name);
        if (at < 0) fail_msg("%s is no parameter of the fused model", row->name);
        compare(row->name, fused.gradient + ag_graph_parameter_at(fused.model->graph, at)->offset,
                single.gradient + row->offset, row->size);
    }
    golden_run_free(&fused);
    golden_run_free(&single);
    golden_run_free(&predicted);
}

AG_TEST(test_patchtsmixer_blocks__are_the_single_operations)
{
    ag_patchtsmixer c = golden_small();
    for (int bits = 0; bits < 16; bits++) {
        c.mode = bits & 1;
        c.gated_attn = bits & 2;
        c.self_attn = bits & 4;
        c.expansion_factor = bits & 8 ? 3 : 2;
        compare_blocks(&c);
    }
}

AG_TEST(test_patchtsmixer_blocks__are_the_single_operations_at_full_size)
{
    ag_patchtsmixer c = golden_drilling();
    c.num_layers = 1;
    compare_blocks(&c);
}

static void fill_mask(const char *input, ag_real *values, int64_t samples, int64_t size)
{
    if (strcmp(input, "observed_mask") != 0) return;
    for (int64_t i = 0; i < samples * size; i++) values[i] = golden_number(3, (uint64_t)i) > -0.5 ? 1 : 0;
}

static void build(ag_graph *graph, const void *config)
{
    ag_architecture_patchtsmixer.build(graph, config, &(ag_building){.loss = true});
}

AG_TEST(test_patchtsmixer_blocks__gradients_with_dropout_agree_with_differences)
{
    ag_patchtsmixer c = golden_small();
    c.num_layers = 1;
    c.dropout = 0.2;
    c.head_dropout = 0.3;
    ag_check_graph(&(ag_check){.build = build,
                               .config = &c,
                               .samples = 3,
                               .most = 4,
                               .float_tolerance = 1e-3,
                               .fill = fill_mask,
                               .constant = "observed_mask"});
}
