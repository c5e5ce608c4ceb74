"""Comparing the headers of a file with the names of things: case, accents, signs, word order and usual synonyms do not count."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from xrm_core.kernel.text import fold

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W_]+")
_CUSTOM = re.compile(r"(__c|__pc)$", re.IGNORECASE)
_FILLER = frozenset("the a an of der die das des den du la le les de of in for is".split())

# Words for the same thing, without blanks; the first is the plain one. About people, places and records in general.
_GROUPS: tuple[str, ...] = (
    "email mail emailaddress mailaddress emailadresse mailadresse emailid primaryemail workemail courriel correo",
    "phone telephone tel phonenumber telephonenumber telefon telefonnummer primaryphone mobile mobilephone mobilenumber"
    " cell cellphone handy mobil mobiltelefon",
    "name fullname displayname title bezeichnung",
    "first firstname givenname forename vorname prenom",
    "last lastname surname familyname nachname familienname nom",
    "middle middlename zweitername",
    "prefix salutation anrede titel",
    "street streetaddress address1 addressline1 addressstreet strasse mailingstreet billingstreet",
    "postcode zip zipcode postalcode plz postleitzahl mailingpostalcode billingpostalcode",
    "city town ort stadt mailingcity billingcity locality",
    "region state province county bundesland mailingstate billingstate",
    "country land mailingcountry billingcountry countrycode",
    "address adresse anschrift postaladdress fulladdress",
    "website url web homepage websiteurl webseite internet www site",
    "created createdat createddate datecreated createdon creationdate erstellt erstelltam angelegt dateadded addedon",
    "owner ownername owneremail recordowner besitzer zustaendig",
    "stage status phase pipelinestage stagename state",
    "externalid recordid legacyid uniqueid systemid",
    "notes note comments comment remarks remark bemerkung bemerkungen notizen kommentar",
    "description desc details beschreibung",
    "linkedin linkedinurl linkedinprofile linkedinprofileurl",
    "birthday birthdate dateofbirth dob geburtsdatum geburtstag",
    "language languages sprache sprachen",
    "tags tag labels keywords schlagworte",
    "amount value betrag wert",
    "currency currencycode waehrung currencyisocode",
    "startdate start startson begin beginn startdatum",
    "enddate end endson ende enddatum",
    "industry sector branche",
    "source leadsource origin quelle herkunft",
    "vatnumber taxno taxnumber taxid vatid ustid",
)
_SAME: dict[str, str] = {}
for _group in _GROUPS:
    _words = _group.split()
    for _word in _words:
        _SAME.setdefault(_word, _words[0])


def words_of(text: str) -> tuple[str, ...]:
    """The folded words of a header: "E-Mail__c" is (e, mail), "firstName" is (first, name)."""
    plain = _CUSTOM.sub("", text.strip())
    spaced = plain if plain.isupper() else _CAMEL.sub(" ", plain)
    return tuple(_WORD.findall(fold(spaced).replace("ß", "ss").replace("ä", "a")))


def squashed(text: str) -> str:
    """The words without blanks and fillers."""
    words = words_of(text)
    return "".join(word for word in words if word not in _FILLER) or "".join(words)


def canonical(text: str) -> str:
    """The plain word for what a header says; equal for synonyms."""
    key = squashed(text)
    return _SAME.get(key, key)


def likeness(header: str, names: Iterable[str], around: Iterable[str] = ()) -> float:
    """How surely a header means a thing that has these names, from 0 to 1; `around` are names of the thing it belongs to."""
    wanted = squashed(header)
    if not wanted:
        return 0.0
    found = 0.0
    same = canonical(header)
    for name in names:
        known = squashed(name)
        if not known:
            continue
        if wanted == known:
            return 1.0
        if same == canonical(name):
            found = max(found, 0.9)
        else:
            bare = without(wanted, around)
            if bare and (bare == known or _SAME.get(bare, bare) == canonical(name)):
                found = max(found, 0.85 if bare == known else 0.8)
            elif len(known) > 5 and len(wanted) > 5:
                ratio = difflib.SequenceMatcher(None, wanted, known).ratio()
                if ratio > 0.87:
                    found = max(found, ratio * 0.8)
    return found


def without(wanted: str, around: Iterable[str]) -> str:
    """A squashed header without the name of what it belongs to: "companyname" about companies is "name"."""
    for other in around:
        key = squashed(other)
        if key and wanted.startswith(key) and len(wanted) > len(key):
            return wanted[len(key) :]
        if len(key) > 3 and wanted.endswith(key) and len(wanted) > len(key):
            return wanted[: -len(key)]
    return ""
