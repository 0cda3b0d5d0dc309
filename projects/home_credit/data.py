"""Data of the shape of Home Credit's application_train.csv, of any size, from a seed.

The 122 columns have the public file's names, types and order; shares of missing values and of
categories are rounded, round figures of ours stand for everything else. No value comes from the
file. TARGET can be learnt about as well as the real one (AUC around 0.75), mostly from the three
EXT_SOURCE columns. The rows are drawn in blocks, so any number of them fits into memory; fewer rows
of the same seed are the beginning of more.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

BLOCK = 16_384
ROWS = 307_511
DEFAULT_RATE = 0.08
FIRST_ID = 100_001

COLUMNS = Path(__file__).with_name("columns.txt").read_text(encoding="utf-8").split()
BUILDING = [name.removesuffix("_AVG") for name in COLUMNS if name.endswith("_AVG")]
BUILDING_MISSING = (51, 59, 49, 66, 70, 53, 50, 50, 68, 59, 68, 50, 69, 55)
BUREAU = {"HOUR": 0.006, "DAY": 0.007, "WEEK": 0.03, "MON": 0.27, "QRT": 0.27, "YEAR": 1.9}
DOCUMENT_3 = 0.71

CATEGORIES: dict[str, dict[str, float]] = {
    "NAME_CONTRACT_TYPE": {"Cash loans": 90, "Revolving loans": 10},
    "CODE_GENDER": {"F": 66, "M": 33.99, "XNA": 0.01},
    "FLAG_OWN_REALTY": {"Y": 69, "N": 31},
    "NAME_TYPE_SUITE": {"Unaccompanied": 81, "Family": 13, "Spouse, partner": 4, "Children": 1,
                        "Other_B": 0.6, "Other_A": 0.3, "Group of people": 0.1},
    "NAME_EDUCATION_TYPE": {"Secondary / secondary special": 71, "Higher education": 24,
                            "Incomplete higher": 3.4, "Lower secondary": 1.5,
                            "Academic degree": 0.1},
    "NAME_FAMILY_STATUS": {"Married": 64, "Single / not married": 15, "Civil marriage": 10,
                           "Separated": 6, "Widow": 5},
    "NAME_HOUSING_TYPE": {"House / apartment": 89, "With parents": 5, "Municipal apartment": 3.6,
                          "Rented apartment": 1.6, "Office apartment": 0.6,
                          "Co-op apartment": 0.2},
    "OCCUPATION_TYPE": {"Laborers": 26, "Sales staff": 15, "Core staff": 13, "Managers": 10,
                        "Drivers": 9, "High skill tech staff": 5.4, "Accountants": 4.6,
                        "Medicine staff": 4, "Security staff": 3.2, "Cooking staff": 2.8,
                        "Cleaning staff": 2.2, "Private service staff": 1.3,
                        "Low-skill Laborers": 1, "Waiters/barmen staff": 0.6, "Secretaries": 0.6,
                        "Realty agents": 0.4, "HR staff": 0.3, "IT staff": 0.3},
    "WEEKDAY_APPR_PROCESS_START": {"MONDAY": 16.5, "TUESDAY": 17.5, "WEDNESDAY": 17,
                                   "THURSDAY": 16.5, "FRIDAY": 16.5, "SATURDAY": 11, "SUNDAY": 5},
    "FONDKAPREMONT_MODE": {"reg oper account": 76, "reg oper spec account": 12,
                           "not specified": 6, "org spec account": 6},
    "HOUSETYPE_MODE": {"block of flats": 98, "specific housing": 1, "terraced house": 1},
    "WALLSMATERIAL_MODE": {"Panel": 44, "Stone, brick": 43, "Block": 6, "Wooden": 3.6, "Mixed": 1.5,
                           "Monolithic": 1.2, "Others": 0.7},
    "EMERGENCYSTATE_MODE": {"No": 98.5, "Yes": 1.5},
}  # fmt: skip
ORGANIZATIONS = {"Business Entity Type 3": 26, "Self-employed": 15, "Other": 7, "Medicine": 4.5,
                 "Business Entity Type 2": 4, "Government": 4, "School": 3.5, "Trade: type 7": 3,
                 "Kindergarten": 2.7, "Construction": 2.6, "Business Entity Type 1": 2.4,
                 "Transport: type 4": 2, "Industry: type 9": 1.3, "Military": 1, "Police": 0.9,
                 "Bank": 1, "Housing": 1.2, "Postal": 0.9, "Agriculture": 1}  # fmt: skip
MISSING = {"NAME_TYPE_SUITE": 0.004, "OCCUPATION_TYPE": 0.31, "FONDKAPREMONT_MODE": 0.68,
           "HOUSETYPE_MODE": 0.50, "WALLSMATERIAL_MODE": 0.51, "EMERGENCYSTATE_MODE": 0.47,
           "TOTALAREA_MODE": 0.48, "EXT_SOURCE_1": 0.56, "EXT_SOURCE_2": 0.002,
           "EXT_SOURCE_3": 0.20, "AMT_GOODS_PRICE": 0.001}  # fmt: skip

Block = dict[str, Any]


def write(out: Path, rows: int | None = None, seed: int = 42) -> int:
    """Write a CSV file of `rows` rows (None: as many as the public file has); answers them."""
    wanted = ROWS if rows is None else rows
    style = pa.csv.WriteOptions(include_header=False, quoting_style="needed")
    with out.open("wb") as sink:
        sink.write((",".join(COLUMNS) + "\n").encode())
        for first in range(0, wanted, BLOCK):
            table = block(first // BLOCK, seed).slice(0, wanted - first)
            pa.csv.write_csv(table, sink, style)
    return wanted


def block(number: int, seed: int) -> pa.Table:
    """The rows of one block, all 122 columns in the file's order."""
    rng = np.random.default_rng([seed, number])
    drawn: Block = {name: _category(rng, shares) for name, shares in CATEGORIES.items()}
    drawn["SK_ID_CURR"] = FIRST_ID + number * BLOCK + np.arange(BLOCK)
    _person(rng, drawn)
    _loan(rng, drawn)
    _region(rng, drawn)
    _building(rng, drawn)
    _records(rng, drawn)
    _risk(rng, drawn)
    for name, share in MISSING.items():
        drawn[name] = _with_missing(rng, drawn[name], share)
    return pa.table({name: drawn[name] for name in COLUMNS})


def _person(rng: np.random.Generator, drawn: Block) -> None:
    years = np.clip(rng.normal(44, 12, BLOCK), 21, 69)
    retired = rng.random(BLOCK) < 1 / (1 + np.exp(-(years - 58) / 2))
    children = np.minimum(rng.poisson(0.42, BLOCK), 9)
    own_car = rng.random(BLOCK) < 0.34
    works = np.array(["Working", "Commercial associate", "State servant"])
    kind = works[rng.choice(3, BLOCK, p=[0.63, 0.28, 0.09])]
    adults = 1 + np.isin(drawn["NAME_FAMILY_STATUS"], ["Married", "Civil marriage"])
    drawn["DAYS_BIRTH"] = -(years * 365.25).astype(int)
    employed = -(rng.gamma(1.2, 1900, BLOCK)).astype(int)
    drawn["DAYS_EMPLOYED"] = np.where(retired, 365_243, np.maximum(employed, drawn["DAYS_BIRTH"]))
    drawn["NAME_INCOME_TYPE"] = np.where(retired, "Pensioner", kind)
    drawn["ORGANIZATION_TYPE"] = np.where(retired, "XNA", _category(rng, ORGANIZATIONS))
    drawn["FLAG_EMP_PHONE"] = (~retired).astype(int)
    drawn["CNT_CHILDREN"] = children
    drawn["CNT_FAM_MEMBERS"] = (adults + children).astype(float)
    drawn["FLAG_OWN_CAR"] = np.where(own_car, "Y", "N")
    age = pa.array(rng.gamma(1.6, 7.5, BLOCK).astype(int).astype(float), mask=~own_car)
    drawn["OWN_CAR_AGE"] = age
    higher = np.isin(drawn["NAME_EDUCATION_TYPE"], ["Higher education", "Academic degree"])
    income = np.exp(rng.normal(11.8, 0.45, BLOCK) + 0.25 * higher - 0.2 * retired)
    drawn["AMT_INCOME_TOTAL"] = np.round(income / 4500) * 4500 + 4500


def _loan(rng: np.random.Generator, drawn: Block) -> None:
    wish = np.exp(rng.normal(12.9, 0.65, BLOCK)) * (drawn["AMT_INCOME_TOTAL"] / 150_000) ** 0.4
    price = np.clip(np.round(wish / 4500) * 4500, 45_000, 4_050_000)
    credit = np.round(price * rng.uniform(1.0, 1.3, BLOCK) * 2) / 2
    years = rng.uniform(10, 36, BLOCK)
    drawn["AMT_GOODS_PRICE"] = price
    drawn["AMT_CREDIT"] = credit
    drawn["AMT_ANNUITY"] = np.round(credit / years * 1.15 * 2) / 2


def _region(rng: np.random.Generator, drawn: Block) -> None:
    rating = rng.choice(3, BLOCK, p=[0.10, 0.74, 0.16]) + 1
    drawn["REGION_RATING_CLIENT"] = rating
    drawn["REGION_RATING_CLIENT_W_CITY"] = rating
    drawn["REGION_POPULATION_RELATIVE"] = np.round(rng.beta(2, 70, BLOCK) + 0.02 / rating, 6)
    drawn["HOUR_APPR_PROCESS_START"] = np.clip(rng.normal(12, 3.3, BLOCK), 0, 23).astype(int)
    flags = {"REG_REGION_NOT_LIVE_REGION": 0.015, "REG_REGION_NOT_WORK_REGION": 0.05,
             "LIVE_REGION_NOT_WORK_REGION": 0.04, "REG_CITY_NOT_LIVE_CITY": 0.08,
             "REG_CITY_NOT_WORK_CITY": 0.23, "LIVE_CITY_NOT_WORK_CITY": 0.18,
             "FLAG_MOBIL": 0.99999, "FLAG_WORK_PHONE": 0.20, "FLAG_CONT_MOBILE": 0.998,
             "FLAG_PHONE": 0.28, "FLAG_EMAIL": 0.057}  # fmt: skip
    drawn |= {name: _flag(rng, share) for name, share in flags.items()}


def _building(rng: np.random.Generator, drawn: Block) -> None:
    # One building's figures are known or unknown together, mostly.
    known = rng.random(BLOCK)
    for name, missing in zip(BUILDING, BUILDING_MISSING, strict=True):
        mean = np.round(rng.beta(1.5, 10, BLOCK), 4)
        unknown = known < missing / 100
        for kind, shift in {"AVG": 0.0, "MODE": 0.004, "MEDI": 0.001}.items():
            drawn[f"{name}_{kind}"] = pa.array(np.round(mean * (1 + shift), 4), mask=unknown)
    drawn["TOTALAREA_MODE"] = np.round(rng.beta(1.3, 11, BLOCK), 4)


def _records(rng: np.random.Generator, drawn: Block) -> None:
    drawn["DAYS_REGISTRATION"] = -rng.gamma(2.0, 2500, BLOCK).astype(int).astype(float)
    drawn["DAYS_ID_PUBLISH"] = -rng.integers(0, 6200, BLOCK)
    drawn["DAYS_LAST_PHONE_CHANGE"] = -rng.gamma(1.2, 800, BLOCK).astype(int).astype(float)
    unknown = rng.random(BLOCK) < 0.003
    for days, share in ((30, 0.10), (60, 0.07)):
        seen = rng.poisson(1.4, BLOCK)
        drawn[f"OBS_{days}_CNT_SOCIAL_CIRCLE"] = pa.array(seen.astype(float), mask=unknown)
        bad = rng.binomial(seen, share).astype(float)
        drawn[f"DEF_{days}_CNT_SOCIAL_CIRCLE"] = pa.array(bad, mask=unknown)
    for number in range(2, 22):
        drawn[f"FLAG_DOCUMENT_{number}"] = _flag(rng, DOCUMENT_3 if number == 3 else 0.006)
    unknown = rng.random(BLOCK) < 0.135
    for unit, mean in BUREAU.items():
        asked = rng.poisson(mean, BLOCK).astype(float)
        drawn[f"AMT_REQ_CREDIT_BUREAU_{unit}"] = pa.array(asked, mask=unknown)


def _risk(rng: np.random.Generator, drawn: Block) -> None:
    """Scores of three bureaus that see the risk through noise, and who defaulted."""
    age = (drawn["DAYS_BIRTH"] / -365.25 - 44) / 12
    employed = np.maximum(-drawn["DAYS_EMPLOYED"], 0) / 365.25
    job = np.where(employed > 0, np.log1p(employed) - 1.6, 0.0)
    higher = drawn["NAME_EDUCATION_TYPE"] == "Higher education"
    burden = np.log(drawn["AMT_ANNUITY"] / drawn["AMT_INCOME_TOTAL"]) + 1.8
    known = -0.30 * age - 0.30 * job - 0.30 * higher + 0.15 * burden
    known = known + 0.25 * (drawn["CODE_GENDER"] == "M")
    hidden = rng.normal(0, 1.2, BLOCK)
    for name, noise in (("EXT_SOURCE_1", 0.9), ("EXT_SOURCE_2", 1.0), ("EXT_SOURCE_3", 0.9)):
        seen = 0.4 - 0.8 * (known + hidden) + rng.normal(0, noise, BLOCK)
        drawn[name] = np.round(1 / (1 + np.exp(-0.8 * seen)), 12)
    odds = np.log(DEFAULT_RATE / (1 - DEFAULT_RATE)) - 0.58 + known + hidden
    drawn["TARGET"] = (rng.random(BLOCK) < 1 / (1 + np.exp(-odds))).astype(int)


def _category(rng: np.random.Generator, shares: dict[str, float]) -> Any:
    weights = np.array(list(shares.values()))
    return np.array(list(shares))[rng.choice(len(weights), BLOCK, p=weights / weights.sum())]


def _flag(rng: np.random.Generator, share: float) -> Any:
    return (rng.random(BLOCK) < share).astype(int)


def _with_missing(rng: np.random.Generator, values: Any, share: float) -> Any:
    return pa.array(values, mask=rng.random(BLOCK) < share)
