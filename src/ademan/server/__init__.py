"""The server: a bundle answers over the network. The home of FastAPI, uvicorn and Prometheus' client.

app.py       what is put together, what starts and stops with it
run.py       the process: sockets (listening.py), certificates (tls.py), signals, logs.py; connections.py: HTTP's
gate.py      what every request passes: keys, origins; passage.py: limits; errors.py: one shape; metrics.py counts
wire.py      what clients send, to clips and frames
shelf.py     the bundles that are served, replaced while they are
batching.py  windows of many clients in one call of the network
routes.py    REST: points in, a gesture out; bodies.py reads them, schemas.py describes them; videos.py: clips in
streams.py   live streams of points; sockets.py: Socket.IO, which brings them; websocket.py: what that runs on
bridge.py    the server's own camera; watch.py: its thread; hub.py: its listeners; sse.py: server-sent events
page/        the page for people
"""
