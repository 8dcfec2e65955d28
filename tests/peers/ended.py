# SPDX-License-Identifier: Apache-2.0
"""Programs that a test starts end with it, however it ends: also when it is killed, and nothing of it runs any more."""
import ctypes
import os
import select
import signal
import subprocess
import sys

PRCTL = ctypes.CDLL(None).prctl
DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG


def with_parent(number=signal.SIGKILL):
    """For preexec_fn: the kernel sends the program that signal when the thread that started it ends. Programs that it
    starts in turn are told nothing."""
    return lambda: PRCTL(DEATH_SIGNAL, int(number))


class Group:
    """A program with programs of its own, in a process group that ends as a whole: at stop(), or when this process does,
    since the guard (below) then reads the end of the pipe that only this process can write into."""

    def __init__(self, command, **how):
        self.guard = subprocess.Popen([sys.executable, os.path.abspath(__file__), *command], stdin=subprocess.PIPE,
                                      start_new_session=True, **how)

    def stop(self):
        """Asks it to end, and waits for the program and for what it leaves."""
        os.killpg(self.guard.pid, signal.SIGTERM)
        self.guard.wait(300)
        self.guard.stdin.close()


def guard(command):
    """Its exit status, or 128 and the signal that ended it."""
    signal.signal(signal.SIGTERM, lambda *_: None)  # for the program beside it, which does not inherit this
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    ended = os.pidfd_open(program.pid)
    if 0 in select.select([0, ended], [], [])[0]:
        os.killpg(0, signal.SIGKILL)
    status = program.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(guard(sys.argv[1:]))
