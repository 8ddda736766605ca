"""A worker of the local executor: `python -m tokbench.executors._worker_process`.

It reads frames from standard input (eight bytes of length, then a pickle, as only its own parent writes them): its
limit of memory and the task, then items. It answers with frames of its own: one letter, eight bytes of length, content.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import threading
from typing import IO

from tokbench._shared.child import limit_memory
from tokbench.errors import TokbenchError

READY, RESULT, FAILURE, UNUSABLE = b"+", b"=", b"-", b"!"
"""The task has been started; an item's result; why it has none; why the task cannot be started."""


def write_frame(stream: IO[bytes], content: bytes, letter: bytes = b"") -> None:
    """Write a frame."""
    stream.write(letter + len(content).to_bytes(8, "little") + content)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes | None:
    """Return the content of the next frame; None at the end of the stream, even within a frame."""
    head = stream.read(8)
    size = int.from_bytes(head, "little")
    content = stream.read(size) if len(head) == 8 else b""
    return content if len(head) == 8 and len(content) == size else None


def receive(requests: queue.SimpleQueue[bytes]) -> None:
    """Put requests into a queue; end this process, whatever it does, when its parent has closed the stream or died."""
    stream = os.fdopen(os.dup(0), "rb")  # not the interpreter's own, which it locks when it ends
    while (request := read_frame(stream)) is not None:
        requests.put(request)
    os._exit(0)


def main() -> None:
    """Work on items until standard input ends. Errors that nobody expects end the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no answer
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=receive, args=(requests,), daemon=True).start()
    memory = pickle.loads(requests.get())  # noqa: S301
    if memory is not None:
        limit_memory(memory)
    try:
        task = pickle.loads(requests.get())  # noqa: S301
        work = task.start(task.files)
    except TokbenchError as error:
        write_frame(answers, str(error).encode(), UNUSABLE)
        return
    write_frame(answers, b"", READY)
    while True:
        item = pickle.loads(requests.get())  # noqa: S301
        try:
            letter, content = RESULT, work(item)
        except TokbenchError as error:
            letter, content = FAILURE, str(error).encode()
        write_frame(answers, content, letter)


if __name__ == "__main__":
    main()
