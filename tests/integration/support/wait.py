"""The only place that waits. Tests wait for events, with a deadline that no healthy run comes near."""
import os
import select
import threading
import time

# Instrumented binaries on two busy cores are slow; nothing is decided by reaching this.
DEADLINE_SECONDS = float(os.environ.get('WEIR_TEST_DEADLINE', '20'))
PROBE_INTERVAL_SECONDS = 0.01


class Late(AssertionError):
    """What a test waited for did not come."""


def until(probe, what, deadline_seconds=DEADLINE_SECONDS):
    """Calls `probe` until it returns something true, and returns that. For what cannot notify us."""
    end = time.monotonic() + deadline_seconds
    pause = threading.Event()
    while True:
        result = probe()
        if result:
            return result
        if time.monotonic() > end:
            raise Late(f'not within {deadline_seconds:g} s: {what() if callable(what) else what}')
        pause.wait(PROBE_INTERVAL_SECONDS)


def window(seconds):
    """Lets time pass that is itself measured (CPU time of an idle process), never to wait for something."""
    threading.Event().wait(seconds)


def ready_of(socks, event, seconds):
    """Those for which `event` (select.POLLIN, select.POLLOUT) came within the time. Not by select(), which knows
    no descriptor beyond 1023."""
    poll = select.poll()
    by_number = {sock.fileno(): sock for sock in socks}
    for number in by_number:
        poll.register(number, event)
    return [by_number[number] for number, _ in poll.poll(seconds * 1000)]


def is_readable(sock, seconds=0.0):
    return bool(ready_of([sock], select.POLLIN, seconds))


class Lines:
    """Lines of a growing output; readers wait for the one they look for."""

    def __init__(self):
        self._lines = []
        self._changed = threading.Condition()
        self._ended = False

    def append(self, line):
        with self._changed:
            self._lines.append(line)
            self._changed.notify_all()

    def end(self):
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def all(self):
        with self._changed:
            return list(self._lines)

    def wait(self, pick, what, start=0, deadline_seconds=DEADLINE_SECONDS):
        """The first true `pick(line)` of a line from `start` on, seen already or still to come."""
        end = time.monotonic() + deadline_seconds
        seen = start
        with self._changed:
            while True:
                while seen < len(self._lines):
                    found = pick(self._lines[seen])
                    seen += 1
                    if found:
                        return found
                left = end - time.monotonic()
                if self._ended or left <= 0:
                    why = 'the output ended' if self._ended else f'not within {deadline_seconds:g} s'
                    tail = '\n'.join(self._lines[-20:])
                    raise Late(f'{why}: {what}\nlast lines:\n{tail}')
                self._changed.wait(left)
