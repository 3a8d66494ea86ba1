"""Sums in words: the five kinds that models are trained on, and further ones that are only asked."""

import re

NAMES = "Mara Tom Ines Paul Lena Omar Ruth Ben Sofia Karl Nadia Leo".split()
THINGS = "apples pencils shells stamps marbles buttons cards tickets stones ribbons".split()


def problem(rng):
    a, b = rng.sample(NAMES, 2)
    thing = rng.choice(THINGS)
    kind = rng.randrange(5)
    if kind == 0:
        x, y, z = rng.randint(12, 60), rng.randint(3, 11), rng.randint(2, 9)
        answer = x - y + z
        return (
            f"{a} has {x} {thing}. {a} gives {y} of them to {b} and finds {z} more. How many {thing} does {a} have now?",
            f"After giving {y} away {a} has {x} - {y} = {x - y}. With {z} more that makes {x - y} + {z} = {answer}.",
            answer,
        )
    if kind == 1:
        x, y = rng.randint(3, 12), rng.randint(4, 15)
        return (
            f"There are {x} boxes with {y} {thing} in each. How many {thing} are there in all?",
            f"{x} boxes of {y} make {x} * {y} = {x * y}.",
            x * y,
        )
    if kind == 2:
        n, each = rng.randint(2, 9), rng.randint(3, 14)
        return (
            f"{a} shares {n * each} {thing} fairly among {n} friends. How many does each friend get?",
            f"Each friend gets {n * each} / {n} = {each}.",
            each,
        )
    if kind == 3:
        price, count = rng.randint(2, 9), rng.randint(3, 8)
        paid = price * count + rng.randint(1, 20)
        return (
            f"{a} buys {count} {thing} for {price} coins each and pays with {paid} coins. How many coins does {a} get back?",
            f"The {thing} cost {count} * {price} = {count * price}. {a} gets {paid} - {count * price} = {paid - count * price} back.",
            paid - count * price,
        )
    x, factor = rng.randint(5, 20), rng.randint(2, 5)
    return (
        f"{a} collected {x} {thing}, and {b} collected {factor} times as many. How many did they collect together?",
        f"{b} collected {factor} * {x} = {factor * x}. Together that is {x} + {factor * x} = {x + factor * x}.",
        x + factor * x,
    )


# --- kinds that no training set has -------------------------------------------------------------------

PEOPLE = (
    "Amara Bilal Chiara Dmitri Esther Farid Greta Hiro Ingrid Jonas Keiko Luca Minh Noor Olga Pablo Quinn "
    "Rosa Samir Tariq Ursula Vera Wen Yusuf Zoe Anton Beatriz Cem Daria Emeka"
).split()
GOODS = (
    "plums candles notebooks tulips mugs sausages bracelets kites lanterns batteries croissants postcards "
    "seedlings spoons cushions puzzles socks badges whistles lemons"
).split()
PLACES = "library bakery harbour stadium workshop orchard theatre museum clinic campsite".split()
ANIMALS = "goats ducks ponies rabbits llamas sheep hens geese".split()


def pick(rng, *ranges):
    return [rng.randint(low, high) for low, high in ranges]


def kinds(rng):
    """One sum of every kind, each a question and its answer."""
    a, b, c = rng.sample(PEOPLE, 3)
    goods, other = rng.sample(GOODS, 2)
    place, animals = rng.choice(PLACES), rng.choice(ANIMALS)

    x, y = pick(rng, (40, 95), (2, 7))
    yield f"A bus leaves the {place} with {x} passengers. At each of {y} stops 5 people get off and nobody gets on. How many are still aboard?", x - 5 * y
    x, y, z = pick(rng, (6, 20), (3, 9), (2, 6))
    yield f"{a} reads {x} pages on every working day and {y} pages on Saturday and on Sunday. What is the total after {z} full weeks?", z * (5 * x + 2 * y)
    x, y = pick(rng, (3, 14), (11, 40))
    yield f"A square field has sides of {x * 5} metres. {b} walks round it once and then {y} metres to the gate. How far is that in metres?", 20 * x + y
    x, y = pick(rng, (4, 19), (3, 15))
    yield f"The floor of a {place} is {x} metres long and {y} metres wide. How many square metres of carpet cover it?", x * y
    x, y = pick(rng, (2, 9), (15, 55))
    yield f"A train starts at 8 o'clock and needs {x} hours and {y} minutes to reach {a}. How many minutes does the ride last?", 60 * x + y
    x, y, z = pick(rng, (50, 90), (5, 15), (1, 4))
    yield f"{a} weighs {x} kilograms, {b} weighs {y} kilograms less, and their rucksacks weigh {z} kilograms each. What do they weigh together with both rucksacks?", 2 * x - y + 2 * z
    x, y = pick(rng, (3, 20), (3, 20))
    yield f"In a yard near the {place} {x} dogs chase {y} hens. How many legs are running about?", 4 * x + 2 * y
    x, y, z = pick(rng, (5, 30), (2, 9), (2, 8))
    yield f"On Monday the {place} sells {x} tickets. Each following day it sells {y} more than the day before. How many does it sell {z} days after Monday?", x + y * z
    x, y = pick(rng, (2, 6), (3, 9))
    yield f"A recipe for {y} people takes {x * y} eggs. {c} cooks for {y + 3}. How many eggs are needed?", x * (y + 3)
    x, y, z = pick(rng, (11, 60), (11, 60), (11, 60))
    total = x + y + z
    yield f"Three shelves hold {x}, {y} and {z} {goods}. {a} takes away {total % 7 + 4}. How many remain on the shelves?", total - total % 7 - 4
    x, y = pick(rng, (3, 12), (2, 8))
    yield f"{b} is {x} years old. In {y} years an aunt will be three times as old as {b} will be then. How old will the aunt be?", 3 * (x + y)
    x, y, z = pick(rng, (2, 9), (2, 9), (3, 12))
    yield f"One crate of {goods} costs {x} euros and one crate of {other} costs {y} euros. What do {z} crates of each cost?", z * (x + y)
    x, y = pick(rng, (5, 19), (3, 9))
    yield f"Water drips from a tap at {y} drops a minute. A bowl is full after {x} minutes. After how many drops does {c} empty it?", x * y
    x, y = pick(rng, (4, 16), (2, 6))
    yield f"{a} saves {x} coins a week, and a grandmother doubles whatever has been saved at the end. How much is there after {y} weeks?", 2 * x * y
    x, y = pick(rng, (10, 45), (2, 5))
    yield f"A rope of {x * y} metres is cut into {y} equal lengths for the {place}. How long is one of them, in metres?", x
    x, y, z = pick(rng, (20, 70), (5, 18), (1, 9))
    yield f"At noon it is {x - 15} degrees in the greenhouse. The temperature rises by {y} and then falls by {z}. What does the thermometer show?", x - 15 + y - z
    x, y, z = pick(rng, (2, 5), (10, 30), (4, 9))
    yield f"{c} runs {x} laps of {y * 10} metres and swims {z} lengths of 25 metres. How many metres are covered altogether?", 10 * x * y + 25 * z
    x, y = pick(rng, (3, 9), (4, 12))
    yield f"In a choir there are {x} rows of {y} singers, but {x - 1} singers are ill. How many sing tonight?", x * y - x + 1
    x, y = pick(rng, (30, 90), (3, 8))
    yield f"Half of the {2 * x} visitors of a {place} pay {y} euros, and the others enter free. How many euros are taken in?", x * y
    x, y, z = pick(rng, (3, 9), (12, 40), (2, 6))
    yield f"A printer makes {y} posters a minute. It runs for {x} minutes, and {z} posters are smudged. How many are good?", x * y - z
    x, y = pick(rng, (2, 8), (3, 11))
    yield f"{a} plants {x} rows of beans with {y} beans in a row; each grows 4 pods. How many pods are there to pick?", 4 * x * y
    x, y, z = pick(rng, (15, 40), (15, 40), (2, 9))
    yield f"{b} scored {x} points in the first round and {y} in the second, but lost {z} for being late. What is the final score?", x + y - z
    x, y = pick(rng, (12, 60), (2, 11))
    yield f"A candle is {x + 12} centimetres tall and burns down by {y} centimetres in an evening. How tall is it after that evening?", x + 12 - y
    x, y, z = pick(rng, (2, 6), (3, 9), (10, 30))
    yield f"A van carries {x} sofas of {10 * y} kilograms and a piano of {10 * z} kilograms. What is the weight of the load?", 10 * (x * y + z)
    x, y = pick(rng, (4, 15), (3, 9))
    yield f"Every {y} days the {place} orders {x} sacks of flour. How many sacks does it order in {y * 6} days?", 6 * x
    x, y = pick(rng, (30, 80), (4, 12))
    yield f"{a} and {b} have {2 * x} {goods} between them, and {a} has {2 * y} more than {b}. How many has {b}?", x - y
    x, y = pick(rng, (3, 25), (2, 6))
    yield f"Think of a number, multiply it by {y} and add {x}: {c} gets {x + y * (x + 2)}. What was the number?", x + 2
    x, y, z = pick(rng, (5, 15), (5, 15), (2, 5))
    yield f"A garden shed needs {x} long nails and {y} short nails for a wall. How many nails do {z} such walls and a door with 12 nails need?", z * (x + y) + 12
    x, y = pick(rng, (6, 24), (2, 5))
    yield f"{a} cycles {x} kilometres an hour for {y} hours and rests; {c} goes half as far. How far do they go in all, in kilometres?", (2 * x * y + x * y) // 2 if x * y % 2 == 0 else None
    x, y, z = pick(rng, (20, 60), (3, 9), (3, 9))
    yield f"Of {x + y + z} {animals} on a farm, {y} are brown, {z} are white and the rest are spotted. How many are spotted?", x


def words(text):
    return frozenset(re.findall(r"[a-z0-9']+", text.lower()))


def further(rng, count, earlier):
    """So many more questions and answers, all kinds in turn; none shares more than four fifths of its
    words with another or with the earlier ones."""
    known, rows = [words(question) for question in earlier], []
    while len(rows) < count:
        for question, answer in kinds(rng):
            mine = words(question)
            if answer is None or any(5 * len(mine & other) > 4 * len(mine | other) for other in known):
                continue
            known.append(mine)
            rows.append((question, answer))
    return rows[:count]
