"""Servers that benchmarks start and ask."""

import json
import subprocess
import sys
import urllib.request


def start(command):
    """Starts a server that prints its address; returns the process and the address."""
    process = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in process.stdout:
        if line.startswith("http"):
            return process, line.strip()
    sys.exit(f"{command[0]} ended without an address")


def chat(base, body):
    """A chat completion."""
    request = urllib.request.Request(
        base + "/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as reply:
        return json.load(reply)
