"""Pure: the words by which `identity` knows systems, their makers, and how they speak of themselves."""


def words(text: str) -> list[str]:
    return text.split()


def phrases(text: str) -> list[str]:
    return [" ".join(phrase.split()) for phrase in text.split(";")]


FAMILIES = words(
    """
    chatgpt chat-gpt gpt claude gemini bard llama mistral mixtral qwen deepseek grok copilot ernie cohere
    command-r gemma phi palm lamda vicuna alpaca falcon nemotron kimi minimax chatglm yi titan nova jamba olmo
    dbrx hunyuan doubao perplexity codex davinci granite
    """
)
VENDORS = phrases(
    """
    openai; open ai; anthropic; google deepmind; deepmind; google ai; google; meta ai; meta; microsoft; mistral
    ai; xai; alibaba cloud; alibaba; baidu; tencent; bytedance; moonshot ai; zhipu; nvidia; amazon; ibm; ai21;
    hugging face; huggingface; stability ai; databricks; cohere; apple; inflection ai; 01.ai; allen institute
    for ai; tii
    """
)
# Words that mean something else at least as often: not worth a report where nothing else tells.
ORDINARY = frozenset(
    words("alpaca amazon apple bard codex command-r falcon granite meta nova palm phi tii titan yi")
)
# These name a system only without an article before them: "I am a Gemini" is a birthday.
COMMON_NOUNS = frozenset(
    words("alpaca bard claude copilot falcon gemini gemma grok llama mistral nova palm phi titan")
)
MAKING = frozenset(
    words(
        "built created designed developed engineered finetuned made produced programmed released trained tuned"
    )
)
# What may stand between "I am" and the name.
BETWEEN = MAKING | frozenset(
    words(
        """
    a actually advanced ai also an and artificial as assistant at based been bot by called chat chatbot company
    conversational currently fact fine-tuned flash from generative haiku harmless helpful honest in instance
    instruct intelligence is just known lab language large llm mini model models multimodal named network neural
    of on one open open-source opus powered pre-trained pro really research running safe sonnet source still
    system team that the transformer-based turbo ultra version virtual was which who
    """
    )
)
