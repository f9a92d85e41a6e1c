import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evaltrack.settings")
application = get_wsgi_application()
# What is loaded by now lives as long as the process. A full collection that walks it holds a request up for 100 ms.
gc.collect()
gc.freeze()
