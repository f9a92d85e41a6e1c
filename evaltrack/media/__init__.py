"""Pictures and recordings of strangers, made fit to be shown: no Django, no network.

    cleaned(file, into=another)      what it is; Unfit says why it cannot be shown

What a file is, is read from its bytes and never from its name. A picture is drawn anew from its points, so that
nothing else of the file is left; of a recording the sound stays as it is, and what is written around it goes.
"""

from evaltrack.media.cleaning import LARGEST, Cleaned, Unfit, cleaned, temporary

__all__ = ["LARGEST", "Cleaned", "Unfit", "cleaned", "temporary"]
