"""How answers of the API are written."""

from rest_framework.renderers import BaseRenderer, JSONRenderer


class NdjsonRenderer(BaseRenderer):
    media_type = "application/x-ndjson"
    format = "ndjson"

    def render(self, data, accepted_media_type=None, renderer_context=None):
        return JSONRenderer().render(data)
