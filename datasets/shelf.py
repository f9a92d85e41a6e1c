"""The examples of the versions that one worker has to do with, each read from the store once."""

from collections import OrderedDict

from datasets import versions
from datasets.models import DatasetVersion
from datasets.spool import Spool

MOST = 4


class Shelf:
    """It keeps those that were asked for last; of others a file lasts until nobody holds it any more."""

    def __init__(self) -> None:
        self.spools: OrderedDict[str, Spool] = OrderedDict()

    def examples(self, version: DatasetVersion) -> Spool:
        """Raises Unavailable where they have to be read and the store does not answer, and Tampered."""
        if version.digest not in self.spools:
            self.spools[version.digest] = Spool(versions.stream(version))
            if len(self.spools) > MOST:
                self.spools.popitem(last=False)
        self.spools.move_to_end(version.digest)
        return self.spools[version.digest]
