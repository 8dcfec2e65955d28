# SPDX-License-Identifier: Apache-2.0
"""Makes tests/fixtures/huggingface: a small model that transformers saved, a series, and what PyTorch computed for it, so
that every `make test` reads a real file. Run it with the environment of tests/peers when the fixture shall change."""
from pathlib import Path

import numpy
import torch
import transformers

folder = Path(__file__).parent.parent / "fixtures" / "huggingface"
torch.manual_seed(5)
config = transformers.PatchTSMixerConfig(
    context_length=26, patch_length=4, patch_stride=4, num_input_channels=3, d_model=4, num_layers=2,
    prediction_length=10, mode="mix_channel", self_attn=True, self_attn_heads=2, use_positional_encoding=True,
    prediction_channel_indices=[2, 0])
model = transformers.PatchTSMixerForPrediction(config).eval()
model.save_pretrained(folder)
x = torch.randn(4, 26, 3)
numpy.save(folder / "x.npy", x.numpy())
numpy.save(folder / "y.npy", model.double()(x.double()).prediction_outputs.detach().numpy())
