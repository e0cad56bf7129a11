// otlp_collector.js DIR [PORT]: a collector that takes spans as OpenTelemetry's own package reads them (otlp-transformer, in
// DIR/node_modules), and answers as a test wants it to. It prints its port.
//
//   POST /v1/traces   takes a request, and gives the next of the answers, or the usual one
//   POST /answers     {next: [answer...], usual: answer}; an answer: {status, headers, rejected, message, delay, hang}
//   GET /requests     all that came: {path, headers, bytes, status, at, spans: [{resource, scope, span}...]}; of refused ones no spans
'use strict';
const http = require('http'), path = require('path'), zlib = require('zlib');
const root = require(path.join(process.argv[2], 'node_modules/@opentelemetry/otlp-transformer/build/src/generated/root.js'));
const { ExportTraceServiceRequest, ExportTraceServiceResponse } = root.opentelemetry.proto.collector.trace.v1;
const requests = [];
let next = [], usual = { status: 200 };

const values = attributes => Object.fromEntries((attributes || []).map(a => [a.key, Object.values(a.value)[0]]));

function spansOf(body) {
  const message = ExportTraceServiceRequest.decode(body);
  const unknown = ExportTraceServiceRequest.verify(message);
  if (unknown) throw new Error(unknown);
  const request = ExportTraceServiceRequest.toObject(message, { longs: String, bytes: Array, defaults: false });
  const hex = bytes => Buffer.from(bytes || []).toString('hex');
  const ids = s => ({ ...s, traceId: hex(s.traceId), spanId: hex(s.spanId), attributes: values(s.attributes) });
  return (request.resourceSpans || []).flatMap(r => r.scopeSpans.flatMap(s => s.spans.map(span => ({
    resource: values(r.resource.attributes), scope: s.scope,
    span: { ...ids(span), parentSpanId: hex(span.parentSpanId), links: (span.links || []).map(ids),
            events: (span.events || []).map(e => ({ ...e, attributes: values(e.attributes) })) } }))));
}

function take(request, body, response) {
  const answer = next.shift() || usual, taken = answer.status === 200;
  const told = { path: request.url, headers: request.headers, bytes: body.length, status: answer.hang ? 0 : answer.status, at: Date.now(), spans: [] };
  const spans = spansOf(request.headers['content-encoding'] === 'gzip' ? zlib.gunzipSync(body) : body);
  if (taken && !answer.hang) told.spans = spans.slice(answer.rejected || 0);
  requests.push(told);
  if (answer.hang) return;
  const partial = answer.rejected ? { partialSuccess: { rejectedSpans: answer.rejected, errorMessage: answer.message || '' } } : {};
  setTimeout(() => {
    response.writeHead(answer.status, { 'Content-Type': 'application/x-protobuf', ...answer.headers });
    response.end(taken ? Buffer.from(ExportTraceServiceResponse.encode(partial).finish()) : '');
  }, answer.delay || 0);
}

const server = http.createServer((request, response) => {
  const parts = [];
  request.on('data', part => parts.push(part));
  request.on('end', () => {
    const body = Buffer.concat(parts);
    if (request.url === '/answers') {
      const given = JSON.parse(body);
      next = given.next || next;
      usual = given.usual || usual;
      response.end('{}');
    } else if (request.url === '/requests') {
      response.end(JSON.stringify(requests));
    } else {
      try { take(request, body, response); } catch (why) {
        requests.push({ path: request.url, wrong: String(why), bytes: body.length, spans: [] });
        response.writeHead(400);
        response.end();
      }
    }
  });
});
server.listen(Number(process.argv[3] || 0), '127.0.0.1', () => console.log(server.address().port));
