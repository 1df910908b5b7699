"""Clients that ask until they are told to stop."""
import threading

from support.wait import DEADLINE_SECONDS, until
from support.wire import request_bytes


class Load:
    """Clients that send GETs on kept-open connections until told to stop; `problems` is what went wrong."""

    def __init__(self, weir, clients=4, target='/'):
        self.problems, self.total = [], 0
        self.saw_close = threading.Event()
        self._lock = threading.Lock()
        self._weir, self._target = weir, target
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._work) for _ in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _work(self):
        try:
            while not self._is_over.is_set():
                with self._weir.connect() as client:
                    self._talk(client)
        except Exception as problem:
            self.problems.append(problem)

    def _talk(self, client):
        """On one connection, until weir announces its end."""
        while not self._is_over.is_set():
            client.send(request_bytes(target=self._target))
            response = client.read_response()
            if response.status != 200:
                self.problems.append((response.head, response.body))
            with self._lock:
                self.total += 1
            if response.get('Connection') == 'close':
                client.expect_end()
                self.saw_close.set()
                return

    def wait_for_more(self, count):
        """Until `count` further requests are answered."""
        goal = self.total + count
        until(lambda: self.total >= goal or self.problems, f'{count} more requests')

    def stop_when_closed(self):
        """Stops once some answer has announced the end of its connection."""
        assert self.saw_close.wait(DEADLINE_SECONDS)
        self._is_over.set()
