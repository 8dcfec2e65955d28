# SPDX-License-Identifier: Apache-2.0
"""The server itself is stopped (SIGSTOP, as a debugger or a sleeping machine does) for longer than it bears slow clients:
those who were in the middle of a request go on where they were."""
import signal
import socket
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from serving import Serving  # noqa: E402

AWAY = 4
PATIENCE = "3s"
TIMELY = 1  # a try in which this test itself kept the server waiting for longer says nothing
HEAD = "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"


class Stopped(Serving):
    def setUp(self):
        super().setUp()
        self.server = self.serve(["--stall-time", PATIENCE, "--header-time", PATIENCE])
        self.addCleanup(self.server.stop)
        host, port = self.server.address.removeprefix("http://").rsplit(":", 1)
        self.place = (host, int(port))

    def begin(self, text):
        connection = socket.create_connection(self.place, timeout=300)
        self.addCleanup(connection.close)
        connection.sendall(text.encode())
        return connection

    def stop_for_a_while(self, meanwhile):
        """`meanwhile` is called while the server does nothing. Returns when it went on."""
        time.sleep(0.2)  # the server waits for the rest of what was begun
        self.server.process.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        meanwhile()
        time.sleep(AWAY)
        began = time.monotonic()
        self.server.process.send_signal(signal.SIGCONT)
        return stopped, began

    def status(self, connection):
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer.partition(b"\r\n")[0].decode()

    def test_requests_that_were_begun_are_ended(self):
        for _ in range(40):
            if self.try_once():
                return
        self.fail("this machine never lets a test go on for a second")

    def try_once(self):
        """False when the test was too slow to say anything."""
        begun = time.monotonic()
        artifact = HEAD.format(method="PUT", path="/api/2.0/mlflow-artifacts/artifacts/a.bin") + "Content-Length: 20000\r\n\r\n"
        search = HEAD.format(method="POST", path="/api/2.0/mlflow/experiments/search") + \
            "Content-Type: application/json\r\nContent-Length: 18\r\n\r\n"
        early = {"body": self.begin(artifact + "a" * 100), "small": self.begin(search + '{"max_'),
                 "head": self.begin("GET /health HTT")}
        late = {"body": self.begin(artifact + "a" * 100), "small": self.begin(search + '{"max_'),
                "head": self.begin("GET /health HTT")}
        slow = self.begin("GET /health HTT")
        rest = {"body": b"a" * 19900, "small": b'results": 5}', "head": b"P/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"}
        stopped, went_on = self.stop_for_a_while(lambda: [early[name].sendall(rest[name]) for name in early])
        time.sleep(0.1)  # it runs again and has looked at everybody
        for name, connection in late.items():
            connection.sendall(rest[name])
        if stopped - begun + time.monotonic() - went_on > TIMELY:
            return False
        for name in rest:
            with self.subTest(name):
                self.assertEqual(self.status(early[name]), "HTTP/1.1 200 OK")
                self.assertEqual(self.status(late[name]), "HTTP/1.1 200 OK")
        self.assertEqual(self.status(slow), "HTTP/1.1 408 Request Timeout")  # who is slow is still cut off
        return True


if __name__ == "__main__":
    unittest.main()
