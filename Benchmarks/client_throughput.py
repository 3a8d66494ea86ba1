"""Requests a second and CPU seconds of loxeval and of Python's `openai` async client.

Both send the same number of chat completions, so many at a time, to an instant local server
(instant_server.c). loxeval's figures are of the whole process, `loxeval evaluate`: reading prompts,
judging replies, a flushed journal line for each, the reports. The Python client only asks. Both take
turns for some rounds; the table shows medians, with the time that each needs for no request taken off.

    python3 Benchmarks/client_throughput.py [--requests 10000] [--connections 16]

needs a release build, a C compiler and a Python with `openai` (LOXEVAL_PYTHON, or --python).
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import measure

ROOT = pathlib.Path(__file__).resolve().parent.parent

CLIENT = """
import asyncio, sys, openai
async def main(base, count, connections):
    client = openai.AsyncOpenAI(base_url=base + "/v1", api_key="unused", max_retries=6)
    numbers = iter(range(count))
    async def work():
        for number in numbers:
            reply = await client.chat.completions.create(
                model="instant", temperature=0, seed=0, max_tokens=60, top_p=1,
                messages=[{"role": "user", "content": f"Please answer question {number} of these."}])
            assert reply.choices[0].message.content
    await asyncio.gather(*(work() for _ in range(connections)))
asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loxeval", default=ROOT / ".build/release/loxeval")
    parser.add_argument("--python", default=os.environ.get("LOXEVAL_PYTHON", sys.executable))
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=16)
    measure.add_options(parser, rounds=3)
    options = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="loxeval-client-"))
    program = work / "instant_server"
    subprocess.run(
        ["cc", "-O2", "-D_GNU_SOURCE", "-o", program, ROOT / "Benchmarks/instant_server.c"], check=True)
    server = subprocess.Popen([program], stdout=subprocess.PIPE, text=True)
    base = server.stdout.readline().strip()

    def ours(count):
        prompts = work / f"{count}.jsonl"
        lines = [
            {"id": f"q{n}", "category": "c", "prompt": f"Please answer question {n} of these."}
            for n in range(count)
        ]
        prompts.write_text("\n".join(map(json.dumps, lines)) + "\n")
        run = work / "run"
        shutil.rmtree(run, ignore_errors=True)
        return measure.run([
            options.loxeval, "evaluate", "-q", "--endpoint", base, "--dataset", prompts,
            "--max-connections", options.connections, "--output", run,
        ])

    def theirs(count):
        return measure.run([options.python, "-c", CLIENT, base, count, options.connections])

    try:
        clients = {"loxeval evaluate": ours, "Python openai, async": theirs}
        start = {name: client(1) for name, client in clients.items()}
        results = measure.in_turn(
            {name: lambda _, client=client: client(options.requests) for name, client in clients.items()},
            options.rounds)
        rows, rates = [], []
        for name, side in results.items():
            wall = side.median("seconds") - start[name]["seconds"]
            cpu = side.median("processor") - start[name]["processor"]
            rates.append(options.requests / cpu)
            rows.append([
                name, f"{options.requests / wall:,.0f}", f"{cpu * 10_000 / options.requests:.2f}",
                f"{rates[-1]:,.0f}", side.spread("seconds"), f"{side.largest('peak') / 2**20:.0f}",
            ])
        measure.report(
            "client_throughput", options, [
                f"{options.requests} requests, {options.connections} at a time, medians of "
                f"{options.rounds} rounds",
                measure.table([
                    "client", "requests a second", "CPU seconds for 10,000 requests",
                    "requests a CPU second", "seconds in all", "peak MiB"], rows),
                f"per CPU second {rates[0] / rates[1]:.1f} times as many",
            ], results, start=start, headlines=[[
                "requests asked, judged and journalled, a CPU second", f"{rates[0]:,.0f}",
                f"{rates[1]:,.0f}: Python's `openai`, asking alone", f"{rates[0] / rates[1]:.1f} ×"]])
    finally:
        server.kill()
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
