"""What people said, to take along: every judgment of a campaign, marked with what it counts for."""

from annotation.exports.files import FORMATS, INCLUDES, File, opened

__all__ = ["FORMATS", "INCLUDES", "File", "opened"]
