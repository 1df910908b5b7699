"""Pages of failures: small, plain, in the form that the client wants; one's own in their place, by reason, status
and host, reloaded while weir runs."""
import html.parser
import json
import re

import pytest

from support.backends import refused_address
from support.text import to_toml
from support.wait import until
from support.weir import FAILURES, configuration, expect_failure, run_once
from support.wire import request_bytes

BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'
TEXT, HTML, JSON = 'text/plain; charset=utf-8', 'text/html; charset=utf-8', 'application/json'


@pytest.fixture(scope='module')
def weir(run_shared_weir):
    """One route whose backend refuses every connection."""
    address, sock = refused_address()
    yield run_shared_weir({'web': {'backends': [address], 'retries': 0}}, [('a.example', 'web')])
    sock.close()


def ask(weir, accept=None, host='a.example', method='GET', **options):
    fields = [] if accept is None else [('Accept', accept)]
    return weir.get(host=host, method=method, fields=fields, **options)


class Page(html.parser.HTMLParser):
    """What an HTML page consists of; every element that must be closed is."""
    VOID = {'meta', 'link', 'img', 'br', 'hr', 'input'}

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.texts = [], [], {}
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.setdefault(self.open[-1] if self.open else '', []).append(data.strip())


class TestForm:
    @pytest.mark.parametrize('accept, content_type', [
        (None, TEXT), ('*/*', TEXT), ('', TEXT), ('image/png', TEXT), ('text/plain', TEXT), ('text/*', TEXT),
        (BROWSER, HTML), ('text/html', HTML), ('text/html;q=0.2, text/plain;q=0.1', HTML),
                                                      ('text/plain;q=0, text/*', HTML),
        ('application/json', JSON), ('application/problem+json', JSON), ('application/vnd.api+json', JSON),
        ('application/json, text/plain, */*', JSON), ('text/html;q=0.5, application/json;q=0.6', JSON),
        ('application/*', JSON), ('*/*;q=0.1, application/json', JSON)])
    def test_by_accept(self, weir, accept, content_type):
        """RFC 9110 §12.5.1; nothing or anything is text, and so is what weir does not have."""
        response = ask(weir, accept)
        expect_failure(response, 'connect_refused')
        assert response.get('Content-Type') == content_type
        assert response.get('Vary') == 'Accept' and response.get('Cache-Control') == 'no-store'

    def test_text(self, weir):
        response = ask(weir)
        assert response.text == ('502 Bad Gateway\nThe backend refused the connection.\n\nreason: connect_refused\n'
                                 f'request id: {response.get("X-Request-Id")}\n')

    def test_json(self, weir):
        response = ask(weir, 'application/json')
        assert json.loads(response.body) == {
            'error': 'connect_refused', 'message': 'The backend refused the connection.', 'status': 502,
            'request_id': response.get('X-Request-Id')}

    def test_html(self, weir):
        """Accessible and self-contained: a language, a title, one heading, the reader's colours, nothing to load."""
        response = ask(weir, BROWSER)
        page = Page(response.text)
        assert response.text.startswith('<!doctype html>\n')
        assert ('html', {'lang': 'en'}) in page.elements and ('meta', {'charset': 'utf-8'}) in page.elements
        assert page.texts['title'] == page.texts['h1'] == ['502 Bad Gateway']
        assert page.texts['p'] == ['The backend refused the connection.']
        assert page.texts['dd'] == ['connect_refused', response.get('X-Request-Id')]
        assert 'color-scheme: light dark' in ''.join(page.texts['style'])
        assert {tag for tag, _ in page.elements} == {'html', 'head', 'meta', 'title', 'style', 'body', 'main', 'h1',
                                                     'p', 'dl', 'dt', 'dd'}
        assert not any(set(attributes) & {'src', 'href', 'style', 'onload'} for _, attributes in page.elements)
        assert 'url(' not in response.text and len(response.body) < 1600

    def test_tells_nothing_of_the_inside(self, weir):
        """No address, no version, no name of a pool; nothing that the client sent."""
        fields = [('User-Agent', 'agent<script>'), ('Referer', 'http://refer.example/'), ('Cookie', 'a=secret')]
        for accept in ('*/*', BROWSER, 'application/json'):
            response = weir.get('/path<script>?query', 'a.example', fields=[('Accept', accept), *fields])
            page = response.text.replace(response.get('X-Request-Id'), '')
            for word in ('127.0.0.1', 'weir', 'web', 'a.example', 'path', 'query', 'agent', 'refer', 'secret',
                         'script'):
                assert word not in page, word
            assert not re.search(r'\d+\.\d+\.\d+', page)

    @pytest.mark.parametrize('accept', ['*/*', BROWSER, 'application/json'])
    def test_head_and_old_clients(self, weir, accept):
        """HEAD gets the same fields and no body; HTTP/1.0 the same page, then the end."""
        get, head = ask(weir, accept), ask(weir, accept, method='HEAD')
        assert head.body == b'' and head.get('Content-Length') == str(len(get.body))
        assert head.get('Content-Type') == get.get('Content-Type')
        old = weir.raw(request_bytes(fields=[('Accept', accept)], version='1.0'))
        assert old.get('Content-Length') == str(len(old.body)) and old.get('Connection') == 'close'
        assert len(old.body) == len(get.body)

    def test_of_requests_that_are_refused(self, weir):
        """Their Accept counts, too, if it came; an answer to HEAD has no body there either."""
        head = f'GET / HTTP/1.1\r\nAccept: {BROWSER}\r\nHost: a\r\nHost: b\r\n\r\n'.encode()
        response = weir.raw(head)
        expect_failure(response, 'bad_request')
        assert response.get('Content-Type') == HTML
        with weir.connect() as client:
            client.send(head.replace(b'GET', b'HEAD'))
            assert client.read_response('HEAD').get('Content-Length') == str(len(response.body))
            client.expect_end()
        assert weir.wait_access(method='HEAD', reason='bad_request')['bytes_out'] == '0'
        assert weir.raw(b'GET / HTTP/2.0\r\n\r\n').get('Content-Type') == TEXT
        # A cookie that has grown too large: browsers should see why.
        large = request_bytes(fields=[('Accept', BROWSER), ('Cookie', 'a' * 40_000)])
        assert weir.raw(large).get('Content-Type') == HTML

    def test_of_connect_and_upgrades(self, weir):
        """The same page where a client wanted another protocol."""
        response = weir.raw(b'CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\nAccept: application/json\r\n\r\n')
        assert json.loads(response.body)['error'] == 'not_implemented'
        upgrade = [('Connection', 'upgrade'), ('Upgrade', 'websocket'), ('Accept', 'text/html')]
        response = weir.get(fields=upgrade)
        expect_failure(response, 'connect_refused')
        assert response.get('Content-Type') == HTML

    def test_of_a_large_upload(self, run_weir, manual_backend):
        """The Accept is known, although the request is too large to be kept."""
        weir = run_weir({'web': [manual_backend.address]})
        with weir.connect() as client:
            client.send(request_bytes('POST', fields=[('Accept', 'application/json')], body=b'x' * 200_000))
            peer = manual_backend.accept()
            peer.read_request()
            peer.send(b'HTTP/1.1 nonsense\r\n\r\n')
            response = client.read_response('POST')
        expect_failure(response, 'bad_response')
        assert response.get('Content-Type') == JSON


def own(folder, **files):
    """Writes pages/NAME.html and the like; `name_html`: text."""
    (folder / 'pages').mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / 'pages' / name.replace('_', '.')).write_text(text)


def table(pages, **options):
    return configuration({'web': []}, [('a.example', 'web'), ('.b.example', 'web')], pages=pages, **options)


class TestOwn:
    def start(self, run_weir, tmp_path, pages, watch=False, **files):
        own(tmp_path, **files)
        paths = json.loads(json.dumps(pages).replace('PAGES', str(tmp_path / 'pages')))
        return run_weir(config=table(paths, watch=watch))

    def test_by_reason_status_and_class(self, run_weir, tmp_path):
        weir = self.start(run_weir, tmp_path, {'5xx': 'PAGES/class.html', '503': 'PAGES/status.html',
                                               'pool_empty': 'PAGES/reason.html', '4xx': 'PAGES/class.txt'},
                          class_html='class', status_html='status', reason_html='reason', class_txt='four')
        assert ask(weir).text == 'reason'
        assert ask(weir).get('Content-Type') == HTML
        assert ask(weir, host='nobody.example').text == 'four'
        assert weir.raw(b'GET / HTTP/1.1\r\n\r\n').text == 'four'
        weir.reload(table({'5xx': str(tmp_path / 'pages/class.html'), '503': str(tmp_path / 'pages/status.html')}))
        assert ask(weir).text == 'status'
        weir.reload(table({'5xx': str(tmp_path / 'pages/class.html')}))
        assert ask(weir).text == 'class'
        assert weir.raw(b'GET / HTTP/2.0\r\n\r\n').text == 'class'
        weir.reload(table({}))
        expect_failure(ask(weir), 'pool_empty')

    def test_by_host(self, run_weir, tmp_path):
        """The most specific host that has a page for the failure; where no host is known, the general one."""
        weir = self.start(
            run_weir, tmp_path,
            {'5xx': 'PAGES/all.html', 'bad_request': 'PAGES/all.html',
             'www.b.example': {'503': 'PAGES/www.html', '400': 'PAGES/www.html'},
             '*.b.example': {'5xx': 'PAGES/one.html'},
             '.b.example': {'404': 'PAGES/domain.html', '5xx': 'PAGES/domain.html'}},
            all_html='all', www_html='www', one_html='one', domain_html='domain')
        for host, page in (('www.b.example', 'www'), ('WWW.b.example.:80', 'www'), ('x.b.example', 'one'),
                           ('b.example', 'domain'), ('x.y.b.example', 'domain'), ('a.example', 'all')):
            assert ask(weir, host=host).text == page, host
        assert weir.raw(b'GET / HTTP/1.1\r\nHost: www.b.example\r\nHost: x\r\n\r\n').text == 'all'

    def test_forms(self, run_weir, tmp_path):
        """One failure may have a page in each form; forms without one stay weir's."""
        weir = self.start(run_weir, tmp_path, {'503': ['PAGES/a.html', 'PAGES/a.json'], '404': 'PAGES/a.html'},
                          a_html='<p>own', a_json='{"own":true}')
        for accept, text in ((None, '<p>own'), ('*/*', '<p>own'), (BROWSER, '<p>own'), ('image/*', '<p>own'),
                             ('application/json, text/plain, */*', '{"own":true}')):
            response = ask(weir, accept)
            assert response.text == text and response.get('Vary') == 'Accept', accept
        assert ask(weir, 'text/plain').text.startswith('503 Service Unavailable\n')
        assert ask(weir, 'application/json', host='x.example').text.startswith('{"error":"no_route"')
        assert ask(weir, host='x.example').text == '<p>own'

    def test_placeholders(self, run_weir, tmp_path):
        """Filled in and escaped; the request id of a trusted proxy cannot bring anything in."""
        text = '{status} {status_text} {reason} {message} {request_id} {other} body{color:red}'
        own(tmp_path, a_html=text, a_json='{"id":"{request_id}"}')
        files = [str(tmp_path / 'pages/a.html'), str(tmp_path / 'pages/a.json')]
        weir = run_weir(config=table({'503': files}, listener={'public': {'trusted_proxies': ['127.0.0.1/32']}}))
        page = ask(weir)
        assert page.text == (f'503 Service Unavailable pool_empty The site has no backends. {page.get("X-Request-Id")}'
                             ' {other} body{color:red}')
        evil = '"><script>{status}&\\'
        page = weir.get(fields=[('X-Request-Id', evil)])
        assert '&quot;&gt;&lt;script&gt;{status}&amp;\\ {other}' in page.text
        page = weir.get(fields=[('X-Request-Id', evil), ('Accept', 'application/json')])
        assert json.loads(page.body) == {'id': evil}
        page = weir.get(fields=[('X-Request-Id', 'a\xff')])
        assert page.body.decode() and 'a\ufffd' in page.body.decode()

    def test_same_fields_as_weirs_own(self, run_weir, tmp_path):
        """Status, Proxy-Status, Retry-After and the log are the failure's, whatever the page says."""
        address, sock = refused_address()
        own(tmp_path, a_html='{reason} own')
        config = configuration({'web': {'backends': [address], 'health': {'path': '/', 'fall': 1, 'interval': '1h'}}},
                               [('a.example', 'web')], pages={'5xx': str(tmp_path / 'pages/a.html')})
        weir = run_weir(config=config)
        response = ask(weir)
        sock.close()
        expect_failure(response, 'no_usable_backend')
        assert response.text == 'no_usable_backend own' and response.get('Retry-After') == '1'
        assert response.get('Cache-Control') == 'no-store'
        line = weir.wait_access(reason='no_usable_backend')
        assert line['bytes_out'] == str(len(response.body))

    def test_largest_page(self, run_weir, tmp_path):
        weir = self.start(run_weir, tmp_path, {'503': 'PAGES/a.html'}, a_html='x' * 65536)
        with weir.connect() as client:
            for _ in range(3):
                client.send(request_bytes())
                assert client.read_response().body == b'x' * 65536


class TestReload:
    def test_a_changed_page_is_served_without_being_told(self, run_weir, tmp_path):
        """Also a page that was moved into place; a touched one is no reload."""
        own(tmp_path, a_html='one')
        weir = run_weir(config=table({'503': str(tmp_path / 'pages/a.html')}, watch=True))
        assert ask(weir).text == 'one'
        with weir.connect() as client:
            client.send(request_bytes())
            assert client.read_response().text == 'one'
            (tmp_path / 'pages/a.html').write_text('two')
            until(lambda: ask(weir).text == 'two', 'the new page')
            client.send(request_bytes())
            assert client.read_response().text == 'two'
        weir.wait_log(msg='reloaded', changed='settings')
        own(tmp_path, draft_html='three')
        (tmp_path / 'pages/draft.html').rename(tmp_path / 'pages/a.html')
        until(lambda: ask(weir).text == 'three', 'the page that was moved into place')

    def test_unchanged_contents_are_no_change(self, run_weir, tmp_path):
        own(tmp_path, a_html='one')
        weir = run_weir(config=table({'503': str(tmp_path / 'pages/a.html')}))
        before = weir.metric('weir_config_reloads_total', result='unchanged')
        own(tmp_path, a_html='one')
        weir.reload()
        assert weir.metric('weir_config_reloads_total', result='unchanged') == before + 1
        own(tmp_path, a_html='two')
        weir.reload()
        assert weir.metric('weir_config_reloads_total', result='success') == 1
        assert ask(weir).text == 'two'

    def test_a_page_that_cannot_be_read_changes_nothing(self, run_weir, tmp_path):
        """The old page and the old table are served on, and what is wrong is said with its place; the page's return
        repairs it."""
        own(tmp_path, a_html='one')
        page = str(tmp_path / 'pages/a.html')
        weir = run_weir(config=table({'503': page}, watch=True))
        (tmp_path / 'pages/a.html').unlink()
        weir.wait_log('reload failed')
        weir.wait_log(page, 'No such file', level='error')
        assert ask(weir).text == 'one'
        assert weir.metric('weir_config_last_reload_successful') == 0
        own(tmp_path, a_html='two')
        until(lambda: ask(weir).text == 'two', 'the page that came back')
        assert weir.metric('weir_config_last_reload_successful') == 1


class TestCheck:
    def check(self, folder, pages, code):
        (folder / 'weir.toml').write_text(to_toml(table(pages)))
        out, err = run_once(['check'], folder, code)
        line = next((number for number, text in enumerate((folder / 'weir.toml').read_text().splitlines(), 1)
                     if '503' in text), 0)
        return out, err, line

    def test_missing_file(self, tmp_path):
        """An error with its place, at check and at start; a name that is almost there is suggested."""
        own(tmp_path, **{'503_html': 'sorry'})
        _, err, line = self.check(tmp_path, {'503': 'pages/505.html'}, 2)
        assert re.fullmatch(rf'weir: weir\.toml:{line}:\d+: 503: cannot open pages/505\.html: No such file or '
                            r'directory \(did you mean pages/503\.html\?\)\n', err), err
        run_once(['run', '-c', 'weir.toml'], tmp_path, code=2)
        self.check(tmp_path, {'503': 'pages/503.html'}, 0)

    def test_dump(self, tmp_path):
        """Each key with its files and where it stands."""
        own(tmp_path, a_html='a', a_json='{}')
        (tmp_path / 'weir.toml').write_text(
            to_toml(table({})).replace('[pages]', '') +
            '\n[pages]\n503 = ["pages/a.html", "pages/a.json"]\n[pages."*.example.com"]\nno_route = "pages/a.html"\n')
        out, _ = run_once(['check', '--dump'], tmp_path, 0)
        assert re.search(r'\[pages\]\n"503" = \["pages/a\.html", "pages/a\.json"\]  # weir\.toml:\d+\n', out), out
        assert re.search(r'\[pages\."\*\.example\.com"\]\nno_route = "pages/a\.html"  # weir\.toml:\d+\n', out), out

    def test_every_reason_has_its_word(self, tmp_path):
        """All reasons that are answered are keys, and their statuses."""
        own(tmp_path, a_html='a')
        keys = {row.reason for row in FAILURES.values() if row.status} | {
            str(row.status) for row in FAILURES.values() if row.status}
        self.check(tmp_path, {key: 'pages/a.html' for key in keys}, 0)
