"""The E-model a second time, from the formulas of G.107 alone: the same R to 1e-6 over the whole permitted range.

Usage: emodel_reference.py PROGRAM, which is built from emodel_rates.c.
"""

import math
import random
import subprocess
import sys

# In the order of emodel_options.
RANGES = {
    "SLR": (0, 18), "RLR": (-5, 14), "STMR": (10, 20), "Ds": (-3, 3), "Dr": (-3, 3), "TELR": (5, 65), "WEPL": (5, 110),
    "qdu": (1, 14), "Nc": (-80, -40), "Nfor": (-70, -50), "Ps": (35, 85), "Pr": (35, 85), "A": (0, 20),
    "mT": (100, 150), "sT": (0.4, 1),
    "Ta": (0, 500), "T": (0, 500), "Tr": (0, 1000), "Ie": (0, 40), "Bpl": (4.3, 40), "Ppl": (0, 20), "BurstR": (1, 8),
}
DEFAULTS = dict(SLR=8, RLR=2, STMR=15, Ds=3, Dr=3, TELR=65, WEPL=110, qdu=1, Nc=-70, Nfor=-64, Ps=35, Pr=35, A=0,
                mT=100, sT=1, Ta=0, T=0, Tr=0, Ie=0, Bpl=4.3, Ppl=0, BurstR=1)


def basic_signal_to_noise(v):
    olr = v["SLR"] + v["RLR"]
    lstr = v["STMR"] + v["Dr"]
    nos = v["Ps"] - v["SLR"] - v["Ds"] - 100 + 0.004 * (v["Ps"] - olr - v["Ds"] - 14) ** 2
    pre = v["Pr"] + 10 * math.log10(1 + 10 ** ((10 - lstr) / 10))
    nor = v["RLR"] - 121 + pre + 0.008 * (pre - 35) ** 2
    no = 10 * math.log10(sum(10 ** (one / 10) for one in (v["Nc"], nos, nor, v["Nfor"] + v["RLR"])))
    return no, 15 - 1.5 * (v["SLR"] + no)


def simultaneous(v, no, ro):
    xolr = v["SLR"] + v["RLR"] + 0.2 * (64 + no - v["RLR"])
    iolr = 20 * ((1 + (xolr / 8) ** 8) ** (1 / 8) - xolr / 8)
    stmro = -10 * math.log10(10 ** (-v["STMR"] / 10) + math.exp(-v["T"] / 4) * 10 ** (-v["TELR"] / 10))
    ist = (12 * (1 + ((stmro - 13) / 6) ** 8) ** (1 / 8) - 28 * (1 + ((stmro + 1) / 19.4) ** 35) ** (1 / 35)
           - 13 * (1 + ((stmro - 3) / 33) ** 13) ** (1 / 13) + 29)
    q = 37 - 15 * math.log10(v["qdu"])
    g = 1.07 + 0.258 * q + 0.0602 * q ** 2
    iq = 15 * math.log10(1 + 10 ** ((ro - 100) / 15 + 46 / 8.4 - g / 9) + 10 ** (46 / 30 - g / 40))
    return iolr + ist + iq


def delay(v, no, ro):
    idte = 0
    if v["T"] >= 1:
        terv = v["TELR"] - 40 * math.log10((1 + v["T"] / 10) / (1 + v["T"] / 150)) + 6 * math.exp(-0.3 * v["T"] ** 2)
        x = (-1.5 * (no - v["RLR"]) - (80 + 2.5 * (terv - 14))) / 2
        idte = (x + math.sqrt(x * x + 100) - 1) * (1 - math.exp(-v["T"]))
    y = (ro - 10.5 * (v["WEPL"] + 7) * (v["Tr"] + 1) ** -0.25) / 2
    idle = y + math.sqrt(y * y + 169)
    idd = 0
    if v["Ta"] > v["mT"]:
        x = math.log10(v["Ta"] / v["mT"]) / math.log10(2)
        n = 6 * v["sT"]
        idd = 25 * ((1 + x ** n) ** (1 / n) - 3 * (1 + (x / 3) ** n) ** (1 / n) + 2)
    return idte + idle + idd


def rate(v):
    no, ro = basic_signal_to_noise(v)
    ie_eff = v["Ie"] + (95 - v["Ie"]) * v["Ppl"] / (v["Ppl"] / v["BurstR"] + v["Bpl"])
    return ro - simultaneous(v, no, ro) - delay(v, no, ro) - ie_eff + v["A"]


def corners_and_points(n):
    chance = random.Random(107)
    yield dict(DEFAULTS)
    for name, ends in RANGES.items():
        for end in ends:
            yield {**DEFAULTS, name: end}
    for _ in range(n):
        # Now and then an end of the range: that is where cases differ.
        yield {name: chance.choice(ends) if chance.random() < 0.1 else chance.uniform(*ends)
               for name, ends in RANGES.items()}


def main():
    points = list(corners_and_points(20000))
    text = "".join(" ".join(repr(float(point[name])) for name in RANGES) + "\n" for point in points)
    answer = subprocess.run([sys.argv[1]], input=text, capture_output=True, text=True, check=True, timeout=100)
    rates = [float(line) for line in answer.stdout.split()]
    assert len(rates) == len(points), f"{len(rates)} answers to {len(points)} calls"
    assert abs(rate(DEFAULTS) - 93.20620772) < 1e-8
    worst = max(((abs(r - rate(point)), point) for r, point in zip(rates, points)), key=lambda pair: pair[0])
    print(f"{len(points)} calls, R from {min(rates):.1f} to {max(rates):.1f}; largest difference {worst[0]:.1e}")
    assert worst[0] < 1e-6, worst


main()
