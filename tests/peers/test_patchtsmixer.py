# SPDX-License-Identifier: Apache-2.0
"""Hugging Face's PatchTSMixer and ours: what one saves, the other loads, and both compute the same.

Inputs are conditioned: a channel that is constant in a window has a value with few mantissa bits, since standardising
it otherwise divides rounding noise by a very small number, in their code and in everyone's.
"""
import json
import subprocess
import warnings

import numpy
import pytest

torch = pytest.importorskip("torch", reason="PyTorch cannot be had here")
transformers = pytest.importorskip("transformers", reason="transformers cannot be had here")

import auger  # noqa: E402

torch.set_num_threads(1)
warnings.filterwarnings("ignore")
transformers.logging.set_verbosity_error()

CLASSES = {
    "forecast": transformers.PatchTSMixerForPrediction,
    "regression": transformers.PatchTSMixerForRegression,
    "classification": transformers.PatchTSMixerForTimeSeriesClassification,
    "pretraining": transformers.PatchTSMixerForPretraining,
    "backbone": transformers.PatchTSMixerModel,
}
BASE = dict(context_length=32, patch_length=8, patch_stride=8, num_input_channels=3, d_model=8, num_layers=2,
            prediction_length=6)
FULL = dict(mode="mix_channel", self_attn=True, self_attn_heads=2, use_positional_encoding=True)

# name: (task, what differs from BASE)
CONFIGS = {
    "plain": ("forecast", {}),
    "mix_channel": ("forecast", dict(mode="mix_channel")),
    "no_gate": ("forecast", dict(gated_attn=False)),
    "no_gate_mix": ("forecast", dict(gated_attn=False, mode="mix_channel")),
    "attention": ("forecast", dict(self_attn=True)),
    "attention_2_heads": ("forecast", dict(self_attn=True, self_attn_heads=2)),
    "attention_8_heads": ("forecast", dict(self_attn=True, self_attn_heads=8, mode="mix_channel")),
    "attention_no_gate": ("forecast", dict(self_attn=True, self_attn_heads=4, gated_attn=False)),
    "sincos": ("forecast", dict(use_positional_encoding=True)),
    "random_positions": ("forecast", dict(use_positional_encoding=True, positional_encoding_type="random")),
    "full": ("forecast", FULL),
    "scaling_mean": ("forecast", dict(scaling="mean")),
    "scaling_true": ("forecast", dict(scaling=True)),
    "scaling_none": ("forecast", dict(scaling=None)),
    "scaling_false_mix": ("forecast", dict(scaling=False, mode="mix_channel")),
    "scaling_mean_full": ("forecast", dict(FULL, scaling="mean")),
    "channels_0_2": ("forecast", dict(prediction_channel_indices=[0, 2])),
    "channels_unsorted": ("forecast", dict(FULL, prediction_channel_indices=[2, 0])),
    "channel_1_unscaled": ("forecast", dict(prediction_channel_indices=[1], scaling=None)),
    "overlap": ("forecast", dict(patch_stride=4)),
    "overlap_odd": ("forecast", dict(FULL, patch_length=7, patch_stride=3, context_length=33)),
    "rows_dropped": ("forecast", dict(context_length=37)),
    "stride_longer": ("forecast", dict(patch_length=5, patch_stride=9, context_length=50)),
    "patch_of_one": ("forecast", dict(patch_length=1, patch_stride=1, context_length=9)),
    "two_patches": ("forecast", dict(context_length=16)),
    "one_channel": ("forecast", dict(num_input_channels=1, mode="mix_channel")),
    "seventeen_channels": ("forecast", dict(FULL, num_input_channels=17)),
    "wide": ("forecast", dict(FULL, d_model=48, expansion_factor=3)),
    "odd_width": ("forecast", dict(d_model=13, self_attn=True)),
    "expansion_5": ("forecast", dict(expansion_factor=5, mode="mix_channel")),
    "deep": ("forecast", dict(FULL, num_layers=6)),
    "one_layer": ("forecast", dict(num_layers=1)),
    "norm_eps": ("forecast", dict(norm_eps=0.1)),
    "forecast_1": ("forecast", dict(prediction_length=1)),
    "forecast_longer": ("forecast", dict(prediction_length=96)),
    "hidden_size": ("forecast", dict(hidden_size=12, num_hidden_layers=1)),
    "dropout_kept_off": ("forecast", dict(dropout=0.9, head_dropout=0.9)),
    "drilling": ("forecast", dict(FULL, context_length=512, num_input_channels=17, d_model=16, num_layers=8,
                                  prediction_length=512, self_attn_heads=1)),
    "batch_norm": ("forecast", dict(norm_mlp="BatchNorm")),
    "batch_norm_full": ("forecast", dict(FULL, norm_mlp="batchnorm")),
    "student_t": ("forecast", dict(loss="nll")),
    "normal": ("forecast", dict(FULL, loss="nll", distribution_output="normal")),
    "negative_binomial": ("forecast", dict(loss="nll", distribution_output="negative_binomial", scaling=None)),
    "student_t_channels": ("forecast", dict(loss="nll", prediction_channel_indices=[0, 2])),
    "student_t_mean_scaled": ("forecast", dict(FULL, loss="nll", scaling="mean", gated_attn=False)),
    "negative_binomial_scaled": ("forecast", dict(loss="nll", distribution_output="negative_binomial", scaling="mean")),
    "last_channel": ("forecast", dict(prediction_channel_indices=[-1])),
    "two_of_a_channel": ("forecast", dict(FULL, prediction_channel_indices=[1, 1, 0])),
    "post_init": ("forecast", dict(FULL, post_init=True, init_std=0.2)),
    "regression": ("regression", {}),
    "regression_avg": ("regression", dict(FULL, head_aggregation="avg_pool", num_targets=1)),
    "regression_last_range": ("regression", dict(head_aggregation="use_last", output_range=[-1.0, 3.0])),
    "regression_all": ("regression", dict(head_aggregation=None, scaling="mean")),
    "regression_unscaled": ("regression", dict(scaling=None, mode="mix_channel")),
    "regression_normal": ("regression", dict(loss="nll", distribution_output="normal")),
    "regression_student": ("regression", dict(FULL, loss="nll")),
    "regression_one_normal": ("regression", dict(loss="nll", distribution_output="normal", num_targets=1)),
    "regression_negative_binomial": ("regression", dict(loss="nll", distribution_output="negative_binomial",
                                                        head_aggregation="use_last")),
    "regression_batch_norm": ("regression", dict(FULL, norm_mlp="BatchNorm", scaling="mean")),
    "regression_expansion": ("regression", dict(expansion_factor=5, patch_stride=3, head_aggregation=None)),
    "classification": ("classification", dict(num_targets=4)),
    "classification_full": ("classification", dict(FULL, num_targets=2, head_aggregation="avg_pool")),
    "classification_range": ("classification", dict(output_range=[0.0, 5.0], head_aggregation="use_last")),
    "classification_nll_ignored": ("classification", dict(loss="nll", scaling=None)),
    "classification_batch_norm": ("classification", dict(norm_mlp="BatchNorm", head_aggregation=None)),
    "pretraining": ("pretraining", {}),
    "pretraining_full": ("pretraining", dict(FULL, random_mask_ratio=0.3, mask_value=-1)),
    "pretraining_forecast": ("pretraining", dict(mask_type="forecast", num_forecast_mask_patches=[1])),
    "pretraining_channels": ("pretraining", dict(channel_consistent_masking=False, unmasked_channel_indices=[1])),
    "pretraining_two_counts": ("pretraining", dict(mask_type="forecast", num_forecast_mask_patches=[1, 2])),
    "pretraining_batch_norm": ("pretraining", dict(FULL, norm_mlp="BatchNorm", patch_stride=4, mask_value=2)),
    "pretraining_all_scored": ("pretraining", dict(masked_loss=False, scaling="mean", random_mask_ratio=0.0)),
    "backbone": ("backbone", {}),
    "backbone_batch_norm": ("backbone", dict(norm_mlp="batch", scaling=None)),
    "backbone_full": ("backbone", FULL),
}


def make(name):
    """A model with weights that are all different from their initial ones, running statistics included."""
    task, changes = CONFIGS[name]
    torch.manual_seed(sum(name.encode()))
    model = CLASSES[task](transformers.PatchTSMixerConfig(**{**BASE, **changes}))
    with torch.no_grad():
        for key, tensor in list(model.named_parameters()) + list(model.named_buffers()):
            if tensor.is_floating_point() and not key.endswith("position_enc"):
                tensor.add_(0.05 * torch.randn_like(tensor))
            if key.endswith("running_var"):
                tensor.abs_().add_(0.5)
    return task, model.eval()


def windows(config, samples=5):
    random = numpy.random.default_rng(3)
    time = numpy.arange(config.context_length)[None, :, None]
    channel = numpy.arange(config.num_input_channels)[None, None, :]
    phase = random.uniform(0, 6, (samples, 1, config.num_input_channels))
    x = 0.5 + numpy.sin(0.3 * time * (1 + channel / 10) + phase) + 0.1 * random.standard_normal(phase.shape)
    x = x + time / config.context_length + 0.1 * random.standard_normal(x.shape)
    if config.num_input_channels > 16:
        x[:, :, 15], x[:, :, 16] = -1.75, 0.6875
    return x.astype(numpy.float32)


def theirs(task, model, x):
    """Their outputs, under our names, and the further inputs that give ours the same."""
    past = torch.tensor(x)
    with torch.no_grad():
        if task == "pretraining":
            torch.manual_seed(1)
            backbone = model.model(past)
            out = {"prediction_outputs": model.head(backbone.last_hidden_state),
                   "last_hidden_state": backbone.last_hidden_state}
            return out, {"mask": backbone.mask.numpy()}
        result = model(past)
    if task == "backbone":
        return {"last_hidden_state": result.last_hidden_state}, {}
    value = result.regression_outputs if task == "regression" else result.prediction_outputs
    name = "regression_outputs" if task == "regression" else "prediction_outputs"
    out = {name: value} if torch.is_tensor(value) else {f"{name}.{i}": part for i, part in enumerate(value)}
    out["last_hidden_state"] = result.last_hidden_state
    if task == "classification":
        out["probabilities"] = torch.softmax(value, -1)
    if task == "forecast":
        out["loc"], out["scale"] = result.loc, result.scale
    if not torch.is_tensor(value):
        # Theirs has scaled the log-odds of a negative binomial already, in what it gives.
        scaled = task == "forecast" and model.config.distribution_output != "negative_binomial"
        where = {"loc": result.loc, "scale": result.scale} if scaled else {}
        out["mean"] = model.distribution_output.distribution(value, **where).mean
    return out, {}


def compare(ours, expected, what):
    expected = expected.detach().numpy().reshape(ours.shape)
    scale = numpy.maximum(1.0, numpy.abs(expected))
    worst = float((numpy.abs(ours - expected) / scale).max())
    print(f"agrees: {what} {worst:.1e}")
    assert worst <= 1e-5, f"{what}: {worst:.2e}"


def agree(name, path, model, task):
    x = windows(model.config)
    expected, further = theirs(task, model, x)
    with auger.Model(path) as ours:
        got = ours.run({"past_values": x, **further})
    for key, value in expected.items():
        assert key in got, f"{name}: we have no output {key}, only {sorted(got)}"
        compare(got[key], value, f"{name} {key}")


@pytest.mark.parametrize("name", CONFIGS)
def test_what_they_save_we_load_and_compute(name, tmp_path):
    task, model = make(name)
    model.save_pretrained(tmp_path)
    agree(name, tmp_path, model, task)


@pytest.mark.parametrize("name", CONFIGS)
def test_what_we_save_they_load_strictly(name, tmp_path):
    task, model = make(name)
    model.save_pretrained(tmp_path / "theirs")
    with auger.Model(tmp_path / "theirs") as ours:
        ours.save(tmp_path / "ours")
    first, second = ((tmp_path / side / "model.safetensors").read_bytes() for side in ("theirs", "ours"))
    assert first == second, "the same weights give other bytes"
    again, report = CLASSES[task].from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), report
    again.eval()
    weights = again.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    x = windows(model.config)
    for key, value in theirs(task, model, x)[0].items():  # their products round by where weights lie in memory
        torch.testing.assert_close(theirs(task, again, x)[0][key], value, rtol=1e-5, atol=1e-6, msg=key)
    kept = {key: value for key, value in model.config.to_dict().items() if key in BASE or key in FULL}
    assert kept == {key: getattr(again.config, key) for key in kept}


def test_the_command_predicts_the_same(tmp_path):
    task, model = make("full")
    model.save_pretrained(tmp_path)
    x = windows(model.config, 33)
    numpy.save(tmp_path / "x.npy", x.astype(numpy.float64))
    auger.command("model", "predict", tmp_path, "-i", tmp_path / "x.npy", "-o", tmp_path / "y.npy", "--batch", 4)
    compare(numpy.load(tmp_path / "y.npy"), theirs(task, model, x)[0]["prediction_outputs"], "command")


def test_the_command_says_what_is_in_their_file(tmp_path):
    _, model = make("drilling")
    model.save_pretrained(tmp_path)
    seen = json.loads(auger.command("model", "inspect", tmp_path, "--json"))
    assert seen["parameters"] == sum(p.numel() for p in model.parameters())
    assert seen["trainable"] == sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert {t["name"]: t["shape"] for t in seen["tensors"]} == {
        k: list(v.shape) for k, v in model.state_dict().items()}


def test_half_precision_is_read(tmp_path):
    for kind in (torch.float16, torch.bfloat16, torch.float64):
        task, model = make("plain")
        model.to(kind).save_pretrained(tmp_path)
        agree("half", tmp_path, model.to(torch.float32), task)


def test_weights_in_several_files_are_read(tmp_path):
    task, model = make("full")
    model.save_pretrained(tmp_path, max_shard_size="3KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    agree("shards", tmp_path, model, task)


def test_draws_have_the_spread_of_theirs(tmp_path):
    for name in ("student_t", "normal", "negative_binomial"):  # theirs scales counts twice when it draws
        task, model = make(name)
        model.save_pretrained(tmp_path / name)
        x = windows(model.config, 2)
        numpy.save(tmp_path / "x.npy", x)
        auger.command("model", "predict", tmp_path / name, "-i", tmp_path / "x.npy", "-o", tmp_path / "y.npy",
                      "--result", "samples:4000")
        ours = numpy.load(tmp_path / "y.npy")
        torch.manual_seed(2)
        model.config.num_parallel_samples = model.num_parallel_samples = 4000
        other = model.generate(torch.tensor(x)).sequences.numpy()
        assert ours.shape == other.shape
        levels = [0.1, 0.3, 0.5, 0.7, 0.9]
        a, b = numpy.quantile(ours, levels, axis=1), numpy.quantile(other, levels, axis=1)
        near = numpy.maximum(0.12 * (b[4] - b[0]), 1.0 if "binomial" in name else 0.0)  # counts are whole
        assert (numpy.abs(a - b) <= near).all(), name
        for level, row in zip(levels, b):
            auger.command("model", "predict", tmp_path / name, "-i", tmp_path / "x.npy", "-o", tmp_path / "q.npy",
                          "--result", f"quantile:{level}")
            assert (numpy.abs(numpy.load(tmp_path / "q.npy") - row) <= near).all(), name


def test_an_observed_mask_is_used(tmp_path):
    task, model = make("full")
    model.save_pretrained(tmp_path)
    x = windows(model.config)
    mask = (numpy.random.default_rng(1).uniform(size=x.shape) > 0.3).astype(numpy.float32)
    with torch.no_grad():
        expected = model(torch.tensor(x), observed_mask=torch.tensor(mask)).prediction_outputs
    with auger.Model(tmp_path) as ours:
        compare(ours.run({"past_values": x, "observed_mask": mask})["prediction_outputs"], expected, task)


# name: (task, what differs from BASE, learning rate, clipping)
TRAINED = {
    "mse": ("forecast", {}, 1e-3, 0),
    "mse_full_clipped": ("forecast", FULL, 3e-3, 0.5),
    "mse_channels": ("forecast", dict(prediction_channel_indices=[0, 2]), 1e-3, 0),
    "mse_unscaled": ("forecast", dict(FULL, scaling=None), 1e-3, 1.0),
    "batch_norm": ("forecast", dict(norm_mlp="BatchNorm"), 1e-3, 0),
    "batch_norm_full": ("forecast", dict(FULL, norm_mlp="BatchNorm"), 1e-3, 1.0),
    "student_t": ("forecast", dict(loss="nll"), 1e-3, 1.0),
    "student_t_channels": ("forecast", dict(FULL, loss="nll", prediction_channel_indices=[2, 0]), 1e-3, 1.0),
    "normal": ("forecast", dict(loss="nll", distribution_output="normal"), 1e-3, 1.0),
    "negative_binomial": ("forecast", dict(loss="nll", distribution_output="negative_binomial", scaling="mean"), 1e-3, 1.0),
    "regression": ("regression", FULL, 1e-3, 0),
    "regression_all_in_range": ("regression", dict(head_aggregation=None, output_range=[-9.0, 9.0]), 1e-3, 1.0),
    "regression_avg_one": ("regression", dict(head_aggregation="avg_pool", num_targets=1, scaling="mean"), 1e-3, 0),
    "regression_normal": ("regression", dict(loss="nll", distribution_output="normal", head_aggregation="use_last"), 1e-3, 1.0),
    "regression_student_t": ("regression", dict(FULL, loss="nll", norm_mlp="BatchNorm"), 1e-3, 1.0),
    "classification": ("classification", dict(num_targets=4, init_std=0.3), 2e-3, 0),
    "classification_full": ("classification", dict(FULL, num_targets=3, norm_mlp="BatchNorm", head_aggregation="use_last"),
                            7e-3, 1.0),
    "pretraining": ("pretraining", {}, 1e-2, 0),
    "pretraining_full": ("pretraining", dict(FULL, mask_value=-1, patch_stride=4), 1e-3, 1.0),
    "pretraining_all_scored": ("pretraining", dict(masked_loss=False, norm_mlp="BatchNorm"), 1e-3, 0),
}


class GivenMask(torch.nn.Module):
    """Hides the patches that it was told instead of drawn ones."""

    def forward(self, patches):
        hidden = self.mask.unsqueeze(-1).bool()
        return patches.masked_fill(hidden, self.value), self.mask


def aims(task, config, x):
    """What is to be learned from windows: targets, classes (which move x), or what is hidden."""
    random = numpy.random.default_rng(8)
    means = x.mean(axis=(1, 2))
    if task == "forecast":
        y = 0.3 * x[:, :config.prediction_length] + x.mean(axis=1, keepdims=True)
        return numpy.round(3 * numpy.abs(y)) if config.distribution_output == "negative_binomial" else y
    if task == "regression":
        return numpy.stack([means * (k + 1) + x[:, k, 0] for k in range(config.num_targets)], axis=1)
    if task == "classification":
        classes = random.integers(config.num_targets, size=len(x))
        x += classes[:, None, None]
        return classes
    return random.uniform(size=(len(x), config.num_input_channels, config.num_patches)) < 0.4


def their_loss(task, model, x, y):
    if task == "forecast":
        return model(x, future_values=y).loss
    if task == "regression":
        return model(x, target_values=y.squeeze(-1) if model.distribution_output and y.shape[-1] == 1 else y).loss
    if task == "classification":
        return model(x, target_values=y.long()).loss
    model.model.masking.mask = y
    return model(x).loss


@pytest.mark.parametrize("name", TRAINED)
def test_fifty_steps_follow_the_same_curve(name, tmp_path):
    task, changes, rate, clip = TRAINED[name]
    steps, batch = 50, 8
    torch.manual_seed(4)
    model = CLASSES[task](
        transformers.PatchTSMixerConfig(**{**BASE, **changes, "dropout": 0.0, "head_dropout": 0.0})).train()
    model.save_pretrained(tmp_path)
    x = windows(model.config, steps * batch)
    y = aims(task, model.config, x).astype(numpy.float32)
    if task == "pretraining":
        model.model.masking = GivenMask()
        model.model.masking.value = model.config.mask_value
    numpy.save(tmp_path / "x.npy", x)
    numpy.save(tmp_path / "y.npy", y)
    ours = subprocess.run([auger.BUILD / "tests" / "peer-training", tmp_path, tmp_path / "x.npy", tmp_path / "y.npy",
                           str(rate), str(clip), str(steps)], capture_output=True, text=True, check=False)
    assert ours.returncode == 0, ours.stderr
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    curve = []
    for step in range(steps):
        part = slice(step * batch, (step + 1) * batch)
        loss = their_loss(task, model, torch.tensor(x[part]), torch.tensor(y[part]))
        optimizer.zero_grad()
        loss.backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        curve.append(loss.item())
    got = numpy.array([float(line) for line in ours.stdout.split()])
    worst = float((numpy.abs(got - curve) / numpy.maximum(1.0, numpy.abs(curve))).max())
    print(f"{name}: {curve[0]:.4f} -> {curve[-1]:.4f}, worst {worst:.1e}")
    assert numpy.mean(curve[-10:]) < numpy.mean(curve[:10]) and worst <= 1e-4, f"{worst:.2e}"


# ---- the old pipeline's model, as `auger train` leaves it ----

RECIPE = """
strategy: legacy_patchtsmixer
model_config: {{architecture: PatchTSMixer, patch_length: 32, patch_stride: 32, d_model: 8, num_layers: 2,
  mode: mix_channel, self_attn: true, use_positional_encoding: true, head: {head}, loss: focal_mse}}
training_config: {{epochs: 2, batch_size: 8, validation_split: 0}}
"""


class Stacked(transformers.PatchTSMixerForPrediction):
    """With the two more layers that the head of the old pipeline's models had."""

    def __init__(self, config):
        super().__init__(config)
        for name in ("base_forecast_block1", "base_forecast_block2"):
            setattr(self.head, name, torch.nn.Linear(config.prediction_length, config.prediction_length))
        self.head.base_forecast_block.register_forward_hook(
            lambda _, __, out: self.head.base_forecast_block2(self.head.base_forecast_block1(out)))


@pytest.fixture(scope="module", name="holes")
def prepared_holes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("legacy")
    auger.command("simulate", "drilling", "-o", folder / "files", "--holes", 6, "--seed", 5, "--regime", "cfrp-ti-event")
    auger.command("prepare", "-i", folder / "files", "-o", folder / "holes", "--validate", "--auto-label")
    return folder / "holes"


@pytest.mark.parametrize("head, kind", [("stock", CLASSES["forecast"]), ("stacked", Stacked)])
def test_a_trained_baseline_is_theirs_too(head, kind, holes, tmp_path):
    (tmp_path / "legacy.yaml").write_text(RECIPE.format(head=head), encoding="utf-8")
    auger.command("train", "--config", tmp_path / "legacy.yaml", "--data-dir", holes, "--output-dir", tmp_path / "out",
                  "--home", tmp_path / "home")
    model, report = kind.from_pretrained(tmp_path / "out" / "model", output_loading_info=True)
    assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), report
    agree(head, tmp_path / "out" / "model", model.eval(), "forecast")
