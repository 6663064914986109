"""The studio in a browser: pages, forms and routes. The home of jinja2, and, with server/, of fastapi and starlette.

app.py       what is put together      run.py      the process: sockets, certificates, signals
gate.py      what every request passes guard.py    who may ask for what; the three kinds of routes
security.py  headers, cookies, tokens  errors.py   what is refused, and by which status
pages.py     templates, filled         texts.py    languages
sections.py  the navigation            routes/     one file a section
templates/ static/ texts/              by hand; nothing is built, and nothing comes from elsewhere
"""

from ademan.studio.web.app import create_studio

__all__ = ["create_studio"]
