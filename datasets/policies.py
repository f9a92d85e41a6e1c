"""Who may change which dataset. Each question answers None or a Refusal."""

from datasets.models import Dataset, DatasetVersion
from evaltrack.accounts.models import User
from evaltrack.errors import Refusal


def managing(by: User, dataset: Dataset) -> Refusal | None:
    if by.is_machine or dataset.custodian_id == by.pk:
        return None
    return Refusal("not_custodian", f"{dataset} is kept by {dataset.custodian}; ask them to change it.")


def seeing_examples(by: User, version: DatasetVersion) -> Refusal | None:
    """Of a sealed version its custodian alone: what others have seen can be built for, and measures nothing new."""
    if not version.is_sealed or version.dataset.custodian_id == by.pk:
        return None
    return Refusal(
        "sealed",
        f"{version} is sealed: only {version.dataset.custodian}, its custodian, sees single examples. "
        "Experiments on it show verdicts and totals.",
    )
