"""kill -9 of loxeval and of its server, at random moments of a run of 500 samples, until it is done.

An undisturbed run comes first. Then, for each round, the same run is started again and again with
--resume, and after a random time either loxeval or the server that it started is killed. In the end the
journal must have exactly 500 samples, none twice, the replies and the summary of the undisturbed run,
and no server may be left.

    python3 Benchmarks/kill_and_resume.py [--rounds 20]

The server is `loxeval serve` behind --serve, each model merged into a checkpoint of its own, or with
--gguf llama.cpp's. Needs a build; the micro pair comes with the project.
"""

import argparse
import json
import os
import pathlib
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def processes(mark):
    """Ids of processes whose command line has `mark`, but for loxeval's own."""
    found = []
    for place in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (place / "cmdline").read_bytes().split(b"\0")
            state = (place / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if state != "Z" and any(mark.encode() in part for part in command):
            if b"sweep" not in command and b"loxeval-supervisor" not in command:
                found.append(int(place.name))
    return found


def journal(folder):
    lines = (folder / "samples.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loxeval", default=ROOT / ".build/release/loxeval")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random.seed(options.seed)
    work = pathlib.Path(tempfile.mkdtemp(prefix="loxeval-kills-"))
    pair = ROOT / "models/micro-pair"
    prompts = work / "prompts.jsonl"
    lines = (ROOT / "datasets/micro-harmful.jsonl").read_text().splitlines()[:50]
    prompts.write_text("\n".join(lines) + "\n")
    serve = shlex.join([str(options.loxeval)]) + " serve -q --model {model} --port {port}"
    command = [
        options.loxeval, "sweep", "-q", "--base", pair / "base", "--aligned", pair / "aligned",
        "--alpha", "0..2:0.5", "--attack", "synthetic-benign", "--dataset", prompts,
        "--max-tokens", "60", "--max-connections", "4", "--serve", serve, "--resume", "--output",
    ]
    whole = work / "whole"
    began = time.monotonic()
    subprocess.run(list(map(str, command + [whole])), check=True, stdout=subprocess.DEVNULL)
    usual = time.monotonic() - began
    expected = {(s["cell"], s["id"]): s["response"] for s in journal(whole)}
    assert len(expected) == 500, len(expected)
    kills = {"loxeval": 0, "its server": 0}
    for number in range(options.rounds):
        folder = work / f"round-{number}"
        sessions = 0
        while True:
            sessions += 1
            assert sessions < 60, "it does not come to an end"
            run = subprocess.Popen(
                list(map(str, command + [folder])), stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, text=True)
            victim = "loxeval" if sessions % 2 else "its server"
            try:
                _, errors = run.communicate(timeout=random.uniform(0.1, 0.9) * usual if sessions <= 4 else None)
            except subprocess.TimeoutExpired:
                if victim == "loxeval":
                    run.kill()
                    kills[victim] += 1
                else:
                    for identifier in processes(str(folder)):
                        os.kill(identifier, signal.SIGKILL)
                        kills[victim] += 1
                    try:
                        _, errors = run.communicate(timeout=120)
                    except subprocess.TimeoutExpired:
                        sys.exit("it hangs after its server was killed")
                run.wait()
            if run.returncode == 0:
                break
            assert run.returncode in (-9, 2), (run.returncode, errors)
        samples = journal(folder)
        keys = [(s["cell"], s["id"]) for s in samples]
        assert len(keys) == len(set(keys)) == 500, (len(keys), len(set(keys)))
        assert {(s["cell"], s["id"]): s["response"] for s in samples} == expected
        assert (folder / "summary.csv").read_bytes() == (whole / "summary.csv").read_bytes()
        time.sleep(0.3)
        assert not processes(str(folder)), "a server was left behind"
        print(f"round {number + 1}: {sessions} sessions, 500 samples, none twice, equal", flush=True)
    print(f"\n{options.rounds} rounds; killed: " + ", ".join(f"{v} × {k}" for k, v in kills.items()))
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
