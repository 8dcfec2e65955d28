// SPDX-License-Identifier: Apache-2.0
/* training.c: a program for test_patchtsmixer.py: trains a saved model for some steps with AdamW and prints the loss of
 * each, so that PyTorch's own curve from the same weights can be laid beside it. Dropout is off, as the test saves it.
 *
 *     training MODEL_DIR X.npy Y.npy LEARNING_RATE CLIP STEPS      x [steps * batch, ...], y likewise: the
 *                                                                  targets, or in pretraining what is hidden */
#include <stdio.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/io/npy.h"
#include "learn/nn/checkpoint/pretrained.h"
#include "learn/nn/exec.h"
#include "learn/nn/optim.h"

typedef struct trainer {
    ag_pretrained *loaded;
    ag_exec *exec;
    ag_optim *optim;
    float *x, *y, *gradient;
    int64_t steps, batch, x_size, y_size;
} trainer;

static int read_array(const char *path, int64_t steps, float **out, int64_t *rows, int64_t *size, ag_err *err)
{
    ag_npy_file file;
    int rc = ag_npy_open(path, &file, err);
    if (rc < 0) return rc;
    *rows = (int64_t)file.array.shape[0] / steps;
    *size = (int64_t)(file.array.count / file.array.shape[0]);
    if (!(*out = ag_alloc_array(file.array.count, sizeof(float))))
        rc = ag_fail_memory(err, file.array.count);
    else
        rc = ag_npy_to_float(&file.array, 0, file.array.count, *out, err);
    ag_npy_close(&file);
    return rc;
}

static int prepare(trainer *t, char **words, ag_err *err)
{
    static const ag_building with_loss = {.loss = true};
    double rate, clip;
    if (!ag_str_to_double(ag_str_of(words[4]), &rate) || !ag_str_to_double(ag_str_of(words[5]), &clip) ||
        !ag_str_to_int(ag_str_of(words[6]), &t->steps) || t->steps < 1)
        return ag_fail(err, AG_EINVAL, "rate, clip and steps are numbers");
    int rc = ag_pretrained_load(words[1], &with_loss, &t->loaded, err);
    if (rc >= 0) rc = read_array(words[2], t->steps, &t->x, &t->batch, &t->x_size, err);
    if (rc >= 0) rc = read_array(words[3], t->steps, &t->y, &t->batch, &t->y_size, err);
    if (rc < 0) return rc;
    const ag_graph *graph = t->loaded->model->graph;
    if (!(t->gradient = ag_alloc_aligned(64, (size_t)(ag_graph_flat_size(graph) + 16) * sizeof(float))))
        return ag_fail_memory(err, 64);
    ag_plan_options plan = {.gradients = true, .training = true, .loss = true, .max_samples = t->batch};
    ag_optim_options adamw = {.optimizer = ag_optimizer_find("adamw"),
                              .learning_rate = rate,
                              .weight_decay = 0.01,
                              .beta1 = 0.9,
                              .beta2 = 0.999,
                              .epsilon = 1e-8,
                              .clip_norm = clip,
                              .decay_biases = true};
    rc = ag_exec_new(graph, &plan, t->loaded->model->values, NULL, NULL, &t->exec, err);
    return rc < 0 ? rc : ag_optim_new(graph, &adamw, &t->optim, err);
}

static int step(trainer *t, int64_t number, ag_err *err)
{
    static const char *const targets[] = {"future_values", "target_values", "mask"};
    const char *target = NULL;
    for (int i = 0; i < 3 && !target; i++)
        if (ag_graph_input_find(t->loaded->model->graph, targets[i]) >= 0) target = targets[i];
    int rc = ag_exec_input(t->exec, "past_values", t->x + number * t->batch * t->x_size, err);
    if (rc >= 0) rc = ag_exec_input(t->exec, target, t->y + number * t->batch * t->y_size, err);
    ag_device_run run = {.samples = t->batch, .gradient = t->gradient, .seed = 1, .step = (uint64_t)number};
    if (rc >= 0) rc = ag_exec_run(t->exec, &run, err);
    if (rc < 0) return rc;
    printf("%.9g\n", run.loss_sum / run.loss_weight);
    rc = ag_optim_step(t->optim, t->loaded->model->values, t->gradient, run.loss_weight, 1.0, NULL, NULL, err);
    return rc < 0 ? rc : ag_exec_changed(t->exec, err);
}

int main(int argc, char **argv)
{
    ag_err err = {0};
    trainer t = {0};
    int rc = argc == 7 ? prepare(&t, argv, &err) : ag_fail(&err, AG_EINVAL, "six arguments are wanted");
    for (int64_t i = 0; i < t.steps && rc >= 0; i++) rc = step(&t, i, &err);
    if (rc < 0) fprintf(stderr, "%s\n", err.text);
    ag_optim_free(t.optim);
    ag_exec_free(t.exec);
    ag_pretrained_free(t.loaded);
    ag_free(t.x);
    ag_free(t.y);
    ag_free(t.gradient);
    return rc < 0;
}
