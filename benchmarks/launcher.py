"""Runs one command and writes what it took: exit code, seconds, bytes at its peak, CPU seconds.

A process of its own, as small as Python gets: the kernel counts a parent's peak memory as that of
the child it starts, until the child uses more.

    python -I -S benchmarks/launcher.py FILE COMMAND [ARGUMENT ...]
"""

import os
import sys
import time

RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def launch(out: str, command: list[str]) -> None:
    """Run `command` to its end."""
    started = time.perf_counter()
    process = os.posix_spawn(command[0], command, os.environ)
    _, status, used = os.wait4(process, 0)
    wall = time.perf_counter() - started
    code = os.waitstatus_to_exitcode(status)
    with open(out, "w", encoding="ascii") as file:
        cpu = used.ru_utime + used.ru_stime
        file.write(f"{code} {wall} {used.ru_maxrss * RSS_UNIT} {cpu}")


if __name__ == "__main__":
    launch(sys.argv[1], sys.argv[2:])
