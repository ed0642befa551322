"""The serving process: a WSGI application of its own, because predicting needs the mathematics that pages do not."""

import gc
import os
import threading

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
os.environ.setdefault("ASSAY_URLS", "portal.serving_urls")
application = get_wsgi_application()

from apps.deployments import runs  # noqa: E402
from portal import serving_urls  # noqa: E402, F401  the mathematics is there before the first request

gc.freeze()  # as in portal.wsgi
threading.Thread(target=runs.watch, args=(threading.Event(),), daemon=True, name="permits").start()
