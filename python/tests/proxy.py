"""Stands between a test and the program, line by line, and dies or waits where a line says so.

    proxy.py LOG PROGRAM ARGUMENTS…

A line that holds "poison" ends it by SIGKILL; "poison once" does so unless LOG says that it has; "slow" makes it wait
for an hour.
"""

import os
import pathlib
import signal
import subprocess
import sys
import time


def main() -> None:
    log, *command = sys.argv[1:]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdin and program.stdout
        for line in sys.stdin.buffer:
            if b"poison" in line and not (b"poison once" in line and pathlib.Path(log).exists()):
                pathlib.Path(log).touch()
                program.kill()
                program.wait()
                os.kill(os.getpid(), signal.SIGKILL)
            if b"slow" in line:
                program.stdin.close()
                time.sleep(3600)
            program.stdin.write(line)
            program.stdin.flush()
            sys.stdout.buffer.write(program.stdout.readline())
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
