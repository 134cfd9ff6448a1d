"""Make dj-stripe's tables and one webhook endpoint; print the path that its events go to."""

import os
import uuid

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.webhooks.djsite.settings")
django.setup()

from django.core.management import call_command  # noqa: E402  (Django wants its set-up first)
from djstripe.models import WebhookEndpoint  # noqa: E402

call_command("migrate", verbosity=0)
endpoint, _ = WebhookEndpoint.objects.get_or_create(
    id="we_bench",
    defaults={
        "djstripe_uuid": uuid.uuid4(),
        "livemode": False,
        "secret": os.environ["BENCH_SECRET"],
        "url": "http://127.0.0.1/",
        "status": "enabled",
        "enabled_events": ["*"],
        "djstripe_validation_method": "verify_signature",
        "djstripe_tolerance": 300,
    },
)
print(f"/stripe/webhook/{endpoint.djstripe_uuid}/")
