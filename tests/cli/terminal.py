# SPDX-License-Identifier: Apache-2.0
"""A program on a pseudo-terminal, for tests; where there are none (a container without /dev/pts) they are skipped."""
import pty
import unittest


def fork():
    """As pty.fork() does it: 0 in the child, whose terminal it is; its number and our end in the parent."""
    try:
        return pty.fork()
    except OSError as error:
        raise unittest.SkipTest(f"there are no pseudo-terminals here ({error})") from error
