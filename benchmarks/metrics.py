"""How long the metrics take that need no model.

    python -m tests.in_application benchmarks.metrics --examples 100000

Every metric that is computed from the answer alone or from a whole run, over answers of one arm, as an experiment's
conclusion asks for them: example by example where metrics share what they work out of a text. Prints the whole suite
first, in one pass, then each metric by itself, the slowest first. No database is involved.
"""

import argparse
import gc
import json
import random
import time
from typing import Any

from datasets.examples import Example
from experiments.metrics import FAMILIES, REGISTRY
from experiments.scoring import Said, valued
from experiments.suite import MetricRule, Suite

VOCABULARY = (
    "refund parcel shop return days card paid money customer order shipping article broken label address account "
    "payment invoice delivery week contact support store item size colour exchange warranty repair receipt email "
    "after before when received within free charge cost goes back takes sent from until still new open"
)
WORDS = VOCABULARY.split()
LABELS = ["refund", "shipping", "account", "other"]
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "days": {"type": "integer", "minimum": 0}},
    "required": ["answer"],
}
PARAMETERS: dict[str, dict[str, Any]] = {
    "format_compliance": {"pattern": r"[A-Z{].*[.}\]]"},
    "schema_compliance": {"schema": SCHEMA},
    "schema_fields": {"schema": SCHEMA},
    "length_within": {"fewest": 5, "most": 200},
    "has_sections": {"sections": ["Summary", "Steps"]},
    "in_language": {"language": "en"},
    "group_gap": {"groups": ["a", "b"]},
    **{
        name: {"labels": LABELS, "extract": r"(?i)\b(refund|shipping|account|other)\b"}
        for name, metric in REGISTRY.items()
        if "labels" in metric.takes
    },
}
# What judges say is read, and a composite is of others.
NOT_COMPUTED = ("By a judge", "Several in one")


def sentence(rng: random.Random, words: int) -> str:
    return (" ".join(rng.choices(WORDS, k=words)) + f" {rng.randint(1, 60)} days.").capitalize()


def made(count: int, seed: int = 1) -> tuple[list[Said], list[Example]]:
    """Answers of two sentences, one in ten of them as JSON, to questions with three passages of two sentences."""
    rng = random.Random(seed)
    outputs, examples = [], []
    for number in range(count):
        passages = [" ".join(sentence(rng, 12) for _ in range(2)) for _ in range(3)]
        facts = [sentence(rng, 6) for _ in range(2)]
        answer = f"{facts[0]} {facts[1]}"
        said = f"{facts[0]} [2] {passages[0].split('. ')[0]} [1]."
        if number % 10 == 0:
            said = json.dumps({"answer": said, "days": rng.randint(-1, 30)})
        name = f"e{number}"
        row = Example(
            id=name,
            input=sentence(rng, 10),
            expected={
                "answer": answer if number % 2 else rng.choice(LABELS),
                "facts": [[fact] for fact in facts],
                "contexts": passages[:2],
                "citations": ["1", "2"],
                "refuse": False,
            },
            metadata={"pair": str(number // 2), "group": "ab"[number % 2]},
        )
        examples.append(row)
        outputs.append(
            Said(
                number,
                number,
                text=said,
                latency_ms=180,
                input_tokens=60,
                output_tokens=40,
                contexts=passages,
            )
        )
    return outputs, examples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=100_000)
    count = parser.parse_args().examples
    outputs, examples = made(count)
    families = (family for name, family in FAMILIES.items() if name not in NOT_COMPUTED)
    ours = [metric.name for family in families for metric in family if not metric.scorer]
    rules = [MetricRule(name, parameters=PARAMETERS.get(name, {})) for name in ours]
    characters = sum(len(output.text) for output in outputs) / count
    # Of an experiment they are read block by block. Here they are all in memory, where the collector would walk
    # through them again and again, which took a tenth of the time.
    gc.collect()
    gc.freeze()
    print(f"{count:,} answers of {characters:.0f} characters, {len(rules)} metrics")
    start, used = time.perf_counter(), time.process_time()
    found = scored(rules, outputs, examples)
    print(
        f"the whole suite: {time.perf_counter() - start:.1f} s, {time.process_time() - used:.1f} s of them CPU"
    )
    defined = {name: sum(isinstance(each, float) for each in values) for name, values in found}
    del found
    took = {}
    for rule in rules:
        used = time.process_time()
        scored([rule], outputs, examples)
        took[rule.metric] = time.process_time() - used
    slowest = max(took, key=lambda name: took[name])
    print(f"the slowest: {slowest}, {took[slowest]:.1f} s; each by itself, in CPU seconds:\n")
    for name, seconds in sorted(took.items(), key=lambda each: -each[1]):
        print(f"  {name:22} {seconds:6.2f} s  {seconds / count * 1e6:7.1f} µs  {defined[name]:>9,} values")


def scored(rules: list[MetricRule], outputs: list[Said], examples: list[Example]) -> list[tuple[str, list]]:
    return list(valued(Suite(tuple(rules)), outputs, examples))


if __name__ == "__main__":
    main()
