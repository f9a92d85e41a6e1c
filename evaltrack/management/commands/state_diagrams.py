"""`manage.py state_diagrams`: writes the reference pages that are drawn from the code's own tables."""

import re
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import models

from annotation import lifecycle as annotation
from annotation.models import AssignmentState, Choice, JudgmentState, SlotState
from datasets.models import VersionState
from evaltrack.accounts.roles import ADMIN_PAGES, PERMISSIONS, SCOPES, Permission, Role
from evaltrack.ledger.events import Event
from evaltrack.transitions import TransitionTable
from experiments import lifecycle as experiments
from experiments import standard_suites
from experiments.metrics import FAMILIES
from experiments.metrics.base import Direction, Metric
from experiments.models import MetricOutcome, Outcome, OutputState

HEAD = "<!-- Written by `manage.py state_diagrams` from the code; change the code, not this page. -->\n"

SETTING = re.compile(r"#([A-Z_]+)=(.*)")

# Title, table, and what a reader should know about the way through it.
MACHINES: list[tuple[str, TransitionTable, str]] = [
    (
        "Experiment",
        experiments.EXPERIMENT,
        "An experiment is taken up from its rows, whatever its status says. `waiting` means that a store or an "
        "endpoint does not answer and says when it is tried again; `undecided` means that there is no verdict, "
        "and says why.",
    ),
    (
        "Promotion",
        experiments.PROMOTION,
        "One request may be open for each component and environment. Approval and rejection need a second person.",
    ),
    (
        "Campaign",
        annotation.CAMPAIGN,
        "A campaign closes when every judgment is in, or without evidence once its experiment was cancelled. "
        "While it is paused nobody is given its tasks. Letting a proxy stand in does not close it.",
    ),
]

# These columns have no table of edges: one act moves each of them, under a token or a condition.
LISTS: list[tuple[str, type[models.TextChoices], str]] = [
    (
        "Dataset version",
        VersionState,
        "`datasets.versions.publish` moves draft to published; nothing moves it back.",
    ),
    (
        "Output",
        OutputState,
        "`experiments.running.claims` leases open outputs, and returns or ends them under the lease's token.",
    ),
    ("How an output ended", Outcome, "Written once, with `done`."),
    (
        "Slot",
        SlotState,
        "`annotation.assignment` holds and frees slots; `annotation.judging` ends them.",
    ),
    (
        "Assignment",
        AssignmentState,
        "`prefetched` becomes `shown`, which ends in one of the others. A judgment that comes after the lease has "
        "ended is still taken while nobody else holds the slot: then `expired` becomes `submitted`; `reassigned` "
        "never does. An undo makes `submitted` `shown` again, and what was shown meanwhile `prefetched`.",
    ),
    (
        "Judgment",
        JudgmentState,
        "`provisional` becomes `final` by the evaluator's next judgment or after a minute, or `undone` before. "
        "Statistics, closing and the ledger's root use what is final.",
    ),
    ("What a judgment says", Choice, "Names the response itself, not the place where it stood."),
    ("Verdict and comparison", MetricOutcome, "Written once. A newer verdict supersedes an older one."),
]


class Command(BaseCommand):
    help = "Write metrics.md of docs and states, permissions, events and settings of docs/reference from the code."

    def add_arguments(self, parser):
        parser.add_argument(
            "--check", action="store_true", help="write nothing; fail where a page is out of date"
        )

    def handle(self, *, check: bool, **options):
        folder = Path(settings.BASE_DIR) / "docs"
        for name, text in pages().items():
            path = folder / name
            if check:
                if not path.exists() or path.read_text() != text:
                    raise CommandError(f"{path} is out of date; run manage.py state_diagrams.")
            else:
                path.write_text(text)
                self.stdout.write(f"{path} is written.")


def pages() -> dict[str, str]:
    """Path in docs → content of every generated page."""
    return {
        "reference/states.md": states(),
        "reference/permissions.md": permissions(),
        "reference/events.md": events(),
        "reference/settings.md": settings_page(),
        "metrics.md": metrics_page(),
    }


def metrics_page() -> str:
    parts = [
        HEAD,
        "# Metrics\n",
        "Each metric gives a number for each example; the summary of a run is their mean or, where it says so, a "
        "quantile of them, or a figure of the table of labels. Where a metric has no value for an example, the "
        "reason is kept beside the values and counted on the experiment's page. An example without an answer counts "
        "as stated, but only where an answer would have counted. A gate policy names metrics and sets their "
        "parameters: "
        '`{"metric": "length_within", "role": "guardrail", "margin": 0.02, "parameters": {"most": 200}}`. A changed '
        "definition is another version; a plan locks the versions that it uses.\n",
        "None of these asks a model, but for those in interpreters of their own that name an endpoint; "
        "[Metrics of your own](custom-metrics.md) says how these are set up and how one adds others. "
        "Means and shares are compared by the intervals and tests of "
        "[Statistics](statistics.md); how long they take says [Performance](performance.md).\n",
        "What a dataset can say for them, in an example: `expected` is the reference answer as a text, or an object "
        "with `answer`, `facts` (each a list of spellings), `claims`, `contexts` (passages), `citations` (sources), "
        "`language` and `refuse` (true or false). The passages of an answer are those that the system reports, else "
        "the example's `context` or its `input.contexts`. `metadata.pair` and `metadata.group` name the pair and the "
        "group of an example.\n",
    ]
    for family, metrics in FAMILIES.items():
        parts.append(f"## {family}\n")
        parts += [metric_section(metric) for metric in metrics]
    parts += standard_suites_section()
    return "\n".join(parts)


def standard_suites_section() -> list[str]:
    parts = [
        "## Standard suites\n",
        'Every installation knows them by name: a component or an experiment says `"suite": "standard-rag"`. Each '
        "becomes a gate policy, with a version, when it is first used.\n",
        "Besides its metrics a policy may say: `repeats` (how often each example is asked), `missing` (what an "
        "output counts that was refused, came in another format, or is not there), `promotion` (the tier and "
        "the number of examples that an environment asks for), `cache` (that answers of earlier experiments may be "
        "reused), `keep_replies` (that what endpoints answer is kept whole), `human`, `looks`, `cluster`, "
        "`max_error_share`.\n",
    ]
    for name, body in standard_suites.SUITES.items():
        rows = [
            f"| `{rule['metric']}` | {rule['role']} | {rule.get('margin', '')} |" for rule in body["metrics"]
        ]
        parts += [f"### {name}\n", "| Metric | Role | Margin |\n| --- | --- | --- |", "\n".join(rows), ""]
    return parts


def metric_section(metric: Metric) -> str:
    better = "more is better" if metric.direction == Direction.HIGHER else "less is better"
    limits = "from 0" if metric.highest is None else f"from 0 to {metric.highest:g}"
    facts = [
        ("Values", f"{limits}{f' {metric.unit}' if metric.unit else ''}; {better}"),
        ("Formula", metric.formula),
        ("Kind", metric.kind.value),
        ("Version", metric.version),
        ("Source", metric.source),
        ("Undefined", metric.undefined),
        ("Without an answer", without_answer(metric)),
        ("Limits", metric.limits),
    ]
    lines = [
        f"### `{metric.name}`\n",
        f"{metric.definition}\n",
        table(("", ""), [row for row in facts if row[1]]),
    ]
    if metric.takes:
        rows = [
            (code(name), each.kind, f"{each.purpose}{'; required' if name in metric.needs else ''}")
            for name, each in metric.takes.items()
        ]
        lines.append(table(("Parameter", "What", "For"), rows))
    return "\n".join(lines)


def without_answer(metric: Metric) -> str:
    if metric.figure is not None:
        return "counts as none of the labels"
    return "left out" if metric.missing is None else f"counts {metric.missing:g}"


def states() -> str:
    parts = [
        HEAD,
        "# States\n",
        "Each state machine is a table in `experiments/lifecycle.py` or `annotation/lifecycle.py`. "
        "`TransitionTable.advance` walks an edge with one `UPDATE … WHERE status = <the one that was seen>`: where "
        "somebody else was faster no row matches, and the caller gets a conflict. Check constraints in the database "
        "refuse any value that is not listed here.\n",
    ]
    for title, machine, sentence in MACHINES:
        parts += [
            f"## {title}\n",
            sentence + "\n",
            f"```mermaid\n{machine.mermaid()}\n```\n",
            table(("State", "Shown as", "Ends here"), state_rows(machine)),
        ]
    parts.append("## Columns without a table of edges\n")
    for title, choices, sentence in LISTS:
        parts += [
            f"### {title}\n",
            sentence + "\n",
            table(("Value", "Shown as"), [(code(each.value), each.label) for each in choices]),
        ]
    return "\n".join(parts)


def state_rows(machine: TransitionTable) -> list[tuple[str, ...]]:
    final = machine.terminal()
    return [
        (code(state.value), str(state.label), "yes" if state in final else "") for state in machine.states
    ]


def permissions() -> str:
    roles = list(Role)
    allowed = [
        (code(each.value), each.label, *("✓" if each in PERMISSIONS[role] else "" for role in roles))
        for each in Permission
    ]
    scopes = [
        (code(each.value), "yes" if each in SCOPES else "no: for signed-in people only")
        for each in Permission
    ]
    admin = [
        (code(each.value), ", ".join(code(page) for page in sorted(ADMIN_PAGES[each])))
        for each in Permission
        if each in ADMIN_PAGES
    ]
    return "\n".join(
        [
            HEAD,
            "# Roles, permissions and scopes\n",
            "A person may do what any of their roles allows; there are no superusers. A machine has no roles for "
            "this: its token's scopes alone decide. A person's token can do what both the person and its scopes "
            "allow. The table stands in `evaltrack/accounts/roles.py`.\n",
            "A permission is asked at the door. Whether it reaches *this* row is a second question, which the "
            "`policies.py` of each app answers: owners see and change what is theirs, custodians keep their own "
            "datasets, approvers do not decide about what they requested, made or own, and whoever is an "
            "administrator or a platform engineer never approves.\n",
            "## Roles\n",
            table(("Role", "Shown as"), [(code(role.value), role.label) for role in roles]),
            "## What each role may do\n",
            table(("Permission", "Meaning", *(role.value for role in roles)), allowed),
            "## Scopes of tokens\n",
            "A scope has the same name as the permission that it carries. Tokens live for up to 90 days.\n",
            table(("Scope", "A token can carry it"), scopes),
            "## Pages of the admin\n",
            table(("Permission", "Opens in `/admin/`"), admin),
        ]
    )


def events() -> str:
    rows = [
        (
            code(event.value),
            event.sentence.replace("{", "*").replace("}", "*"),
            ", ".join(code(fact) for fact in sorted(event.required_facts)),
        )
        for event in Event
    ]
    return "\n".join(
        [
            HEAD,
            "# Events of the ledger\n",
            "Every kind of entry, with the sentence that people read and the facts without which it cannot be "
            "written. How entries are made and proven stands in [the ledger](../ledger.md).\n",
            table(("Event", "Sentence", "Required facts"), rows),
        ]
    )


def settings_page() -> str:
    """The table of settings, from `.env.example`: the comment above a variable is its meaning."""
    parts = [
        HEAD,
        "# Settings\n",
        "Every variable that evaltrack reads, from `.env.example`. The process environment comes first, then the "
        "lines of `settings.env` in the folder `EVALTRACK_VAR`, then the defaults. A folder `var/` without a path "
        "before it is the one beside `manage.py`.\n",
    ]
    rows: list[tuple[str, ...]] = []
    meaning: list[str] = []
    for line in (Path(settings.BASE_DIR) / ".env.example").read_text().splitlines():
        if line.startswith("## "):
            parts, rows = [*parts, *section(rows)], []
            parts.append(f"{line}\n")
        elif found := SETTING.fullmatch(line):
            rows.append((code(found[1]), code(found[2]) if found[2] else "", " ".join(meaning)))
            meaning = []
        else:
            meaning = [*meaning, line.removeprefix("# ")] if line.startswith("# ") else []
    return "\n".join([*parts, *section(rows)])


def section(rows: list[tuple[str, ...]]) -> list[str]:
    return [table(("Variable", "Default", "Meaning"), rows)] if rows else []


def code(text: str) -> str:
    return f"`{text}`"


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(headings)
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"
