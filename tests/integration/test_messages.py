"""What weir says to a mistake: the table of wrong inputs, each with its place and the words that must be there.

Each row is a wrong snippet, the place of its only complaint as LINE:COLUMN, and words of the message. What the
snippet lacks to be whole (a listener, a pool `web`, a route) is added behind it. Beside the words, every row holds:
one mistake makes one message; a message is one line; what it suggests ("did you mean …?") would be accepted."""
import re

import pytest

from support.weir import run_once

LISTENER = '\n[listener.zz]\nbind = ["127.0.0.1:0"]\n'
POOL = '\n[pool.web]\nbackends = ["127.0.0.1:9001"]\n'
ROUTE = '\n[[route]]\nhost = "zz.example"\npool = "web"\n'


def whole(snippet):
    """The snippet with what it lacks behind it."""
    for title, text in (('listener', LISTENER), ('pool', POOL), ('route', ROUTE)):
        if not re.search(rf'^\[\[?{title}', snippet, re.M):
            snippet += text
    return snippet


def server(line):
    return f'[server]\n{line}'


def bind(value):
    return f'[listener.public]\nbind = {value}'


def listener(line):
    return f'[listener.public]\nbind = ["127.0.0.1:0"]\n{line}'


def backends(value):
    return f'[pool.web]\nbackends = {value}'


def pool(line):
    return f'[pool.web]\nbackends = []\n{line}'


def host(value):
    return f'[[route]]\npool = "web"\nhost = {value}'


def route(line):
    return f'[[route]]\npool = "web"\nhost = "a.example"\n{line}'


def timeout(value):
    return f'[timeouts]\nconnect = {value}'


def size(value):
    return f'[limits]\nhead_bytes = {value}'


NOT_TOML = [
    # quotation marks
    (server('name = weir'), '2:8', 'weir stands without quotation marks', 'did you mean "weir"?'),
    ('[[route]]\nhost = "a"\npool = web', '3:8', 'web stands without quotation marks', 'did you mean "web"?'),
    (server('name = false1'), '2:8', 'false1 stands without quotation marks'),
    (server('workers = four'), '2:11', 'four stands without', 'expected a whole number'),
    (timeout('2s'), '2:11', '2s stands without', 'did you mean "2s"?'),
    (timeout('2 seconds # two'), '2:11', '2 seconds stands without', 'did you mean "2s"?'),
    (size('32KiB'), '2:14', 'did you mean "32KiB"?'),
    (pool('retry_budget = 20%'), '3:16', 'did you mean "20%"?'),
    (pool('balance = leastconn'), '3:11', 'leastconn stands without', 'did you mean "least_requests"?'),
    (bind('[:8080]'), '2:9', 'did you mean ":8080"?'),
    (bind(':8080'), '2:8', 'did you mean [":8080"]?'),
    (bind('[127.0.0.1:80]'), '2:9', 'did you mean "127.0.0.1:80"?'),
    (backends('[\n  "10.0.0.1:80",\n  10.0.0.2:80,\n]'), '4:3', '10.0.0.2:80 stands without'),
    (server('name = weir"'), '2:8', 'no quotation mark in front', 'did you mean "weir"?'),
    (server('name = "weir'), '2:8', 'this quotation mark is not closed'),
    (server("name = 'weir"), '2:8', 'this quotation mark is not closed', "a second '"),
    (backends('["10.0.0.1:80", "10.0.0.2:80\n]'), '2:28', 'this quotation mark is not closed'),
    (server('name = """weir'), '2:8', 'this """ is not closed'),
    (server('name = “weir”'), '2:8', '“ is no quotation mark', 'did you mean "weir"?'),
    (server('name = ‘weir’'), '2:8', '‘ is no quotation mark', 'did you mean "weir"?'),
    (server('name = "weir”'), '2:8', 'ends with ”', 'plain "'),
    (server('name = `weir`'), '2:8', 'did you mean "weir"?'),
    (server('name = "we"ir"'), '2:11', 'a quotation mark within a text'),
    (server('name = "a\\d"'), '2:10', 'begins an escape', 'single quotes'),
    # other languages' words
    (pool('keepalive = True'), '3:13', 'lower case', 'did you mean true?'),
    (pool('keepalive = yes'), '3:13', 'did you mean true?'),
    (pool('keepalive = off'), '3:13', 'did you mean false?'),
    (server('name = None'), '2:8', 'no None in TOML', 'leave the line out'),
    (server('name = null'), '2:8', 'no null in TOML'),
    (pool('retries = 02'), '3:11', 'leading zero', 'did you mean 2?'),
    (server('workers = 99999999999999999999'), '2:11', 'too large a number'),
    (server('workers = .5'), '2:11', 'no number as TOML writes it'),
    # between key and value
    (server('name: "a"'), '2:5', ': between key and value', 'expected ='),
    (server('name == "a"'), '2:6', 'expected one ='),
    (server('name => "a"'), '2:6', 'expected ='),
    (server('name "a"'), '2:1', 'no = between key and value', '"name" in [server]'),
    (server('name'), '2:1', 'no = between key and value'),
    (server('name ='), '2:6', 'no value behind the ='),
    (server('= "a"'), '2:1', 'no key before the ='),
    (pool('balance leastconn'), '3:1', 'no = between', '"balance" in [pool.NAME]'),
    ('[timeouts]\ntimeout connect 5s', '2:1', 'no = between', '"connect" in [timeouts]'),
    ('[timeouts]\ntimeout http-request = "5s"', '2:1', 'blanks in a key', '"request_head" in [timeouts]'),
    ('include "a.toml"', '1:1', 'no = between', '"files" in [routes]'),
    # behind the value
    (server('name = "a";'), '2:11', 'a ; at the end of the line'),
    (server('name = "a",'), '2:11', 'a comma at the end of the line'),
    (server('name = "a" // mine'), '2:12', '// begins no comment', 'expected #'),
    (server('name = "a" workers = 3'), '2:12', 'a second key on one line'),
    (server('name = "a" "b"'), '2:12', 'a second value on the line', '[ ]'),
    (backends('"10.0.0.1:80", "10.0.0.2:80"'), '2:25', 'a comma outside of a list', '[ ]'),
    (server('// mine'), '2:1', '// begins no comment', 'expected #'),
    (server('name = "a" }'), '2:12', '} behind the value', 'a # comment'),
    (server('!include a'), '2:1', 'a line that begins with !', 'the title of a section'),
    (server('; mine'), '2:1', '; begins no comment', 'expected #'),
    # brackets
    ('[server\nname = "a"', '1:1', 'the ] of this title is missing', '[server]'),
    ('server]\nname = "a"', '1:1', 'the [ of this title is missing', '[server]'),
    ('[[route]\nhost = "a"\npool = "web"', '1:1', 'the ]] of this title is missing', '[[route]]'),
    ('[route]]\nhost = "a"\npool = "web"', '1:1', 'more ] than [', '[[route]]'),
    ('[pool web]\nbackends = []', '1:1', 'joined by dots', '[pool.web]'),
    ('[backend web]\nserver = "a"', '1:1', 'joined by dots', '[pool.web]'),
    ('[server] name = "a"', '1:10', 'behind the title', 'next line'),
    ('[]\nname = "a"', '1:1', 'a section without name'),
    (backends('["10.0.0.1:80"\n\n[log]\nlevel = "info"'), '2:12', 'this [ is not closed', 'before line 4'),
    (backends('["10.0.0.1:80"\nretries = 1'), '2:12', 'this [ is not closed', 'before line 3'),
    (backends('[\n  "10.0.0.1:80"\n  "10.0.0.2:80"\n]'), '4:3', 'a comma is missing'),
    (backends('["10.0.0.1:80"; "10.0.0.2:80"]'), '2:26', 'a ; between two items'),
    ('[[route]]\npool = "web"\nhosts = [a, b]', '3:10', 'a stands without quotation marks', 'did you mean "a"?'),
    (server('workers = x'), '2:11', 'x stands without quotation marks', 'a whole number'),
    (pool('timeouts = { connect = "1s"'), '3:12', 'this { is not closed', 'stands on one line'),
    (pool('timeouts = { connect = "1s",\n  request = "2s" }'), '3:12', 'this { is not closed', 'stands on one line'),
    (pool('timeouts = { connect = "1s", }'), '3:30', 'a comma before the }'),
    (pool('timeouts = { connect = "1s" ]'), '3:12', 'this { is closed by ]'),
    (pool('timeouts = { connect: "1s" }'), '3:21', ': between key and value'),
    # twice
    (server('name = "a"\nname = "b"'), '3:1', 'name stands here twice', 'first in line 2'),
    ('[server]\nname = "a"\n[log]\n[server]\nworkers = 1', '4:1', '[server] stands here twice', 'first in line 1'),
    ('[pool.web]\nbackends = []\n[pool.a]\nbackends = []\n[pool.web]', '5:1', '[pool.web] stands', 'first in line 1'),
    ('[route]\nhost = "a"\n[[route]]\nhost = "b"', '3:1', '[route] in line 1', 'each route is a [[route]]'),
    ('[ route ]\nhost = "a"\n[[route]]\nhost = "b"', '3:1', '[ route ] in line 1', 'each route is a [[route]]'),
    ('route = []\n[[route]]\nhost = "b"', '2:1', 'route = … in line 1', 'each route is a [[route]]'),
    # characters that cannot be seen
    (server('name = "a"\u00a0'), '2:11', 'invisible character, U+00A0'),
    (server('name\u200b = "a"'), '2:5', 'invisible character, U+200B'),
    ('[server]\rname = "a"\r', '1:1', 'carriage return alone'),
]

OTHER_FILES = [
    ('# mine\nuser nginx;\nevents {\n}\n', '2:1', 'nginx configuration', 'docs/from-nginx.md'),
    ('http {\n  server {\n    listen 80;\n  }\n}\n', '1:1', 'nginx configuration'),
    ('upstream web {\n  server 10.0.0.1:80;\n}\n', '1:1', 'nginx configuration'),
    ('global\n    maxconn 1000\ndefaults\n    mode http\n', '1:1', 'HAProxy configuration', 'docs/from-haproxy.md'),
    ('frontend web\n    bind *:80\n', '1:1', 'HAProxy configuration'),
    ('server:\n  name: a\n', '1:1', 'YAML', 'expected TOML'),
    ('---\n- a\n', '1:1', 'YAML'),
    ('apiVersion: v1\nkind: Ingress\n', '1:1', 'YAML'),
    ('{\n  "server": {}\n}\n', '1:1', 'JSON', 'expected TOML'),
    ('www.example.com {\n  reverse_proxy 10.0.0.1:80\n}\n', '1:1', 'Caddyfile', '[[route]]'),
    ('<VirtualHost *:80>\n</VirtualHost>\n', '1:1', 'Apache configuration'),
    ('<?xml version="1.0"?>\n', '1:1', 'XML'),
    ('#!/bin/sh\nexec weir\n', '1:1', 'script'),
    ('[Unit]\nDescription=weir\n', '1:1', 'systemd unit'),
    ('www.example.com web\napi.example.com api\n', '1:1', 'map of hosts', '[[route]]'),
    ('<<<<<<< HEAD\n[server]\n', '1:1', 'a merge conflict is left'),
    ('[server]\nname = "a"\n=======\nname = "b"\n', '3:1', 'a merge conflict is left'),
    ('\x7fELF\x02\x01\x01\x00', '1:1', 'a program'),
    ('\x00\x01\x02', '1:1', 'binary'),
]

SECTIONS = [
    ('[[routes]]\nhost = "a"\npool = "web"', '1:1', 'double brackets', 'did you mean [[route]]?'),
    ('[route]\nhost = "a"\npool = "web"', '1:1', 'route is a table', '[[route]]'),
    ('[route.a]\nhost = "a"\npool = "web"', '1:1', 'route is a table', '[[route]]'),
    (server('route = [{ host = "a", pool = "web" }]'), '2:1', '"route" stands within [server]', '[[route]]'),
    (server('pool = { web = { backends = [] } }'), '2:1', '"pool" stands within [server]', '[pool.NAME]'),
    ('[listener]\nbind = [":80"]', '2:1', '[listener] has no name', '[listener.public]'),
    ('[pool]\nbackends = []', '2:1', '[pool] has no name', '[pool.web]'),
    ('[[listener]]\nname = "a"\nbind = [":80"]', '1:1', 'double brackets', '[listener.a]'),
    ('[[pool]]\nname = "web"', '1:1', 'double brackets', '[pool.web]'),
    ('[[listener.a]]\nbind = [":80"]', '1:12', 'double brackets', 'expected [listener.a]'),
    ('[[pool.web]]\nbackends = []', '1:8', 'double brackets', 'expected [pool.web]'),
    ('[[server]]\nname = "a"', '1:1', 'double brackets', '[server]'),
    ('server = "a"', '1:10', 'server is "a"', '[server]'),
    ('[frontend.web]\nbind = [":80"]', '1:2', 'unknown section [frontend]', '[listener.web]'),
    ('[listeners.web]\nbind = [":80"]', '1:2', 'unknown section', '[listener.web]'),
    ('[entryPoints.web]\naddress = ":80"', '1:2', 'unknown section', '[listener.web]'),
    ('[backend.web]\nserver = "a"', '1:2', 'unknown section [backend]', '[pool.web]'),
    ('[upstream.web]\nserver = "a"', '1:2', 'unknown section', '[pool.web]'),
    ('[services.web]\nurl = "a"', '1:2', 'unknown section', '[pool.web]'),
    ('[cluster.web]', '1:2', 'unknown section', '[pool.web]'),
    ('[http.routers.a]\nrule = "x"', '1:7', 'unknown section [http.routers]', '[[route]]'),
    ('[location]', '1:2', 'unknown section', '[[route]]'),
    ('[global]\nmaxconn = 5', '1:2', 'unknown section', 'did you mean [server]?'),
    ('[defaults]\nmode = "http"', '1:2', 'unknown section', 'did you mean [pool_defaults]?'),
    ('[Server]\nname = "a"', '1:2', 'unknown section', 'did you mean [server]?'),
    ('[timeout]\nconnect = "1s"', '1:2', 'unknown section', 'did you mean [timeouts]?'),
    ('[stats]\nuri = "/"', '1:2', 'unknown section', '[admin] bind'),
    ('[events]\nworker_connections = 5', '1:2', 'unknown section', 'max_connections'),
    ('[ssl]', '1:2', 'unknown section', 'TLS is not available in this version'),
    ('[zebra]', '1:2', 'unknown section [zebra]'),
    ('workers = 4', '1:1', 'the top level', '"workers" in [server]'),
    ('listen = 80', '1:1', 'the top level', '"bind" in [listener.NAME]'),
    ('[routes]\nhost = "a"', '2:1', 'in [routes]', '"host" in [[route]]'),
    (server('log = "stdout"'), '2:1', '[log] is a section of its own'),
]

KEYS = [
    # [server]
    (server('maxconn = 1000'), '2:1', 'did you mean "max_connections"?'),
    (server('nbthread = 4'), '2:1', 'did you mean "workers"?'),
    (server('worker_processes = 4'), '2:1', 'did you mean "workers"?'),
    (server('hard-stop-after = "5s"'), '2:1', 'did you mean "drain_timeout"?'),
    (server('listen = 80'), '2:1', '"bind" in [listener.NAME]'),
    (server('server_name = "a"'), '2:1', '"host" in [[route]]'),
    (server('location = "/"'), '2:1', '"path" in [[route]]'),
    (server('access_log = "off"'), '2:1', '"access" in [log]'),
    (server('daemon = true'), '2:1', 'foreground'),
    (server('pid = "/run/weir.pid"'), '2:1', 'no pid file'),
    (server('root = "/srv"'), '2:1', 'serves no files'),
    # [listener.NAME]
    ('[listener.a]\nport = 80', '2:1', 'did you mean "bind"?'),
    (listener('maxconn = 5'), '3:1', '"max_connections" in [server]'),
    (listener('server_name = "a"'), '3:1', 'host of a [[route]]'),
    (listener('default_backend = "web"'), '3:1', 'host = "*"'),
    (listener('mode = "http"'), '3:1', 'delete the line'),
    (listener('set_real_ip_from = ["10.0.0.1"]'), '3:1', 'did you mean "trusted_proxies"?'),
    (listener('ssl_certificate = "a"'), '3:1', '"tls"', 'not available in this version'),
    ('[listener.a]\nlisten = [":80"]', '2:1', 'did you mean "bind"?'),
    # [pool.NAME]
    ('[pool.web]\nserver = "10.0.0.1:80"', '2:1', 'did you mean "backends"?'),
    ('[pool.web]\nservers = []', '2:1', 'did you mean "backends"?'),
    ('[pool.web]', '1:7', '[pool.web] without backends', 'backends = ["127.0.0.1:9001"]'),
    (pool('name = "web"'), '3:1', 'title: [pool.NAME]'),
    (pool('weight = 3'), '3:1', 'belongs to one backend'),
    (pool('backup = true'), '3:1', 'belongs to one backend'),
    (pool('least_conn = true'), '3:1', 'balance = "least_requests"'),
    (pool('keepalive_timeout = "60s"'), '3:1', 'backend_idle'),
    (pool('proxy_read_timeout = "60s"'), '3:1', 'did you mean "timeouts.response_head"?'),
    (pool('"timeout connect" = "5s"'), '3:1', 'did you mean "timeouts.connect"?'),
    (pool('"http-reuse" = "always"'), '3:1', 'did you mean "keepalive"?'),
    (pool('inter = "2s"'), '3:1', 'health.interval'),
    (pool('"check inter" = "2s"'), '3:1', 'health.interval'),
    (pool('rise = 2'), '3:1', 'health.rise'),
    (pool('fail_timeout = "10s"'), '3:1', 'outlier.ejection'),
    (pool('option httpchk'), '3:1', 'no = between key and value'),
    (pool('"option httpchk" = "GET /up"'), '3:1', '"health"'),
    (pool('httpchk = "/up"'), '3:1', '"health"'),
    (pool('maxconn = 100'), '3:1', '"max_in_flight"'),
    (pool('ssl = true'), '3:1', 'plain HTTP to backends'),
    (pool('proxy_set_header = "Host a"'), '3:1', 'X-Forwarded-For', 'host in [pool.NAME]'),
    (backends('[{ addr = "10.0.0.1:80" }]'), '2:15', 'did you mean "address"?'),
    (backends('[{ address = "10.0.0.1:80", port = 80 }]'), '2:40', 'part of the address'),
    (backends('[{ weight = 1 }]'), '2:13', 'a backend without address'),
    # [[route]]
    ('[[route]]\nhost = "a"', '1:1', 'a route without pool', 'pool = "NAME"'),
    ('[[route]]\npool = "web"', '1:1', 'a route without host', '"*" for every host'),
    ('[[route]]\nhost = "a"\nproxy_pass = "http://web"', '3:1', 'did you mean "pool"?'),
    ('[[route]]\nhost = "a"\nuse_backend = "web"', '3:1', 'did you mean "pool"?'),
    ('[[route]]\nserver_name = "a"\npool = "web"', '2:1', 'did you mean "host"?'),
    (route('location = "/api"'), '4:1', 'did you mean "path"?'),
    (route('path_beg = "/api"'), '4:1', 'did you mean "path"?'),
    (route('rewrite = "a b"'), '4:1', 'as received'),
    (route('priority = 3'), '4:1', 'longest path'),
    (route('hosts = ["b"]'), '4:9', 'hosts beside host', 'one of them'),
    # [timeouts], [log], [admin]
    ('[timeouts]\nclient = "5s"', '2:1', 'did you mean "client_body"?'),
    ('[timeouts]\nserver = "5s"', '2:1', 'did you mean "response_head"?'),
    ('[timeouts]\nhttp-request = "5s"', '2:1', 'did you mean "request_head"?'),
    ('[timeouts]\nclient_header_timeout = "5s"', '2:1', 'did you mean "request_head"?'),
    ('[timeouts]\nkeepalive_timeout = "5s"', '2:1', 'did you mean "client_idle"?'),
    ('[timeouts]\ncheck = "5s"', '2:1', 'health.timeout'),
    ('[log]\naccess_log = "off"', '2:1', 'did you mean "access"?'),
    ('[log]\nfile = "off"', '2:1', 'did you mean "access"?'),
    ('[admin]\nport = 8042', '2:1', 'did you mean "bind"?'),
]

ADDRESSES = [
    (bind('8080'), '2:8', 'the integer 8080', 'did you mean [":8080"]?'),
    (bind('"8080"'), '2:8', 'did you mean [":8080"]?'),
    (bind('[8080]'), '2:9', 'did you mean ":8080"?'),
    (bind('["8080"]'), '2:9', 'did you mean ":8080"?'),
    (bind('["0.0.0.0"]'), '2:9', 'has no port', 'did you mean "0.0.0.0:80"?'),
    (bind('["*:80"]'), '2:9', 'did you mean ":80"?'),
    (bind('["*"]'), '2:9', 'did you mean ":80"?'),
    (bind('["::"]'), '2:9', 'did you mean "[::]:80"?'),
    (bind('["::1:80"]'), '2:9', 'did you mean "[::1]:80"?'),
    (bind('["[::1]"]'), '2:9', 'did you mean "[::1]:80"?'),
    (bind('["http://127.0.0.1:80"]'), '2:9', 'did you mean "127.0.0.1:80"?'),
    (bind('["https://example.com"]'), '2:9', 'IP address', 'did you mean ":443"?'),
    (bind('["localhost:80"]'), '2:9', 'did you mean "127.0.0.1:80"?'),
    (bind('["eth0:80"]'), '2:9', 'IP address', 'did you mean ":80"?'),
    (bind('["0.0.0.0:443 ssl"]'), '2:9', 'did you mean "0.0.0.0:443"?'),
    (bind('["443 ssl http2"]'), '2:9', 'did you mean ":443"?'),
    (bind('["80/tcp"]'), '2:9', 'did you mean ":80"?'),
    (bind('[":80,:81"]'), '2:9', 'did you mean ":80", ":81"?'),
    (bind('"/run/weir.sock"'), '2:8', 'did you mean ["unix:/run/weir.sock"]?'),
    (bind('[{ address = ":80" }]'), '2:9', 'a table', 'did you mean ":80"?'),
    (bind('[":70000"]'), '2:9', 'a port from 0 to 65535'),
    (bind('[":-1"]'), '2:9', 'a port from 0 to 65535'),
    (bind('["10.0.0.1:80-90"]'), '2:9', 'has no valid port'),
    (bind('[]'), '2:8', 'is empty', '[":8080"]'),
    (bind('[":81", ":81"]'), '2:16', 'is taken by [listener.public]', 'weir.toml:2:9'),
    (bind('["127.0.0.1:8042"]'), '2:9', 'is taken by [admin]'),
    (listener('trusted_proxies = "10.0.0.0/8"'), '3:19', 'did you mean ["10.0.0.0/8"]?'),
    (listener('trusted_proxies = ["10.0.0.*"]'), '3:20', 'did you mean "10.0.0.0/24"?'),
    (listener('trusted_proxies = ["10.0.0.0/255.0.0.0"]'), '3:20', 'did you mean "10.0.0.0/8"?'),
    (listener('trusted_proxies = ["localhost"]'), '3:20', 'did you mean "127.0.0.0/8"?'),
    (listener('trusted_proxies = ["10.0.0.0/33"]'), '3:20', 'no valid prefix length'),
    (listener('trusted_proxies = ["*"]'), '3:20', 'is not an IP address'),
    (backends('"10.0.0.1:80"'), '2:12', 'did you mean ["10.0.0.1:80"]?'),
    (backends('["10.0.0.1"]'), '2:13', 'has no port', 'did you mean "10.0.0.1:80"?'),
    (backends('["http://10.0.0.1:80"]'), '2:13', 'plain HTTP to backends', 'did you mean "10.0.0.1:80"?'),
    (backends('["http://10.0.0.1/api"]'), '2:13', 'did you mean "10.0.0.1:80"?'),
    (backends('["https://10.0.0.1"]'), '2:13', 'no TLS', 'did you mean "10.0.0.1:443"?'),
    (backends('["http://[::1]:80"]'), '2:13', 'did you mean "[::1]:80"?'),
    (backends('["::1:80"]'), '2:13', 'brackets', 'did you mean "[::1]:80"?'),
    (backends('["10.0.0.1:0"]'), '2:13', 'has port 0', 'from 1 to 65535'),
    (backends('["10.0.0.1:70000"]'), '2:13', 'has no valid port'),
    (backends('[":9001"]'), '2:13', 'has no address', 'did you mean "127.0.0.1:9001"?'),
    (backends('["0.0.0.0:9001"]'), '2:13', 'where one listens', '127.0.0.1'),
    (backends('["/run/app.sock"]'), '2:13', 'did you mean "unix:/run/app.sock"?'),
    (backends('["10.0.0.1:80,10.0.0.2:80"]'), '2:13', 'did you mean "10.0.0.1:80", "10.0.0.2:80"?'),
    (backends('["server web1 10.0.0.1:80 check inter 2s"]'), '2:13', 'did you mean "10.0.0.1:80"?'),
    (backends('["10.0.0.1:80 weight=3"]'), '2:13', 'did you mean "10.0.0.1:80"?'),
    (backends('["10.0.0.1:80", "10.0.0.1:80"]'), '2:28', 'twice, first at', 'weir.toml:2:13'),
    (backends('["10.0.0.0/24:80"]'), '2:13', 'is not an IP address'),
    (backends('[9001]'), '2:13', 'the integer 9001'),
    ('[listener.a]\nbind = [":8080"]\n' + backends('["127.0.0.1:8080"]'), '4:13', 'own listener "a"', 'a loop'),
    ('[listener.a]\nbind = ["0.0.0.0:8080"]\n' + backends('["127.0.0.9:8080"]'), '4:13', 'own listener "a"'),
    ('[listener.a]\nbind = ["unix:a.sock"]\n' + backends('["unix:a.sock"]'), '4:13', 'own listener "a"'),
    ('[listener.a]\nbind = [":8080"]\n' + backends('["localhost:8080"]'), '4:13', 'own listener "a"', 'a loop'),
    ('[listener.a]\nbind = [":8080"]\n' + backends('["0.0.0.0:8080"]'), '4:13', 'own listener "a"', 'a loop'),
    (backends('["[::1]:8042"]'), '2:13', 'own listener "admin"', 'not for clients'),
]

ROUTES = [
    (route('').replace('"web"', '"wbe"'), '2:8', 'unknown pool "wbe"', 'did you mean "web"?'),
    (route('').replace('"web"', '"Web"'), '2:8', 'did you mean "web"?'),
    (route('').replace('"web"', '"pool.web"'), '2:8', 'did you mean "web"?'),
    (route('').replace('"web"', '"zebra"'), '2:8', 'a [pool.zebra], or one of "web"'),
    (route('').replace('"web"', '"http://10.0.0.1:80"'), '2:8', 'backends = ["IP:PORT"]'),
    (route('').replace('"web"', '["web"]'), '2:8', 'a list', 'did you mean "web"?'),
    (host('"_"'), '3:8', 'is no host name', 'did you mean "*"?'),
    (host('""'), '3:8', 'is empty', '"*" for every host'),
    (host('"*:80"'), '3:8', 'hosts match on every port', 'did you mean "*"?'),
    (host('"www.example.com:443"'), '3:8', 'has a port', 'did you mean "www.example.com"?'),
    (host('"https://www.example.com/api"'), '3:8', 'has a scheme', 'did you mean "www.example.com"?'),
    (host('"www.example.com/api"'), '3:8', 'has a path', 'path = ', 'did you mean "www.example.com"?'),
    (host('"*example.com"'), '3:8', 'has a wildcard inside', 'did you mean "*.example.com"?'),
    (host('"*.*.example.com"'), '3:8', 'has a wildcard inside', 'did you mean ".example.com"?'),
    (host('"www.*"'), '3:8', 'has a wildcard inside', 'in front'),
    (host('"www.*.com"'), '3:8', 'has a wildcard inside'),
    (host('"~^www\\\\.(.+)$"'), '3:8', 'looks like a pattern'),
    (host('"$host"'), '3:8', 'looks like a pattern or a variable'),
    (host('"Host(`a.example`)"'), '3:8', 'looks like a pattern', 'did you mean "a.example"?'),
    (host('"a.example b.example"'), '3:8', 'several names', 'hosts = ["…", "…"]'),
    (host('["a.example"]'), '3:8', 'one host name', 'hosts = […]'),
    (host('"bücher.example"'), '3:8', 'punycode', 'did you mean "xn--bcher-kva.example"?'),
    (host('"*.BÜCHER.example"'), '3:8', 'punycode', 'did you mean "*.xn--bcher-kva.example"?'),
    (host('"пример.рф"'), '3:8', 'did you mean "xn--e1afmkfd.xn--p1ai"?'),
    (host('"::1"'), '3:8', 'needs brackets', 'did you mean "[::1]"?'),
    (host('"[::1]:80"'), '3:8', 'has a port', 'did you mean "[::1]"?'),
    (host('"a..b"'), '3:8', 'an empty label'),
    (host('"me@example.com"'), '3:8', 'has a user', 'did you mean "example.com"?'),
    ('[[route]]\npool = "web"\nhosts = "a.example"', '3:9', 'did you mean ["a.example"]?'),
    ('[[route]]\npool = "web"\nhosts = []', '3:9', 'is empty'),
    ('[[route]]\npool = "web"\nhosts = ["a.example", "A.example."]', '3:23', 'twice, first at', 'weir.toml:3:10'),
    (route('[[route]]\nhost = "A.EXAMPLE."\npool = "web"'), '4:1', 'a.example is already routed at', 'weir.toml:1:1'),
    (route('path = "api"'), '4:8', 'does not begin with "/"', 'did you mean "/api"?'),
    (route('path = "/api/*"'), '4:8', 'everything below it anyway', 'did you mean "/api"?'),
    (route('path = "*"'), '4:8', 'did you mean "/"?'),
    (route('path = "/api?x=1"'), '4:8', 'has a query', 'did you mean "/api"?'),
    (route('path = "^~ /api"'), '4:8', 'looks like a pattern', 'did you mean "/api"?'),
    (route('path = "= /api"'), '4:8', 'did you mean "/api"?'),
    (route('path = "\\\\.php$"'), '4:8', 'looks like a pattern'),
    (route('path = "https://a.example/b"'), '4:8', 'is a URL', 'did you mean "/b"?'),
    (route('path = "/a b"'), '4:8', 'percent-encoded', 'did you mean "/a%20b"?'),
    (route('path = "/a/../b"'), '4:8', '".." segment'),
    (route('scheme = "HTTPS"'), '4:10', 'did you mean "https"?'),
    (route('scheme = "https://"'), '4:10', 'did you mean "https"?'),
    (route('scheme = "ssl"'), '4:10', 'did you mean "https"?'),
    (route('scheme = "ws"'), '4:10', 'did you mean "http"?'),
    ('[routes]\nfiles = "routes.d/*.toml"', '2:9', 'did you mean ["routes.d/*.toml"]?'),
    ('[routes]\nfiles = ["routes.d"]', '2:10', 'ends in .toml', 'did you mean "routes.d/*.toml"?'),
    ('[routes]\nfiles = ["routes.d/*"]', '2:10', 'did you mean "routes.d/*.toml"?'),
    ('[routes]\nfiles = ["nowhere.toml"]', '2:10', 'nowhere.toml: No such file'),
]

VALUES = [
    # durations
    (timeout('30'), '2:11', 'the integer 30', 'did you mean "30s"?'),
    (timeout('1.5'), '2:11', 'did you mean "1500ms"?'),
    (timeout('"30"'), '2:11', 'did you mean "30s"?'),
    (timeout('"30 seconds"'), '2:11', 'did you mean "30s"?'),
    (timeout('"1.5s"'), '2:11', 'did you mean "1500ms"?'),
    (timeout('"1m30s"'), '2:11', 'did you mean "90s"?'),
    (timeout('"2 s"'), '2:11', 'did you mean "2s"?'),
    (timeout('"2S"'), '2:11', 'did you mean "2s"?'),
    (timeout('"1d"'), '2:11', 'did you mean "24h"?'),
    (timeout('"9999999999999999h"'), '2:11', 'at most a year'),
    (timeout('"-1s"'), '2:11', 'a duration'),
    (timeout('"soon"'), '2:11', 'a duration of one number'),
    (timeout('true'), '2:11', 'a duration'),
    (timeout('"0s"'), '2:11', 'more than "0s"'),
    (timeout('"off"'), '2:11', 'a duration'),
    ('[timeouts]\nrequest = "off"', '2:11', 'did you mean "0s"?'),
    # sizes
    (size('"32k"'), '2:14', 'did you mean "32KiB"?'),
    (size('"32KB"'), '2:14', 'did you mean "32KiB"?'),
    (size('"32 kib"'), '2:14', 'did you mean "32KiB"?'),
    (size('"0.5m"'), '2:14', 'did you mean "512KiB"?'),
    (size('"32768"'), '2:14', 'did you mean "32KiB"?'),
    (size('"2gb"'), '2:14', 'from 256 to "1MiB"'),
    (size('100'), '2:14', 'from 256 to "1MiB"'),
    (size('-1'), '2:14', 'bytes, or a size'),
    ('[limits]\nbody_bytes = "unlimited"', '2:14', 'did you mean 0?'),
    ('[limits]\nrequest_line_bytes = "64KiB"', '2:22', 'head_bytes is less than request_line_bytes'),
    # percentages
    (pool('retry_budget = 20'), '3:16', 'did you mean "20%"?'),
    (pool('retry_budget = 0.2'), '3:16', 'did you mean "20%"?'),
    (pool('retry_budget = "20"'), '3:16', 'did you mean "20%"?'),
    (pool('retry_budget = "20 %"'), '3:16', 'did you mean "20%"?'),
    (pool('retry_budget = "120%"'), '3:16', 'from "0%" to "100%"'),
    # numbers and switches
    (server('workers = "4"'), '2:11', 'did you mean 4?'),
    (server('workers = 4.0'), '2:11', 'did you mean 4?'),
    (server('workers = "auto"'), '2:11', 'did you mean 0?'),
    (server('workers = -1'), '2:11', 'from 0 to 1024'),
    (server('workers = 5000'), '2:11', 'from 0 to 1024'),
    (pool('retries = false'), '3:11', 'did you mean 0?'),
    (pool('keepalive = "true"'), '3:13', 'did you mean true?'),
    (pool('keepalive = "off"'), '3:13', 'did you mean false?'),
    (pool('keepalive = 1'), '3:13', 'did you mean true?'),
    (pool('keepalive = 32'), '3:13', 'max_idle = 32'),
    # words
    (pool('balance = "leastconn"'), '3:11', 'did you mean "least_requests"?'),
    (pool('balance = "ROUNDROBIN"'), '3:11', 'did you mean "round_robin"?'),
    (pool('balance = ["round_robin"]'), '3:11', 'did you mean "round_robin"?'),
    (pool('balance = "zebra"'), '3:11', 'expected "least_loaded"'),
    ('[log]\nlevel = "INFO"', '2:9', 'did you mean "info"?'),
    ('[log]\nlevel = "warning"', '2:9', 'did you mean "warn"?'),
    ('[log]\nlevel = "verbose"', '2:9', 'did you mean "debug"?'),
    ('[log]\naccess = true', '2:10', 'did you mean "stdout"?'),
    (listener('client_ip_from = "X-Forwarded-For"'), '3:18', 'did you mean "x-forwarded-for"?'),
    (listener('upgrades = "websocket"'), '3:12', 'did you mean ["websocket"]?'),
    (listener('upgrades = ["h2c"]'), '3:13', 'never tunnelled'),
    (pool('timeouts = 5'), '3:12', 'a table'),
    (pool('timeouts = { connect = 5 }'), '3:24', 'timeouts.connect', 'did you mean "5s"?'),
    (pool('host = "https://a.example"'), '3:8', 'has a scheme', 'the host alone'),
    (server('name = "my weir"'), '2:8', 'letters, digits'),
]

PAGES = [
    ('[pages]\n"503" = "503.html"', '2:9', 'cannot open 503.html: No such file'),
    ('[pages]\n"503" = "/etc/haproxy/errors/503.http"', '2:9', 'ends in .html, .json or .txt'),
    ('[pages]\n"503" = "503.htm"\n', '2:9', 'cannot open 503.htm'),
    ('[pages]\n"503" = true', '2:9', 'expected a file'),
    ('[pages]\n"404,503" = "sorry.html"', '2:1', 'expected a status such as "503"'),
    ('[pages]\n"403" = "sorry.html"', '2:1', 'weir itself never answers that', '404'),
    ('[pages]\n50x = "sorry.html"', '2:1', 'did you mean "5xx"?'),
    ('[pages]\nno_backend = "sorry.html"', '2:1', 'a reason such as "no_usable_backend"'),
    ('[pages]\nconect_refused = "sorry.html"', '2:1', 'did you mean "connect_refused"?'),
    ('[pages.www.example.com]\n"503" = "503.html"', '1:8', 'did you mean [pages."www.example.com"]?'),
    ('[pages."https://a"]\n"503" = "503.html"', '1:8', 'has a scheme'),
    ('[server]\nerror_page = "/50x.html"', '2:1', '[pages] with "503" = "pages/503.html"'),
    ('[listener.a]\nbind = [":81"]\nerrorfile = "/etc/haproxy/errors/503.http"', '3:1', '[pages] with'),
    (pool('proxy_intercept_errors = true'), '3:1', "for weir's own answers"),
    ('[error_page]\n"503" = "503.html"', '1:2', '[pages] with'),
    ('[errors]\n"503" = "503.html"', '1:2', 'did you mean [pages]?'),
]

# Of features that this version has not; a row goes when its feature comes.
LATER = [
    (pool('balance = "source"'), '3:11', 'weir\'s word is "hash"', 'not available in this version'),
    (pool('balance = "hash"'), '3:11', 'not available in this version', 'expected "least_loaded"'),
    (pool('cookie = "SRV"'), '3:1', 'weir\'s word is "sticky"', 'not available in this version'),
    (listener('accept_proxy = true'), '3:1', 'weir\'s word is "proxy_protocol"', 'not available in this version'),
    (listener('tls = { certificate = "a" }'), '3:7', 'tls is not available in this version'),
    ('[[route]]\nhost = "a"\nredirect = "https://b"', '3:12', 'redirect is not available in this version'),
    ('[[route]]\nhost = "a"\nreturn = 301', '3:1', '"respond"', 'not available in this version'),
    (backends('["app.internal:80"]'), '2:13', 'host names are not available in this version'),
    (backends('["localhost:9001"]'), '2:13', 'did you mean "127.0.0.1:9001"?'),
]

ALL = [*NOT_TOML, *OTHER_FILES, *SECTIONS, *KEYS, *ADDRESSES, *ROUTES, *VALUES, *PAGES, *LATER]
WHOLE_FILES = {snippet for snippet, *_ in OTHER_FILES}


def check(folder, text, code=None):
    """What `weir check` complains of: (LINE:COLUMN, message) each; nothing else may be on stderr."""
    (folder / 'weir.toml').write_bytes(text.encode())
    _, err = run_once(['check'], folder, code)
    lines = [line for line in err.splitlines() if ' warning: ' not in line]
    found = re.findall(r'^weir: weir\.toml:(\d+:\d+): (.*)$', '\n'.join(lines), re.M)
    assert len(found) == len(lines), err
    return found


def is_of_entry(snippet, place):
    """Whether weir would serve all the same, without this pool, route or backend."""
    not_entries = {'[route]\nhost = "a"\npool = "web"', '[route.a]\nhost = "a"\npool = "web"', '[[pool]]\nname = "web"',
                   pool('option httpchk')}
    if snippet in not_entries or any(snippet == row[0] for row in [*NOT_TOML, *OTHER_FILES]):
        return False
    if 'nowhere.toml' in snippet:
        return True
    titles = re.findall(r'^\s*\[\[?([a-z_]+)', '\n'.join(snippet.split('\n')[:int(place.split(':')[0])]), re.M)
    return bool(titles) and titles[-1] in ('pool', 'route')


def mended(text, place, message):
    """The text with what the message suggests in its place, or None when it suggests no replacement."""
    meant = re.search(r'did you mean ([^?]+)\?\)', message)
    if not meant or ' in [' in meant[1] or meant[1].startswith('"timeouts.'):
        return None
    line, column = map(int, place.split(':'))
    begin = sum(len(row) for row in text.splitlines(keepends=True)[:line - 1]) + column - 1
    forms = [r'"(?:[^"\\\n]|\\.)*"', r'\[.*\]', r'\{[^}]*\}', r'\[\[?[\w. ]*\]*', r'[^\s,\]}=]+']
    if 'quotation mark' in message:
        forms = [r'[^,\]#\n]*[^,\]#\n ]']
    old = re.match('|'.join(forms), text[begin:])[0]
    new = meant[1]
    if re.match(r'\s*=', text[begin + len(old):]):
        new = new.strip('"')
    if re.fullmatch(r'\[\[?[\w."]+\]\]?', new):  # a title: the whole line
        begin -= column - 1
        old = text[begin:].split('\n', 1)[0]
    assert new != old, 'it suggests the word itself'
    return text[:begin] + new + text[begin + len(old):]


@pytest.mark.parametrize('snippet, place, words', [(row[0], row[1], row[2:]) for row in ALL],
                         ids=[f'{row[0]!r}'[:60] for row in ALL])
def test_message(tmp_path, snippet, place, words):
    """One mistake, one line, with its place and these words; its suggestion would be accepted there."""
    text = snippet if snippet in WHOLE_FILES else whole(snippet)
    found = check(tmp_path, text, code=1 if is_of_entry(snippet, place) else 2)
    assert [where for where, _ in found] == [place], found
    message = found[0][1]
    for word in words:
        assert word in message, message
    better = mended(text, place, message)
    if better:
        left = check(tmp_path, better)
        assert place not in [where for where, _ in left], (better, left)
        assert not any('not available' in message for _, message in left), left
