"""Runs one command, and prints its seconds and the most memory that it held, as JSON.

Arguments: OUTPUT LIMIT COMMAND ...; the command is killed after LIMIT seconds, unless that is 0.

A program of its own, with nothing imported: Linux hands the peak memory of the process that starts
another on to the one that is started, so the starter has to be small.
"""

import json
import os
import signal
import sys
import time


def main() -> None:
    printed, limit, *command = sys.argv[1:]
    output = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    start = time.perf_counter()
    child = os.posix_spawnp(
        command[0],
        command,
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, output, 1)],
    )
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, float(limit))
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - start
    signal.setitimer(signal.ITIMER_REAL, 0)
    unit = 1 if sys.platform == "darwin" else 1024
    said = {
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * unit,
        "exit_code": os.waitstatus_to_exitcode(status),
    }
    print(json.dumps(said))


main()
