# SPDX-License-Identifier: Apache-2.0
"""The keys of the drilling documents (bench/training.yaml) on 300 simulated holes, 24 folds of at most 100 epochs from
weights by chance: `auger train` to its end, and the same training written in PyTorch, in one run on the same cores.

The same: windows and targets, varied anew in every epoch (bench/training_windows.py; `bench-training windows` writes
what they are made of), folds, first weights, sizes of the model (transformers' PatchTSMixer with a head of heat maps),
loss, batches, AdamW, clipping where it is configured, and a validation behind every epoch (bench/training_peer.py). Ours
reads the data, asks each model about its fold, calibrates, writes the model and keeps the ledger, too; PyTorch does not,
which is in its favour.

PyTorch is tried in several ways: a process of one thread on each core, which share the folds, and all cores for one
fold after the other, each eager and compiled (compiling is not counted), and with tcmalloc, which its guides advise,
where that is installed; the best one goes on. First both sides print
what they will take, measured on a slice. Ours then runs to its end. PyTorch would take hours: it runs a longer slice
before and behind ours, and its whole is told from the steps that ours really made. --whole trains all of it.
While one side works, the processes of the other are stopped.

Usage: training.py [--slice] [--whole] [--cores LIST] [--threads N] [--epochs N] [--peers LIST] [--keep DIR]
from the top of the tree, with build/auger and build/bench/bench-training made (`make bench` makes them)
"""
import argparse
import csv
import ctypes.util
import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

BUILD = pathlib.Path(os.environ.get("AUGER_BUILD", "build"))
CONFIG = "bench/training.yaml"
PEER = pathlib.Path(__file__).with_name("training_peer.py")


# ---- the ways that PyTorch is tried in ----

class Process:
    """Stopped while it is not its turn."""
    def __init__(self, command, **environment):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.DEVNULL, env={**os.environ, **environment})

    def ask(self, **what):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        self.process.send_signal(signal.SIGSTOP)
        return json.loads(line) if line else {"failure": "the process has ended"}

    def close(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.close()
        self.process.wait()


class Way:
    def __init__(self, folder, cores, spread, compiled, allocator):
        mode = ("compiled" if compiled else "eager") + (", tcmalloc" if allocator else "")
        command = [sys.executable, str(PEER), str(folder)] + (["--compiled"] if compiled else [])
        self.width, self.compiled = 1 if spread else len(cores), compiled
        if spread:
            self.name = f"PyTorch {mode}, {len(cores)} processes of one thread"
            self.processes = [Process(["taskset", "-c", str(core), *command], LD_PRELOAD=allocator, OMP_NUM_THREADS="1")
                              for core in cores]
        else:
            self.name = f"PyTorch {mode}, one process of {len(cores)} threads"
            self.processes = [Process(command, LD_PRELOAD=allocator, OMP_NUM_THREADS=str(len(cores)))]
        self.lost = None

    def work(self, jobs, each=False):
        """Jobs (fold, epochs, steps) by whoever is free; with `each` a job is for every process. (seconds, answers)"""
        left, answers = queue.Queue(), []
        for job in jobs:
            left.put(job)

        def go_on(process):
            own = list(jobs) if each else None
            while own or not each:
                try:
                    fold, epochs, steps = own.pop(0) if each else left.get_nowait()
                except queue.Empty:
                    return
                answers.append(process.ask(fold=fold, epochs=epochs, steps=steps, threads=self.width))

        start = time.perf_counter()
        threads = [threading.Thread(target=go_on, args=(process,)) for process in self.processes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - start
        failures = [answer["failure"] for answer in answers if "failure" in answer]
        if failures:
            self.lost = failures[0]
            return None
        return Slice(seconds, answers)

    def close(self):
        for process in self.processes:
            process.close()


def allocators():
    """What is preloaded; nothing is the system's own. What is not there the loader would only warn of."""
    found = ctypes.util.find_library("tcmalloc_minimal")
    return ["", found] if found else [""]


class Slice:
    def __init__(self, seconds, answers):
        self.seconds, self.answers = seconds, answers
        self.steps = sum(answer["steps"] for answer in answers)
        self.busy = sum(answer["busy"] for answer in answers)
        self.each, self.busy_each = self.seconds / self.steps, self.busy / self.steps
        self.resident = 0.0

    def joined(self, other):
        return Slice(self.seconds + other.seconds, self.answers + other.answers)


def choose(ways, steps):
    """The way with the least seconds for a step; the first work of each warms up, or compiles."""
    times = []
    for way in ways:
        start = time.perf_counter()
        warm = way.work([(0, 1, 0)], each=True)
        if warm and times and not way.compiled and warm.each > 3 * min(times)[0]:
            print(f"    {way.name}: {warm.each * 1e3:.1f} ms for a step in its first epoch, too slow to go on with")
            continue
        slice_ = warm and way.work([(1, 10, steps)], each=True)
        if not slice_:
            print(f"    {way.name}: {way.lost}")
            continue
        print(f"    {way.name:55} {slice_.each * 1e3:8.1f} ms for a step  ({time.perf_counter() - start:.0f} s to find out)",
              flush=True)
        times.append((slice_.each, way.name, way))
    return min(times)[2] if times else None


# ---- ours ----

def run(command, **more):
    return subprocess.run([str(part) for part in command], check=True, **more)


def make_data(folder, holes, seed):
    files, data = folder / "files", folder / "prepared"
    if not (data / "holes.csv").exists():
        run([BUILD / "auger", "simulate", "drilling", "--holes", holes, "--tool-holes", "40", "--seed", seed,
             "--output-dir", files, "-q"], stdout=subprocess.DEVNULL)
        run([BUILD / "auger", "prepare", "--input-dir", files, "--output-dir", data, "--validate", "--auto-label", "-q"],
            stdout=subprocess.DEVNULL)
        shutil.copy(files / "truth.csv", data / "truth.csv")
    told = run([BUILD / "bench/bench-training", "windows", CONFIG, data, folder], stdout=subprocess.PIPE, text=True).stdout
    (folder / "settings.json").write_text(told)
    return data, json.loads(told)


class Ours:
    def __init__(self, folder, data, threads, more):
        out = folder / "trained"
        shutil.rmtree(out, ignore_errors=True)
        command = [BUILD / "auger", "train", "--config", CONFIG, "--data-dir", data, "--output-dir", out,
                   "--home", folder / "home", "--jobs", threads, "--progress", "plain", *more]
        start = time.perf_counter()
        process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   text=True)
        for line in process.stderr:
            if "models, at most" in line:
                print(f"    auger's estimate: {line.strip()}", flush=True)
            elif "the best was" in line:
                print(f"      {line.strip()}  [{time.perf_counter() - start:.0f} s]", flush=True)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"auger train ended with {os.waitstatus_to_exitcode(status)}")
        self.seconds = time.perf_counter() - start
        self.busy, self.megabytes = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
        self.epochs, self.steps, self.losses = {}, 0, {}
        with open(out / "history.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            self.epochs[int(row["training"][5:]) - 1] = int(row["epoch"])
            self.losses.setdefault(int(row["epoch"]), []).append(float(row["val_loss"]))
        last = {row["training"]: int(row["step"]) for row in rows}
        self.steps = sum(last.values())
        self.metrics = json.loads((out / "metrics.json").read_text())


# ---- the run ----

def clock(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60:02} min {seconds:02} s" if minutes >= 60 else f"{minutes} min {seconds:02} s"


def mean(values):
    return sum(values) / len(values)


def tell(ours, way, torch, whole):
    print(f"  ours     {clock(ours.seconds)} ({ours.seconds:.1f} s), {ours.steps} steps of {len(ours.epochs)} models"
          f" ({sum(ours.epochs.values())} epochs), {ours.seconds / ours.steps * 1e3:.2f} ms for a step,"
          f" processor {ours.busy:.0f} s, {ours.busy / ours.steps * 1e3:.2f} ms for a step, most memory {ours.megabytes:.0f} MB")
    memory = f"memory {torch.resident:.0f} MB"
    if whole:
        print(f"  PyTorch  {clock(torch.seconds)} ({torch.seconds:.1f} s), all {torch.steps} steps trained,"
              f" {torch.each * 1e3:.2f} ms for a step, processor {torch.busy:.0f} s, {torch.busy_each * 1e3:.2f} ms for a step,"
              f" {memory}")
    else:
        print(f"  PyTorch  {clock(torch.each * ours.steps)} ({torch.each * ours.steps:.1f} s) for the {ours.steps} steps of ours,"
              f" told from {torch.steps} steps in {torch.seconds:.1f} s, half before and half behind ours:"
              f" {torch.each * 1e3:.2f} ms for a step, processor {torch.busy_each * 1e3:.2f} ms for a step, {memory}")
    print(f"           by {way.name}")
    print(f"  ratio    {torch.each / (ours.seconds / ours.steps):.2f} by the clock,"
          f" {torch.busy_each / (ours.busy / ours.steps):.2f} by the processor's time, which other programs disturb less"
          " (PyTorch / ours; ours with data, augmentation, ensemble, calibration, validation, export and ledger)")


def tell_losses(ours, answers):
    """That both learn the same: the loss on what they validate with, by epoch."""
    longest = max(len(answer["val_loss"]) for answer in answers)
    for epoch in [e for e in (1, 2, 3, 5, 10, 20, 50, 100) if e <= longest and e in ours.losses]:
        theirs = [answer["val_loss"][epoch - 1] for answer in answers if len(answer["val_loss"]) >= epoch]
        print(f"    validation loss behind epoch {epoch:3}: ours {mean(ours.losses[epoch]):.3f},"
              f" PyTorch {mean(theirs):.3f} (of {len(theirs)} models)")


def measure(folder, ask, cores):
    data, settings = make_data(folder, ask.holes, ask.seed)
    threads = ask.threads or len(cores)
    folds, epochs = settings["folds"], ask.epochs or settings["epochs"]
    more = ["--set", f"training_config.epochs={epochs}"]
    if ask.slice:
        folds, epochs = min(folds, 2 * len(cores)), min(epochs, 3)
        more = ["--set", f"training_config.epochs={epochs}", "--folds", f"1-{folds}"]
    print(f"{ask.holes} holes of seed {ask.seed}, {settings['holes']} to learn from, {folds} of {settings['folds']} folds,"
          f" at most {epochs} epochs in batches of {settings['batch_size']}; cores {','.join(map(str, cores))},"
          f" {threads} threads, load {os.getloadavg()[0]:.1f} at the start", flush=True)
    print(f"  PyTorch's {run([sys.executable, PEER, folder, '--check'], stdout=subprocess.PIPE, text=True).stdout.strip()}")
    print("  PyTorch, on a slice:", flush=True)
    ways = [Way(folder, cores, spread, peer == "compiled", allocator) for peer in ask.peers.split(",")
            for allocator in allocators() for spread in (True, False) if spread or len(cores) > 1]
    try:
        way = choose(ways, 6)
        for other in ways:
            if other is not way:
                other.close()
        ways = [way] if way else []
        if not way:
            sys.exit("no way of PyTorch works here")
        warm = 2 if ask.slice else 3
        slice_jobs = [(fold % settings["folds"], warm, 0) for fold in range(max(2, len(way.processes)))]
        before = way.work(slice_jobs)
        steps = epochs * folds * (before.steps / len(slice_jobs) / warm)
        print(f"    PyTorch's estimate: at most {clock(before.each * steps)} for {steps:.0f} steps", flush=True)
        print("  ours:", flush=True)
        ours = Ours(folder, data, threads, more)
        if ask.whole:
            torch = way.work([(fold, count, 0) for fold, count in sorted(ours.epochs.items())])
        else:
            torch = before.joined(way.work(slice_jobs))
        torch.resident = sum(process["resident"] for process in torch.answers[-len(way.processes):])
        print(f"  load {os.getloadavg()[0]:.1f} at the end")
        tell(ours, way, torch, ask.whole)
        tell_losses(ours, torch.answers)
        print("  scores of ours, on holes that each model had not seen, against the simulator's truth:")
        for name, value in ours.metrics.items():
            print(f"    {name:28} {value:.4f}")
    finally:
        for way in ways:
            way.close()


def main():
    parser = argparse.ArgumentParser(description="The full configuration, ours beside PyTorch.")
    parser.add_argument("--slice", action="store_true", help="a short form of ours: few folds, three epochs")
    parser.add_argument("--whole", action="store_true", help="PyTorch makes all epochs that ours made, too")
    parser.add_argument("--cores", default="", help="which to use, with commas; those that it is allowed when absent")
    parser.add_argument("--threads", type=int, default=0, help="of ours; as many as cores when absent")
    parser.add_argument("--epochs", type=int, default=0, help="at most; those of the configuration when absent")
    parser.add_argument("--holes", type=int, default=300)
    parser.add_argument("--seed", type=int, default=9191)
    parser.add_argument("--peers", default="eager,compiled", help="eager, compiled or both, with a comma")
    parser.add_argument("--keep", default="", help="a folder for data and model that stays")
    ask = parser.parse_args()
    if ask.cores:
        os.sched_setaffinity(0, {int(core) for core in ask.cores.split(",")})
    cores = sorted(os.sched_getaffinity(0))
    if ask.keep:
        pathlib.Path(ask.keep).mkdir(parents=True, exist_ok=True)
        return measure(pathlib.Path(ask.keep), ask, cores)
    with tempfile.TemporaryDirectory() as name:
        return measure(pathlib.Path(name), ask, cores)


if __name__ == "__main__":
    sys.exit(main())
