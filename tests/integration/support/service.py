"""The service manager's part: a socket that is notified, sockets that are passed, a thread that hangs."""
import ctypes
import os
import pathlib
import socket
import threading

from support.wait import Lines

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
_WALL = 0x40000000

# Becomes the command behind the descriptors: these are 3, 4, … for it, and LISTEN_PID is its own.
_PASS = '''
import fcntl, os, sys
count = int(sys.argv[1])
# Out of the way first: one may be another's number to be.
copies = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 100) for fd in sys.argv[2:2 + count]]
for number, fd in enumerate(copies, 3):
    os.dup2(fd, number)
os.environ['LISTEN_PID'] = str(os.getpid())
os.execv(sys.argv[2 + count], sys.argv[2 + count:])
'''


class NotifySocket:
    """What weir says to its service manager: each datagram as a dict, in order."""

    def __init__(self, name):
        self.name = str(name)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind('\0' + self.name[1:] if self.name.startswith('@') else self.name)
        if not self.name.startswith('@'):
            os.chmod(self.name, 0o777)
        self.states = Lines()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            data = self._socket.recv(65536)
            self.states.append(dict(line.split('=', 1) for line in data.decode().split('\n')))

    @property
    def environment(self):
        return {'NOTIFY_SOCKET': self.name}

    def wait(self, start=0, **wanted):
        """The first state from `start` on with these values; a callable decides about a value."""
        def pick(state):
            fits = all(key in state and (value(state[key]) if callable(value) else state[key] == value)
                       for key, value in wanted.items())
            return state if fits else None
        return self.states.wait(pick, f'a notification with {wanted}', start)

    def count(self, key):
        return sum(key in state for state in self.states.all())


def passing(sockets, names=None):
    """Options of Program that pass listening sockets, as systemd does."""
    numbers = [listening.fileno() for listening in sockets]
    environment = {'LISTEN_FDS': str(len(numbers))}
    if names is not None:
        environment['LISTEN_FDNAMES'] = ':'.join(names)
    return {'launcher': ['/usr/bin/python3', '-c', _PASS, str(len(numbers)), *map(str, numbers)],
            'pass_fds': numbers, 'environment': environment}


def listening_socket(address='127.0.0.1'):
    """A socket that listens on a port of its own, or on a path."""
    if '/' in address:
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(address)
    else:
        listening = socket.socket()
        listening.bind((address, 0))
    listening.listen(128)
    return listening


def threads_of(pid):
    """Thread ids by name."""
    tasks = {}
    for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
        tasks.setdefault((task / 'comm').read_text().strip(), int(task.name))
    return tasks


class StoppedThread:
    """One thread of a process stands still while the others run."""

    def __init__(self, pid, name):
        self._thread = threads_of(pid)[name]
        self._pid = pid
        self._ptrace = ctypes.CDLL(None, use_errno=True).ptrace
        self._ptrace.argtypes = [ctypes.c_long] * 4

    def _call(self, request):
        if self._ptrace(request, self._thread, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), f'ptrace {request:#x}')

    def __enter__(self):
        self._call(PTRACE_SEIZE)
        self._call(PTRACE_INTERRUPT)
        # Only the thread that seized it may wait for it.
        os.waitpid(self._thread, _WALL)
        return self

    def __exit__(self, *_):
        self._call(PTRACE_DETACH)
