"""As a service: what the service manager is told, its watchdog, sockets that it passes (CONTRACT §1)."""
import os
import pathlib
import re
import signal
import socket
import threading

import pytest

from support.service import NotifySocket, StoppedThread, listening_socket, passing
from support.wait import until, window
from support.text import to_toml
from support.weir import Program, configuration
from support.wire import Peer, request_bytes, response_bytes


@pytest.fixture
def notify(tmp_path):
    return NotifySocket(tmp_path / 'notify')


class TestNotify:
    @pytest.mark.parametrize('kind', ['path', 'abstract'])
    def test_ready_says_what_is_served(self, run_weir, backend, tmp_path, kind):
        """READY=1 with a sentence for systemctl status, through a path or an abstract name."""
        name = tmp_path / 'n' if kind == 'path' else f'@weir-test-{os.getpid()}'
        notify = NotifySocket(name)
        run_weir({'web': [backend.address]}, process={'environment': notify.environment})
        state = notify.wait(READY='1')
        assert state['STATUS'] == 'serving 1 route to 1 pool, 0 connections'

    def test_reloading(self, run_weir, backend, notify):
        """RELOADING=1 with the time of its begin, READY=1 at its end, of failed ones too, which the
        sentence says."""
        weir = run_weir({'web': [backend.address]}, process={'environment': notify.environment})
        notify.wait(READY='1')
        seen = len(notify.states.all())
        weir.reload(configuration({'web': [backend.address], 'more': []}))
        state = notify.wait(start=seen, RELOADING='1')
        assert 0 < int(state['MONOTONIC_USEC']) <= float(pathlib.Path('/proc/uptime').read_text().split()[0]) * 1e6 + 1e6
        assert notify.wait(start=seen, READY='1')['STATUS'].startswith('serving 1 route to 2 pools')
        seen = len(notify.states.all())
        weir.reload('listener = 3')
        state = notify.wait(start=seen, READY='1')
        assert re.match(r'the last reload failed \(\S+weir\.toml\S* .*\); serving 1 route', state['STATUS']), state

    def test_status_follows(self, run_weir, backend, notify):
        """The sentence is told anew when it has changed."""
        weir = run_weir({'web': [backend.address]}, process={'environment': notify.environment})
        with weir.connect() as client:
            client.send(request_bytes()).read_response()
            notify.wait(STATUS='serving 1 route to 1 pool, 1 connection')
        notify.wait(start=1, STATUS='serving 1 route to 1 pool, 0 connections')

    def test_out_of_service(self, run_weir, backend, notify):
        """Who drained the node stands in the sentence until it is back."""
        weir = run_weir({'web': [backend.address]}, process={'environment': notify.environment})
        weir.admin_get('/api/drain', method='POST')
        notify.wait(STATUS='out of service by 127.0.0.1; serving 1 route to 1 pool, 0 connections')
        seen = len(notify.states.all())
        weir.admin_get('/api/ready', method='POST')
        notify.wait(start=seen, STATUS='serving 1 route to 1 pool, 0 connections')

    def test_stopping_asks_for_time(self, run_weir, manual_backend, notify):
        """A drain says what it waits for, and again and again that the manager shall wait."""
        weir = run_weir({'web': [manual_backend.address]}, server={'drain_timeout': '60s'},
                        process={'environment': notify.environment})
        client = weir.connect().send(request_bytes())
        peer = manual_backend.accept()
        peer.read_request()
        weir.signal(signal.SIGTERM)
        notify.wait(STOPPING='1')
        state = notify.wait(EXTEND_TIMEOUT_USEC='10000000')
        assert state['STATUS'] == 'draining: 1 connection, 1 request in flight'
        seen = len(notify.states.all())
        notify.wait(start=seen, EXTEND_TIMEOUT_USEC='10000000')
        peer.send(response_bytes(b'late'))
        assert client.read_response().text == 'late'
        weir.wait_exit(0)

    def test_a_socket_that_is_gone(self, run_weir, backend, tmp_path):
        """Nobody behind NOTIFY_SOCKET is no reason to fail."""
        weir = run_weir({'web': [backend.address]}, process={'environment': {'NOTIFY_SOCKET': str(tmp_path / 'gone')}})
        weir.reload()
        assert weir.get().status == 200


@pytest.mark.plain
class TestWatchdog:
    """Not under sanitizers: they trace threads themselves."""
    PERIOD_SECONDS = 1.0

    @pytest.fixture
    def weir(self, run_weir, backend, notify):
        environment = {**notify.environment, 'WATCHDOG_USEC': str(int(self.PERIOD_SECONDS * 1e6))}
        return run_weir({'web': [backend.address]}, server={'workers': 2}, process={'environment': environment})

    def test_pings_while_all_is_well(self, weir, notify):
        """Several pings in a period, at rest and while it drains."""
        for number in range(5):
            notify.wait(start=number, WATCHDOG='1')

    def test_worker_that_hangs(self, weir, notify):
        """A worker that stands still stops the pings; the log and the status name it; when it answers
        again they go on."""
        notify.wait(WATCHDOG='1')
        with StoppedThread(weir.pid, 'worker-1'):
            weir.wait_log(msg='a worker does not answer: the watchdog gets no more pings', level='error', worker='1')
            notify.wait(STATUS=lambda text: text.startswith('worker 1 does not answer; serving 1 route'))
            before = notify.count('WATCHDOG')
            window(self.PERIOD_SECONDS)
            assert notify.count('WATCHDOG') == before
            # The other one serves, and so does the admin interface.
            assert weir.admin_get('/healthz').status == 200
        weir.wait_log(msg='a worker answers again', worker='1')
        notify.wait(start=len(notify.states.all()), WATCHDOG='1')
        assert sum('does not answer' in line for line in weir.stderr.all()) == 1

    def test_control_that_hangs(self, weir, notify):
        """The main thread gives the pings: none come while it stands still, and afterwards nobody is
        blamed."""
        notify.wait(WATCHDOG='1')
        with StoppedThread(weir.pid, 'weir'):
            before = notify.count('WATCHDOG')
            window(self.PERIOD_SECONDS)
            assert notify.count('WATCHDOG') <= before + 1  # one may have been under way
        notify.wait(start=len(notify.states.all()), WATCHDOG='1')
        assert not any('does not answer' in line for line in weir.stderr.all())

    def test_meant_for_another_process(self, run_weir, backend, notify):
        """WATCHDOG_PID of somebody else: no pings are ours to give."""
        weir = run_weir({'web': [backend.address]}, process={'environment': {
            **notify.environment, 'WATCHDOG_USEC': '100000', 'WATCHDOG_PID': str(os.getpid())}})
        weir.reload()
        weir.reload()
        weir.stop()
        notify.wait(STOPPING='1')
        assert notify.count('WATCHDOG') == 0


class TestActivation:
    def test_by_address(self, run_weir, backend):
        """A socket with the address of a bind serves it; nothing is bound anew."""
        listening = listening_socket()
        address = '%s:%d' % listening.getsockname()
        weir = run_weir({'web': [backend.address]}, listener={'public': {'bind': [address]}}, process=passing([listening]))
        assert weir.listeners['public'] == [listening.getsockname()]
        assert weir.get().status == 200
        assert not [line for line in weir.stderr.all() if 'passed' in line]

    def test_by_name(self, run_weir, backend):
        """FileDescriptorName= is the listener's name; where its address is another than bind says, the
        socket counts and the log says so."""
        public, private, admin = listening_socket(), listening_socket(), listening_socket()
        weir = run_weir({'web': [backend.address]}, listener={'public': {'bind': ['127.0.0.1:8']}, 'private': {'bind': ['127.0.0.1:0']}},
                        process=passing([private, public, admin], ['private', 'public', 'admin']))
        assert weir.listeners == {'public': [public.getsockname()], 'private': [private.getsockname()],
                                  'admin': [admin.getsockname()]}
        line = weir.wait_log(msg='a passed socket has another address than bind says; the socket counts')
        assert line['listener'] == 'public' and line['bind'] == '127.0.0.1:8'
        assert line['socket'] == '%s:%d' % public.getsockname()
        assert len([line for line in weir.stderr.all() if 'another address' in line]) == 1
        assert weir.get(listener='private').status == 200

    def test_several_of_one_name(self, run_weir, backend):
        """Of two sockets with one name each goes to the bind with its address."""
        one, two = listening_socket(), listening_socket()
        binds = ['%s:%d' % listening.getsockname() for listening in (two, one)]
        weir = run_weir({'web': [backend.address]}, listener={'public': {'bind': binds}},
                        process=passing([one, two], ['public', 'public']))
        assert weir.listeners['public'] == [two.getsockname(), one.getsockname()]
        assert not [line for line in weir.stderr.all() if 'passed' in line]

    def test_admin_elsewhere_needs_tokens(self, tmp_path):
        """A socket that is passed opens the admin interface no further than bind could."""
        open_to_all = listening_socket('0.0.0.0')
        file = tmp_path / 'weir.toml'
        file.write_text(to_toml(configuration({'web': []})))
        weir = Program(['run', '-c', file], tmp_path, **passing([open_to_all], ['admin']))
        weir.wait_exit(1)
        port = open_to_all.getsockname()[1]
        assert weir.stderr.all()[-1] == (
            f'weir: admin: the passed socket listens on 0.0.0.0:{port}, which needs [admin] token_file')

    def test_useless_ones(self, run_weir, backend):
        """A socket that nobody wants and one that does not listen are named, closed, and no reason to
        fail."""
        stranger, silent = listening_socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        weir = run_weir({'web': [backend.address]}, process=passing([stranger, silent], ['old', 'udp']))
        line = weir.wait_log(msg='a passed socket belongs to no listener and is not used: its clients get no answer')
        assert line['name'] == 'old' and line['fd'] == '3' and line['socket'] == '%s:%d' % stranger.getsockname()
        line = weir.wait_log(msg='a passed descriptor is not used')
        assert line['name'] == 'udp' and line['fd'] == '4' and line['reason'] == 'it is not a stream socket'
        assert weir.get().status == 200

    def test_for_another_process(self, run_weir, backend):
        """LISTEN_PID of somebody else: the descriptors are not ours."""
        weir = run_weir({'web': [backend.address]},
                        process={'environment': {'LISTEN_PID': '1', 'LISTEN_FDS': '5'}})
        assert weir.get().status == 200

    @pytest.mark.parametrize('kind', ['tcp', 'unix'])
    def test_survives_a_restart(self, run_weir, backend, tmp_path, kind):
        """The manager's socket stays open and queues clients while no weir runs: none is refused."""
        path = str(tmp_path / 'weir.sock')
        listening = listening_socket(path if kind == 'unix' else '127.0.0.1')
        address = path if kind == 'unix' else listening.getsockname()
        bind = f'unix:{path}' if kind == 'unix' else '%s:%d' % address
        options = {'listener': {'public': {'bind': [bind]}}}
        run_weir({'web': [backend.address]}, process=passing([listening]), **options).stop()
        with Peer.connect(address) as waiting:
            waiting.send(request_bytes())
            weir = run_weir({'web': [backend.address]}, process=passing([listening]), **options)
            assert waiting.read_response().status == 200
        weir.stop()
        assert kind == 'tcp' or os.path.exists(path)

    def test_by_systemd(self, run_weir, backend, tmp_path):
        """systemd's own tool passes the socket when the first client comes."""
        path = str(tmp_path / 'weir.sock')
        clients = []

        def connect_when_there():
            until(lambda: os.path.exists(path), 'the socket')
            clients.append(Peer.connect(path).send(request_bytes()))
        first = threading.Thread(target=connect_when_there)
        first.start()
        weir = run_weir({'web': [backend.address]}, listener={'public': {'bind': [f'unix:{path}']}}, process={
            'launcher': ['systemd-socket-activate', '-l', path, '--fdname=public', '-E', 'NO_COLOR']})
        first.join()
        assert weir.listeners['public'] == [path]
        with clients[0] as client:
            assert client.read_response().status == 200
