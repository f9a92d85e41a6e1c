"""Untrusted text of a model, a prompt or an upload, as HTML that is safe to put into a page.

    html_of(content, "markdown")

Pure: no Django, no files, no network. Each step is a module: `hidden` (characters that deceive), one module for each
format, `allowed` (the sanitiser), `formulas` (after the sanitiser), `document` (the order of it), `citations` (links
from [1] in the result to passages of ours).
"""

from evaltrack.rendering.document import FORMATS, html_of

__all__ = ["FORMATS", "html_of"]
