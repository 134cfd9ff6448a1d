"""The WSGI application: `granian --interface wsgi wsgi:app`, `flask --app wsgi portal ...`."""

from app import create_app

app = create_app()
