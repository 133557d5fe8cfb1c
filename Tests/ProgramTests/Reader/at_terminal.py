#!/usr/bin/env python3
"""Runs a program at a terminal of its own, as a person would.

    at_terminal.py 'PROMPT=TYPED' … -- PROGRAM ARGUMENT…

Waits for each prompt, notes whether the terminal then shows what is typed, and types; `TYPED` may be
`^C`, `TERM` for that signal from elsewhere, or `LOOK` for nothing. In both, `\\r` and `\\n` stand for
ends of lines, so that `TYPED` may be followed by what is typed ahead. Prints what the terminal showed, then a line
`echo PROMPTS AFTER ended STATUS`: 0 or 1 for each prompt, for the time after the end, and the wait status.
"""
import os
import pty
import select
import signal
import sys
import termios

WAIT_SECONDS = 60


def shows_input(terminal):
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


def read(terminal):
    """What comes next; nothing at the end."""
    ready, _, _ = select.select([terminal], [], [], WAIT_SECONDS)
    if not ready:
        sys.exit("nothing came for a long while")
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def main():
    split = sys.argv.index("--")
    steps = [
        step.replace("\\r", "\r").replace("\\n", "\n").split("=", 1) for step in sys.argv[1:split]
    ]
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(sys.argv[split + 1], sys.argv[split + 1:])
    shown, seen, echoes = b"", 0, []
    for prompt, typed in steps:
        while (found := shown.find(prompt.encode(), seen)) < 0:
            shown += read(terminal)
        seen = found + len(prompt)
        echoes.append(shows_input(terminal))
        if typed == "TERM":
            os.kill(child, signal.SIGTERM)
        elif typed != "LOOK":
            os.write(terminal, b"\x03" if typed == "^C" else typed.encode() + b"\n")
    _, status = os.waitpid(child, 0)
    after = shows_input(terminal)
    while data := read(terminal):
        shown += data
    sys.stdout.write(shown.decode().replace("\r\n", "\n"))
    print("echo", *map(int, echoes), int(after), "ended", status)


main()
