"""Static files under names that hold a digest of their content, so that browsers keep them for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedFiles(CompressedManifestStaticFilesStorage):
    """Our scripts name each other by these names too: `import … from "./x.js";`, which needs its semicolon.

    Only ours: scripts of others name what is not there, in comments for one.
    """

    support_js_module_import_aggregation = True
    _js_module_import_aggregation_patterns = (
        "evaltrack/js/*.js",
        CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1],
    )
