# SPDX-License-Identifier: Apache-2.0
"""Servers for the tests of MLflow's clients: `auger serve` on SQLite and, where it is installed, on PostgreSQL."""
import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from ended import with_parent
from reserved_port import ReservedPort

BUILD = Path(os.environ.get("AUGER_BUILD", "build"))


class Auger:
    """`auger serve` on a free port, with a home of its own."""

    def __init__(self, home, *options):
        # A client that stands still with the machine is no slow one.
        patience = [] if "--stall-time" in options else ["--stall-time", "10m", "--header-time", "10m"]
        command = [str(BUILD / "auger"), "serve", "--home", str(home), "--port", "0", "--no-access-log", *patience, *options]
        self.errors = open(Path(home).with_suffix(".errors"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.errors, text=True,
                                        preexec_fn=with_parent())
        self.address = self.process.stdout.readline().strip()
        if not self.address.startswith("http"):
            self.errors.seek(0)
            raise RuntimeError(f"auger serve did not start: {self.errors.read()}")

    def stop(self):
        self.process.terminate()
        status = self.process.wait(300)
        self.close()
        return status

    def close(self):
        """After the process has ended."""
        self.process.stdout.close()
        self.errors.close()


class Postgres:
    """A cluster of its own on a socket in a directory of its own. Settings are arguments for the server."""

    def __init__(self, *settings):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
        program = found[-1] if found else shutil.which("initdb")
        if not program:
            raise FileNotFoundError("PostgreSQL is not installed")
        self.programs = Path(program).parent
        self.directory = tempfile.mkdtemp(prefix="auger-pg-", dir="/tmp")
        self.as_user = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            user = pwd.getpwnam("postgres")
            os.chown(self.directory, user.pw_uid, user.pw_gid)
            self.as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self.reserved = ReservedPort()
        self.port = self.reserved.number
        self.run("initdb", "-D", f"{self.directory}/data", "-U", "auger", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.process = subprocess.Popen(
            [self.programs / "postgres", "-D", f"{self.directory}/data", "-p", str(self.port), "-k", self.directory,
             "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200", *settings],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", preexec_fn=with_parent(signal.SIGQUIT),
            **self.as_user)
        for _ in range(2400):
            if self.run("pg_isready", "-h", self.directory, "-p", str(self.port), check=False) == 0:
                return
            time.sleep(0.05)
        raise RuntimeError("PostgreSQL did not start")

    def run(self, name, *arguments, check=True):
        return subprocess.run([self.programs / name, *arguments], check=check, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, cwd="/", **self.as_user).returncode

    def database(self, name):
        self.run("createdb", "-h", self.directory, "-p", str(self.port), "-U", "auger", name)
        return f"postgresql://auger@127.0.0.1:{self.port}/{name}"

    def stop(self):
        self.process.send_signal(signal.SIGQUIT)  # at once
        self.process.wait(300)
        self.reserved.close()
        for _ in range(100):  # processes of the server may be writing for a moment yet
            shutil.rmtree(self.directory, ignore_errors=True)
            if not os.path.exists(self.directory):
                return
            time.sleep(0.05)
