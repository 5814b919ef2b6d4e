"""Reference values for the statistical primitives, from independent packages over seeded random cases.

Usage: statistics_oracles.py OUT.json

Needs the packages of testkit/interop/statistics/requirements.txt; `just oracles` installs them and writes
crates/metrics/tests/vectors/statistics.json. The same packages give the same file.
"""

import json
import math
import sys
import warnings
from fractions import Fraction

import krippendorff
import mpmath
import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf
from irrCAC.raw import CAC
from ppi_py import ppi_mean_ci, ppi_mean_pointestimate
from scipy import stats
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint, proportion_effectsize

LEVELS = [0.8, 0.9, 0.95, 0.99]


def clustered(rng):
    """Means with errors: statsmodels' OLS on a constant, plain, clustered, and clustered with its correction."""
    for case in range(24):
        groups = np.sort(rng.integers(0, rng.integers(3, 12), rng.integers(8, 50)))
        if case % 2:
            values = (rng.random(len(groups)) < 0.3 + 0.4 * (groups % 2)).astype(float)
        else:
            values = np.round(rng.normal(groups % 3, 1.0), 3)
        ols = sm.OLS(values, np.ones(len(values)))
        options = {"groups": groups}
        yield {
            "values": values,
            "groups": groups,
            "iid": ols.fit().bse[0],
            "none": ols.fit(cov_type="cluster", cov_kwds=options | {"use_correction": False}).bse[0],
            "small": ols.fit(cov_type="cluster", cov_kwds=options | {"use_correction": True}).bse[0],
        }


def analysis_of_variance(rng):
    """Mean squares by statsmodels' anova_lm; the components and ICC(1) from them by the formula for unequal groups."""
    for case in range(20):
        sizes = rng.integers(1, 8, rng.integers(4, 25)) if case % 2 else np.full(rng.integers(4, 25), 5)
        rates = rng.beta(0.8, 0.6, len(sizes))
        passes = rng.binomial(sizes, rates)
        rows = [(i, int(j < c)) for i, (c, n) in enumerate(zip(passes, sizes)) for j in range(n)]
        frame = pd.DataFrame(rows, columns=["g", "y"])
        table = sm.stats.anova_lm(smf.ols("y ~ C(g)", frame).fit())
        ms_between, ms_within = table["mean_sq"]["C(g)"], table["mean_sq"]["Residual"]
        n0 = (sizes.sum() - (sizes**2).sum() / sizes.sum()) / (len(sizes) - 1)
        between = (ms_between - ms_within) / n0
        yield {
            "groups": list(zip(passes, sizes)),
            "between": between,
            "within": ms_within,
            "icc": between / (between + ms_within),
        }


def intervals(rng):
    """statsmodels' proportion_confint (its `beta` is Clopper-Pearson) and scipy's beta, also at real-valued sizes."""
    sizes = [1, 2, 5, 20, 20, 57, 200, 2000, 10_000, 12.5, 33.7, 1234.56, 0.8]
    for n in sizes:
        whole = float(n).is_integer()
        drawn = rng.integers(0, n + 1, 2) if whole else np.round(rng.uniform(0, n, 2), 3)
        for passes in [0, *drawn, n]:
            level = float(rng.choice(LEVELS))
            tail = (1 - level) / 2
            posterior = stats.beta(passes + 1, n - passes + 1)
            yield {
                "passes": passes,
                "n": n,
                "level": level,
                "wilson": proportion_confint(passes, n, 1 - level, method="wilson"),
                "clopper_pearson": proportion_confint(passes, n, 1 - level, method="beta"),
                "beta_1_1": (posterior.ppf(tail), posterior.isf(tail)),
            }


def normal(rng):
    """scipy's normal distribution."""
    for z in [-37.0, -12.5, -8.0, -1.96, -1e-9, 0.0, *np.round(rng.normal(0, 2, 10), 6)]:
        yield {"z": z, "cdf": stats.norm.cdf(z), "two_sided": 2 * stats.norm.sf(abs(z))}


def normal_quantiles(rng):
    """scipy's normal quantiles."""
    for p in [1e-300, 1e-20, 1e-8, 0.005, 0.025, 0.05, 0.25, 0.4999999, 0.5, 0.975, 0.995, *rng.random(10)]:
        yield {"p": p, "z": stats.norm.ppf(p)}


def t_quantiles(rng):
    """Student's t by mpmath's integral of the density, as scipy's own quantiles hold 9 digits only."""
    mpmath.mp.dps = 30
    for df in [0.7, 1, 2, 3.5, 10, 31.4, 120, 1999, 1e6, 3e7, 1e10]:
        for p in [1e-7, 0.025, 0.49, 0.6, 0.95, float(rng.random())]:
            nu, near = mpmath.mpf(df), mpmath.mpf(0.5) - mpmath.mpf(min(p, 1 - p))
            scale = mpmath.gamma((nu + 1) / 2) / mpmath.gamma(nu / 2) / mpmath.sqrt(nu * mpmath.pi)
            density = lambda t: scale * (1 + t * t / nu) ** (-(nu + 1) / 2)
            t = mpmath.mpf(abs(float(stats.t.ppf(p, df))))
            # Newton's method twice from scipy's value, and the integral again to see that it is there.
            for _ in range(2):
                t -= (integral(density, t) - near) / density(t)
            assert abs(integral(density, t) - near) < mpmath.mpf(10) ** -20, (p, df)
            yield {"p": p, "df": df, "t": math.copysign(float(t), p - 0.5)}


def integral(density, end):
    """The integral from 0, in pieces that double, so that long tails are seen."""
    points = [mpmath.mpf(0)]
    while end > 0 and (points[-1] + 1) * 2 < end:
        points.append((points[-1] + 1) * 2 - 1)
    return mpmath.quad(density, [*points, end])


def betas(rng):
    """scipy's beta quantiles and distribution function."""
    shapes = [(0.5, 0.5), (1, 1), (1, 2000), (0.3, 40), (8, 13), (1990, 11), (30_000.5, 70_000.25), (1e6, 5e5)]
    shapes += [tuple(np.round(np.exp(rng.normal(2, 2, 2)), 4)) for _ in range(12)]
    for a, b in shapes:
        for p in [1e-6, 0.025, 0.5, float(rng.random())]:
            x = stats.beta.ppf(p, a, b)
            yield {"p": p, "a": a, "b": b, "x": x, "cdf": stats.beta.cdf(x * 0.9, a, b), "at": x * 0.9}


def binomials(rng):
    """scipy's binomial distribution."""
    for n in [1, 2, 10, 50, 400, 2000, 1_000_000]:
        for p in [0.02, 0.5, float(rng.random())]:
            k = int(rng.binomial(n, p))
            yield {"k": k, "n": n, "p": p, "pmf": stats.binom.pmf(k, n, p), "cdf": stats.binom.cdf(k, n, p)}


def pass_k(rng):
    """Exact fractions of binomial coefficients."""
    draws = [(5, 3), (5, 4), (16, 9), (200, 150), (1000, 990), (1000, 3), *[(20, int(rng.integers(0, 21))) for _ in range(4)]]
    for n, c in draws:
        for k in sorted({1, 2, n // 2, n - 1, n}):
            hat = Fraction(math.comb(c, k), math.comb(n, k))
            at = 1 - Fraction(math.comb(n - c, k), math.comb(n, k))
            yield {"c": c, "n": n, "k": k, "hat": float(hat), "at": float(at)}


def discordant(rng):
    """statsmodels' exact McNemar test; its mid-p by definition from scipy; the odds ratio's ends as odds of its share's."""
    pairs = [(0, 0), (0, 1), (5, 5), (12, 4), (0, 300), (499_000, 500_500), (20, 999_980)]
    pairs += [tuple(rng.integers(0, 60, 2)) for _ in range(20)]
    for b, c in pairs:
        exact = mcnemar([[7, b], [c, 9]], exact=True).pvalue if b + c else 1.0
        low = stats.binom(b + c, 0.5)
        mid = min(1.0, 2 * low.cdf(min(b, c)) - low.pmf(min(b, c))) if b + c else 1.0
        row = {"b": b, "c": c, "exact": exact, "mid": 1.0 if b == c else mid}
        if 0 < b and 0 < c:
            ends = proportion_confint(b, b + c, 0.05, method="beta")
            row["odds"] = [b / c, *(end / (1 - end) for end in ends)]
        yield row


def families(rng):
    """statsmodels' multipletests."""
    for case in range(18):
        p = np.round(rng.random(1 + case) ** rng.integers(1, 5), int(rng.integers(2, 12)))
        row = {"p": p}
        for name in ["holm", "fdr_bh", "fdr_by"]:
            row[name] = multipletests(p, method=name)[1]
        yield row


def tables(rng):
    """statsmodels' kappa and its error; irrCAC's AC1, its error and Fleiss' kappa, which for two raters is
    Scott's pi, at 15 decimals instead of its usual 5."""
    for case in range(24):
        q = 2 + case % 4
        truth = rng.choice(q, rng.integers(15, 300), p=rng.dirichlet(np.full(q, 0.8)))
        first, second = (np.where(rng.random(len(truth)) < 0.8, truth, rng.integers(0, q, len(truth))) for _ in range(2))
        table = np.zeros((q, q), int)
        np.add.at(table, (first, second), 1)
        kappa = cohens_kappa(table)
        assert math.isclose(kappa.kappa, cohen_kappa_score(first, second), rel_tol=1e-12)
        cac = CAC(pd.DataFrame({"first": first, "second": second}), categories=list(range(q)), digits=15)
        gwet = cac.gwet()["est"]
        yield {
            "table": table,
            "agreed": np.trace(table) / table.sum(),
            "kappa": kappa.kappa,
            "kappa_se": kappa.std_kappa,
            "ac1": gwet["coefficient_value"],
            "ac1_se": gwet["se"],
            "pi": cac.fleiss()["est"]["coefficient_value"],
        }


def ratings(rng):
    """krippendorff's nominal alpha, with ratings missing. Subjects are rows, raters columns, -1 is missing."""
    for case in range(20):
        q, raters = 2 + case % 4, 2 + case % 3
        truth = rng.choice(q, rng.integers(8, 40), p=rng.dirichlet(np.full(q, 2.0)))
        given = np.where(rng.random((len(truth), raters)) < 0.7, truth[:, None], rng.integers(0, q, (len(truth), raters)))
        given[rng.random(given.shape) < 0.1 * (case % 3)] = -1
        data = np.where(given < 0, np.nan, given).T
        alpha = krippendorff.alpha(reliability_data=data, level_of_measurement="nominal")
        yield {"categories": q, "ratings": given, "alpha": alpha}


def effects(rng):
    """statsmodels' proportion_effectsize, which is Cohen's h."""
    for p1, p2 in [(0, 1), (1, 1), (0.5, 0.2), *np.round(rng.random((9, 2)), 4)]:
        yield {"p1": p1, "p2": p2, "h": proportion_effectsize(p1, p2)}


def prediction_powered(rng):
    """ppi-python's mean of outcomes with a judge's verdicts, tuned and with lambda 1."""
    for case in range(14):
        n, unlabelled = int(rng.integers(25, 90)), int(rng.integers(100, 350))
        rate, right = rng.uniform(0.2, 0.9), rng.uniform(0.6, 0.95)
        verdict = lambda truth: np.where(rng.random(len(truth)) < right, truth, 1 - truth)
        y = (rng.random(n) < rate).astype(int)
        yhat = verdict(y)
        more = verdict((rng.random(unlabelled) < rate).astype(int))
        level = LEVELS[case % 4]
        for name, lam in [("tuned", None), (1, 1)]:
            arrays = [a.astype(float) for a in (y, yhat, more)]
            point = float(np.squeeze(ppi_mean_pointestimate(*arrays, lam=lam)))
            ci = [float(np.squeeze(end)) for end in ppi_mean_ci(*arrays, alpha=1 - level, lam=lam)]
            yield {"y": y, "yhat": yhat, "yhat_unlabelled": more, "level": level, "lam": name, "point": point, "ci": ci}


FAMILIES = {
    "clustered_se": clustered,
    "components": analysis_of_variance,
    "intervals": intervals,
    "normal": normal,
    "normal_quantiles": normal_quantiles,
    "t_quantiles": t_quantiles,
    "betas": betas,
    "binomials": binomials,
    "pass_k": pass_k,
    "discordant": discordant,
    "families": families,
    "tables": tables,
    "ratings": ratings,
    "effects": effects,
    "ppi": prediction_powered,
}


def plain(value):
    """What JSON knows: numpy's arrays and numbers as lists and numbers, whole numbers without a fraction."""
    if isinstance(value, list | tuple) or np.ndim(value):
        return [plain(v) for v in value]
    if isinstance(value, str):
        return value
    number = float(value)
    assert math.isfinite(number), value
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def main():
    """One case a line, so that a change of one shows as one."""
    warnings.simplefilter("ignore")
    parts = []
    for seed, (name, make) in enumerate(FAMILIES.items()):
        cases = [{key: plain(value) for key, value in case.items()} for case in make(np.random.default_rng([2025, seed]))]
        lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
        parts.append(f"{json.dumps(name)}:[\n{lines}\n]")
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        out.write("{" + ",\n".join(parts) + "}\n")


if __name__ == "__main__":
    main()
