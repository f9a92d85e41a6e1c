"""Roles, permissions, and the one table that joins them."""

from django.db import models


class Role(models.TextChoices):
    ADMIN = "admin", "Administrator"
    PLATFORM = "platform", "Platform engineer"
    OWNER = "owner", "Model owner"
    APPROVER = "approver", "Approver"
    LEAD = "lead", "Evaluation lead"
    EVALUATOR = "evaluator", "Evaluator"
    CUSTODIAN = "custodian", "Dataset custodian"
    AUDITOR = "auditor", "Auditor"


class Permission(models.TextChoices):
    """What somebody may do, in the words of the field. Scopes of tokens are the same words."""

    VIEW_DATASETS = "datasets:view", "See the catalogue of golden datasets"
    READ_EXAMPLES = "datasets:read", "Read the examples of a dataset"
    MANAGE_DATASETS = "datasets:manage", "Create, upload and publish datasets"
    VIEW_EXPERIMENTS = "experiments:view", "See experiments, comparisons and verdicts"
    SUBMIT_EXPERIMENTS = "experiments:submit", "Submit and cancel experiments"
    MANAGE_COMPONENTS = "components:manage", "Register components and their versions"
    STATE_PRICES = "prices:state", "State what models cost"
    VIEW_CAMPAIGNS = "campaigns:view", "See campaigns, their progress and their agreement"
    MANAGE_CAMPAIGNS = "campaigns:manage", "Open and close campaigns, unblock overdue ones"
    JUDGE = "judge", "Judge outputs from the queue"
    VIEW_PROMOTIONS = "promotions:view", "See promotions and what is in production"
    REQUEST_PROMOTION = "promotions:request", "Request and withdraw promotions"
    DECIDE_PROMOTION = "promotions:decide", "Approve and reject promotions"
    VIEW_LEDGER = "ledger:view", "Read and verify the ledger"
    MANAGE_CHANNELS = (
        "channels:manage",
        "Say where messages go besides people: add, pause and remove channels",
    )
    MANAGE_PEOPLE = "people:manage", "Grant roles and issue tokens"


P = Permission
READS = {P.VIEW_DATASETS, P.VIEW_EXPERIMENTS, P.VIEW_CAMPAIGNS, P.VIEW_PROMOTIONS}

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(READS | {P.MANAGE_PEOPLE, P.MANAGE_CHANNELS, P.STATE_PRICES, P.VIEW_LEDGER}),
    Role.PLATFORM: frozenset(
        READS
        | {
            P.READ_EXAMPLES,
            P.SUBMIT_EXPERIMENTS,
            P.MANAGE_COMPONENTS,
            P.MANAGE_CHANNELS,
            P.STATE_PRICES,
            P.VIEW_LEDGER,
        }
    ),
    Role.OWNER: frozenset(
        READS | {P.READ_EXAMPLES, P.SUBMIT_EXPERIMENTS, P.MANAGE_COMPONENTS, P.REQUEST_PROMOTION}
    ),
    Role.APPROVER: frozenset(READS | {P.DECIDE_PROMOTION, P.VIEW_LEDGER}),
    Role.LEAD: frozenset({P.VIEW_EXPERIMENTS, P.VIEW_CAMPAIGNS, P.MANAGE_CAMPAIGNS, P.MANAGE_CHANNELS}),
    # An evaluator sees the queue and nothing that could tell which system wrote what.
    Role.EVALUATOR: frozenset({P.JUDGE}),
    Role.CUSTODIAN: frozenset({P.VIEW_DATASETS, P.READ_EXAMPLES, P.MANAGE_DATASETS}),
    Role.AUDITOR: frozenset(READS | {P.VIEW_LEDGER}),
}

# Deciding is for signed-in people: no token carries it, whoever it belongs to.
SCOPES = frozenset(Permission) - {P.DECIDE_PROMOTION, P.MANAGE_CHANNELS, P.MANAGE_PEOPLE}

# What Django's admin asks for, in its own words (`app.action_model`).
ADMIN_PAGES: dict[Permission, frozenset[str]] = {
    P.MANAGE_PEOPLE: frozenset(
        f"accounts.{action}_{model}"
        for model, actions in {
            "user": ("view", "add", "change"),
            "rolegrant": ("view", "add"),
            "apitoken": ("view",),
        }.items()
        for action in actions
    ),
    P.VIEW_LEDGER: frozenset({"ledger.view_ledgerentry", "ledger.view_checkpoint"}),
    P.SUBMIT_EXPERIMENTS: frozenset({"experiments.view_experiment", "experiments.add_experiment"}),
    P.DECIDE_PROMOTION: frozenset({"experiments.view_promotionrequest", "experiments.view_experiment"}),
}
