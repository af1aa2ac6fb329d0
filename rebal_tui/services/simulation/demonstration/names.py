"""Fictitious clients for the demonstration book: people, couples, families, trusts and small firms."""

from __future__ import annotations

import random

# fmt: off
_FAMILIES = (
    "Ruiz", "Okafor", "Lindqvist", "Marchetti", "Haddad", "Kowalczyk", "Nakamura", "O'Brien", "Dubois", "Petrov",
    "Osei", "Fernández", "Müller", "Andersson", "Tanaka", "Castellano", "Novák", "Silva", "Costa", "Ahmadi",
    "Bergström", "Moreau", "Kaplan", "Whitfield", "Sørensen", "Papadakis", "Iyer", "Mbeki", "Vargas", "Holloway",
    "Jansen", "Rossi", "Eriksen", "Nguyen", "Adeyemi", "Chaudhry", "Kovács", "Santos", "Becker", "Lefèvre",
    "Yilmaz", "Doyle", "Rahman", "Ivanova", "Quispe", "Thorne", "Banerjee", "Escobar", "Vandenberg", "Abernathy",
    "Mensah", "Björk", "Caruso", "Delgado", "Fitzgerald", "Goldberg", "Hartmann", "Ibáñez", "Kimura", "Langford",
    "Mahlangu", "Navarro", "Oyelaran", "Pellegrini", "Ramaswamy", "Schäfer", "Teixeira", "Underhill", "Vasquez",
    "Wójcik", "Zielinski", "Achterberg", "Brennan", "Çelik", "Drummond", "Esposito", "Farouk", "Gallagher",
    "Hossain", "Jovanović",
)
_GIVEN = (
    "Ana", "Benedict", "Carla", "Dmitri", "Elin", "Farid", "Grace", "Hugo", "Ingrid", "Jamal", "Katarzyna", "Luis",
    "Mei", "Nadia", "Oscar", "Priya", "Quentin", "Rosa", "Samuel", "Tomás", "Ulla", "Viktor", "Wanda", "Xavier",
    "Yasmin", "Zoltan", "Adaeze", "Bruno", "Chloé", "Daniel", "Esther", "Felix", "Giulia", "Hannah", "Ivo",
    "Joanna", "Kwame", "Leila", "Marcus", "Ngozi", "Olivia", "Pavel", "Rafael", "Sofia", "Thomas", "Ursula", "Vera",
    "William", "Agnes", "Björn", "Camille", "Dorothea", "Emeka", "Francesca", "Gareth", "Helena", "Idris",
    "Juliana", "Karim", "Lucía", "Martin", "Noor", "Odile", "Peter", "Renata", "Siobhán", "Tariq", "Valentina",
    "Walter", "Amara", "Björg", "Cedric", "Denise", "Erik", "Fatima", "George", "Hiroshi", "Irene", "Jonas",
    "Keiko", "Lars", "Miriam",
)
_PLACES = (
    "Alder", "Birchwood", "Cedar Point", "Eastgate", "Fairhaven", "Harbor", "Larkspur", "Millbrook", "Northfield",
    "Quarry Hill", "Rosemont", "Stonebridge", "Westbury", "Willow Creek",
)
_FIRMS = (
    "Partners LLC", "Holdings LLC", "Dental Group", "Foundation", "Endowment", "Charitable Fund", "Orchards Inc",
)
# fmt: on


def client_name(rng: random.Random) -> str:
    """A fictitious client name; the same generator state gives the same sequence of names. Names may repeat."""
    family, given = rng.choice(_FAMILIES), rng.choice(_GIVEN)
    kind = rng.randrange(100)
    if kind < 66:
        return f"{family}, {given}"
    if kind < 76:
        return f"{family}, {given} (IRA)"
    if kind < 84:
        return f"{family}, {given} & {rng.choice(_GIVEN)}"
    if kind < 91:
        return f"{family} Family Trust"
    if kind < 95:
        return f"Estate of {given} {family}"
    return f"{rng.choice(_PLACES)} {rng.choice(_FIRMS)}"
