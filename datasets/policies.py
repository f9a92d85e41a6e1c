"""Who may change which dataset. Each question answers None or a Refusal."""

from datasets.models import Dataset
from evaltrack.accounts.models import User
from evaltrack.errors import Refusal


def managing(by: User, dataset: Dataset) -> Refusal | None:
    if by.is_machine or dataset.custodian_id == by.pk:
        return None
    return Refusal("not_custodian", f"{dataset} is kept by {dataset.custodian}; ask them to change it.")
