# SPDX-License-Identifier: Apache-2.0
"""What the tests that start foreign servers rely on."""
import socket
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from reserved_port import ReservedPort  # noqa: E402


def listening(number):
    """A server, as uvicorn, gunicorn and PostgreSQL make theirs."""
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", number))
    server.listen()
    return server


class ReservedPorts(unittest.TestCase):
    def refuses(self, number):
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", number), timeout=10)

    def test_a_server_comes_goes_and_comes_back(self):
        with ReservedPort() as port:
            self.refuses(port.number)
            for _ in range(3):
                with listening(port.number) as server, \
                        socket.create_connection(("127.0.0.1", port.number), timeout=10) as client:
                    there = server.accept()[0]
                    there.sendall(b"x")
                    self.assertEqual(client.recv(1), b"x")
                    there.close()  # first, so that the port is left in TIME_WAIT
                self.refuses(port.number)

    def test_nobody_else_is_given_it(self):
        with ReservedPort() as port, socket.socket() as other:
            with self.assertRaises(OSError):
                other.bind(("127.0.0.1", port.number))
            several = [ReservedPort() for _ in range(50)]
            self.assertEqual(len({port.number} | {each.number for each in several}), 51)
            for each in several:
                each.close()


if __name__ == "__main__":
    unittest.main()
