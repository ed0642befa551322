"""The serving process: a WSGI application of its own, because predicting needs the mathematics that pages do not."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
os.environ.setdefault("ASSAY_URLS", "portal.serving_urls")
application = get_wsgi_application()

from portal import serving_urls  # noqa: E402, F401  the mathematics is there before the first request
