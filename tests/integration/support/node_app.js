// What node serves: echoes, informational responses, trailers, duplex.
'use strict';
const http = require('http');

const routes = {
  // The body comes back while it arrives.
  '/echo': (request, response) => request.pipe(response),
  '/hello': (request, response) => response.end('hello from node'),
  // How many requests this connection has carried.
  '/count': (request, response) => {
    request.socket.count = (request.socket.count || 0) + 1;
    response.end(String(request.socket.count));
  },
  '/hints': (request, response) => {
    response.writeEarlyHints({link: '</style.css>; rel=preload'});
    response.writeEarlyHints({link: '</other.css>; rel=preload'});
    response.end('hinted');
  },
  '/trailers': (request, response) => {
    response.writeHead(200, {Trailer: 'X-Sum'});
    let bytes = 0;
    request.on('data', (piece) => { bytes += piece.length; response.write(piece); });
    request.on('end', () => {
      response.addTrailers({'X-Sum': String(bytes), 'X-Seen': JSON.stringify(request.trailers)});
      response.end();
    });
  },
  '/headers': (request, response) => response.end(JSON.stringify(request.rawHeaders)),
  // Says no to the upload before it has come.
  '/refuse': (request, response) => { response.writeHead(403); response.end('no'); },
  '/modified': (request, response) => {
    const fresh = request.headers['if-none-match'] === '"one"';
    response.writeHead(fresh ? 304 : 200, {ETag: '"one"'});
    response.end(fresh ? undefined : 'one');
  },
};

const server = http.createServer((request, response) => {
  const route = routes[request.url.split('?')[0]];
  if (route) return route(request, response);
  response.writeHead(404);
  response.end('no such page');
});
server.on('checkContinue', (request, response) => {
  if (request.url === '/refuse') return routes['/refuse'](request, response);
  response.writeContinue();
  server.emit('request', request, response);
});
server.keepAliveTimeout = 60000;
server.listen({fd: Number(process.argv[2])});
