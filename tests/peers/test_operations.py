# SPDX-License-Identifier: Apache-2.0
"""Single operations beside PyTorch's: outputs and gradients of what no architecture of ours uses in this form."""
import subprocess

import numpy
import pytest

torch = pytest.importorskip("torch", reason="PyTorch cannot be had here")

import auger  # noqa: E402

F = torch.nn.functional
ROWS = 11


def turned(function):
    """A function of [batch, channels, rows] for [batch, rows, channels]."""
    return lambda x, *more: function(x.transpose(1, 2), *more).transpose(1, 2)


def recurrent(kind):
    def compute(x, *inputs):
        layer = kind(x.shape[2], inputs[1].shape[1], batch_first=True)
        names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
        states = tuple(state.unsqueeze(0) for state in inputs[4:])
        states = states if len(states) > 1 else states[0]
        y, last = torch.func.functional_call(layer, dict(zip(names, inputs[:4])), (x, states))
        return (y, *(last if isinstance(last, tuple) else (last,)))
    return compute


def attend(heads, causal=False):
    def compute(q, k, v, mask=None):
        q, k, v = (part.unflatten(-1, (heads, -1)).transpose(-2, -3) for part in (q, k, v))
        mask = None if mask is None else mask.bool().unsqueeze(1)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
        return y.transpose(-2, -3).flatten(-2)
    return compute


def distillation(student, teacher):
    t = 2.5
    return F.kl_div(F.log_softmax(student / t, -1), F.log_softmax(teacher / t, -1), reduction="sum",
                    log_target=True) * t * t


def quantile(y, target):
    error, levels = target.unsqueeze(-1) - y, torch.tensor([0.2, 0.7])
    return torch.maximum(levels * error, (levels - 1) * error).sum()


def soft_argmax(y):
    return (y.softmax(1) * (-1.0 + 0.25 * torch.arange(y.shape[1]))[None, :, None]).sum(1)


SERIES, TOKENS = (5, ROWS, 4), [(5, 6, 8), (5, 9, 8), (5, 9, 8)]
# name: (function, shapes of inputs); a mask is the last of four
CASES = {
    "conv_dilated": (turned(lambda x, w, b: F.conv1d(F.pad(x, (6, 0)), w, b, dilation=3)), [SERIES, (6, 4, 3), (6,)]),
    "conv_groups": (turned(lambda x, w, b: F.conv1d(x, w, b, stride=2, padding=2, groups=2)), [SERIES, (6, 2, 5), (6,)]),
    "conv_depthwise": (turned(lambda x, w, b: F.conv1d(x, w, b, padding=2, dilation=2, groups=4)),
                       [SERIES, (8, 1, 3), (8,)]),
    "pool_max": (turned(lambda x: F.max_pool1d(x, 3, 2, 1)), [SERIES]),
    "pool_average": (turned(lambda x: F.avg_pool1d(x, 4, 3, 2)), [SERIES]),
    "pool_adaptive_max": (turned(lambda x: F.adaptive_max_pool1d(x, 5)), [SERIES]),
    "pool_adaptive_average": (turned(lambda x: F.adaptive_avg_pool1d(x, 7)), [SERIES]),
    "lstm_states": (recurrent(torch.nn.LSTM), [SERIES, (24, 4), (24, 6), (24,), (24,), (5, 6), (5, 6)]),
    "gru_states": (recurrent(torch.nn.GRU), [SERIES, (18, 4), (18, 6), (18,), (18,), (5, 6)]),
    "attention_cross": (attend(2), TOKENS),
    "attention_masked": (attend(4), [*TOKENS, (5, 6, 9)]),
    "attention_causal": (attend(2, causal=True), [TOKENS[1]] * 3),
    "distillation": (distillation, [(5, 3, 7), (5, 3, 7)]),
    "quantile": (quantile, [(5, 3, 2), (5, 3)]),
    "soft_argmax": (soft_argmax, [(5, 9, 3)]),
}


@pytest.mark.parametrize("name", CASES)
def test_outputs_and_gradients_agree(name, tmp_path):
    function, shapes = CASES[name]
    random = numpy.random.default_rng(2)
    arrays = [random.normal(size=shape).astype(numpy.float32) for shape in shapes]
    if name == "attention_masked":
        arrays[3] = (random.uniform(size=shapes[3]) < 0.6).astype(numpy.float32)
        arrays[3][:, :, 0] = 1  # PyTorch gives NaN for a query that sees nothing
    for i, array in enumerate(arrays):
        numpy.save(tmp_path / f"in{i}.npy", array)
    done = subprocess.run([auger.BUILD / "tests" / "peer-operation", name, tmp_path], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    out = function(*tensors)
    loss = out.dim() == 0 if isinstance(out, torch.Tensor) else False
    outs = list(out) if isinstance(out, tuple) else [out]
    (out if loss else sum((one**2).sum() for one in outs)).backward()
    for k, one in enumerate(outs):
        got = numpy.load(tmp_path / f"out{k}.npy")
        got = got.reshape(-1, 2)[:, 0].sum() if loss else got
        expected = one.detach().numpy().reshape(numpy.shape(got))
        assert numpy.abs(got - expected).max() <= 1e-5 * max(1.0, numpy.abs(expected).max()), f"out{k}"
    for i, tensor in enumerate(tensors):
        if name == "attention_masked" and i == 3:
            continue
        got, expected = numpy.load(tmp_path / f"slope{i}.npy"), tensor.grad.numpy().reshape(-1)
        assert numpy.abs(got - expected).max() <= 1e-5 * max(1.0, numpy.abs(expected).max()), f"slope{i}"
