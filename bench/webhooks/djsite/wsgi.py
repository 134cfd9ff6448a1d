"""The Django application."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.webhooks.djsite.settings")
app = get_wsgi_application()
