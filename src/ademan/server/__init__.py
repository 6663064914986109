"""The server: a bundle answers over the network. The home of FastAPI, uvicorn and Prometheus' client.

app.py       what is put together, what starts and stops with it
run.py       the process: sockets, certificates (tls.py), signals, logs.py
gate.py      what every request passes: keys, origins, limits; errors.py has their one shape, metrics.py counts them
wire.py      what clients send, to clips and frames
shelf.py     the bundles that are served, replaced while they are
batching.py  windows of many clients in one call of the network
routes.py    REST: points in, a gesture out; videos.py: clips in
streams.py   Socket.IO: live streams of points
bridge.py    the server's own camera; hub.py: its listeners
page/        the page for people
"""
