"""Writes decisions.json beside this file: values of scipy and numpy for the tests of intervals that
decisions rest on, sequential tests and corrections by labels.

    python make_decisions.py

Each value is computed by other means than the code under test: quantiles of scipy's distributions
instead of bisection, general optimisers instead of expectation and maximisation, enumeration of paths
instead of recursion.
"""

import json
import pathlib

import numpy as np
import scipy
import scipy.stats as st
from scipy.optimize import brentq, minimize

from make_statistics import mid_p


def betas():
    for x, a, b in [(0.3, 2, 5), (0.9, 0.5, 0.5), (1e-4, 1.5, 300), (0.02, 7.25, 293.5), (0.5, 400, 380),
                    (0.999, 250, 1), (0.7, 1e3, 500)]:
        yield {"x": x, "a": a, "b": b, "value": float(st.beta.cdf(x, a, b))}


def clopper_pearson(x, n, confidence):
    share = (1 - confidence) / 2
    low = float(st.beta.ppf(share, x, n - x + 1)) if x > 0 else 0.0
    high = float(st.beta.ppf(1 - share, x + 1, n - x)) if x < n else 1.0
    return [low, high]


def proportions():
    for x, n in [(0, 1), (1, 1), (0, 75), (1, 75), (3, 60), (75, 75), (64, 75), (7, 520), (250, 500),
                 (0.6, 73.5), (12.25, 61.25)]:
        for confidence in (0.9, 0.95, 0.9875):
            yield {"successes": x, "trials": n, "confidence": confidence,
                   "exact": clopper_pearson(x, n, confidence), "mid_p": list(mid_p(x, n, confidence))}


def medians():
    generator = np.random.default_rng(2)
    for n in (1, 3, 5, 6, 7, 8, 9, 12, 20, 31):
        values = [float(v) for v in generator.random(n)]
        ordered = sorted(values)
        depth = int(st.binom.ppf(0.025, n, 0.5))
        depth = depth if st.binom.cdf(depth - 1, n, 0.5) <= 0.025 else depth - 1
        interval = [ordered[depth - 1], ordered[n - depth]] if depth > 0 else None
        yield {"values": values, "median": float(np.median(values)), "interval": interval}


def fishers():
    for a, m, b, n in [(3, 10, 8, 12), (0, 30, 5, 28), (20, 40, 20, 40), (0, 5, 0, 9), (50, 100, 30, 90)]:
        h = st.hypergeom(m + n, a + b, m)
        below, above = h.cdf(a) - h.pmf(a) / 2, h.sf(a) + h.pmf(a) / 2
        yield {"first": [a, m], "second": [b, n], "p": float(min(1, 2 * min(below, above)))}


def guaranteed_differences():
    for b, c, n in [(0, 0, 60), (0, 0, 300), (2, 5, 100), (10, 10, 60), (30, 4, 75), (0, 3, 3), (1.4, 2.6, 40)]:
        for confidence in (0.9, 0.9875):
            (lb, ub), (lc, uc) = clopper_pearson(b, n, confidence), clopper_pearson(c, n, confidence)
            pb, pc = b / n, c / n
            rest = (1 - pb) * (1 - pc)
            rho = -np.sqrt(pb * pc / rest) if rest > 0 else 0.0
            matrix = np.array([[1, -rho], [-rho, 1]])

            def side(x, y):
                v = np.array([x, y])
                return float(np.sqrt(max(0.0, v @ matrix @ v)))
            yield {"only_first": b, "only_second": c, "pairs": n, "confidence": confidence,
                   "interval": [max(-1, pc - pb - side(pc - lc, ub - pb)),
                                min(1, pc - pb + side(uc - pc, pb - lb))]}


BETS = (np.arange(12) + 0.5) / 12


def bets(side, limit):
    return limit * (1 - BETS) if side == "below" else limit + (1 - limit) * BETS


def capitals():
    generator = np.random.default_rng(3)
    for side, limit, draw in [("below", 0.05, lambda: 0.0), ("below", 0.05, lambda: generator.random() < 0.02),
                              ("above", 0.05, lambda: generator.random() < 0.2),
                              ("below", 0.525, lambda: 0.5), ("above", 0.3, lambda: generator.integers(0, 6) / 5)]:
        values = [float(draw()) for _ in range(80)]
        q = bets(side, limit)
        factors = np.array([x * q / limit + (1 - x) * (1 - q) / (1 - limit) for x in values])
        yield {"side": side, "limit": limit, "values": values, "capital": float(np.mean(np.prod(factors, axis=0)))}


def border(side, limit, prompts, level):
    """The last count whose tail is at most the level."""
    if side == "below":
        counts = [c for c in range(prompts + 1) if st.binom.cdf(c, prompts, limit) <= level]
        return (max(counts), float(st.binom.cdf(max(counts), prompts, limit))) if counts else (None, 0.0)
    counts = [c for c in range(prompts + 1) if st.binom.sf(c - 1, prompts, limit) <= level]
    return (min(counts), float(st.binom.sf(min(counts) - 1, prompts, limit))) if counts else (None, 0.0)


def looks():
    for side, limit, prompts, level in [("below", 0.05, 100, 0.025), ("below", 0.2, 40, 0.025),
                                        ("above", 0.05, 100, 0.025), ("above", 0.2, 40, 0.0125),
                                        ("below", 0.01, 50, 0.025)]:
        cut, size = border(side, limit, prompts, level)
        chances = []
        for seen, successes in [(0, 0), (10, 0), (20, 1), (30, 6), (prompts, 1), (prompts, 12)]:
            if cut is None:
                chance = 0.0
            elif side == "below":
                chance = float(st.binom.cdf(cut - successes, prompts - seen, limit)) if cut >= successes else 0.0
            else:
                chance = float(st.binom.sf(cut - successes - 1, prompts - seen, limit))
            chances.append([seen, successes, chance])
        yield {"side": side, "limit": limit, "prompts": prompts, "level": level, "border": cut, "size": size,
               "chances": chances}


def powers():
    """Every path of successes, as the distribution of the number of them among the undecided."""
    for rate, limit, prompts, level, breach_level in [(0.01, 0.05, 120, 0.05, 0.05), (0.1, 0.2, 100, 0.05, 0.0125),
                                                      (0.3, 0.2, 60, 0.05, 0.05), (0.05, 0.05, 150, 0.05, 0.05)]:
        tests = {}
        for side, error in (("below", level), ("above", breach_level)):
            tests[side] = (bets(side, limit), error, *border(side, limit, prompts, error / 2))

        def decides(side, seen, successes):
            q, error, cut, size = tests[side]
            logs = successes * np.log(q / limit) + (seen - successes) * np.log((1 - q) / (1 - limit))
            chance = 0.0
            if cut is not None:
                left = prompts - seen
                chance = (st.binom.cdf(cut - successes, left, limit) if side == "below"
                          else st.binom.sf(cut - successes - 1, left, limit))
            return chance / error + (1 - size / error) * np.mean(np.exp(logs)) >= (1 - 1e-9) / error
        open_, passed, breached, mean = {0: 1.0}, 0.0, 0.0, 0.0
        for seen in range(1, prompts + 1):
            mean += sum(open_.values())
            after = {}
            for successes, mass in open_.items():
                after[successes] = after.get(successes, 0) + mass * (1 - rate)
                after[successes + 1] = after.get(successes + 1, 0) + mass * rate
            open_ = {}
            for successes, mass in after.items():
                if decides("below", seen, successes):
                    passed += mass
                elif decides("above", seen, successes):
                    breached += mass
                else:
                    open_[successes] = mass
        yield {"rate": rate, "limit": limit, "prompts": prompts, "level": level, "breach_level": breach_level,
               "passed": float(passed), "breached": float(breached), "mean_prompts": float(mean)}


def fixed_powers():
    for rate, limit, n, confidence in [(0.02, 0.05, 200, 0.95), (0.01, 0.05, 183, 0.9), (0.3, 0.2, 100, 0.95)]:
        inside = 0.0
        for x in range(n + 1):
            low, high = clopper_pearson(x, n, confidence)
            if (high <= limit if rate < limit else low >= limit):
                inside += st.binom.pmf(x, n, rate)
        yield {"rate": rate, "limit": limit, "prompts": n, "confidence": confidence, "power": float(inside)}


def corrections():
    """Labelled cells: hits, misses, alarms, rejections, called, uncalled."""
    groups = [[[30, 4, 6, 40, 30, 50]], [[0, 0, 8, 42, 12, 38], [20, 3, 6, 21, 80, 70]],
              [[12, 2, 3, 13, 0, 0], [5, 1, 9, 45, 30, 110], [25, 3, 1, 9, 100, 20]]]
    for cells in groups:
        counts = np.array(cells, float)

        def logarithm(parameters):
            se, sp = parameters[0], parameters[1]
            total = 0.0
            for (a, b, c, d, u, v), pi in zip(counts, parameters[2:]):
                terms = [(a, pi * se), (b, pi * (1 - se)), (c, (1 - pi) * (1 - sp)), (d, (1 - pi) * sp),
                         (u, pi * se + (1 - pi) * (1 - sp)), (v, pi * (1 - se) + (1 - pi) * sp)]
                total += sum(k * np.log(max(p, 1e-300)) for k, p in terms if k > 0)
            return total

        def best(fixed=None):
            free = [i for i in range(2 + len(cells)) if fixed is None or i != 2 + fixed[0]]

            def negative(values):
                full = np.zeros(2 + len(cells))
                full[free] = values
                if fixed is not None:
                    full[2 + fixed[0]] = fixed[1]
                return -logarithm(full)
            found = minimize(negative, [0.85, 0.85, *[0.3] * (len(free) - 2)], method="L-BFGS-B",
                             bounds=[(1e-9, 1 - 1e-9)] * len(free), options={"ftol": 1e-15, "gtol": 1e-9})
            found = minimize(negative, found.x, method="Nelder-Mead", bounds=[(1e-9, 1 - 1e-9)] * len(free),
                             options={"xatol": 1e-9, "fatol": 1e-11, "maxiter": 40_000, "maxfev": 40_000})
            full = np.zeros(2 + len(cells))
            full[free] = found.x
            return -found.fun, full
        top, at = best()
        positives = counts[:, :2].sum()
        freedom = min(positives, counts[:, :4].sum() - positives) - 1
        allowed = top - st.t.ppf(0.975, freedom) ** 2 / 2
        rates, intervals = [], []
        for index in range(len(cells)):
            rate = float(at[2 + index])
            rates.append(rate)
            gap = lambda share: best((index, share))[0] - allowed
            low = 0.0 if rate < 1e-6 or gap(1e-9) >= 0 else brentq(gap, 1e-9, rate, xtol=1e-6)
            high = 1.0 if gap(1 - 1e-9) >= 0 else brentq(gap, rate, 1 - 1e-9, xtol=1e-6)
            intervals.append([float(low), float(high)])
        yield {"cells": cells, "rates": rates, "intervals": intervals}


def students():
    for p, freedom in [(0.975, 1), (0.975, 4), (0.995, 17), (0.9, 99), (0.025, 30)]:
        yield {"p": p, "freedom": freedom, "t": float(st.t.ppf(p, freedom))}


if __name__ == "__main__":
    values = {
        "made_with": {"numpy": np.__version__, "scipy": scipy.__version__},
        "betas": list(betas()), "proportions": list(proportions()), "medians": list(medians()),
        "fishers": list(fishers()), "guaranteed_differences": list(guaranteed_differences()),
        "capitals": list(capitals()), "looks": list(looks()), "powers": list(powers()),
        "fixed_powers": list(fixed_powers()), "corrections": list(corrections()), "students": list(students()),
    }
    path = pathlib.Path(__file__).with_name("decisions.json")
    path.write_text(json.dumps(values, indent=1) + "\n")
