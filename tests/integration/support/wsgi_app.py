"""What gunicorn serves: mirrors of what it was asked."""
import json
import os
import time


def application(environ, start_response):
    path = environ['PATH_INFO']
    body = environ['wsgi.input'].read() if path != '/ignore' else b''
    if path == '/echo':
        start_response('200 OK', [('Content-Type', 'application/octet-stream'), ('Content-Length', str(len(body)))])
        return [body]
    if path == '/chunks':
        # Without a length gunicorn chooses chunked.
        start_response('200 OK', [('Content-Type', 'text/plain')])
        return (b'%d\n' % number for number in range(1000))
    if path == '/pid':
        answer = str(os.getpid()).encode()
        start_response('200 OK', [('Content-Length', str(len(answer)))])
        return [answer]
    if path == '/slow':
        time.sleep(float(environ['QUERY_STRING']))
        start_response('200 OK', [('Content-Length', '4')])
        return [b'slow']
    seen = {name: value for name, value in environ.items() if isinstance(value, str) and
            (name.startswith('HTTP_') or name in ('REQUEST_METHOD', 'RAW_URI', 'CONTENT_LENGTH', 'SERVER_PROTOCOL'))}
    answer = json.dumps({**seen, 'body_bytes': len(body)}).encode()
    start_response('200 OK', [('Content-Type', 'application/json'), ('Content-Length', str(len(answer)))])
    return [answer]
