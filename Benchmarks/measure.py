"""How every benchmark measures: sides take turns in rounds, medians and spread are shown as a table, and
the same numbers go to a JSON file with where they were measured.

Taking turns makes what else the machine does fall on all sides alike. A side is a function of the round's
number that returns a `Sample`, or any dictionary of numbers. Times of a command are of its whole process:
wall clock, and the processor's for it and for every child that it has waited for. Its peak memory is the
resident memory of the largest process among these (`ru_maxrss`); of a server that still runs, `peak_of`
adds up the peaks of the processes of its tree.
"""

import ctypes
import ctypes.util
import datetime
import hashlib
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What is measured is computed: nothing is read that an earlier round kept.
os.environ["LOXEVAL_CACHE"] = ""


# A child's peak begins with what its parent held when it was started: hence a small parent, which has
# imported nothing and in which the time is taken.
STARTER = """
import os, sys, time
begin = time.perf_counter()
process = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(process, 0)
numbers = time.perf_counter() - begin, usage.ru_utime, usage.ru_stime, usage.ru_maxrss
os.write(int(sys.argv[1]), " ".join(map(repr, numbers)).encode())
sys.exit(os.waitstatus_to_exitcode(status) & 255)
"""


def run(command):
    """Runs a command that must succeed: its seconds, processor seconds, peak bytes, and its output."""
    command = list(map(str, command))
    reading, writing = os.pipe()
    starter = [sys.executable, "-I", "-S", "-c", STARTER, str(writing)]
    done = subprocess.run(starter + command, capture_output=True, text=True, pass_fds=[writing])
    os.close(writing)
    with os.fdopen(reading) as numbers:
        found = list(map(float, numbers.read().split()))
    if done.returncode != 0:
        sys.exit(f"{command} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    seconds, user, system, peak = found
    sample = Sample(seconds=seconds, user=user, system=system, processor=user + system, peak=peak * 1024)
    sample.output = done.stdout
    return sample


class Sample(dict):
    """The numbers of one run of one side; `output` is what it printed."""

    output = ""


def peak_of(pid):
    """Peak resident bytes of a running process and of those that it started, added up."""
    total = 0
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            total += int(line.split()[1]) * 1024
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += sum(map(peak_of, (task / "children").read_text().split()))
    return total


class Measured:
    """The samples of one side, in the order of the rounds."""

    def __init__(self):
        self.samples = []

    def values(self, key):
        return [sample[key] for sample in self.samples]

    def median(self, key):
        return statistics.median(self.values(key))

    def largest(self, key):
        return max(self.values(key))

    def spread(self, key, form=".2f"):
        """Least and largest, as text."""
        values = self.values(key)
        return f"{min(values):{form}} – {max(values):{form}}"


def in_turn(sides, rounds, only=None):
    """Runs each side once a round, in the same order.

    `only` says how many rounds a slow side takes part in, by its name. Progress goes to stderr.
    """
    measured = {name: Measured() for name in sides}
    for number in range(rounds):
        for name, side in sides.items():
            if number < (only or {}).get(name, rounds):
                sample = side(number)
                measured[name].samples.append(sample)
                shown = ", ".join(f"{key} {value:.6g}" for key, value in sample.items())
                print(f"round {number + 1} of {rounds}, {name}: {shown}", file=sys.stderr, flush=True)
    return measured


def table(columns, rows):
    """A Markdown table; cells are texts."""
    head, *body = ("| " + " | ".join(line) + " |" for line in [columns, *rows])
    return "\n".join([head, "|" + "---|" * len(columns), *body])


def machine(loxeval=None):
    """Where and with what it is measured."""
    facts = {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "commit": git("describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "system": f"{platform.system()} {platform.release()}",
        "blas": blas(),
        "python": platform.python_version(),
    }
    if loxeval:
        version = subprocess.run([loxeval, "--version"], capture_output=True, text=True).stdout.strip()
        digest = hashlib.sha256(pathlib.Path(loxeval).read_bytes()).hexdigest()
        facts["loxeval"] = {"version": version, "sha256": digest}
    return facts


def git(*arguments):
    done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def blas():
    """The system's OpenBLAS, which loxeval is linked to: its version, and the kernels it chooses here."""
    name = ctypes.util.find_library("openblas")
    if name is None:
        return None
    library = ctypes.CDLL(name)
    for function in (library.openblas_get_config, library.openblas_get_corename):
        function.restype = ctypes.c_char_p
    version = " ".join(library.openblas_get_config().decode().split()[:2])
    return {"library": version, "kernel": library.openblas_get_corename().decode()}


def add_options(parser, rounds):
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument(
        "--json", type=pathlib.Path,
        help="where the numbers go (default: Benchmarks/results/NAME-COMMIT.json)")


def report(name, options, tables, measured, headlines=(), **facts):
    """Prints the tables, and writes them with every sample and the machine as JSON.

    `tables` are texts in the order in which they are printed; `headlines` are the rows that all.py puts into one table of
    all benchmarks: what was done, loxeval's number, the other's with its name, and their ratio; `facts` are further findings.
    """
    print("\n\n".join(tables))
    where = machine(getattr(options, "loxeval", None))
    commit = where["commit"] or "unversioned"
    path = options.json or ROOT / f"Benchmarks/results/{name}-{commit}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    settings = {
        # Of paths the last part: a folder's place says nothing to others.
        key: os.path.basename(str(value)) if isinstance(value, (str, pathlib.Path)) else value
        for key, value in vars(options).items() if key != "json"
    }
    content = {
        "benchmark": name, "machine": where, "settings": settings, "tables": tables,
        "headlines": list(headlines),
        "samples": {side: list(map(dict, values.samples)) for side, values in measured.items()}, **facts,
    }
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    print(f"\nnumbers: {path}", file=sys.stderr)
