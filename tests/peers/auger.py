# SPDX-License-Identifier: Apache-2.0
"""The C library through ctypes, and the program: what the tests of peers need of both."""
import ctypes
import os
import subprocess
from pathlib import Path

import numpy

BUILD = Path(os.environ.get("AUGER_BUILD", "build"))
FLOATS = ctypes.POINTER(ctypes.c_float)


class Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int), ("text", ctypes.c_char * 768), ("hint", ctypes.c_char * 256)]


class Port(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("axes", ctypes.c_int), ("shape", ctypes.c_int64 * 8),
                ("size", ctypes.c_int64), ("optional", ctypes.c_int)]


class Options(ctypes.Structure):
    _fields_ = [("max_samples", ctypes.c_int64), ("threads", ctypes.c_uint), ("device", ctypes.c_char_p),
                ("result", ctypes.c_char_p), ("seed", ctypes.c_uint64)]


def library():
    lib = ctypes.CDLL(str(BUILD / "libauger.so"))
    for name in ("auger_model_input", "auger_model_output"):
        getattr(lib, name).restype = ctypes.POINTER(Port)
        getattr(lib, name).argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    lib.auger_model_free.argtypes = lib.auger_context_free.argtypes = [ctypes.c_void_p]
    lib.auger_bind_input.argtypes = lib.auger_bind_output.argtypes = [
        ctypes.c_void_p, ctypes.c_char_p, FLOATS, ctypes.POINTER(Error)]
    lib.auger_run.argtypes = [ctypes.c_void_p, ctypes.c_int64, ctypes.POINTER(Error)]
    return lib


class Failure(Exception):
    pass


class Model:
    """A loaded model with a context for up to 64 samples."""

    def __init__(self, path, threads=1):
        self.lib, self.error, self.threads = library(), Error(), threads
        self.model, self.context = ctypes.c_void_p(), ctypes.c_void_p()
        self.check(self.lib.auger_model_load(str(path).encode(), ctypes.byref(self.model), ctypes.byref(self.error)))
        options = Options(64, threads, None, None, 0)
        self.check(self.lib.auger_context_new(self.model, ctypes.byref(options), ctypes.byref(self.context),
                                              ctypes.byref(self.error)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lib.auger_context_free(self.context)
        self.lib.auger_model_free(self.model)

    def check(self, status):
        if status < 0:
            raise Failure(f"{self.error.text.decode()} ({self.error.hint.decode()})")

    def ports(self, what):
        found, index = {}, 0
        while port := getattr(self.lib, f"auger_model_{what}")(self.model, index):
            found[port[0].name.decode()] = list(port[0].shape[:port[0].axes])
            index += 1
        return found

    def run(self, inputs):
        """All outputs for named arrays, by name."""
        arrays = {name: numpy.ascontiguousarray(values, dtype=numpy.float32) for name, values in inputs.items()}
        samples = len(next(iter(arrays.values())))
        for name, values in arrays.items():
            self.check(self.lib.auger_bind_input(self.context, name.encode(), values.ctypes.data_as(FLOATS),
                                                 ctypes.byref(self.error)))
        outputs = {name: numpy.zeros([samples] + shape, numpy.float32) for name, shape in self.ports("output").items()}
        for name, values in outputs.items():
            self.check(self.lib.auger_bind_output(self.context, name.encode(), values.ctypes.data_as(FLOATS),
                                                  ctypes.byref(self.error)))
        self.check(self.lib.auger_run(self.context, samples, ctypes.byref(self.error)))
        return outputs

    def save(self, directory):
        self.check(self.lib.auger_model_save(self.model, str(directory).encode(), ctypes.byref(self.error)))


def command(*words):
    """Runs the program; its output."""
    done = subprocess.run([BUILD / "auger", *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(done.stderr)
    return done.stdout
