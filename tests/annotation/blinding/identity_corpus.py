"""Sentences with a label: whether they tell which system wrote them. Written by hand, not taken from any model.

Some are here because the scanner gets them wrong; the measured numbers in test_identity.py count them.
"""

TELLING = """
I am ChatGPT, a large language model.
I'm ChatGPT, and I can help you with that.
I’m Claude, made by Anthropic.
Hello! I'm Claude, an AI assistant created by Anthropic to be helpful, harmless, and honest.
I am Gemini, a large language model built by Google.
I am a large language model, trained by Google.
As a large language model trained by OpenAI, I don't have personal opinions.
As an AI language model developed by OpenAI, I cannot browse the internet.
As an AI assistant made by Anthropic, I try to be careful here.
As an AI model created by Moonbeam Labs, I must decline.
My name is Claude and I work as a writing assistant.
My name is **Gemini**.
You are talking to Llama 3.1, so please be patient.
You're chatting with Mistral Large, by the way.
I was trained by Meta AI on publicly available data.
I was created by Anthropic.
I was developed by DeepSeek.
I'm DeepSeek-V3, an AI assistant.
I'm an AI assistant called Qwen, created by Alibaba Cloud.
I am Qwen2.5, developed by Alibaba Cloud.
I'm based on GPT-4.
I am powered by GPT-4o mini.
I'm a version of GPT-4 with a cutoff in 2023.
Actually, I'm Copilot.
OpenAI trained me on a wide range of text.
Google created me to answer questions.
My creators at Anthropic wanted me to be honest.
My developer is OpenAI.
I'm not a person; I'm Grok.
Well, I am in fact Claude 3.5 Sonnet.
As ChatGPT, I can't open links.
This is ChatGPT; I hope that I can help.
call me Bard
I have been trained by OpenAI.
I've been developed by Mistral AI.
I AM CHATGPT.
I am C​laude.
Ｉ ａｍ ＣｈａｔＧＰＴ.
I'm *Kimi*, made by Moonshot AI.
I am Anthropic's AI assistant.
I'm Google's language model.
I am an instance of Llama.
I, Claude, would answer differently.
The model you are using right now is GPT-4.
Je suis ChatGPT, un modèle de langue.
Yours truly, Claude (the AI).
""".strip().splitlines()

HARMLESS = """
I use Claude every day for my notes.
I asked ChatGPT and it gave me the same answer.
ChatGPT is a chatbot made by OpenAI.
GPT-4 is a language model trained by OpenAI.
Claude Monet painted the water lilies at Giverny.
I am a Gemini and my sister is a Leo.
The llama is a domesticated South American animal.
I'm a llama farmer in Peru.
The mistral is a cold wind in the south of France.
Google was founded in 1998 by Larry Page and Sergey Brin.
I work at Google as an engineer.
I was hired by Google last year.
I am impressed by OpenAI's latest release.
I read that GPT-4 was trained by OpenAI.
Companies such as Anthropic and OpenAI train language models.
A large language model such as Llama can be run at home.
As an AI language model, I have no opinion about that.
As an AI assistant, I cannot give medical advice.
I am an assistant and happy to help.
I'm not ChatGPT.
The bard of Avon wrote thirty-seven plays.
He said that Microsoft had bought the company.
As a result of training by experts, I passed the test.
As an apprentice trained by my father, I know wood.
I was made by hand in Florence.
This report was made by Amazon last year.
Project Gemini was the second human spaceflight program of the United States.
Phi is the golden ratio, about 1.618.
I am comparing Claude with Gemini for my thesis.
I was using Copilot when it crashed.
I'm from Apple Valley, California.
The meta description should be short.
I am running Llama on my own machine.
I'm writing about Anthropic.
Call OpenAI's support for help.
She is the one who trained me.
I am Spartacus.
My name is Claudette.
I'm baking a cake made by my grandmother's recipe.
Her falcon was trained by a master.
I think that Claude is a nice name.
Dear Claude, thank you for your letter.
I am Claude Dubois, and I would like to book a room.
My name is Gemini Patel.
""".strip().splitlines()
