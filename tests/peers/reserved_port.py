# SPDX-License-Identifier: Apache-2.0
"""A port for a server that cannot be told to take any and say which."""
import signal
import socket


class ReservedPort:
    """It stays bound here until close(), without listening: with SO_REUSEADDR on both sides a server can listen on it, end
    and come back, and nobody else is given it meanwhile. While no server listens, connections are refused."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", 0))
        self.number = self.socket.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()


if __name__ == "__main__":  # for a shell: says the number and keeps the port until it is ended
    with ReservedPort() as reserved:
        print(reserved.number, flush=True)
        signal.pause()
