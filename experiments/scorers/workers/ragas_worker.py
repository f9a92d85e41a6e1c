"""Metrics of Ragas, for `serve.py`. It runs in an interpreter that has Ragas, and imports nothing of ours."""

import asyncio
import warnings

warnings.filterwarnings("ignore")

from langchain_core.outputs import Generation, LLMResult  # noqa: E402
from ragas import metrics as library  # noqa: E402
from ragas.dataset_schema import SingleTurnSample  # noqa: E402
from ragas.llms.base import BaseRagasLLM  # noqa: E402
from ragas.run_config import RunConfig  # noqa: E402

PACKAGES = ("ragas", "rapidfuzz", "rouge-score", "sacrebleu")
# `Chat` tries again by itself.
ONCE = RunConfig(timeout=60, max_retries=1, max_wait=1)


class Asked(BaseRagasLLM):
    """The endpoint that the suite names, as Ragas wants a model."""

    def __init__(self, chat):
        super().__init__(run_config=ONCE)
        self.chat = chat

    def generate_text(self, prompt, n=1, temperature=0.01, stop=None, callbacks=None):
        text = prompt.to_string()
        return LLMResult(generations=[[Generation(text=self.chat(text)) for _ in range(n)]])

    async def agenerate_text(self, prompt, n=1, temperature=0.01, stop=None, callbacks=None):
        return await asyncio.to_thread(self.generate_text, prompt, n)

    def is_finished(self, response):
        return True


def sample(example):
    return SingleTurnSample(
        user_input=example["input"],
        response=example["answer"],
        reference=example["expected"],
        retrieved_contexts=example["contexts"],
        reference_contexts=example["reference_contexts"],
    )


def scoring(metric):
    metric.init(ONCE)
    return lambda example: asyncio.run(metric.single_turn_ascore(sample(example)))


def string_similarity(parameters, chat):
    measure = library.DistanceMeasure(parameters.get("distance_measure", "levenshtein"))
    return scoring(library.NonLLMStringSimilarity(distance_measure=measure))


def rouge(parameters, chat):
    return scoring(library.RougeScore(rouge_type=parameters.get("rouge_type", "rougeL")))


def alike_passages(make):
    return lambda parameters, chat: scoring(make(threshold=parameters.get("threshold", 0.5)))


def plain(make):
    return lambda parameters, chat: scoring(make())


def asking(make):
    return lambda parameters, chat: scoring(make(llm=Asked(chat)))


METRICS = {
    "exact_match": plain(library.ExactMatch),
    "non_llm_string_similarity": string_similarity,
    "rouge_score": rouge,
    "bleu_score": plain(library.BleuScore),
    "chrf_score": plain(library.ChrfScore),
    "non_llm_context_precision": alike_passages(library.NonLLMContextPrecisionWithReference),
    "non_llm_context_recall": alike_passages(library.NonLLMContextRecall),
    "faithfulness": asking(library.Faithfulness),
    "context_recall": asking(library.LLMContextRecall),
    "factual_correctness": asking(library.FactualCorrectness),
}
