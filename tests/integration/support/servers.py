"""Real servers from Debian's packages. Each inherits a socket that listens already, on a port that the
kernel chose: no port is guessed, and a connection waits in the queue until the server is up."""
import os
import pathlib
import signal
import subprocess

from support.backends import listening_socket, text_of
from support.wait import DEADLINE_SECONDS

HERE = pathlib.Path(__file__).resolve().parent


class Server:
    """A server process in a session of its own, ended with all its children."""

    def __init__(self, command, listener, folder, environment=None):
        self.listener = listener
        self.address = text_of(listener)
        self.log_path = pathlib.Path(folder) / 'server.log'
        with open(self.log_path, 'ab') as log:
            self.process = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                pass_fds=[listener.fileno()], env={**os.environ, **(environment or {})})

    def kill(self):
        """At once, with everything in flight."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(DEADLINE_SECONDS)
        self.listener.close()


def nginx(folder):
    """Serves files of `folder`/files, closes a connection after 20 requests."""
    folder = pathlib.Path(folder)
    (folder / 'files').mkdir()
    listener = listening_socket()
    port = listener.getsockname()[1]
    config = folder / 'nginx.conf'
    config.write_text(f'''
{'user root;' if os.getuid() == 0 else ''}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_max_body_size 0;
  keepalive_requests 20;
  server {{
    listen 127.0.0.1:{port};
    root {folder}/files;
    location = /hello {{ return 200 "hello from nginx"; }}
    location = /empty {{ return 204; }}
    location = /connection {{ return 200 "$connection"; }}
    location = /moved {{ return 301 /hello; }}
  }}
}}
''')
    return Server(['/usr/sbin/nginx', '-p', str(folder), '-c', str(config), '-e', str(folder / 'error.log')], listener,
                  folder, {'NGINX': f'{listener.fileno()};'})


def gunicorn(folder, listener=None):
    """The WSGI application wsgi_app.py on kept-open connections."""
    listener = listener or listening_socket()
    return Server(['/usr/bin/gunicorn', '--bind', f'fd://{listener.fileno()}', '--worker-class', 'gthread',
                   '--threads', '8', '--keep-alive', '30', '--pythonpath', str(HERE), '--worker-tmp-dir', str(folder),
                   '--capture-output', 'wsgi_app:application'],
                  listener, folder, {'PYTHONDONTWRITEBYTECODE': '1'})


def node(folder):
    """The application node_app.js."""
    listener = listening_socket()
    return Server(['/usr/bin/node', str(HERE / 'node_app.js'), str(listener.fileno())], listener, folder)
