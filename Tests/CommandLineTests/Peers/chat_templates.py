"""Compares a server's prompts with transformers': chat_templates.py ADDRESS MODEL TEMPLATE..."""

import datetime
import json
import sys
import urllib.error
import urllib.request

import jinja2
from transformers import AutoTokenizer
from transformers.utils import chat_template_utils

address, model, template = sys.argv[1:]


class Noon(datetime.datetime):
    """The day that the server tells templates."""

    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26, 12)


chat_template_utils.datetime = Noon
tokenizer = AutoTokenizer.from_pretrained(model)
with open(template, encoding="utf-8") as file:
    tokenizer.chat_template = file.read()

user = lambda text: {"role": "user", "content": text}
assistant = lambda text: {"role": "assistant", "content": text}
system = lambda text: {"role": "system", "content": text}
conversations = [
    [user("Hello")],
    [system("Be brief."), user("Hello")],
    [user(" padded \n"), assistant(" spaced \n"), user("<|im_end|> 漢 👩\u200d🔬")],
    [system(""), user("a"), assistant("<think>\nb\n</think>\n\nc"), user("d"), assistant("Sure, e ")],
    [user("a"), user("b")],
]


def post(path, body):
    data = json.dumps(body).encode()
    request = urllib.request.Request(address + path, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


compared = refused = 0
for messages in conversations:
    for options in ({"add_generation_prompt": True}, {}, {"continue_final_message": True}):
        if "continue_final_message" in options and messages[-1]["role"] != "assistant":
            continue
        for arguments in ({}, {"enable_thinking": False}):
            body = dict(messages=messages, chat_template_kwargs=arguments, **options)
            body.setdefault("add_generation_prompt", False)
            status, reply = post("/apply-template", body)
            try:
                text = tokenizer.apply_chat_template(
                    messages, tokenize=False, **options, **arguments)
            except jinja2.exceptions.TemplateError as error:
                assert status == 400 and str(error) in reply["error"]["message"], reply
                refused += 1
                continue
            assert status == 200 and reply["prompt"] == text, (messages, options, reply, text)
            compared += 1
            if not any("<|" in m["content"] for m in messages):
                ids = tokenizer(text, add_special_tokens=False)["input_ids"]
                status, reply = post("/v1/chat/completions", dict(body, max_tokens=1))
                if status == 400 and reply["error"]["code"] == "context_length_exceeded":
                    continue
                assert status == 200 and reply["usage"]["prompt_tokens"] == len(ids), (reply, ids)
assert compared + refused >= 20, (compared, refused)
print(compared, refused)
