"""Pictures and recordings of strangers, made fit to be shown: no Django, no network.

    cleaned(file)          a Cleaned, or Unfit with the reason

What a file is, is read from its bytes and never from its name. A picture is drawn anew from its points, so that
nothing else of the file is left; of a recording the sound stays as it is, and what is written around it goes.
"""

from evaltrack.media.cleaning import LARGEST, Cleaned, Unfit, cleaned

__all__ = ["LARGEST", "Cleaned", "Unfit", "cleaned"]
