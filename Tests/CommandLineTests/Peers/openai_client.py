"""Talks to a server as users of the `openai` package do: openai_client.py BASE_URL MODEL."""

import sys

import openai

base, model = sys.argv[1:]
client = openai.OpenAI(base_url=base + "/v1", api_key="unused", max_retries=0)
ask = dict(model=model, max_tokens=12, temperature=0, seed=1)
messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello there"}]

assert [m.id for m in client.models.list()] == [model]

whole = client.chat.completions.create(messages=messages, logprobs=True, top_logprobs=3, **ask)
choice = whole.choices[0]
assert choice.message.role == "assistant" and choice.finish_reason in ("stop", "length")
assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
assert len(choice.logprobs.content) == whole.usage.completion_tokens
assert all(len(t.top_logprobs) == 3 and t.logprob <= 0 for t in choice.logprobs.content)
again = client.chat.completions.create(messages=messages, logprobs=True, top_logprobs=3, **ask)
assert again == whole, "equal requests, different replies"

parts = [{"role": "user", "content": [{"type": "text", "text": "Hello there"}]}]
assert client.chat.completions.create(messages=parts, **ask).choices[0].message.content is not None

text, reason, usage = "", None, None
for chunk in client.chat.completions.create(
    messages=messages, stream=True, stream_options={"include_usage": True}, **ask
):
    usage = chunk.usage or usage
    for piece in chunk.choices:
        text += piece.delta.content or ""
        reason = piece.finish_reason or reason
assert text == choice.message.content and reason == choice.finish_reason
assert usage.completion_tokens == whole.usage.completion_tokens

plain = client.completions.create(prompt="Once upon a time", logprobs=2, **ask)
assert len(plain.choices[0].logprobs.tokens) == plain.usage.completion_tokens
streamed = client.completions.create(prompt="Once upon a time", stream=True, **ask)
assert "".join(c.choices[0].text for c in streamed if c.choices) == plain.choices[0].text
client.completions.create(prompt=[1, 2, 3], **ask)

scaled = client.chat.completions.create(messages=messages, extra_body={"lora": []}, **ask)
assert scaled.choices[0].message.content == choice.message.content

several = client.chat.completions.create(messages=messages, n=2, **ask)
assert [c.index for c in several.choices] == [0, 1]
unseeded = dict(messages=messages, model=model, max_tokens=12)
drawn = client.chat.completions.create(**unseeded)
again = client.chat.completions.create(seed=drawn.model_extra["seed"], **unseeded)
assert again.choices[0].message == drawn.choices[0].message, "the drawn seed draws another reply"
assert client.models.retrieve(model).id == model
scored = client.completions.create(
    model=model, prompt=["Once upon", "a time"], max_tokens=0, echo=True, logprobs=1, temperature=0
)
assert [c.text for c in scored.choices] == ["Once upon", "a time"]
assert all(c.logprobs.token_logprobs[0] is None for c in scored.choices)
open_turn = messages + [{"role": "assistant", "content": "Well,"}]
client.chat.completions.create(messages=open_turn, extra_body={"continue_final_message": True}, **ask)


def refused(error, **changes):
    arguments = {**ask, "messages": messages, **changes}
    try:
        client.chat.completions.create(**arguments)
    except error as caught:
        assert caught.body["message"], caught
        return
    raise AssertionError(f"accepted {changes}")


refused(openai.NotFoundError, model="another")
refused(openai.BadRequestError, max_tokens=10**7)
refused(openai.BadRequestError, messages=[])
refused(openai.BadRequestError, n=1000)
refused(openai.BadRequestError, response_format={"type": "json_object"})
refused(openai.BadRequestError, extra_body={"guided_regex": "a+"})
refused(openai.BadRequestError, temperature=-1)
refused(openai.BadRequestError, extra_body={"lora": [{"id": 99, "scale": 1}]})
refused(openai.BadRequestError, tools=[{"type": "function", "function": {"name": "f"}}])
print("the openai package", openai.__version__, "agrees")
