# SPDX-License-Identifier: Apache-2.0
"""What a training sees of a hole, in PyTorch, made of what `bench-training windows` has written: the nodes of its track
varied as learn/drilling/augment.c varies them, laid on cells, turned into channels and scaled, with the heat maps that
are wanted, a batch at a time. As whoever knows PyTorch would write it for speed: no loop over holes, nodes or cells.
Lost nodes and random words are alike in kind, not in bits; without variation it is what ours are, to rounding
(`farthest()` says how far)."""
import json
import math

import numpy
import torch

BRIDGE_MM, LEAST_SEEN, NOISE_MM, CUT = 0.3, 0.5, 0.8, 8.0
TORQUE_FLOOR, THRUST_FLOOR = 0.1, 0.02  # of channels
TORQUE_NOISE_FLOOR, THRUST_NOISE_FLOOR, THRUST_SHARE = 0.05, 0.005, 0.1
WAVES, LONGEST_GAP = 2, 5


class Windows:
    def __init__(self, folder):
        settings = self.settings = json.loads((folder / "settings.json").read_text())
        load = lambda name: torch.from_numpy(numpy.load(folder / f"{name}.npy"))
        self.nodes, places, self.folds = load("nodes"), load("places"), load("folds")
        self.place = {name: places[:, i:i + 1].contiguous() for i, name in enumerate(settings["place_columns"])}
        self.known = places[:, [settings["place_columns"].index(n) for n in ("entry", "transition", "exit")]].contiguous()
        self.column = {name: i for i, name in enumerate(settings["node_columns"])}
        self.ready = load("values"), load("targets")
        self.how, view = settings["augmentation"], settings["view"]
        self.cells, self.cell_mm, self.smoothing_mm = view["cells"], view["cell_mm"], view["smoothing_mm"]
        self.normalize, self.combine = view["normalize_position"], view["combine_torque_signals"]
        self.target_mm, self.names = settings["target_mm"], view["channels"]
        self.mean = torch.tensor(view["mean"], dtype=torch.float32)
        self.inverse = 1 / torch.tensor(view["deviation"], dtype=torch.float32)
        self.knees = settings["knees"]
        self.several = len(self.folds) > settings["holes"]
        self.edge_numbers, self.cell_numbers = torch.arange(self.cells + 1.0), torch.arange(self.cells)

    def as_they_are(self, batch):
        return self.ready[0][batch], self.ready[1][batch]

    @torch.no_grad()
    def varied(self, batch, vary=True):
        """values [windows, cells, channels] and targets [windows, cells, points] of these windows, anew in each call."""
        place = {name: column[batch] for name, column in self.place.items()}
        most = int(place["count"].max())
        nodes = dict(zip(self.column, self.nodes[batch, :, :most].unbind(1)))
        known, start = self.known[batch], place["start"]
        if vary:
            nodes, known = self.vary(nodes, known, place)
            if self.several:
                start = start + self.cell_mm * self.cells * 0.25 * (torch.rand_like(start) - 0.5)
        edges = start + place["cell_mm"] * self.edge_numbers
        return self.channels(self.lay(nodes, edges, place), edges, place), self.target(known, edges, place, vary)

    # ---- variation ----

    def vary(self, nodes, known, place):
        how, n = self.how, len(known)
        even = lambda reach: reach * (2 * torch.rand(n, 1) - 1)
        shift = how["setup_shift"] * torch.randn(n, 1).clamp(-3, 3)
        depth, told = nodes["depth"] + shift, known + shift
        for _ in range(WAVES):
            turn = 2 * math.pi / (8 + 24 * torch.rand(n, 1))
            phase, amplitude = 2 * math.pi * torch.rand(n, 1), even(how["time_warping"] / WAVES) / turn
            depth = torch.addcmul(depth, amplitude, torch.sin(torch.addcmul(phase, turn, nodes["depth"])))
            told = torch.addcmul(told, amplitude, torch.sin(torch.addcmul(phase, turn, known)))
        gain, push_gain = 1 + even(how["gain"]), 1 + even(how["gain"])
        bend, peak = 1 + even(how["edge_shape"]), place["peak"]
        torque = nodes["torque"]
        torque = torch.where(torque > 0, peak * (torque.clamp(min=0) / peak).pow(bend), torque) * gain
        torque = torque + even(how["offset"])
        thrust = torch.addcmul(even(how["offset"] * THRUST_SHARE), nodes["thrust"], push_gain)
        noise = how["noise_injection"] * torch.rand(n, 1) * nodes["samples"].rsqrt()
        torque = torque + noise * (torque.abs() + TORQUE_NOISE_FLOOR) * torch.randn_like(torque)
        thrust = thrust + noise * (thrust.abs() + THRUST_NOISE_FLOOR) * torch.randn_like(thrust)
        varied = dict(nodes, depth=depth, torque=torque, thrust=thrust, spread=nodes["spread"] * (gain * gain))
        place["end"] = depth[:, -1:]
        return self.lose(varied), told

    def lose(self, nodes):
        """Gaps of one to five nodes; one alone is bridged, more are seen by nobody."""
        share = self.how["sample_dropout"]
        if share == 0:
            return nodes
        depth = nodes["depth"]
        row, at = (torch.rand_like(depth) < share / (0.5 * (1 + LONGEST_GAP))).nonzero(as_tuple=True)
        inner = (at > 0) & (at < depth.shape[1] - LONGEST_GAP)
        row, at = row[inner], at[inner]
        length = torch.randint(1, LONGEST_GAP + 1, at.shape)
        lost = self.cell_numbers[:LONGEST_GAP + 1] < torch.where(length > 1, length + 1, 0)[:, None]  # and the one behind
        seen = nodes["joined"].clone()
        seen[row[:, None].expand_as(lost)[lost], (at[:, None] + self.cell_numbers[:LONGEST_GAP + 1])[lost]] = 0
        changed = dict(nodes, joined=seen)
        row, at = row[length == 1], at[length == 1]
        part = (depth[row, at] - depth[row, at - 1]) / (depth[row, at + 1] - depth[row, at - 1]).clamp(min=1e-9)
        for name in ("torque", "thrust", "spread"):
            values = changed[name] = nodes[name].clone()
            values[row, at] = torch.lerp(values[row, at - 1], values[row, at + 1], part)
        return changed

    # ---- the grid ----

    def lay(self, nodes, edges, place):
        depth = nodes["depth"].contiguous()
        a, b = nodes["torque"][:, :-1], nodes["torque"][:, 1:]
        way = depth.diff()
        seen = nodes["joined"][:, 1:] * (way > 0) * (way <= BRIDGE_MM)
        w = way * seen
        parts = torch.stack([w * (0.5 * (a + b)),
                             w * (0.5 * (nodes["thrust"][:, :-1] + nodes["thrust"][:, 1:])),
                             w * ((a * a + a * b + b * b) / 3 + 0.5 * (nodes["spread"][:, :-1] + nodes["spread"][:, 1:])),
                             seen * nodes["time"].diff(), seen * nodes["samples"][:, 1:], w], 1)
        totals = torch.nn.functional.pad(parts.cumsum(2, dtype=torch.float64), (1, 0))
        right = torch.searchsorted(depth, edges).clamp(1, depth.shape[1] - 1)
        before = right - 1
        low, high = depth.gather(1, before), depth.gather(1, right)
        share = ((edges - low) / (high - low).clamp(min=1e-9)).clamp(0, 1)
        wide = lambda index: index[:, None].expand(-1, parts.shape[1], -1)
        part = parts.gather(2, wide(before)) * share[:, None]
        # of a line the first part is not its share of the whole
        less = -w.gather(1, before) * share * (1 - share)
        (low, torque), (_, thrust), (_, spread) = ((first, nodes[name].gather(1, right) - first) for name, first in (
            (name, nodes[name].gather(1, before)) for name in ("torque", "thrust", "spread")))
        part[:, 0] += 0.5 * less * torque
        part[:, 1] += 0.5 * less * thrust
        part[:, 2] += less * (low * torque + torque * torque * (1 + share) / 3 + 0.5 * spread)
        sums = (totals.gather(2, wide(before)) + part).diff(dim=2).float()
        seen = sums[:, 5]
        observed = seen >= LEAST_SEEN * place["cell_mm"]
        mean = sums / seen.clamp(min=1e-9)[:, None]
        spread = (mean[:, 2] - mean[:, 0] * mean[:, 0]).clamp(min=0).sqrt()
        velocity = torch.where(sums[:, 3] > 0, seen / sums[:, 3], 0)
        rows = self.bridge(torch.stack([mean[:, 0], mean[:, 1], spread, velocity, mean[:, 4]], 1), observed)
        torque, thrust, spread, velocity, samples = rows.unbind(1)
        inside = self.inside(depth, edges, place)
        earlier = nodes["torque"][:, 1:] + nodes["torque"][:, :-1]
        earlier = (0.5 * earlier * (torch.minimum(depth[:, 1:], edges[:, :1]) - depth[:, :-1]).clamp(min=0)).sum(1, True)
        return dict(torque=torque, thrust=thrust, spread=spread, velocity=velocity, samples=samples,
                    step=nodes["step"].gather(1, before[:, 1:]), inside=inside,
                    seen=torch.where(observed, (seen / place["cell_mm"]).clamp(max=1), 0),
                    work=earlier + (torque * inside * place["cell_mm"]).cumsum(1))

    def inside(self, depth, edges, place):
        return (edges[:, 1:] > depth[:, :1]) & (edges[:, :-1] <= place["end"])

    def bridge(self, rows, observed):
        """Cells that nobody saw lie on the line between their neighbours."""
        numbers, last = self.cell_numbers, self.cells - 1
        before = torch.where(observed, numbers, -1).cummax(1).values
        behind = torch.where(observed, numbers, self.cells).flip(1).cummin(1).values.flip(1)
        part = (numbers - before) / (behind - before).clamp(min=1)
        part = torch.where(before < 0, 1.0, torch.where(behind > last, 0.0, part))
        take = lambda index: rows.gather(2, index.clamp(0, last)[:, None].expand(-1, rows.shape[1], -1))
        return torch.lerp(take(before), take(behind), part[:, None])

    # ---- channels ----

    def smooth(self, values, width):
        half = int(0.5 * width / self.cell_mm + 0.5)
        return torch.nn.functional.avg_pool1d(values, 2 * half + 1, 1, half, count_include_pad=False)

    def slope(self, values, cell):
        out = torch.empty_like(values)
        torch.sub(values[:, 2:], values[:, :-2], out=out[:, 1:-1])
        out[:, 1:-1] *= 0.5
        out[:, 0], out[:, -1] = values[:, 1] - values[:, 0], values[:, -1] - values[:, -2]
        return out / cell

    def channels(self, grid, edges, place):
        cell, velocity = place["cell_mm"], grid["velocity"]
        smooth = self.smooth(torch.stack([grid["torque"], grid["thrust"], velocity], 1), self.smoothing_mm)
        torque, thrust, feed = smooth.unbind(1)
        load = grid["torque"] + grid["thrust"] if self.combine else grid["torque"]
        noise = (grid["torque"] - torque).square() + grid["spread"].square()
        whole = place["end"] if self.normalize else 1
        made = {"position": lambda: (edges[:, 1:] + edges[:, :-1]) * 0.5 / whole, "velocity": lambda: velocity,
                "acceleration": lambda: self.slope(feed, cell) * velocity, "torque": lambda: grid["torque"],
                "torque_smooth": lambda: torque, "torque_gradient": lambda: self.slope(torque, cell),
                "thrust": lambda: grid["thrust"], "thrust_smooth": lambda: thrust,
                "thrust_gradient": lambda: self.slope(thrust, cell),
                "ratio": lambda: (thrust.clamp(min=0) + THRUST_FLOOR) / (torque.clamp(min=0) + TORQUE_FLOOR),
                "power": lambda: load * velocity, "step": lambda: grid["step"] / (place["steps"] - 1).clamp(min=1),
                "quality": lambda: grid["seen"],
                "noise": lambda: self.smooth(noise[:, None], NOISE_MM)[:, 0].clamp(min=0).sqrt(),
                "sampling": lambda: grid["samples"],
                "efficiency": lambda: velocity / (load.clamp(min=0) + TORQUE_FLOOR), "wear": lambda: grid["work"]}
        columns = []
        for name, knee in zip(self.names, self.knees):
            values = made[name]()
            columns.append(torch.asinh(values / knee) if knee > 0 else values.log() if knee < 0 else values)
        scaled = (torch.stack(columns, 2) - self.mean) * self.inverse
        return scaled.clamp(-CUT, CUT) * grid["inside"][:, :, None]

    # ---- targets ----

    def target(self, known, edges, place, vary):
        below = 0.5 * torch.erfc((known[:, None] - edges[:, :, None]) / (self.target_mm * math.sqrt(2)))
        target = below.diff(dim=1).nan_to_num(0)
        target[:, 0] = (1 - target[:, 1:].sum(1)).clamp(min=0)
        weight = place["weight"]
        counts = torch.rand_like(weight) < weight if vary else weight > 0
        return target * counts[:, :, None]

    def farthest(self):
        """How far the windows without variation are from those of ours: mean and 99.9 of 100 of all numbers."""
        apart = [torch.cat([(made - ready).abs().flatten() for made, ready in zip(self.varied(batch, vary=False),
                                                                                  self.as_they_are(batch))])
                 for batch in torch.arange(len(self.folds)).split(32)]
        apart = torch.cat(apart).numpy()
        return float(apart.mean()), float(numpy.quantile(apart, 0.999))
