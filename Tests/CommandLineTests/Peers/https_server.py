"""https_server.py CERTIFICATE KEY PORT LOG: a chat server over TLS and HTTP/2, by hypercorn; it logs
each request's HTTP version."""

import asyncio
import json
import sys

from hypercorn.asyncio import serve
from hypercorn.config import Config

certificate, key, port, log = sys.argv[1:]


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    with open(log, "a") as file:
        file.write(scope["http_version"] + "\n")
    while (await receive()).get("more_body"):
        pass
    if scope["path"] == "/v1/models":
        body = {"data": [{"id": "m"}]}
    else:
        message = {"role": "assistant", "content": "I'm sorry, I can't."}
        body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    status = 200 if scope["path"].startswith("/v1/") or scope["path"] == "/health" else 404
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


config = Config()
config.bind = [f"127.0.0.1:{port}"]
config.certfile, config.keyfile = certificate, key
asyncio.run(serve(app, config))
