"""Probes for the fields that weir removes, adds and leaves alone in requests (R13 to R19), to the byte. Those of
responses are in test_rules_responses.py."""
import itertools

import pytest

from support.backends import AutoBackend
from support.probes import CHUNKED, GET, HOST, POST, Prober, seen
from support.text import parse_logfmt
from support.weir import expect_failure

PEER = '127.0.0.1'
PROTECTED = [
    'Host', 'Content-Length', 'Transfer-Encoding', 'Authorization', 'Cookie', 'Forwarded', 'Via', 'X-Forwarded-For',
    'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Port', 'X-Forwarded-Anything', 'X-Request-Id', 'traceparent',
    'Expect', 'Max-Forwards', 'Date',
]


@pytest.fixture(scope='module')
def prober(run_shared_weir, tmp_path_factory):
    backend = AutoBackend()
    trusted = {'bind': ['127.0.0.1:0'], 'trusted_proxies': ['127.0.0.0/8', '10.0.0.0/8', 'fd00::/8']}
    listeners = {'trusting': trusted, 'forwarded': {**trusted, 'client_ip_from': 'forwarded'}, 'six': {'bind': ['[::1]:0']},
                 'six_trusting': {'bind': ['[::1]:0'], 'trusted_proxies': ['::1']},
                 'unix': {'bind': [f'unix:{tmp_path_factory.mktemp("socket") / "s"}'], 'trusted_proxies': ['0.0.0.0/0', '::/0']},
                 'tunnels': {'bind': ['127.0.0.1:0'], 'upgrades': ['Custom', 'websocket']},
                 'no_tunnels': {'bind': ['127.0.0.1:0'], 'upgrades': []}}
    pools = {'web': [backend.address], 'hosted': {'backends': [backend.address], 'host': 'internal.example:8080'},
             'closing': {'backends': [backend.address], 'keepalive': False}}
    routes = [('*', 'web'), ('hosted.example', 'hosted'), ('closing.example', 'closing')]
    yield Prober(run_shared_weir(pools, routes, listener=listeners), backend)
    backend.close()


@pytest.fixture
def exactly(prober):
    return prober.pass_on_exactly


@pytest.fixture
def refused(prober):
    return prober.refuse


class TestR13Removed:
    @pytest.mark.parametrize('fields, forwarded', [
        ('Connection: keep-alive\r\n', ''), ('Connection: close\r\n', ''), ('Connection:\r\n', ''),
        ('Connection: , ,\r\n', ''), ('Keep-Alive: timeout=5\r\n', ''), ('Proxy-Connection: keep-alive\r\n', ''),
        ('proxy-CONNECTION: close\r\n', ''), ('TE: gzip\r\n', ''), ('TE:\r\n', ''),
        ('TE: gzip\r\nConnection: TE\r\n', ''), ('HTTP2-Settings: AAMAAABk\r\n', ''), ('Upgrade: websocket\r\n', ''),
        ('Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n', ''),
        ('Connection: X-Hop\r\nX-Hop: 1\r\nX-End: 1\r\n', 'X-End: 1\r\n'),
        ('X-Hop: 1\r\nX-End: 1\r\nx-hop: 2\r\nConnection: close, x-HOP\r\n', 'X-End: 1\r\n'),
        ('Connection: A\r\nA: 1\r\nConnection: B\r\nB: 2\r\nC: 3\r\n', 'C: 3\r\n'),
        ('Connection:\tA\t,\tB\t\r\nA: 1\r\nB: 1\r\n', ''),
        ('Connection: User-Agent, Accept\r\nUser-Agent: x\r\nAccept: y\r\n', ''),
        ('Connection: close\r\nClose: 1\r\n', ''), ('Connection: X\r\nX-Hop: 1\r\n', 'X-Hop: 1\r\n'),
        ('Connection: X-Hop-\r\nX-Hop: 1\r\n', 'X-Hop: 1\r\n'),
        ('Connection: Proxy-Authorization\r\nProxy-Authorization: Basic x\r\n', ''),
        ('Connection: Trailer\r\nTrailer: X\r\n', ''), ('Trailer: X\r\n', ''),
        ('Keep-Alive-X: 1\r\nConnectio: x\r\n', 'Keep-Alive-X: 1\r\nConnectio: x\r\n'),
    ])
    def test_r13_hop_by_hop(self, exactly, fields, forwarded):
        """R13: Connection and what it names, Keep-Alive, Proxy-Connection, TE, HTTP2-Settings and Upgrade end here."""
        exactly(GET + fields + '\r\n', seen(fields=forwarded))

    @pytest.mark.parametrize('name', PROTECTED)
    @pytest.mark.parametrize('value', ['{}', 'close, {}', '\t{}\t,x', 'x\r\nConnection: {}'])
    def test_r13_a_connection_that_names_the_others(self, refused, name, value):
        """R13: an attack: 400, and the backend hears nothing of it."""
        refused(f'{GET}Connection: {value.format(name)}\r\n\r\n')
        refused(f'{GET}Connection: {value.format(name.upper())}\r\n\r\n')

    @pytest.mark.parametrize('value', [
        '"close"', 'close;q=1', 'a b', 'close close', '(close)', 'a=b', 'close;', 'a/b', 'cl\xf6se', '{x}',
        ', '.join(['x'] * 33),
    ])
    def test_r13_options_are_tokens(self, refused, value):
        """R13, R29, by the principle: what is read in two ways is refused; so is a list beyond any use."""
        refused(f'{GET}Connection: {value}\r\n\r\n')

    def test_r13_transfer_encoding_is_written_anew(self, exactly):
        """R13, R01."""
        exactly(f'{POST}transfer-encoding:CHUNKED\r\nTrailer: X\r\n\r\n0\r\n\r\n',
                seen('POST / HTTP/1.1', 'Trailer: X\r\n', framing=CHUNKED))


class TestR14Kept:
    FIELDS = ('X-b: 2\r\nx-A: 1\r\nX-b: 3\r\nCookie: a=b; c="d"\r\ncookie: e=f\r\nAccept: */*\r\n'
              'Proxy-Authorization: Basic eA==\r\nAuthorization: Basic eQ==\r\nX-Empty: \r\nX-Latin: gr\xfc\xdfe\r\n'
              'User-Agent: u\r\nReferer: r\r\nOrigin: o\r\nRange: bytes=0-1\r\nIf-None-Match: "x"\r\nDate: x\r\n'
              'Accept-Encoding: gzip\r\ntraceparent: 00-x\r\ntracestate: y\r\nUser_Agent: v\r\nx-forwarded: on\r\n'
              'X-Real-IP: 1.2.3.4\r\nTrue-Client-IP: 1.2.3.4\r\nProxy: x\r\nContent-Type: t\r\nCONTENT-TYPE: t\r\n'
              'Server: s\r\nLocation: l\r\nSet-Cookie: x\r\nX_Plain: 1\r\nPriority: u=1\r\n')

    @pytest.mark.parametrize('listener', ['public', 'trusting'])
    def test_r14_order_case_and_duplicates(self, exactly, listener):
        """R14: all other fields are as they came."""
        exactly(GET + self.FIELDS + '\r\n', seen(fields=self.FIELDS), listener=listener)

    def test_r14_host_goes_first(self, exactly):
        """R14, RFC 9110 §7.2: of the rest nothing moves."""
        exactly('GET / HTTP/1.1\r\nA: 1\r\nHOST: a.example\r\nB: 2\r\n\r\n', seen(fields='A: 1\r\nB: 2\r\n'))

    def test_r15_traceparent_is_kept(self, exactly):
        """R15, R14: whoever sent it, twice or broken; none is made."""
        fields = 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nTraceparent: x\r\n'
        exactly(GET + fields + '\r\n', seen(fields=fields))


class TestR15Added:
    CLAIMS = ('X-Forwarded-For: 203.0.113.9\r\nx-forwarded-proto: https\r\nX-Forwarded-Host: evil\r\n'
              'X-FORWARDED-PORT: 443\r\nForwarded: for=203.0.113.9\r\nX-Request-Id: mine\r\nX-Forwarded-Ssl: on\r\n'
              'X-Forwarded-Prefix: /x\r\nX-Forwarded-For: 203.0.113.8\r\nX-Forwarded-: x\r\n')

    @pytest.mark.parametrize('fields', ['', CLAIMS])
    def test_r15_of_strangers(self, exactly, fields):
        """R15: each field is there once and says what weir knows; what anyone else claims is gone."""
        exactly(GET + fields + '\r\n', seen())

    def test_r15_ids_differ(self, prober):
        """R15: every request has an id of its own."""
        assert len({prober.pass_on(GET + '\r\n').head.get('X-Request-Id') for _ in range(10)}) == 10

    @pytest.mark.parametrize('fields', ['', CLAIMS])
    def test_r15_ipv6(self, exactly, fields):
        """R15: bare in X-Forwarded-For, quoted in brackets in Forwarded."""
        exactly(GET + fields + '\r\n', seen(received_for='::1', forwarded='for="[::1]";host=a.example;proto=http'),
                listener='six')

    def test_r15_ipv6_is_appended(self, exactly):
        """R15."""
        exactly(f'{GET}X-Forwarded-For: 2001:db8::1\r\nForwarded: for="[2001:db8::1]:80"\r\n\r\n',
                seen(received_for='2001:db8::1, ::1', forwarded='for="[2001:db8::1]:80", for="[::1]";host=a.example;proto=http'), listener='six_trusting')

    @pytest.mark.parametrize('fields', ['', CLAIMS])
    def test_r15_unix_socket(self, exactly, fields):
        """R15: the other end has neither address nor port, and is trusted in nothing."""
        exactly(GET + fields + '\r\n',
                seen(received_for='', port='', forwarded='for=unknown;host=a.example;proto=http'), listener='unix')

    @pytest.mark.parametrize('fields, expected', [
        ('', seen()), ('X-Forwarded-For: 203.0.113.9\r\n', seen(received_for=f'203.0.113.9, {PEER}')),
        ('X-Forwarded-For: 203.0.113.9\r\nX: y\r\nx-forwarded-for: 203.0.113.8,203.0.113.7\r\n',
         seen(fields='X: y\r\n', received_for=f'203.0.113.9, 203.0.113.8,203.0.113.7, {PEER}')),
        ('X-Forwarded-For:\r\n', seen()),
        ('X-Forwarded-For:\r\nX-Forwarded-For: 1.2.3.4\r\n', seen(received_for=f'1.2.3.4, {PEER}')),
        ('X-Forwarded-For: unknown, garbage\r\n', seen(received_for=f'unknown, garbage, {PEER}')),
        ('X-Forwarded-For: [2001:db8::1]:80\r\n', seen(received_for=f'[2001:db8::1]:80, {PEER}')),
        ('X-Forwarded-Proto: https\r\n', seen(proto='https')), ('X-Forwarded-Proto: HTTPS\r\n', seen(proto='https')),
        ('X-Forwarded-Proto: http\r\n', seen()), ('X-Forwarded-Proto: wss\r\n', seen()),
        ('X-Forwarded-Proto: "https"\r\n', seen()), ('X-Forwarded-Proto:\r\n', seen()),
        ('X-Forwarded-Proto: http, https\r\n', seen(proto='https')),
        ('X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n', seen()),
        ('X-Forwarded-Host: www.example\r\n', seen(fields='X-Forwarded-Host: www.example\r\n', forwarded_host='')),
        ('X-Forwarded-Port: 443\r\n', seen(fields='X-Forwarded-Port: 443\r\n', port='')),
        ('X-Forwarded-Ssl: on\r\nX-Forwarded-Prefix: /x\r\n',
         seen(fields='X-Forwarded-Ssl: on\r\nX-Forwarded-Prefix: /x\r\n')),
        ('Forwarded: for=203.0.113.9;proto=https\r\n',
         seen(forwarded=f'for=203.0.113.9;proto=https, for={PEER};host=a.example;proto=http')),
        ('Forwarded: for=a, for="b,c;\\"d"\r\nForwarded: by=e\r\n',
         seen(forwarded=f'for=a, for="b,c;\\"d", by=e, for={PEER};host=a.example;proto=http')),
        ('Forwarded: for=_hidden, for=unknown;by=_x\r\n',
         seen(forwarded=f'for=_hidden, for=unknown;by=_x, for={PEER};host=a.example;proto=http')),
        ('Forwarded:\r\n', seen()), ('Forwarded: for="open\r\n', seen()), ('Forwarded: for="a\\"\r\n', seen()),
        ('Forwarded: for="a\r\nForwarded: b"\r\n', seen()), ('X-Request-Id: theirs-1\r\n', seen(request_id='theirs-1')),
        ('X-Request-Id: a b"c\r\n', seen(request_id='a b"c')),
        ('X-Request-Id: one\r\nX-Request-Id: two\r\n', seen(request_id='one')),
        (f'X-Request-Id: {"x" * 128}\r\n', seen(request_id='x' * 128)), (f'X-Request-Id: {"x" * 129}\r\n', seen()),
        ('X-Request-Id:\r\n', seen()),
    ])
    def test_r15_of_trusted_proxies(self, exactly, fields, expected):
        """R15: a trusted proxy's fields are believed and appended to; its request id is kept."""
        exactly(GET + fields + '\r\n', expected, listener='trusting')

    @pytest.mark.parametrize('fields, proto', [
        ('Forwarded: for=1.2.3.4;proto=https\r\n', 'https'), ('X-Forwarded-Proto: https\r\n', 'http'),
        ('Forwarded: proto=https, for=1.2.3.4\r\n', 'http'), ('Forwarded: proto=http, PROTO="HTTPS"\r\n', 'https'),
        ('Forwarded: proto=https\r\nX-Forwarded-Proto: http\r\n', 'https'),
    ])
    def test_r15_scheme_from_forwarded(self, prober, fields, proto):
        """R15: client_ip_from = "forwarded" takes the scheme from there, too."""
        assert prober.pass_on(GET + fields + '\r\n', 'forwarded').head.get('X-Forwarded-Proto') == proto

    @pytest.mark.parametrize('version', ['1.0', '1.1', '1.2'])
    @pytest.mark.parametrize('fields, before', [
        ('', ''), ('Via: 1.1 edge\r\n', '1.1 edge, '),
        ('Via: 1.0 a, 1.1 b (c, d)\r\nvia: HTTP/1.1 e:80\r\n', '1.0 a, 1.1 b (c, d), HTTP/1.1 e:80, '),
        ('Via:\r\n', ''),
    ])
    def test_r15_via(self, exactly, version, fields, before):
        """R15: with the received version; other proxies' entries stay in front."""
        exactly(f'GET / HTTP/{version}\r\n{HOST}{fields}\r\n', seen(via=f'{before}1.{0 if version == "1.0" else 1} weir'))

    @pytest.mark.parametrize('host, authority', [
        ('hosted.example', 'hosted.example'), ('HOSTED.example:81', 'HOSTED.example:81'),
    ])
    def test_r15_host_of_the_pool(self, exactly, host, authority):
        """R15: `host` of a pool replaces Host; what the client asked for is in X-Forwarded-Host."""
        exactly(f'GET / HTTP/1.1\r\nHost: {host}\r\n\r\n', seen(host='internal.example:8080', authority=authority))
        exactly(f'GET http://{host}/x HTTP/1.1\r\nHost: other\r\n\r\n',
                seen('GET /x HTTP/1.1', host='internal.example:8080', authority=authority))


# What a field's list says, from the right, and the client that follows from it for a peer of 127.0.0.1.
CLIENTS = [
    ('203.0.113.9', '203.0.113.9'), ('203.0.113.8, 203.0.113.9', '203.0.113.9'),
    ('203.0.113.9, 10.0.0.1', '203.0.113.9'), ('203.0.113.9, 10.0.0.1, 127.9.9.9', '203.0.113.9'),
    ('10.0.0.2, 10.0.0.1', '10.0.0.2'), ('203.0.113.9, unknown', PEER), ('203.0.113.9, _hidden, 10.0.0.1', '10.0.0.1'),
    ('203.0.113.9, garbage', PEER), ('garbage, 203.0.113.9', '203.0.113.9'),
    ('203.0.113.9, , 10.0.0.1,', '203.0.113.9'), ('203.0.113.9:1234', '203.0.113.9'),
    ('203.0.113.9:_port', '203.0.113.9'), ('203.0.113.9:evil', PEER), ('203.0.113.9:', PEER),
    ('203.0.113.9:123456', PEER), ('203.0.113.256', PEER), ('0x7f000001', PEER), ('203.0.113', PEER),
    ('2001:db8::9', '2001:db8::9'), ('2001:DB8:0:0::9', '2001:db8::9'), ('[2001:db8::9]', '2001:db8::9'),
    ('[2001:db8::9]:80', '2001:db8::9'), ('[2001:db8::9', PEER), ('2001:db8::9]', PEER), ('[203.0.113.9]', PEER),
    ('fe80::1%eth0', PEER), ('::ffff:203.0.113.9', '203.0.113.9'), ('203.0.113.9, ::ffff:10.0.0.1', '203.0.113.9'),
    ('203.0.113.9, fd00::1, 10.1.1.1', '203.0.113.9'), ('203.0.113.9, [fd00::1]:1', '203.0.113.9'),
]


FORWARDED_CLIENTS = [
    ('for=203.0.113.9', '203.0.113.9'), ('for=203.0.113.9;by=10.0.0.1', '203.0.113.9'), ('by=203.0.113.9', PEER),
    ('203.0.113.9', PEER), ('for=', PEER), ('for=""', PEER), ('for', PEER), ('xfor=203.0.113.9', PEER),
    ('for="203.0.113.9', PEER), ('for=203.0.113.9"', PEER), ('for="1.1.1.1, for=203.0.113.9', '203.0.113.9'),
    ('for=203.0.113.9, for="', PEER), ('host="a,b;for=1.1.1.1";for=203.0.113.9', '203.0.113.9'),
    ('for=203.0.113.9, for="\\1\\0.0.0.1"', PEER), ('for="[2001:db8::9]:_x"', '2001:db8::9'),
    ('for=203.0.113.9;for=203.0.113.8', '203.0.113.9'),
]


class TestR15Client:
    """What the access log calls the client. Its lines come in batches: all probes of a table are sent first."""

    _numbers = itertools.count()

    def _expect(self, prober, probes):
        """`probes`: (fields, listener, client)."""
        # Lines of earlier requests may still be on their way.
        wanted = {f'/client/{next(self._numbers)}': probe for probe in probes}
        start = len(prober.weir.stdout.all())
        for target, (fields, listener, _) in wanted.items():
            prober.pass_on(f'GET {target} HTTP/1.1\r\n{HOST}{fields}\r\n', listener)
        seen_clients = {}

        def is_complete(line):
            parsed = parse_logfmt(line)
            seen_clients[parsed['path']] = parsed.get('client')
            return wanted.keys() <= seen_clients.keys()
        prober.weir.stdout.wait(is_complete, 'all lines', start)
        wrong = [(probe, seen_clients[target]) for target, probe in wanted.items() if seen_clients[target] != probe[2]]
        assert not wrong

    def test_r15_from_x_forwarded_for(self, prober):
        """R15: the right-most address that is not trusted, in one field or in several; nobody else is believed,
        nor is the other field."""
        probes = []
        for value, client in CLIENTS:
            several = ''.join(f'x-forwarded-for:{part}\r\n' for part in value.split(','))
            line = f'X-Forwarded-For: {value}\r\n'
            probes += [(line, 'trusting', client), (several, 'trusting', client), (line, 'public', PEER),
                       (line, 'forwarded', PEER)]
        self._expect(prober, probes)

    def test_r15_from_forwarded(self, prober):
        """R15: the same for Forwarded, quoted. Unlike in X-Forwarded-For, an IPv6 address has to be bracketed there;
        weir takes it either way."""
        probes = []
        for value, client in CLIENTS:
            elements = [f'proto=http;FOR="{part.strip()}"' if part.strip() else '' for part in value.split(',')]
            line = f'Forwarded: {", ".join(elements)}\r\n'
            probes += [(line, 'forwarded', client), (line, 'trusting', PEER), (line, 'public', PEER)]
        self._expect(prober, probes)

    def test_r15_forwarded_syntax(self, prober):
        """R15: parameters and quotation marks; an open one in front hides nothing behind it."""
        self._expect(prober, [(f'Forwarded: {value}\r\n', 'forwarded', client) for value, client in FORWARDED_CLIENTS])


class TestR16LookAlikes:
    @pytest.mark.parametrize('name', [
        'X_Forwarded_For', 'x_forwarded_for', 'X-Forwarded_For', 'X_Forwarded-For', 'x_forwarded_proto',
        'X_FORWARDED_HOST', 'X_Forwarded_Port', 'X_Forwarded_Anything', 'X.Forwarded.For', 'X_Request_Id',
        'X-Request_Id', 'Max_Forwards',
    ])
    def test_r16_of_our_fields(self, exactly, name):
        """R16: a CGI-style gateway would take them for ours: dropped unless trusted."""
        line = f'{name}: evil\r\n'
        exactly(GET + line + '\r\n', seen())
        exactly(GET + line + '\r\n', seen(fields=line), listener='trusting')

    @pytest.mark.parametrize('line', [
        'Content_Length: 5\r\n', 'CONTENT_LENGTH: 5\r\n', 'Content.Length: 5\r\n', 'Transfer_Encoding: chunked\r\n',
        'transfer_encoding: x\r\n',
    ])
    @pytest.mark.parametrize('listener', ['public', 'trusting'])
    def test_r16_of_fields_that_frame(self, exactly, line, listener):
        """R16, R01, R02: they frame nothing, and are dropped whoever sends them."""
        exactly(GET + line + '\r\n', seen(), listener=listener)
        exactly(f'{POST}{line}Content-Length: 2\r\n\r\nok', seen('POST / HTTP/1.1', 'Content-Length: 2\r\n'), b'ok',
                listener=listener)

    @pytest.mark.parametrize('fields', [
        'Via: 1.1 weir, 1.1 weir, 1.1 weir, 1.1 weir\r\n', 'Via: 1.1 weir\r\n' * 4,
        'Via: 1.0 WEIR, 1.1 a\r\nVia: HTTP/1.1 weir (x), 1.1\tWeir,1.1 weir\r\n',
        'Via: "x, 1.1 weir, 1.1 weir, 1.1 weir, 1.1 weir\r\n',
    ])
    def test_r16_loops(self, prober, fields):
        """R16: our own name in Via more than a few times is a loop."""
        expect_failure(prober.answer_itself(f'{GET}{fields}\r\n'), 'loop_detected')

    @pytest.mark.parametrize('fields', [
        'Via: 1.1 weir\r\n' * 3, 'Via: 1.1 weir2, 1.1 xweir, 1.1 weir:80, 1.1 a (weir), weir, 1.1 weir.example\r\n',
    ])
    def test_r16_no_loops(self, prober, fields):
        """R16: a few times, and other names, are none."""
        prober.pass_on(f'{GET}{fields}\r\n')


    def test_r15_r16_own_name(self, run_weir, backend):
        """R15, R16: the name in Via, by which loops are seen, is [server] name: twins can be told apart."""
        prober = Prober(run_weir({'web': [backend.address]}, server={'name': 'edge-1'}), backend)
        prober.pass_on_exactly(GET + 'Via: 1.1 weir\r\n\r\n', seen(via='1.1 weir, 1.1 edge-1'))
        prober.pass_on(GET + 'Via: 1.1 weir\r\n' * 9 + '\r\n')
        expect_failure(prober.answer_itself(GET + 'Via: 1.1 edge-1\r\n' * 4 + '\r\n'), 'loop_detected', 'edge-1')


class TestR17Trailers:
    @pytest.mark.parametrize('fields', [
        'TE: trailers\r\nConnection: TE\r\n', 'TE: trailers\r\n', 'te:\tTrailers\t\r\nConnection: te\r\n',
        'TE: gzip;q=0.5, trailers\r\nConnection: TE, close\r\n', 'TE: gzip\r\nTE: trailers\r\n',
    ])
    def test_r17_te(self, exactly, fields):
        """R17: `TE: trailers` is forwarded as such with `Connection: TE`."""
        exactly(GET + fields + '\r\n', seen(framing='TE: trailers\r\nConnection: TE\r\n'))

    @pytest.mark.parametrize('fields', [
        'TE: gzip\r\n', 'TE: xtrailers\r\n', 'TE: trailer\r\n', 'TE: "trailers"\r\n', 'TE:\r\n',
    ])
    def test_r17_other_te(self, exactly, fields):
        """R17, R13: nothing else of it."""
        exactly(GET + fields + '\r\n', seen())

    def test_r17_te_in_10(self, exactly):
        """R17: 1.0 has no trailers."""
        exactly(f'GET / HTTP/1.0\r\n{HOST}TE: trailers\r\n\r\n', seen(via='1.0 weir'))

    def test_r17_trailers_pass(self, exactly):
        """R17: in their order and case."""
        exactly(f'{POST}{CHUNKED}Trailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum:\t1 \r\nx-sum: 2\r\nX-Empty:\r\n\r\n',
                seen('POST / HTTP/1.1', 'Trailer: X-Sum\r\n', framing=CHUNKED), b'abc', [('X-Sum', '1'), ('x-sum', '2'), ('X-Empty', '')])

    @pytest.mark.parametrize('name', [
        *PROTECTED, 'Connection', 'Trailer', 'TE', 'Upgrade', 'Keep-Alive', 'Proxy-Connection', 'Proxy-Authorization',
        'Set-Cookie', 'Content-Type', 'Content-Encoding', 'Content-Range', 'Range', 'Cache-Control', 'X_Forwarded_For',
        'X_Request_Id', 'Content_Length', 'Transfer_Encoding', 'X-Real-IP', 'HTTP2-Settings',
    ])
    def test_r17_names_that_frame_or_route(self, exactly, name):
        """R17: dropped, whatever their case."""
        exactly(f'{POST}{CHUNKED}\r\n3\r\nabc\r\n0\r\n{name}: 5\r\nX-Sum: 1\r\n{name.lower()}: 6\r\n\r\n',
                seen('POST / HTTP/1.1', framing=CHUNKED), b'abc', [('X-Sum', '1')])

    @pytest.mark.parametrize('fields', [
        'Connection: X-Hop\r\n', 'Connection: close,\tx-HOP\r\n', 'Connection: A\r\nX-B: y\r\nConnection: X-Hop\r\n',
    ])
    def test_r17_names_of_connection(self, prober, fields):
        """R17, R13: what Connection names is hop-by-hop behind the body, too; the rest passes."""
        request = prober.pass_on(f'{POST}{CHUNKED}{fields}\r\n0\r\nX-Hop: 1\r\nX-Sum: 2\r\nx-hop: 3\r\na-x: 4\r\n\r\n')
        assert request.trailers == [('X-Sum', '2'), ('a-x', '4')]


class TestR18Expect:
    @pytest.mark.parametrize('value', [
        'x', '100-continue, x', 'x, 100-continue', '200-ok', '100', '100-continued', '100-continue;q=1',
        '100-continue=1', '"100-continue"', '100 continue', '', '100-continue\r\nExpect: x',
    ])
    @pytest.mark.parametrize('framing', ['', 'Content-Length: 5\r\n', CHUNKED])
    def test_r18_other_expectations(self, refused, value, framing):
        """R18: 417."""
        refused(f'{POST}Expect: {value}\r\n{framing}\r\n', 'expectation_failed')

    @pytest.mark.parametrize('value', ['100-continue', '100-Continue', '\t100-CONTINUE '])
    def test_r18_goes_on(self, exactly, value):
        """R18: end to end, even when the body did not wait for it."""
        forwarded = f'Expect: {value.strip()}\r\nContent-Length: 5\r\n'
        exactly(f'{POST}Expect:{value}\r\nContent-Length: 5\r\n\r\nhello', seen('POST / HTTP/1.1', forwarded), b'hello')

    def test_r18_in_10(self, exactly):
        """R18, RFC 9110 §10.1.1: there it means nothing and must not be made to mean something."""
        exactly(f'POST / HTTP/1.0\r\n{HOST}Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello',
                seen('POST / HTTP/1.1', 'Content-Length: 5\r\n', via='1.0 weir'), b'hello')


class TestR19Upgrade:
    @pytest.mark.parametrize('fields, token', [
        ('Connection: Upgrade\r\nUpgrade: websocket\r\n', 'websocket'),
        ('Upgrade: WebSocket\r\nConnection: keep-alive,\tupgrade\t\r\n', 'WebSocket'),
        ('Connection: Upgrade\r\nUpgrade: other, websocket\r\n', 'websocket'),
        ('Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n', 'websocket'),
        ('Connection: Upgrade\r\nUpgrade:\twebsocket , h2c\r\n', 'websocket'),
        ('Connection: Upgrade\r\nUpgrade: , websocket,\r\n', 'websocket'),
        ('Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n', 'websocket'),
    ])
    def test_r19_listed(self, exactly, fields, token):
        """R19: one token of the listener's `upgrades` passes, alone."""
        length = 'Content-Length: 0\r\n' if 'Length' in fields else ''
        exactly(f'{GET}{fields}Sec-WebSocket-Key: k\r\n\r\n',
                seen(fields=f'{length}Sec-WebSocket-Key: k\r\n', framing=f'Upgrade: {token}\r\nConnection: upgrade\r\n'))

    @pytest.mark.parametrize('fields', [
        'Connection: Upgrade\r\nUpgrade: h2c\r\n',
        'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n',
        'Connection: Upgrade\r\nUpgrade: H2C\r\n', 'Connection: Upgrade\r\nUpgrade: custom\r\n',
        'Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n', 'Connection: Upgrade\r\nUpgrade: websocket/13\r\n',
        'Connection: Upgrade\r\nUpgrade: websockets\r\n', 'Connection: Upgrade\r\nUpgrade: web socket\r\n',
        'Connection: Upgrade\r\nUpgrade: "websocket"\r\n', 'Connection: Upgrade\r\nUpgrade:\r\n',
        'Connection: Upgrade\r\n', 'Upgrade: websocket\r\n', 'Connection: keep-alive\r\nUpgrade: websocket\r\n',
        'Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: websocket\r\n',
        'Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n',
    ])
    def test_r19_stripped(self, exactly, fields):
        """R19: everything else is, and never h2c; the request is an ordinary one."""
        exactly(f'{GET}{fields}X: y\r\n\r\n', seen(fields='X: y\r\n'))

    @pytest.mark.parametrize('framing, body', [('Content-Length: 5\r\n', 'hello'), (CHUNKED, '5\r\nhello\r\n0\r\n\r\n')])
    def test_r19_not_with_a_body(self, exactly, framing, body):
        """R19: what belongs to the body and what to the tunnel could be read in two ways."""
        expected = seen('POST / HTTP/1.1', framing=framing) if framing == CHUNKED else seen('POST / HTTP/1.1', framing)
        exactly(f'{POST}Connection: Upgrade\r\nUpgrade: websocket\r\n{framing}\r\n{body}', expected, b'hello')

    def test_r19_not_from_10(self, exactly):
        """R19."""
        exactly(f'GET / HTTP/1.0\r\n{HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n', seen(via='1.0 weir'))

    @pytest.mark.parametrize('listener, token', [('tunnels', 'custom'), ('tunnels', 'CUSTOM'), ('tunnels', 'websocket')])
    def test_r19_list_of_the_listener(self, exactly, listener, token):
        """R19: compared without case."""
        exactly(f'{GET}Connection: Upgrade\r\nUpgrade: {token}\r\n\r\n',
                seen(framing=f'Upgrade: {token}\r\nConnection: upgrade\r\n'), listener=listener)

    def test_r19_empty_list(self, exactly):
        """R19."""
        exactly(f'{GET}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n', seen(), listener='no_tunnels')

    @pytest.mark.parametrize('fields, framing', [
        ('', 'Connection: close\r\n'),
        ('Connection: Upgrade\r\nUpgrade: websocket\r\n', 'Upgrade: websocket\r\nConnection: close, upgrade\r\n'),
        ('TE: trailers\r\n', 'TE: trailers\r\nConnection: close, TE\r\n'),
    ])
    def test_r29_keepalive_off(self, exactly, fields, framing):
        """R29: a backend is told that its connection ends."""
        exactly(f'GET / HTTP/1.1\r\nHost: closing.example\r\n{fields}\r\n', seen(host='closing.example', framing=framing))
