# SPDX-License-Identifier: Apache-2.0
"""Our other architectures beside the same ones put together from PyTorch's own parts: LSTM, GRU, Conv1d, Linear, attention,
Embedding, LayerNorm. Their weights, saved as a directory, load here; outputs agree to 1e-5, and 30 steps of training (so
losses and gradients) follow the same curve to 1e-4."""
import json
import math
import subprocess

import numpy
import pytest

torch = pytest.importorskip("torch", reason="PyTorch cannot be had here")

import auger  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

torch.set_num_threads(1)
nn, F = torch.nn, torch.nn.functional
SERIES = dict(context_length=24, num_input_channels=3, prediction_length=5, num_targets=3)
LEVELS = [0.1, 0.5, 0.9]


class Series(nn.Module):
    """The input's scaler and the heads (src/learn/nn/models/heads.c)."""

    def __init__(self, config, features, summary, channels=None):
        super().__init__()
        self.config, self.task = config, config["task"]
        self.loss = config.get("loss", "auto")
        width = config["num_targets"]
        if self.task == "forecast":
            width = config["prediction_length"] * (1 if channels else config["num_input_channels"])
        if self.loss == "quantile":
            width *= len(LEVELS)
        if self.task == "heatmap":
            self.each = -(-config["context_length"] // features[0])
            width, summary = self.each * config["num_targets"], features[1]
        self.head = nn.Module()
        self.head.projection = nn.Linear(summary, width)
        if self.loss == "normal":
            self.head.deviation = nn.Linear(summary, width)

    def scaled(self, x):
        if self.config.get("scaling", "std") == "none":
            self.location, self.scale = torch.zeros(len(x), 1, x.shape[2]), torch.ones(len(x), 1, x.shape[2])
        else:
            self.location = x.mean(1, keepdim=True)
            self.scale = (x.var(1, keepdim=True, unbiased=False) + 1e-5).sqrt()
        return (x - self.location) / self.scale

    def finish(self, sequence, summary):
        config, batch = self.config, len(summary)
        if self.task == "heatmap":
            y = self.head.projection(sequence).reshape(batch, -1, config["num_targets"])
            if y.shape[1] != config["context_length"]:
                y = F.interpolate(y.transpose(1, 2), config["context_length"], mode="linear").transpose(1, 2)
            return {"prediction_outputs": y}
        y = self.head.projection(summary)
        if self.task == "forecast":
            y = y.reshape(batch, config["num_input_channels"], -1).transpose(1, 2) * self.scale + self.location
            if self.loss == "quantile":
                y = y.reshape(batch, config["prediction_length"], len(LEVELS), -1).transpose(2, 3)
            return {"prediction_outputs": y}
        if self.task == "classification":
            return {"prediction_outputs": y, "probabilities": y.softmax(1)}
        out = {"regression_outputs": y.reshape(batch, -1, len(LEVELS)) if self.loss == "quantile" else y}
        if self.loss == "normal":
            out["deviation"] = F.softplus(self.head.deviation(summary)) + 1e-6
        return out

    def score(self, out, target):
        y = next(iter(out.values()))
        if self.task == "classification":
            return F.cross_entropy(y, target.long().reshape(-1))
        if self.loss == "quantile":
            error = target.unsqueeze(-1) - y
            return torch.maximum(torch.tensor(LEVELS) * error, (torch.tensor(LEVELS) - 1) * error).mean()
        if self.loss == "normal":
            return F.gaussian_nll_loss(y, target, out["deviation"]**2, full=True, reduction="sum") / len(y)
        if self.task != "heatmap":
            return {"mae": F.l1_loss, "huber": F.huber_loss}.get(self.loss, F.mse_loss)(y, target)
        if self.loss == "bce":
            return F.binary_cross_entropy_with_logits(y, target)
        if self.loss == "focal":
            p, peaks = torch.sigmoid(y), (target >= 1).float()
            parts = peaks * (1 - p)**2 * F.logsigmoid(y) + (1 - peaks) * (1 - target)**4 * p**2 * F.logsigmoid(-y)
            return -parts.sum() / peaks.sum((1, 2)).clamp(min=1).sum()
        share = target / target.sum(1, keepdim=True)
        return F.cross_entropy(y.transpose(1, 2).reshape(-1, y.shape[1]), share.transpose(1, 2).reshape(-1, y.shape[1]))


class Recurrent(Series):
    def __init__(self, config):
        directions, hidden = 1 + config.get("bidirectional", False), config["hidden_size"]
        channels, rows = list(config.get("conv_channels", [])), config["context_length"]
        stride, kernel = config.get("conv_stride", 1), config.get("kernel_size", 1)
        for _ in channels:
            rows = (rows - 1) // stride + 1
        super().__init__(config, (rows, hidden * directions), hidden * directions)
        widths = [config["num_input_channels"], *channels]
        if channels:
            self.conv = nn.ModuleList()
        for first, second in zip(widths, channels):
            layer = nn.Module()
            layer.conv, layer.norm = nn.Conv1d(first, second, kernel, stride), nn.LayerNorm(second)
            self.conv.append(layer)
        self.pad = ((kernel - 1) // 2, kernel - 1 - (kernel - 1) // 2)
        kind = nn.GRU if config.get("cell") == "gru" else nn.LSTM
        self.rnn = kind(widths[-1], hidden, config.get("num_layers", 1), batch_first=True,
                        bidirectional=config.get("bidirectional", False))

    def forward(self, x):
        x = self.scaled(x)
        for layer in getattr(self, "conv", []):
            x = layer.conv(F.pad(x.transpose(1, 2), self.pad)).transpose(1, 2)
            x = F.gelu(layer.norm(x))
        y, state = self.rnn(x)
        state = state[0] if isinstance(state, tuple) else state
        directions = 1 + self.config.get("bidirectional", False)
        return self.finish(y, state[-directions:].transpose(0, 1).reshape(len(x), -1))


class Transformer(Series):
    def __init__(self, config):
        length, step, width = config["patch_length"], config["patch_stride"], config["d_model"]
        self_patches = (config["context_length"] - length) // step + 1
        apart = config.get("channels", "independent") == "independent"
        channels = config["num_input_channels"]
        features = width * channels if apart else width
        flat = config["task"] == "forecast"
        super().__init__(config, (self_patches, features), self_patches * width if flat else features,
                         channels if apart else None)
        self.apart, self.patches = apart, self_patches
        self.encoder = nn.Module()
        self.encoder.patcher = nn.Linear(length if apart else length * channels, width)
        if config.get("positional_encoding", "learned") == "learned":
            self.encoder.position = nn.Parameter(torch.randn(self_patches, width) * 0.5)
        self.encoder.layers = nn.ModuleList()
        for _ in range(config["num_layers"]):
            layer = nn.Module()
            layer.self_attn = nn.Module()
            for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
                setattr(layer.self_attn, name, nn.Linear(width, width))
            layer.norm1, layer.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            layer.linear1, layer.linear2 = nn.Linear(width, config["ffn_dim"]), nn.Linear(config["ffn_dim"], width)
            self.encoder.layers.append(layer)
        self.pre = config.get("pre_norm", True)
        if self.pre:
            self.encoder.norm = nn.LayerNorm(width)

    def turned(self, x):
        if self.config.get("positional_encoding") != "rotary":
            return x
        half = x.shape[-1] // 2
        angle = torch.arange(x.shape[-2])[:, None] * 10000.0**(-torch.arange(half) / half)
        p, q = x[..., :half], x[..., half:]
        return torch.cat([p * angle.cos() - q * angle.sin(), q * angle.cos() + p * angle.sin()], -1)

    def attend(self, a, x):
        heads = self.config["num_heads"]
        q, k, v = (part(x).unflatten(-1, (heads, -1)).transpose(-2, -3) for part in (a.q_proj, a.k_proj, a.v_proj))
        y = F.scaled_dot_product_attention(self.turned(q), self.turned(k), v)
        return a.out_proj(y.transpose(-2, -3).flatten(-2))

    def forward(self, x):
        config, e = self.config, self.encoder
        length, step = config["patch_length"], config["patch_stride"]
        start = config["context_length"] - (length + step * (self.patches - 1))
        x = self.scaled(x)[:, start:].unfold(1, length, step)  # batch, patches, channels, length
        x = e.patcher(x.transpose(1, 2) if self.apart else x.flatten(2))
        if hasattr(e, "position"):
            x = x + e.position
        for layer in e.layers:
            mlp = lambda v: layer.linear2(F.gelu(layer.linear1(v)))  # noqa: E731
            if self.pre:
                x = x + self.attend(layer.self_attn, layer.norm1(x))
                x = x + mlp(layer.norm2(x))
            else:
                x = layer.norm1(x + self.attend(layer.self_attn, x))
                x = layer.norm2(x + mlp(x))
        x = e.norm(x) if self.pre else x
        if config["task"] == "forecast":
            return self.finish(x, x.flatten(2 if self.apart else 1))
        sequence = x.transpose(1, 2).flatten(2) if self.apart else x
        return self.finish(sequence, sequence.mean(1))


class Table(Series):
    def __init__(self, config):
        counts, hidden = config["category_counts"], config["hidden_size"]
        widths = [min((count + 1) // 2, 50) for count in counts]
        super().__init__(config, None, hidden)
        self.embeddings = nn.ModuleList(nn.Embedding(count, width) for count, width in zip(counts, widths))
        self.first = nn.Linear(config["num_numeric"] + sum(widths), hidden)
        norm = nn.BatchNorm1d if config.get("norm") == "batch" else nn.LayerNorm
        self.blocks = nn.ModuleList()
        for _ in range(config["num_layers"]):
            block = nn.Module()
            block.norm = norm(hidden)
            block.linear1, block.linear2 = nn.Linear(hidden, 2 * hidden), nn.Linear(2 * hidden, hidden)
            self.blocks.append(block)
        self.norm = norm(hidden)

    def forward(self, x):
        numeric = self.config["num_numeric"]
        parts = [table(x[:, numeric + i].long()) for i, table in enumerate(self.embeddings)]
        x = self.first(torch.cat([x[:, :numeric], *parts], 1))
        for block in self.blocks:
            x = x + block.linear2(F.relu(block.linear1(block.norm(x))))
        return self.finish(None, F.relu(self.norm(x)))


class Ode(Series):
    def __init__(self, config):
        points = config["context_length"] // config["segment_length"]
        size, latent = config["segment_size"], config["latent_size"]
        super().__init__(config, (points, latent), latent)
        self.encoder, self.points = nn.Module(), points
        self.encoder.segment = nn.Linear(config["segment_length"] * config["num_input_channels"], size)
        self.encoder.rnn = nn.GRU(size, latent, batch_first=True, bidirectional=True)
        for name in [n for n, _ in self.encoder.rnn.named_parameters() if not n.endswith("reverse")]:
            delattr(self.encoder.rnn, name)  # only the way back is there
        self.encoder.first_state = nn.Linear(latent, latent)
        driven = size if config.get("driven", True) else 0
        self.ode = nn.ModuleList([nn.Linear(latent + driven + 1, config["ode_hidden_size"]),
                                  nn.Linear(config["ode_hidden_size"], latent)])

    def forward(self, x):
        config, batch = self.config, len(x)
        x = self.scaled(x)[:, -self.points * config["segment_length"]:]
        x = x.reshape(batch, self.points, config["segment_length"], -1).transpose(2, 3).flatten(2)
        u, rnn = F.gelu(self.encoder.segment(x)), self.encoder.rnn
        z = torch.zeros(batch, config["latent_size"])
        for t in reversed(range(self.points)):
            z = torch.gru_cell(u[:, t], z, rnn.weight_ih_l0_reverse, rnn.weight_hh_l0_reverse, rnn.bias_ih_l0_reverse,
                               rnn.bias_hh_l0_reverse)
        z, path, steps = self.encoder.first_state(z), [], config["ode_steps"]
        h = 1.0 / self.points / steps
        for i in range(self.points):
            def slope(state, time):
                drive = [u[:, i]] if config.get("driven", True) else []
                return self.ode[1](torch.tanh(self.ode[0](torch.cat([state, *drive, torch.full((batch, 1), time)], 1))))
            for k in range(steps):
                t = i / self.points + k * h
                k1 = slope(z, t)
                k2 = slope(z + h / 2 * k1, t + h / 2)
                k3 = slope(z + h / 2 * k2, t + h / 2)
                z = z + h / 6 * (k1 + 2 * k2 + 2 * k3 + slope(z + h * k3, t + h))
            path.append(z)
        return self.finish(torch.stack(path, 1), z)


class Linear(Series):
    """NLinear and DLinear, as in the LTSF-Linear paper."""

    def __init__(self, config):
        super().__init__(config, None, 1)
        del self.head
        self.shape = (config["context_length"], config["prediction_length"])
        names = ("Linear",) if config["model_type"] == "nlinear" else ("Linear_Seasonal", "Linear_Trend")
        for name in names:
            layer = nn.Linear(*self.shape)
            if config.get("individual"):
                each = [nn.Linear(*self.shape) for _ in range(config["num_input_channels"])]
                layer.weight = nn.Parameter(torch.stack([one.weight.detach() for one in each]))
                layer.bias = nn.Parameter(torch.stack([one.bias.detach() for one in each]))
            setattr(self, name, layer)

    def over(self, layer, x):
        if layer.weight.dim() == 2:
            return layer(x.transpose(1, 2)).transpose(1, 2)
        return torch.einsum("btc,cpt->bpc", x, layer.weight) + layer.bias.T

    def forward(self, x):
        if hasattr(self, "Linear"):
            return {"prediction_outputs": self.over(self.Linear, x - x[:, -1:]) + x[:, -1:]}
        half = (self.config["kernel_size"] - 1) // 2
        long = torch.cat([x[:, :1].repeat(1, half, 1), x, x[:, -1:].repeat(1, half, 1)], 1)
        trend = F.avg_pool1d(long.transpose(1, 2), self.config["kernel_size"], 1).transpose(1, 2)
        return {"prediction_outputs": self.over(self.Linear_Seasonal, x - trend) + self.over(self.Linear_Trend, trend)}


PATCHES = dict(patch_length=6, patch_stride=5, d_model=8, num_layers=2, num_heads=2, ffn_dim=12, dropout=0.0)
CONV = dict(conv_channels=[6, 8], kernel_size=5, conv_stride=2, hidden_size=7)
TABLE = dict(num_numeric=4, category_counts=[3, 7], hidden_size=16, num_layers=2, dropout=0.0, num_targets=3)
WAY = dict(segment_length=4, segment_size=6, latent_size=5, ode_hidden_size=9, ode_steps=2)
# name: (class, model_type, configuration)
MODELS = {
    "lstm_forecast": (Recurrent, "lstm", dict(hidden_size=9, num_layers=2, task="forecast")),
    "lstm_both_ways": (Recurrent, "lstm", dict(hidden_size=5, num_layers=2, bidirectional=True, task="heatmap")),
    "gru_quantiles": (Recurrent, "lstm", dict(hidden_size=9, cell="gru", task="forecast", loss="quantile")),
    "gru_both_ways": (Recurrent, "lstm", dict(hidden_size=5, cell="gru", num_layers=3, bidirectional=True, scaling="none",
                                              task="classification")),
    "lstm_normal": (Recurrent, "lstm", dict(hidden_size=9, task="regression", loss="normal")),
    "cnn_lstm_forecast": (Recurrent, "cnn_lstm", dict(CONV, task="forecast", loss="huber")),
    "cnn_lstm_heatmap": (Recurrent, "cnn_lstm", dict(CONV, task="heatmap", loss="focal")),
    "cnn_gru_even": (Recurrent, "cnn_lstm", dict(CONV, kernel_size=4, conv_stride=3, cell="gru", task="regression",
                                                 loss="mae")),
    "transformer_forecast": (Transformer, "patch_transformer", dict(PATCHES, task="forecast")),
    "transformer_mixed": (Transformer, "patch_transformer", dict(PATCHES, channels="mixed", task="forecast")),
    "transformer_heatmap": (Transformer, "patch_transformer", dict(PATCHES, channels="mixed", task="heatmap")),
    "transformer_apart": (Transformer, "patch_transformer", dict(PATCHES, task="heatmap", loss="bce")),
    "transformer_rotary": (Transformer, "patch_transformer", dict(PATCHES, positional_encoding="rotary", pre_norm=False,
                                                                  task="classification")),
    "transformer_quantiles": (Transformer, "patch_transformer", dict(PATCHES, task="regression", loss="quantile")),
    "table": (Table, "tabularnet", dict(TABLE, task="regression")),
    "table_classes": (Table, "tabularnet", dict(TABLE, task="classification", norm="batch")),
    "ode_heatmap": (Ode, "neural_ode", dict(WAY, task="heatmap")),
    "ode_alone": (Ode, "neural_ode", dict(WAY, driven=False, task="regression")),
    "nlinear": (Linear, "nlinear", dict(task="forecast")),
    "nlinear_individual": (Linear, "nlinear", dict(task="forecast", individual=True)),
    "dlinear": (Linear, "dlinear", dict(task="forecast", kernel_size=7)),
    "dlinear_individual": (Linear, "dlinear", dict(task="forecast", kernel_size=7, individual=True, loss="mae")),
}


def make(name, path):
    kind, model_type, changes = MODELS[name]
    config = {"model_type": model_type, **({} if kind is Table else SERIES), **changes}
    torch.manual_seed(3)
    model = kind(config)
    with torch.no_grad():
        for one in model.parameters():
            one += 0.05 * torch.randn_like(one)
    unknown = ("task", "num_targets") if kind is Linear else ()
    written = {key: value for key, value in config.items() if key not in unknown}
    (path / "config.json").write_text(json.dumps(written))
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, path / "model.safetensors")
    return model


def data(model, count):
    """Inputs and targets: smooth series, or a table's columns."""
    random, config = numpy.random.default_rng(6), model.config
    if isinstance(model, Table):
        categories = [random.integers(n, size=count) for n in config["category_counts"]]
        x = numpy.column_stack([random.normal(size=(count, config["num_numeric"])), *categories])
    else:
        shape = (count, config["context_length"], config["num_input_channels"])
        x = 0.3 * random.normal(size=shape).cumsum(1) + random.normal(size=(count, 1, shape[2]))
    means = x.reshape(count, -1).mean(1)
    if model.task == "forecast":
        y = 0.3 * x[:, :config["prediction_length"]] + x.mean(1, keepdims=True)
    elif model.task == "regression":
        y = numpy.stack([means * (k + 1) for k in range(config["num_targets"])], 1)
    elif model.task == "classification":
        y = numpy.digitize(means, numpy.quantile(means, [1 / 3, 2 / 3])).astype(float)
    else:
        at, rows = random.integers(config["context_length"], size=(count, 1, config["num_targets"])), x.shape[1]
        y = numpy.exp(-0.5 * (numpy.arange(rows)[None, :, None] - at)**2 / 4.0)
    return x.astype(numpy.float32), y.astype(numpy.float32)


@pytest.mark.parametrize("name", MODELS)
def test_the_same_weights_compute_the_same(name, tmp_path):
    model = make(name, tmp_path).eval()
    x, _ = data(model, 5)
    with torch.no_grad():
        expected = model(torch.tensor(x))
    with auger.Model(tmp_path) as ours:
        got = ours.run({"past_values": x})
    for key, value in expected.items():
        value = value.numpy()
        assert got[key].shape == value.shape, (key, got[key].shape, value.shape)
        worst = float((numpy.abs(got[key] - value) / numpy.maximum(1.0, numpy.abs(value))).max())
        assert worst <= 1e-5, f"{name} {key}: {worst:.2e}"


@pytest.mark.parametrize("name", MODELS)
def test_thirty_steps_follow_the_same_curve(name, tmp_path):
    model, steps, batch, rate = make(name, tmp_path).train(), 30, 8, 3e-3
    x, y = data(model, steps * batch)
    numpy.save(tmp_path / "x.npy", x)
    numpy.save(tmp_path / "y.npy", y)
    ours = subprocess.run([auger.BUILD / "tests" / "peer-training", tmp_path, tmp_path / "x.npy", tmp_path / "y.npy",
                           str(rate), "0", str(steps)], capture_output=True, text=True, check=False)
    assert ours.returncode == 0, ours.stderr
    optimizer, curve = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01), []
    for step in range(steps):
        part = slice(step * batch, (step + 1) * batch)
        loss = model.score(model(torch.tensor(x[part])), torch.tensor(y[part]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        curve.append(loss.item())
    got = numpy.array([float(line) for line in ours.stdout.split()])
    worst = float((numpy.abs(got - curve) / numpy.maximum(1.0, numpy.abs(curve))).max())
    print(f"{name}: {curve[0]:.4f} -> {curve[-1]:.4f}, worst {worst:.1e}")
    assert worst <= 1e-4 and not math.isclose(curve[0], curve[-1]), f"{worst:.2e}"


@pytest.mark.parametrize("name", ["lstm_forecast", "cnn_lstm_heatmap", "transformer_mixed", "table_classes", "ode_heatmap",
                                  "dlinear"])
def test_the_commands_know_the_model(name, tmp_path):
    model = make(name, tmp_path).eval()
    x, _ = data(model, 4)
    numpy.save(tmp_path / "x.npy", x)
    seen = json.loads(auger.command("model", "inspect", tmp_path, "--json"))
    assert seen["parameters"] == sum(one.numel() for one in model.parameters())
    auger.command("model", "predict", tmp_path, "-i", tmp_path / "x.npy", "-o", tmp_path / "y.npy")
    with torch.no_grad():
        expected = next(iter(model(torch.tensor(x)).values())).numpy()
    assert numpy.abs(numpy.load(tmp_path / "y.npy") - expected).max() < 1e-4
