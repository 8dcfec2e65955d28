# SPDX-License-Identifier: Apache-2.0
"""PatchTSMixer in the drilling configuration: this program, PyTorch (eager and compiled) and ONNX Runtime, in one run.

Every contestant is a process of its own that stays alive; in a round each takes its turn, so that what else the machine
does hits all alike. A turn is one call that finds the caches full of another's numbers, and then the same call again
and again, as in a program that has nothing else to do: three times at least, and for half a second. The first is
printed as "first"; of the others the median is that turn's time. Printed are the least and the median of these times
and the median over the rounds of (a peer's / ours in the same round), "x", of the first calls too. PyTorch runs with
several numbers of threads and with OMP_WAIT_POLICY active and passive; ONNX Runtime with and without spinning; a short
first round finds the best setting of each, which the rest uses; of a step of 128 windows the two best with 32 take part
in that round. For 24 trainings at once PyTorch has a process of one thread on each core, which share the trainings.

Usage: engine.py [--rounds N] [--cores one|all|both] [--only WORD]      from the top of the tree, after `make`
"""
import argparse
import ctypes
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

WINDOW = (512, 17)
CONFIG = dict(
    context_length=512, prediction_length=512, num_input_channels=17, patch_length=8, patch_stride=8, d_model=16,
    expansion_factor=2, num_layers=8, dropout=0.2, head_dropout=0.2, mode="mix_channel", gated_attn=True,
    norm_mlp="LayerNorm", self_attn=True, self_attn_heads=1, use_positional_encoding=True,
    positional_encoding_type="sincos", scaling="std", loss="mse")


# ---- a peer: answers lines of JSON with seconds ----

def windows(count):
    import numpy
    row = numpy.arange(count * WINDOW[0], dtype=numpy.float64)[:, None]
    channel = numpy.arange(WINDOW[1], dtype=numpy.float64)[None, :]
    x = numpy.sin(0.05 * row * (1 + channel / 10)) + 0.3 * numpy.sin(0.71 * row + channel) + 0.1 * channel
    return x.astype(numpy.float32).reshape(count, *WINDOW)


def make_model():
    """The stock model with the drilling models' head: three linear layers with nothing between."""
    import torch
    import transformers
    torch.manual_seed(1)
    model = transformers.PatchTSMixerForPrediction(transformers.PatchTSMixerConfig(**CONFIG))
    model.head.base_forecast_block = torch.nn.Sequential(
        torch.nn.Linear(1024, 512), torch.nn.Linear(512, 512), torch.nn.Linear(512, 512))
    return model


def save(folder):
    """As the drilling system saves it, for our side to load, and as ONNX."""
    import safetensors.torch
    import torch
    model = make_model().eval()
    head = "head.base_forecast_block."
    names = {head + "0.": head, head + "1.": head[:-1] + "1.", head + "2.": head[:-1] + "2."}
    state = {}
    for name, value in model.state_dict().items():
        for theirs, ours in names.items():
            name = name.replace(theirs, ours)
        state[name] = value.contiguous()
    safetensors.torch.save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    model.config.architectures = ["PatchTSMixerForPrediction"]
    (folder / "config.json").write_text(json.dumps(model.config.to_dict()))
    with torch.no_grad():
        (folder / "torch.raw").write_bytes(model(torch.tensor(windows(1))).prediction_outputs.numpy().tobytes())

    class Outputs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, past_values):
            return self.model(past_values).prediction_outputs

    with torch.no_grad():
        for count in (1, 40, 128):
            torch.onnx.export(Outputs().eval(), (torch.tensor(windows(count)),), str(folder / f"{count}.onnx"),
                              input_names=["past_values"], output_names=["y"], dynamo=True, verbose=False)


def resident():
    """Of this process, in MB, with its part of what it shares: libraries count once among several processes."""
    for line in pathlib.Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


class Torch:
    def __init__(self, compiled):
        import torch
        self.torch, self.compiled, self.ready, self.inputs = torch, compiled, {}, {}

    def prepare(self, step, fold=0):
        key = (step, fold)
        if key in self.ready:
            return self.ready[key]
        torch = self.torch
        model = make_model().train(step)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.0, fused=True) if step else None

        def outputs(x):
            return model(x).prediction_outputs

        def loss(x):
            m = (model(x).prediction_outputs - x) ** 2
            return (0.75 * (1 - torch.exp(-m)) ** 2 * m).mean()

        function = loss if step else outputs
        if self.compiled:
            function = torch.compile(function, dynamic=False)
        self.ready[key] = function, model, optimizer
        return self.ready[key]

    def run(self, kind, count, threads, fold=0):
        torch = self.torch
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        step = kind == "step"
        function, model, optimizer = self.prepare(step, fold)
        if count not in self.inputs:
            self.inputs[count] = torch.tensor(windows(count))
        x = self.inputs[count]
        start = time.perf_counter()
        if step:
            optimizer.zero_grad(set_to_none=True)
            function(x).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0, foreach=True)
            optimizer.step()
        else:
            with torch.inference_mode():
                function(x)
        return time.perf_counter() - start


class Onnx:
    def __init__(self, folder):
        import onnxruntime
        self.module, self.folder, self.ready = onnxruntime, folder, {}

    def run(self, kind, count, threads, spin):
        key = (count, threads, spin)
        if key not in self.ready:
            options = self.module.SessionOptions()
            options.intra_op_num_threads = threads
            options.log_severity_level = 3
            options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spin else "0")
            self.ready[key] = self.module.InferenceSession(str(self.folder / f"{count}.onnx"), options,
                                                           providers=["CPUExecutionProvider"])
        x = windows(count)
        start = time.perf_counter()
        self.ready[key].run(None, {"past_values": x})
        return time.perf_counter() - start


def serve(folder):
    import resource
    peers = {}
    for line in sys.stdin:
        ask = json.loads(line)
        try:
            who = ask["who"]
            if who not in peers:
                peers[who] = Onnx(folder) if who == "onnxruntime" else Torch(who == "compiled")
            extra = {"spin": ask["spin"]} if who == "onnxruntime" else {}
            busy = time.process_time()
            if ask["kind"] == "folds":
                seconds = sum(peers[who].run("step", 32, ask["threads"], fold=fold) for fold in range(ask["count"]))
            else:
                seconds = peers[who].run(ask["kind"], ask["count"], ask["threads"], **extra)
            answer = {"seconds": seconds, "busy": time.process_time() - busy, "resident": resident(),
                      "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
        except Exception as failure:  # a peer that cannot do it is left out of the table, with its reason
            answer = {"failure": f"{type(failure).__name__}: {failure}".split("\n")[0][:200]}
        print(json.dumps(answer), flush=True)


# ---- the run ----

def end_with_parent():
    """Nobody would wake a stopped contestant whose bench was killed: the kernel ends it."""
    death_signal = 1  # PR_SET_PDEATHSIG
    ctypes.CDLL(None).prctl(death_signal, int(signal.SIGKILL))


class Process:
    """Stopped while it is not its turn: threads that spin for work would take the cores from the others."""
    def __init__(self, command, **environment):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.DEVNULL, env={**os.environ, **environment},
                                        preexec_fn=end_with_parent)

    def tell(self, line):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self):
        line = self.process.stdout.readline()
        self.process.send_signal(signal.SIGSTOP)
        return line

    def ask(self, line):
        """One answer."""
        self.tell(line)
        return self.hear()

    def turn(self, line, least, seconds):
        """The answers of as many calls as that takes, without a stop between them."""
        self.process.send_signal(signal.SIGCONT)
        answers, end = [], time.perf_counter() + seconds
        while len(answers) < least or time.perf_counter() < end:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            answers.append(self.process.stdout.readline())
        self.process.send_signal(signal.SIGSTOP)
        return answers

    def close(self):
        self.process.stdin.close()
        self.process.send_signal(signal.SIGCONT)
        self.process.wait()


class Ours:
    name = "auger"

    def __init__(self, folder, threads):
        self.process = Process(["build/bench/bench-engine", "serve", str(threads), str(folder)])
        self.megabytes = 0.0

    def turn(self, kind, count, least=1, seconds=0.0):
        """Seconds by the clock and by the processor's time of each call."""
        answers = [tuple(map(float, line.split())) for line in self.process.turn(f"{kind} {count}", least, seconds)]
        self.megabytes = answers[-1][2]
        return [answer[:2] for answer in answers]


class Peer:
    def __init__(self, process, who, threads, setting, spin=False):
        self.process, self.who, self.threads, self.spin, self.megabytes = process, who, threads, spin, 0.0
        title = {"eager": "PyTorch eager", "compiled": "PyTorch compiled", "onnxruntime": "ONNX Runtime"}[who]
        self.name = f"{title}, {threads} thread{'s' * (threads > 1)}{setting}"

    def turn(self, kind, count, least=1, seconds=0.0):
        """Seconds by the clock and by the processor's time of each call; nothing when it cannot do it."""
        line = json.dumps(dict(who=self.who, kind=kind, count=count, threads=self.threads, spin=self.spin))
        answers = [json.loads(answer) for answer in self.process.turn(line, least, seconds)]
        for answer in answers:
            if "failure" in answer:
                print(f"    {self.name}: {answer['failure']}")
                return []
        self.megabytes = answers[-1]["megabytes"]
        return [(answer["seconds"], answer["busy"]) for answer in answers]


class Spread:
    """PyTorch's way with many small trainings: a process of one thread for each core, each with its share of them."""
    def __init__(self, folder):
        cores = sorted(os.sched_getaffinity(0))
        command = [sys.executable, __file__, "--serve", str(folder)]
        self.processes = [Process(["taskset", "-c", str(core), *command], OMP_NUM_THREADS="1") for core in cores]
        self.name, self.megabytes = f"PyTorch eager, {len(cores)} processes", 0.0

    def turn(self, kind, count, least=1, seconds=0.0):
        start = time.perf_counter()
        for i, process in enumerate(self.processes):
            share = count * (i + 1) // len(self.processes) - count * i // len(self.processes)
            process.tell(json.dumps(dict(who="eager", kind=kind, count=share, threads=1)))
        answers = [json.loads(process.hear()) for process in self.processes]
        taken = time.perf_counter() - start
        self.megabytes = sum(answer.get("resident", 0.0) for answer in answers)
        if any("failure" in answer for answer in answers):
            return []
        return [(taken, sum(answer["busy"] for answer in answers))]

    def close(self):
        for process in self.processes:
            process.close()


def settings(folder, cores):
    """All that is tried, by kind of peer."""
    command = [sys.executable, __file__, "--serve", str(folder)]
    out = {}
    for who in ("eager", "compiled", "onnxruntime"):
        out[who] = []
        for policy in ("PASSIVE", "ACTIVE"):
            if policy == "ACTIVE" and cores == 1:
                continue
            process = Process(command, OMP_WAIT_POLICY=policy)
            for threads in sorted({1, (cores + 1) // 2, cores}):
                setting = "" if cores == 1 else f", waits {policy.lower()}"
                out[who].append(Peer(process, who, threads, setting, policy == "ACTIVE"))
    return out


def fastest(tried, kind, count):
    """Those that can do it, the best setting first."""
    times = []
    for peer in tried:
        if not peer.turn(kind, count):  # the first call warms up, or compiles
            break
        calls = peer.turn(kind, count, least=3) if len(tried) > 1 else [(0.0, 0.0)]
        times.append((statistics.median(call[0] for call in calls), peer))
    return [peer for _, peer in sorted(times, key=lambda item: item[0])]


def choose(tried, kind, count):
    """The best setting of one kind of peer, or nobody. Of a step of many windows the two that are best with 32 are
    tried: each setting is a process that compiles for minutes and keeps gigabytes."""
    if kind == "step" and count > 32:
        tried = fastest(tried, kind, 32)[:2]
    return fastest(tried, kind, count)[:1]


def compare(ours, peers, kind, count, rounds, flop):
    chosen = []
    for who, tried in peers.items():
        if who != "onnxruntime" or kind == "forward":
            chosen += choose(tried, kind, count)
    show(ours, chosen, kind, count, rounds, flop)


def show(ours, chosen, kind, count, rounds, flop):
    everyone = [ours, *chosen]
    least, seconds = (1, 0.0) if kind == "folds" else (4, 0.5)  # two dozen trainings are warm after the first
    ours.turn(kind, count)
    turns = {peer.name: [] for peer in everyone}
    for _ in range(rounds):
        for peer in everyone:
            calls = peer.turn(kind, count, least, seconds)
            warm = calls[1:] or calls
            turns[peer.name].append((calls[0][0], *(statistics.median(call[i] for call in warm) for i in (0, 1))))
    samples = count * 32 if kind == "folds" else count
    print(f"  {kind} {count}")
    for peer in everyone:
        firsts, clock, busy = zip(*turns[peer.name])
        first_x, clock_x, busy_x = (statistics.median(a / b for a, b in zip(column, our))
                                    for column, our in zip(zip(*turns[peer.name]), zip(*turns[ours.name])))
        median = statistics.median(clock)
        print(f"    {peer.name:38} least {min(clock) * 1e3:10.2f} ms  median {median * 1e3:10.2f} ms"
              f"  {samples / median:9.1f} windows/s  {flop * samples / median * 1e-9:7.1f} GFLOP/s"
              f"  x {clock_x:6.2f}  processor {statistics.median(busy) * 1e3:10.2f} ms  x {busy_x:6.2f}"
              f"  first {statistics.median(firsts) * 1e3:10.2f} ms  x {first_x:6.2f}"
              f"  most memory {peer.megabytes:7.0f} MB", flush=True)


def agreement(ours, folder):
    import numpy
    ours.process.ask(f"predict {folder}/ours.raw")
    left, right = (numpy.fromfile(folder / name, dtype=numpy.float32) for name in ("ours.raw", "torch.raw"))
    print(f"  the same outputs: largest difference {numpy.abs(left - right).max():.2e}"
          f" where the largest output is {numpy.abs(right).max():.2f}")


def measure(folder, cores, rounds, only):
    print(f"{'one core' if cores == 1 else f'{cores} cores'}, {rounds} rounds,"
          f" load {os.getloadavg()[0]:.1f} at the start; x: median of its time / ours in the same round, by the clock and by"
          " the processor's time, which other programs disturb less")
    ours = Ours(folder, cores)
    agreement(ours, folder)
    peers = settings(folder, cores)
    flop = 224.5e6
    for kind, count in (("forward", 1), ("forward", 40), ("forward", 128), ("step", 32), ("step", 128)):
        if only in f"{kind} {count}":
            compare(ours, peers, kind, count, 3 * rounds if count == 1 else rounds,
                    flop * (1 if kind == "forward" else 3))
    for process in {peer.process for tried in peers.values() for peer in tried}:
        process.close()
    if only in "folds 24" and cores > 1:
        spread = Spread(folder)
        spread.turn("folds", 24)
        show(ours, [spread], "folds", 24, rounds, 3 * flop)
        spread.close()
    ours.process.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--serve")
    parser.add_argument("--save")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cores", default="both")
    parser.add_argument("--only", default="")
    ask = parser.parse_args()
    if ask.serve:
        return serve(pathlib.Path(ask.serve))
    if ask.save:
        return save(pathlib.Path(ask.save))
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([sys.executable, __file__, "--save", name], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        if ask.cores in ("one", "both"):
            os.sched_setaffinity(0, {cores[-1]})
            measure(folder, 1, ask.rounds, ask.only)
            os.sched_setaffinity(0, set(cores))
        if ask.cores in ("all", "both") and len(cores) > 1:
            measure(folder, len(cores), ask.rounds, ask.only)
    return None


if __name__ == "__main__":
    sys.exit(main())
