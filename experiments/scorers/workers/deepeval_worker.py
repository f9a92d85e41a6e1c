"""Metrics of DeepEval, for `serve.py`. It runs in an interpreter that has DeepEval, and imports nothing of ours."""

import asyncio
import json

from deepeval import metrics as library
from deepeval.models import DeepEvalBaseLLM
from deepeval.scorer import Scorer
from deepeval.test_case import LLMTestCase, SingleTurnParams

PACKAGES = ("deepeval",)


class Asked(DeepEvalBaseLLM):
    """The endpoint that the suite names, as DeepEval wants a model."""

    def __init__(self, chat):
        self.chat = chat
        super().__init__(chat.model)

    def load_model(self):
        return self

    def get_model_name(self):
        return self.chat.model

    def generate(self, prompt, schema=None):
        text = self.chat(prompt)
        return text if schema is None else schema.model_validate(json_in(text))

    async def a_generate(self, prompt, schema=None):
        return await asyncio.to_thread(self.generate, prompt, schema)


def json_in(text):
    """The object in what a model wrote, which may stand in a fence or after some words."""
    first, last = text.find("{"), text.rfind("}")
    if first < 0 or last < first:
        raise ValueError("the model wrote no JSON")
    return json.loads(text[first : last + 1])


def case(example):
    return LLMTestCase(
        input=example["input"],
        actual_output=example["answer"],
        expected_output=example["expected"],
        retrieval_context=example["contexts"],
    )


def scoring(metric):
    return lambda example: metric.measure(case(example), _show_indicator=False)


def exact_match(parameters, chat):
    return scoring(library.ExactMatchMetric())


def pattern_match(parameters, chat):
    return scoring(library.PatternMatchMetric(pattern=parameters["pattern"]))


def quasi_exact_match(parameters, chat):
    return lambda example: Scorer.quasi_exact_match_score(example["expected"], example["answer"])


def asking(make):
    return lambda parameters, chat: scoring(make(model=Asked(chat), include_reason=False, async_mode=False))


def g_eval(parameters, chat):
    return scoring(
        library.GEval(
            name="criteria",
            criteria=parameters["criteria"],
            evaluation_params=[SingleTurnParams.INPUT, SingleTurnParams.ACTUAL_OUTPUT],
            model=Asked(chat),
            async_mode=False,
        )
    )


METRICS = {
    "exact_match": exact_match,
    "pattern_match": pattern_match,
    "quasi_exact_match": quasi_exact_match,
    "faithfulness": asking(library.FaithfulnessMetric),
    "answer_relevancy": asking(library.AnswerRelevancyMetric),
    "contextual_recall": asking(library.ContextualRecallMetric),
    "g_eval": g_eval,
}
