"""Writes statistics.json beside this file: values of statsmodels and scipy for the tests.

    python make_statistics.py

Where a library has the method, its own value is taken; where it has only the parts (Wilson limits,
normal quantiles, cluster-robust variances), they are put together here, and derivatives are taken
numerically (complex step) instead of by hand.
"""

import itertools
import json
import pathlib

import numpy as np
import scipy
import scipy.stats as st
import statsmodels
from scipy.optimize import brentq
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import normal_sample_size_one_tail
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    proportion_confint,
    samplesize_proportions_2indep_onetail,
)


def wilson(rate, trials, confidence=0.95):
    low, high = proportion_confint(rate * trials, trials, alpha=1 - confidence, method="wilson")
    return float(low), float(high)


def difference(p1, i1, p2, i2, phi):
    """second - first from limits of the parts, as a quadratic form in the signed distances."""
    def side(a, b):
        m = np.array([[1, -phi], [-phi, 1]])
        return float(np.sqrt(max(0.0, np.array([a, b]) @ m @ np.array([a, b]))))
    return [max(-1, p2 - p1 - side(p2 - i2[0], i1[1] - p1)),
            min(1, p2 - p1 + side(i2[1] - p2, p1 - i1[0]))]


def independent():
    cases = [(56, 70, 48, 80), (9, 10, 3, 10), (10, 10, 0, 10), (0, 75, 0, 75), (57, 75, 1, 75),
             (5, 56, 0, 29), (120, 200, 101, 190), (1, 1, 0, 1)]
    for (a, m, b, n), confidence in itertools.product(cases, (0.9, 0.95)):
        low, high = confint_proportions_2indep(
            b, n, a, m, method="newcomb", compare="diff", alpha=1 - confidence)
        yield {"first": [a, m], "second": [b, n], "confidence": confidence,
               "interval": [float(low), float(high)]}


def paired():
    cases = [(20, 12, 2, 16), (0, 57, 0, 18), (1, 56, 0, 18), (0, 0, 0, 30), (30, 0, 0, 0),
             (10, 10, 10, 10), (53, 0, 0, 22), (0, 3, 3, 0), (2, 97, 1, 0), (40, 5, 6, 24), (0, 1, 0, 0)]
    for e, f, g, h in cases:
        n = e + f + g + h
        p1, p2 = (e + f) / n, (e + g) / n
        numerator = e * h - f * g
        if numerator > 0:
            numerator = max(numerator - n / 2, 0)
        root = np.sqrt(float((e + f) * (g + h) * (e + g) * (f + h)))
        phi = numerator / root if root else 0.0
        yield {"counts": [e, f, g, h],
               "interval": difference(p1, wilson(p1, n), p2, wilson(p2, n), phi)}


def holm():
    for values in ([0.01, 0.04, 0.03, 0.005], [0.5], [0.2, 0.2, 0.9, 1e-9, 0.049, 0.011], [1, 1, 1]):
        yield {"values": values, "corrected": [float(p) for p in multipletests(values, method="holm")[1]]}


def sizes():
    up = lambda x: int(max(1, np.ceil(x - 1e-9)))
    for rate, limit, confidence, power in [
            (0.02, 0.05, 0.95, 0.5), (0.02, 0.05, 0.95, 0.8), (0.0, 0.01, 0.95, 0.5), (0.08, 0.05, 0.9, 0.8),
            (0.5, 0.45, 0.95, 0.9), (0.049, 0.05, 0.975, 0.5), (0.9, 0.1, 0.95, 0.5)]:
        n = normal_sample_size_one_tail(
            rate - limit, power, 1 - confidence, std_null=np.sqrt(limit * (1 - limit)),
            std_alternative=np.sqrt(rate * (1 - rate)))
        yield {"kind": "limit", "a": rate, "b": limit, "confidence": confidence, "power": power, "n": up(n)}
    for first, second, confidence, power in [
            (0.76, 0.29, 0.95, 0.8), (0.05, 0.1, 0.975, 0.8), (0.5, 0.49, 0.95, 0.9), (0.12, 0.027, 0.95, 0.8)]:
        n = samplesize_proportions_2indep_onetail(
            second - first, first, power, alpha=1 - confidence, alternative="larger")
        yield {"kind": "independent", "a": first, "b": second, "confidence": confidence, "power": power,
               "n": up(n)}
    for delta, psi, confidence, power in [
            (0.1, 0.3, 0.95, 0.8), (-0.05, 0.05, 0.975, 0.8), (0.02, 0.4, 0.95, 0.9), (-0.47, 0.5, 0.95, 0.8)]:
        n = normal_sample_size_one_tail(
            delta, power, 1 - confidence, std_null=np.sqrt(psi), std_alternative=np.sqrt(psi - delta**2))
        yield {"kind": "paired", "a": delta, "b": psi, "confidence": confidence, "power": power, "n": up(n)}


def mid_p(successes, trials, confidence=0.95):
    """Limits where a tail with half of the observed probability is (1 - confidence) / 2."""
    share = (1 - confidence) / 2

    def lower(x):
        if x <= 0:
            return 0.0

        def tail(p):
            above = st.beta.cdf(p, x + 1, trials - x) if x < trials else 0.0
            return (st.beta.cdf(p, x, trials - x + 1) + above) / 2
        return float(brentq(lambda p: tail(p) - share, 0, 1, xtol=1e-15))
    return lower(successes), 1 - lower(trials - successes)


def robust(outcomes):
    """The cluster-robust effective size with two more prompts, by a regression on a constant."""
    s = np.array([o[0] for o in outcomes], float)
    n = np.array([o[1] for o in outcomes], float)
    prompts, samples = len(n), n.sum()
    each = samples / prompts
    s2, n2 = np.append(s, [each, 0]), np.append(n, [each, each])
    rate2 = s2.sum() / n2.sum()
    variance = (prompts + 2) / (prompts + 1) * ((s2 - rate2 * n2) ** 2).sum() / n2.sum() ** 2
    effective = prompts
    if samples > prompts:
        found = rate2 * (1 - rate2) / variance * prompts / (prompts + 1)
        effective = float(min(samples, max(prompts, found)))
    rate = float(s.sum() / samples)
    low, high = mid_p(rate * effective, effective)
    if effective > prompts:
        none = mid_p(0, prompts)[1]
        low, high = min(low, 1 - none), max(high, none)
    return rate, effective, (low, high)


def clustered():
    generator = np.random.default_rng(11)
    for prompts, k, spread in [(12, 4, 0.3), (40, 5, 2.0), (75, 3, 0.8), (30, 8, 5.0), (20, 5, 0.0)]:
        rates = generator.beta(0.6 / max(spread, 0.02), 0.6 / max(spread, 0.02), prompts)
        trials = generator.integers(max(1, k - 1), k + 1, prompts)
        outcomes = [[int(generator.binomial(n, r)), int(n)] for n, r in zip(trials, rates)]
        rate, effective, interval = robust(outcomes)
        yield {"outcomes": outcomes, "rate": rate, "effective": effective, "interval": list(interval)}
    yield {"outcomes": [[0, 4]] * 10, "rate": 0.0, "effective": 10.0, "interval": list(mid_p(0, 10))}
    yield {"outcomes": [[1, 1]] * 6 + [[0, 1]] * 9, "rate": 0.4, "effective": 15.0,
           "interval": list(mid_p(6, 15))}


def clustered_differences():
    generator = np.random.default_rng(12)
    for prompts, k in [(15, 4), (60, 3), (30, 8)]:
        base = generator.beta(1, 1, prompts)
        pairs = [[int(generator.binomial(k, r)), k, int(generator.binomial(k, r * 0.6)), k] for r in base]
        p1, _, i1 = robust([(a, b) for a, b, _, _ in pairs])
        p2, _, i2 = robust([(c, d) for _, _, c, d in pairs])
        phi = float(st.pearsonr([a / b for a, b, _, _ in pairs], [c / d for _, _, c, d in pairs])[0])
        yield {"pairs": pairs, "interval": difference(p1, i1, p2, i2, phi)}


def sign_flips():
    for differences in ([0.2, -0.1, 0.4, 0.4, 0.6], [1, 1, 1, 1], [0.25, -0.25, 0.5, 0.75, -0.5, 0.25, 0.25, 1],
                        [0.5, 0.5, -0.5, -0.25, 0.75, 1, 1, 0.25, 0.5, -0.25, 0.25, 0.75]):
        d = np.array(differences, dtype=float)
        result = st.permutation_test(
            (d, np.zeros_like(d)), lambda a, b: np.mean(a - b), permutation_type="samples",
            n_resamples=np.inf)
        yield {"differences": differences, "p": float(result.pvalue), "tolerance": 1e-9}
    generator = np.random.default_rng(13)
    for size, shift in ((60, 0.08), (100, 0.2)):
        d = np.round(generator.normal(shift, 0.4, size) * 4) / 4
        result = st.permutation_test(
            (d, np.zeros_like(d)), lambda a, b, axis: np.mean(a - b, axis=axis), vectorized=True,
            permutation_type="samples", n_resamples=1_000_000, batch=10_000, rng=np.random.default_rng(14))
        # Four standard errors of 20,000 random choices.
        yield {"differences": [float(x) for x in d], "p": float(result.pvalue),
               "tolerance": 4 * float(np.sqrt(max(result.pvalue, 1e-4) / 20_000)) + 1e-4}


def any_of():
    # The mean over all ways to choose k of the samples.
    for successes, trials, k in [(0, 5, 5), (1, 5, 5), (1, 5, 3), (2, 8, 3), (5, 5, 2), (3, 10, 4)]:
        samples = [1] * successes + [0] * (trials - successes)
        chosen = [max(c) for c in itertools.combinations(samples, k)]
        yield {"outcome": [successes, trials], "k": k, "rate": float(np.mean(chosen))}


def kappas():
    for table in ([[40, 9], [6, 45]], [[100, 0], [0, 50]], [[10, 20], [30, 5]], [[30, 0], [3, 0]],
                  [[80, 5, 3], [4, 60, 2], [1, 0, 25]]):
        result = cohens_kappa(np.array(table))
        n = int(np.sum(table))
        same = int(np.trace(np.array(table)))
        yield {"table": table, "share": same / n, "share_interval": list(mid_p(same, n)),
               "kappa": float(result.kappa),
               "interval": [max(-1, float(result.kappa_low)), min(1, float(result.kappa_upp))]}


def bootstraps():
    generator = np.random.default_rng(15)
    for size, k in ((60, 1), (75, 3)):
        clusters = [[float(x) for x in generator.integers(1, 6, k)] for _ in range(size)]
        means = np.array([np.mean(c) for c in clusters]) / 5
        result = st.bootstrap(
            (means,), np.mean, method="percentile", n_resamples=2_000_000, batch=20_000,
            rng=np.random.default_rng(16))
        low, high = result.confidence_interval
        yield {"clusters": [[x / 5 for x in c] for c in clusters], "interval": [float(low), float(high)]}


if __name__ == "__main__":
    values = {
        "made_with": {"numpy": np.__version__, "scipy": scipy.__version__,
                      "statsmodels": statsmodels.__version__},
        "independent_differences": list(independent()), "paired_differences": list(paired()),
        "holm": list(holm()), "sample_sizes": list(sizes()),
        "clustered": list(clustered()), "clustered_differences": list(clustered_differences()),
        "sign_flips": list(sign_flips()), "any_of_k": list(any_of()), "kappas": list(kappas()),
        "bootstraps": list(bootstraps()),
    }
    path = pathlib.Path(__file__).with_name("statistics.json")
    path.write_text(json.dumps(values, indent=1) + "\n")
