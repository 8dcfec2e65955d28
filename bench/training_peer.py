# SPDX-License-Identifier: Apache-2.0
"""A training of bench/training.py's folds in PyTorch: a process that answers lines of JSON.

Usage: training_peer.py FOLDER [--compiled]      what FOLDER holds: bench/training_bench.c
       training_peer.py FOLDER --check           how far its windows are from ours where nothing is varied"""
import json
import pathlib
import sys
import time

import safetensors.torch
import torch
import training_windows
import transformers


class Peer:
    """Trains the folds that it is told to."""
    def __init__(self, folder, compiled):
        self.folder, self.compiled = folder, compiled
        self.windows = training_windows.Windows(folder)

    def make_model(self):
        config = json.loads((self.folder / "first/config.json").read_text())
        for name in ("architectures", "loss"):
            config.pop(name)
        stock = transformers.PatchTSMixerConfig(**config)
        positions, maps = config["context_length"], config["num_targets"]
        each = config["patch_length"]

        class HeatMaps(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.model = transformers.PatchTSMixerModel(stock)
                self.projection = torch.nn.Linear(stock.num_input_channels * stock.d_model, each * maps)

            def forward(self, x):
                hidden = self.model(x).last_hidden_state  # [windows, channels, patches, features]
                return self.projection(hidden.transpose(1, 2).flatten(2)).reshape(-1, positions, maps)

        model = HeatMaps()
        first = safetensors.torch.load_file(self.folder / "first/model.safetensors")
        model.load_state_dict({name.replace("head.", ""): value for name, value in first.items()})
        return model

    def loss(self, maps, target):
        """Cross entropy of every map that has a target."""
        total = target.sum(1)
        there = total > 0
        entropy = -(target * torch.log_softmax(maps, 1)).sum(1) / torch.where(there, total, 1)
        return (entropy * there).sum() / there.sum().clamp(min=1)

    def prepare(self):
        s = self.windows.settings
        torch.manual_seed(1)
        model = self.make_model().train()
        weights = [p for p in model.parameters() if p.dim() > 1]
        others = [p for p in model.parameters() if p.dim() <= 1]
        self.optimizer = torch.optim.AdamW([dict(params=weights, weight_decay=s["weight_decay"]),
                                            dict(params=others, weight_decay=0.0)], lr=s["learning_rate"], fused=True)
        self.model = model

        def whole(x, target):
            return self.loss(model(x), target)

        self.run_loss = torch.compile(whole, dynamic=False) if self.compiled else whole

    def train(self, fold, epochs, steps):
        """Up to so many epochs, or so many steps when `steps` is not 0: (steps, training losses, validation losses)."""
        s, folds = self.windows.settings, self.windows.folds
        training, validation = (folds != fold).nonzero()[:, 0], (folds == fold).nonzero()[:, 0]
        done, losses, judged, order = 0, [], [], torch.Generator().manual_seed(fold)
        for _ in range(epochs):
            self.model.train()
            total = 0.0
            for batch in training[torch.randperm(len(training), generator=order)].split(s["batch_size"]):
                self.optimizer.zero_grad(set_to_none=True)
                loss = self.run_loss(*self.windows.varied(batch))
                loss.backward()
                if s["clip_norm"] > 0:
                    torch.nn.utils.clip_grad_norm_(self.model.parameters(), s["clip_norm"], foreach=True)
                self.optimizer.step()
                total += loss.item() * len(batch)
                done += 1
                if done == steps:
                    return done, losses, judged
            losses.append(total / len(training))
            self.model.eval()
            with torch.no_grad():
                judged.append(self.run_loss(*self.windows.as_they_are(validation)).item())
        return done, losses, judged

    def answer(self, ask):
        if torch.get_num_threads() != ask["threads"]:
            torch.set_num_threads(ask["threads"])
        if ask.get("fresh", True):
            self.prepare()
        start, busy = time.perf_counter(), time.process_time()
        steps, losses, judged = self.train(ask["fold"], ask["epochs"], ask["steps"])
        return {"seconds": time.perf_counter() - start, "busy": time.process_time() - busy, "steps": steps,
                "train_loss": losses, "val_loss": judged, "resident": resident()}


def resident():
    """Of this process, in MB, with its part of what it shares: libraries count once among several processes."""
    for line in pathlib.Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def serve(folder, compiled):
    peer = Peer(folder, compiled)
    for line in sys.stdin:
        try:
            answer = peer.answer(json.loads(line))
        except Exception as failure:  # a way that cannot be gone is left out, with its reason
            answer = {"failure": f"{type(failure).__name__}: {failure}".split("\n")[0][:200]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    if "--check" in sys.argv:
        print("windows without variation differ by %.2g in the mean, by %.2g in 99.9 of 100"
              % training_windows.Windows(pathlib.Path(sys.argv[1])).farthest())
    else:
        serve(pathlib.Path(sys.argv[1]), "--compiled" in sys.argv)
