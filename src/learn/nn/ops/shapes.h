// SPDX-License-Identifier: Apache-2.0
#pragma once
/* shapes.h: checks that shape rules share. Each says what is wrong with which input. */
#include "learn/nn/graph.h"

/* Input `index` is given per sample / is a parameter. */
int ag_need_sample(const ag_shaping *shaping, int index, const char *what, ag_err *err);
int ag_need_parameter(const ag_shaping *shaping, int index, const char *what, ag_err *err);
/* Input `index` has exactly this shape. */
int ag_need_shape(const ag_shaping *shaping, int index, const char *what, ag_shape wanted, ag_err *err);
int ag_need_axes(const ag_shaping *shaping, int index, const char *what, int least, ag_err *err);
/* Elements of one sample of a node's input or output. */
int64_t ag_in_size(const ag_node *node, int index);
int64_t ag_out_size(const ag_node *node, int index);
/* Extent of the last axis, and the product of those before it. */
int64_t ag_shape_last(const ag_shape *shape);
int64_t ag_shape_rows(const ag_shape *shape);
