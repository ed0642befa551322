"""Vega-Lite to SVG in a process of its own: V8 costs some 120 MB, which a web process should not carry for its life.

Started at the first chart (0.5 s), it answers a line with a line, and ends when nobody has drawn for a while or when
whoever started it has gone. Run as a file, this module is that process."""

import atexit
import json
import os
import select
import subprocess
import sys
import threading
from pathlib import Path

IDLE = 120  # seconds without a chart after which the process ends
PATIENCE = 30  # seconds a chart may take, the start included


class DrawingFailed(Exception):
    """The spec could not be drawn; the message is Vega-Lite's."""


class Pen:
    """One drawing process for all threads of this process."""

    def __init__(self):
        self._lock = threading.Lock()
        self._process: subprocess.Popen | None = None
        self._owner = 0

    def draw(self, spec: str) -> str:
        """The SVG of a Vega-Lite spec, both as text."""
        with self._lock:
            try:
                answer = self._ask(spec)
            except OSError:  # it had ended between two charts
                self.rest()
                answer = self._ask(spec)
        if "svg" not in answer:
            raise DrawingFailed(answer["problem"])
        return answer["svg"]

    def rest(self) -> None:
        """End the process; the next chart starts another."""
        if self._process and self._owner == os.getpid():
            self._process.kill()
            self._process.communicate()
        self._process = None

    def _ask(self, spec: str) -> dict:
        if self._process is None or self._owner != os.getpid() or self._process.poll() is not None:
            self.rest()
            self._start()
        self._process.stdin.write(spec.encode() + b"\n")
        self._process.stdin.flush()
        if not select.select([self._process.stdout], [], [], PATIENCE)[0]:
            self.rest()
            raise DrawingFailed(f"The chart was not drawn within {PATIENCE} seconds.")
        if not (line := self._process.stdout.readline()):
            raise BrokenPipeError
        return json.loads(line)

    def _start(self) -> None:
        command = [sys.executable, str(Path(__file__).resolve())]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._owner = os.getpid()


pen = Pen()
atexit.register(pen.rest)


def serve() -> None:
    import vl_convert

    while select.select([sys.stdin], [], [], IDLE)[0] and (line := sys.stdin.buffer.readline()):
        try:
            answer = {"svg": vl_convert.vegalite_to_svg(json.loads(line), allowed_base_urls=[])}
        except ValueError as problem:
            answer = {"problem": str(problem)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
